//! The store of a rebuild: empty, elsewhere, and gone afterwards.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_store::{Creation, Durability, Scratch, Store};

use crate::Failure;
use crate::project::{make_dir, open_dir};
use crate::units::Bytes;

/// A file system in memory that most machines let everybody write to.
const MEMORY: &str = "/dev/shm";
/// What directories of rebuilds are called, before the number of their process.
const PREFIX: &str = "kit-verify-";
/// What is added to that for directories in which [`lists_by_creation`] makes names.
const TRIALS: [&str; 2] = ["forwards", "backwards"];
/// The type of a file system in memory, `TMPFS_MAGIC` of `linux/magic.h`.
const TMPFS: u64 = 0x0102_1994;

/// Where a rebuild takes place.
#[derive(Debug)]
pub(crate) struct Place {
    dir: Dir,
    path: PathBuf,
    /// In the first store, where that is the only place.
    _scratch: Option<Scratch>,
    /// Why it isn't on another kind of file system than the first store, if it isn't.
    pub(crate) same_file_system: Option<String>,
    /// Whether directories list what is in them by when it was made.
    pub(crate) lists_by_creation: bool,
}

/// A store that goes away.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    store: Option<Store>,
    parent: Dir,
    name: String,
}

impl Place {
    /// Takes the directory that is named, or one in memory when there is room for `needed` bytes, or the first store's own.
    pub(crate) fn choose(first: &Store, named: Option<&Path>, needed: u64) -> Result<Self, Failure> {
        let own = open_dir(first.path())?;
        let mut no_memory = None;
        let (dir, path, scratch) = if let Some(path) = named {
            (make_dir(path)?, path.to_owned(), None)
        } else {
            match memory(needed) {
                Ok(dir) => (dir, PathBuf::from(MEMORY), None),
                Err(why) => {
                    no_memory = Some(why);
                    let scratch = first.scratch()?;
                    (open_dir(scratch.path())?, scratch.path().to_owned(), Some(scratch))
                }
            }
        };
        let same_file_system = (kind(&dir) == kind(&own)).then(|| {
            let why = no_memory.unwrap_or_else(|| "the rebuild is on the same kind as the store".to_owned());
            format!("{why}; `--work DIR` names another place")
        });
        let lists_by_creation =
            lists_by_creation(&dir).map_err(|source| failed("write to", &path, source))?;
        Ok(Self { dir, path, _scratch: scratch, same_file_system, lists_by_creation })
    }

    /// Makes an empty store there.
    pub(crate) fn make_store(&self, creation: Creation) -> Result<Elsewhere, Failure> {
        sweep(&self.dir);
        let name = format!("{PREFIX}{}", std::process::id());
        let path = self.path.join(&name);
        self.dir.create_dir(&name).map_err(|source| failed("make", &path, source))?;
        let parent = self.dir.try_clone().map_err(|source| failed("open", &self.path, source))?;
        let mut elsewhere = Elsewhere { store: None, parent, name };
        let store = Store::open_with(open_dir(&path)?, path, Durability::Kill, &mut || ())?;
        elsewhere.store = Some(store.with_creation(creation));
        Ok(elsewhere)
    }
}

impl Elsewhere {
    /// Returns the store.
    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("because it only goes with this")
    }

    /// Lets the store stay where it is; returns its path.
    pub(crate) fn keep(mut self) -> PathBuf {
        let store = self.store.take().expect("because it only goes with this");
        store.path().to_owned()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            // What can't be removed now is swept by a later rebuild.
            _ = store.remove();
            _ = self.parent.remove_dir(&self.name);
        }
    }
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Failure {
    Failure::File { action, path: path.to_owned(), source }
}

/// Opens the directory in memory, or says why that can't be worked in.
fn memory(needed: u64) -> Result<Dir, String> {
    let absent = |_| format!("`{MEMORY}` cannot be opened");
    let dir = open_dir(Path::new(MEMORY)).map_err(absent)?;
    let stat =
        rustix::fs::fstatvfs(&dir).map_err(|_| format!("`{MEMORY}` does not say how much room it has"))?;
    let room = stat.f_bavail.saturating_mul(stat.f_frsize);
    if kind(&dir) != Some(TMPFS) {
        Err(format!("`{MEMORY}` is not in memory"))
    } else if room <= needed {
        Err(format!("`{MEMORY}` has room for {}, and {} may be needed", Bytes(room), Bytes(needed)))
    } else {
        Ok(dir)
    }
}

/// The kind of file system that a directory is on.
fn kind(dir: &Dir) -> Option<u64> {
    u64::try_from(rustix::fs::fstatfs(dir).ok()?.f_type).ok()
}

/// Makes the same names in both orders and looks whether they are listed the same.
fn lists_by_creation(dir: &Dir) -> std::io::Result<bool> {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let listed = |suffix: &str, names: &mut dyn Iterator<Item = &str>| -> std::io::Result<Vec<_>> {
        let place = format!("{PREFIX}{}.{suffix}", std::process::id());
        dir.create_dir(&place)?;
        let work = || {
            let place = dir.open_dir(&place)?;
            for name in names {
                place.create(name)?;
            }
            place.entries()?.map(|entry| Ok(entry?.file_name())).collect()
        };
        let found = work();
        dir.remove_dir_all(&place)?;
        found
    };
    let [forwards, backwards] = TRIALS;
    Ok(listed(forwards, &mut NAMES.into_iter())? != listed(backwards, &mut NAMES.into_iter().rev())?)
}

/// Removes what was left by processes that are gone.
fn sweep(dir: &Dir) {
    let Ok(entries) = dir.entries() else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let (pid, trial) = rest.split_once('.').map_or((rest, None), |(pid, trial)| (pid, Some(trial)));
        let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) else { continue };
        if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            match trial {
                None => remove(dir, &name),
                Some(trial) if TRIALS.contains(&trial) => _ = dir.remove_dir_all(&name),
                Some(_) => {}
            }
        }
    }
}

/// Removes a store, unless it isn't ours.
fn remove(parent: &Dir, name: &str) {
    let Ok(dir) = parent.open_dir(name) else { return };
    let Ok(store) = Store::open_with(dir, name, Durability::Kill, &mut || ()) else { return };
    if store.remove().is_ok() {
        _ = parent.remove_dir(name);
    }
}
