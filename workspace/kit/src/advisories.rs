//! Advisories as others publish them: zips, directories and files on this machine, and what is at addresses, which is fetched before.

use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_audit::advisories::{AdvisoryError, Builder, Release, Snapshot, Wanted};
use kit_build::lock::upstream::watched;
use kit_build::network::Network;
use kit_format::Limits;
use kit_format::zip::{is_zip, read_zip};
use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Advisories;
use kit_source::http;
use kit_store::{Scratch, Store};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, Entry};

use crate::Failure;
use crate::context::Context;
use crate::places::places;
use crate::progress::Progress;
use crate::project::{absolute, open_dir, open_file, read_file};
use crate::units::Bytes;

/// The longest file that is read whole, in bytes: the security tracker has some 70 MB.
const LONGEST: u64 = 512 << 20;
/// How deep directories are looked into.
const DEEPEST: usize = 8;
/// What snapshots begin with.
const SNAPSHOT: &[u8] = b"kit:advisories:";

/// What advisories from elsewhere may cost, in a zip.
const LIMITS: Limits = Limits { total_bytes: 2 << 30, file_bytes: LONGEST, ..Limits::standard() };

/// Advisories that people name.
#[derive(Debug)]
pub(crate) struct Named {
    /// How people name them.
    shown: PathBuf,
    /// Where they are on this machine.
    path: PathBuf,
    /// Holds what was fetched.
    _fetched: Option<Scratch>,
}

impl Named {
    /// Takes a path as it is; fetches what is at an address.
    pub(crate) fn at(context: &Context, store: &Store, name: &Path) -> Result<Self, Failure> {
        let Some(address) = name.to_str().filter(|name| name.contains("://")) else {
            return Ok(Self { shown: name.to_owned(), path: name.to_owned(), _fetched: None });
        };
        let (progress, network) = (Progress::new(&context.output), Network::new(places(context)?, store));
        let shown = http::shown(address);
        let fetched = watched(&progress, &shown, |bytes| network.fetch_unknown(address, LONGEST, bytes));
        progress.finish();
        let (scratch, path, digests) = fetched?;
        let size = Bytes(digests.size);
        context.output.say(&format!("{shown}: {size}, sha256 {}\n", digests.sha256));
        Ok(Self { shown: shown.into(), path, _fetched: Some(scratch) })
    }
}

/// Takes what is named, each a path or an address; what `[advisories] from` of the project names where nothing is.
pub(crate) fn named(context: &Context, store: &Store, names: &[String]) -> Result<Vec<Named>, Failure> {
    if !names.is_empty() {
        return names.iter().map(|name| Named::at(context, store, Path::new(name))).collect();
    }
    let project = context.project()?;
    let names = &project.settings().advisories.from;
    if names.is_empty() {
        return Err(Failure::NoneNamed);
    }
    let place = |name: &String| {
        if name.contains("://") { PathBuf::from(name) } else { project.path().join(name) }
    };
    names.iter().map(|name| Named::at(context, store, &place(name))).collect()
}

/// What a path turned out to hold.
pub(crate) enum Published {
    /// Records, which the builder has now.
    Records,
    /// A snapshot that was made before.
    Snapshot(Box<Snapshot>),
}

/// Reads advisories: a zip or a directory of OSV's records, one of them, what Debian's security tracker publishes, or a
/// snapshot.
pub(crate) fn published(
    named: &Named,
    release: &Release,
    wanted: &Wanted,
    builder: &mut Builder,
) -> Result<Published, Failure> {
    let (path, shown) = (named.path.as_path(), &named.shown);
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| Failure::Advisories {
        path: Some(shown.clone()),
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
    if start.trim_ascii_start().starts_with(b"<") {
        return Err(broken(Box::new(Page)));
    }
    file(&shown.display().to_string(), &bytes, builder).map_err(|error| broken(Box::new(error)))?;
    Ok(Published::Records)
}

/// A site answers with a page where it has nothing else to say.
#[derive(Debug, thiserror::Error)]
#[error("it is a page for browsers, neither a zip nor JSON")]
struct Page;

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
    let tree = read_zip(BufReader::new(archive), &blobs, &LIMITS)?;
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
pub(crate) fn pin(store: &Store, lock: &Lockfile, all: &[Named]) -> Result<Option<Advisories>, Failure> {
    let mut suites = lock.suites.keys();
    let release = suites.find_map(|suite| Release::of_codename(suite.split('-').next().unwrap_or(suite)));
    let Some(release) = release else { return Err(Failure::NoRelease) };
    let mut builder = Builder::new(release.clone(), Wanted::Everything);
    let mut snapshot = None;
    for named in all {
        if let Published::Snapshot(found) = published(named, &release, &Wanted::Everything, &mut builder)? {
            snapshot = Some(*found);
        }
    }
    let snapshot = snapshot.unwrap_or_else(|| builder.finish());
    if snapshot.packages().next().is_none() {
        let names: Vec<_> = all.iter().map(|named| named.shown.display().to_string()).collect();
        return Err(Failure::AdvisoriesOfOthers { names, release: release.to_string() });
    }
    let bytes = snapshot.to_bytes();
    let (blob, sha256) = (store.put_bytes(&bytes)?, Sha256::of(&bytes));
    store.put_sha256(&sha256, &blob)?;
    let date = snapshot.date().map_or(0, |date| u64::from(date.seconds()));
    Ok(Some(Advisories { sha256, date }))
}
