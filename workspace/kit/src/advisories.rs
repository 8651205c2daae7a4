//! Advisories as others publish them, on this machine: zips, directories, files.

use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_audit::advisories::{AdvisoryError, Builder, Release, Snapshot, Wanted};
use kit_format::Limits;
use kit_format::zip::{is_zip, read_zip};
use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Advisories;
use kit_store::Store;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, Entry};

use crate::Failure;
use crate::project::{absolute, open_dir, open_file, read_file};

/// The longest file that is read whole, in bytes: the security tracker has some 70 MB.
const LONGEST: u64 = 512 << 20;
/// How deep directories are looked into.
const DEEPEST: usize = 8;
/// What snapshots begin with.
const SNAPSHOT: &[u8] = b"kit:advisories:";

/// What a path turned out to hold.
pub(crate) enum Published {
    /// Records, which the builder has now.
    Records,
    /// A snapshot that was made before.
    Snapshot(Box<Snapshot>),
}

/// Reads the advisories at a path: a zip or a directory of OSV's records, one of them, what Debian's security tracker publishes, or a
/// snapshot.
pub(crate) fn published(
    path: &Path,
    release: &Release,
    wanted: &Wanted,
    builder: &mut Builder,
) -> Result<Published, Failure> {
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| Failure::Advisories {
        path: Some(path.to_owned()),
        source,
    };
    let full = absolute(path)?;
    if full.is_dir() {
        directory(&open_dir(&full)?, "", 0, builder).map_err(broken)?;
        return Ok(Published::Records);
    }
    let mut start = Vec::new();
    open_file(path)?.take(64).read_to_end(&mut start).map_err(|source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    if is_zip(&start) {
        zip(path, builder).map_err(broken)?;
        return Ok(Published::Records);
    }
    let bytes = read_file(path, LONGEST)?;
    if start.starts_with(SNAPSHOT) {
        let snapshot = Snapshot::read(&bytes, release, wanted).map_err(|error| broken(Box::new(error)))?;
        return Ok(Published::Snapshot(Box::new(snapshot)));
    }
    file(&path.display().to_string(), &bytes, builder).map_err(|error| broken(Box::new(error)))?;
    Ok(Published::Records)
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Takes a file of JSON: a record of OSV has an `id` on top, the tracker has source packages there.
fn file(name: &str, bytes: &[u8], builder: &mut Builder) -> Result<(), AdvisoryError> {
    if is_record(bytes) { builder.osv(name, bytes) } else { builder.tracker(name, bytes, None) }
}

/// Whether the keys that a text begins with are those of a record.
fn is_record(bytes: &[u8]) -> bool {
    const KEYS: [&str; 6] =
        ["\"id\"", "\"schema_version\"", "\"modified\"", "\"affected\"", "\"summary\"", "\"details\""];
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]).into_owned();
    let first = start.trim_start_matches(|c: char| c.is_whitespace() || c == '{' || c == '\u{feff}');
    KEYS.iter().any(|key| first.starts_with(key))
}

fn directory(dir: &Dir, above: &str, depth: usize, builder: &mut Builder) -> Result<(), AnyError> {
    let mut names: Vec<_> =
        dir.entries()?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    names.sort();
    for name in names {
        let shown = format!("{above}{}", name.to_string_lossy());
        let metadata = dir.symlink_metadata(&name)?;
        if metadata.is_dir() && depth < DEEPEST {
            directory(&dir.open_dir(&name)?, &format!("{shown}/"), depth + 1, builder)?;
        } else if metadata.is_file() && is_json(shown.as_bytes()) {
            let mut bytes = Vec::new();
            dir.open(&name)?.take(LONGEST).read_to_end(&mut bytes)?;
            file(&shown, &bytes, builder)?;
        }
    }
    Ok(())
}

/// Whether a name is that of a file of JSON.
fn is_json(name: &[u8]) -> bool {
    name.len() > 5 && name[name.len() - 5..].eq_ignore_ascii_case(b".json")
}

fn zip(path: &Path, builder: &mut Builder) -> Result<(), AnyError> {
    let blobs = MemoryBlobs::new();
    let archive = open_file(path).map_err(Box::new)?;
    let tree = read_zip(BufReader::new(archive), &blobs, &Limits::standard())?;
    for (path, entry) in tree.entries() {
        if let Entry::File { blob, .. } = entry
            && is_json(path.as_bytes())
        {
            file(&path.to_string(), &blobs.read(blob, LONGEST)?, builder)?;
        }
    }
    Ok(())
}

/// Takes a snapshot of the advisories for the release that a lockfile is of into the store, and returns its pin. All packages are in it, so
/// that the same advisories have one snapshot for all images.
pub(crate) fn pin(store: &Store, lock: &Lockfile, paths: &[PathBuf]) -> Result<Option<Advisories>, Failure> {
    let mut suites = lock.suites.keys();
    let release = suites.find_map(|suite| Release::of_codename(suite.split('-').next().unwrap_or(suite)));
    let Some(release) = release else { return Err(Failure::NoRelease) };
    let mut builder = Builder::new(release.clone(), Wanted::Everything);
    let mut snapshot = None;
    for path in paths {
        if let Published::Snapshot(found) = published(path, &release, &Wanted::Everything, &mut builder)? {
            snapshot = Some(*found);
        }
    }
    let snapshot = snapshot.unwrap_or_else(|| builder.finish());
    let bytes = snapshot.to_bytes();
    let (blob, sha256) = (store.put_bytes(&bytes)?, Sha256::of(&bytes));
    store.put_sha256(&sha256, &blob)?;
    let date = snapshot.date().map_or(0, |date| u64::from(date.seconds()));
    Ok(Some(Advisories { sha256, date }))
}
