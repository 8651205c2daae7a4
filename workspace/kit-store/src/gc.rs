//! Collection: removes what nothing keeps.
//!
//! It holds the store's exclusive lock, so nobody reads or writes meanwhile. What leads to other things is removed before
//! them, so a crash on the way leaves no reference to something that is gone. Roots themselves are never touched.

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;
use std::time::SystemTime;

use kit_hash::{BlobId, ResolvedId, TreeId};
use rustix::fs::{FlockOperation, Stat, flock};

use crate::blob::{PROGRAM_SUFFIX, decode_name};
use crate::error::At as _;
use crate::fan_out::FanOut;
use crate::lock::Wait;
use crate::reach::Reach;
use crate::record::decode_memo;
use crate::{Item, Store, StoreError, disk};

/// What is kept besides all that roots lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    RootsOnly,
    /// Records read or written since then with all they lead to, and single things put or linked since then.
    UsedSince(SystemTime),
}

/// What happens to what nothing keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// It is removed.
    Remove,
    /// It is only counted and reported.
    List,
}

/// What a collection removed, or would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freed {
    /// Things.
    pub items: u64,
    /// Their lengths in bytes; content that is also linked elsewhere counts, though its blocks stay for the other link.
    pub bytes: u64,
}

impl Store {
    /// Removes what nothing keeps; reports each thing with its length in bytes to `on_item` before it goes.
    ///
    /// A damaged root is an error, since nobody knows what it kept. With [`Wait::Never`], a store in use is an error too.
    pub fn gc(
        &mut self,
        keep: Keep,
        sweep: Sweep,
        wait: Wait,
        on_item: &mut dyn FnMut(&Item, u64),
    ) -> Result<Freed, StoreError> {
        if !self.lock.make_exclusive(wait)? {
            return Err(StoreError::Busy { path: self.path.clone() });
        }
        let collection = Collection { store: self, sweep, freed: Freed::default(), on_item };
        let result = collection.run(keep);
        self.lock.make_shared()?;
        result
    }
}

struct Collection<'a> {
    store: &'a Store,
    sweep: Sweep,
    freed: Freed,
    on_item: &'a mut dyn FnMut(&Item, u64),
}

impl Collection<'_> {
    fn run(mut self, keep: Keep) -> Result<Freed, StoreError> {
        let mut reach = Reach::default();
        for roots in self.store.roots()?.values() {
            reach.add(self.store, roots)?;
        }
        if let Keep::UsedSince(time) = keep {
            self.add_used(&mut reach, time)?;
        }
        let Store { memos, records, trees, sha256, objects, costs, facts, .. } = self.store;
        self.sweep_names(sha256, &reach)?;
        self.sweep_category(memos, |name| named(name, &reach.memos, Item::Memo))?;
        self.sweep_category(records, |name| named(name, &reach.records, Item::Record))?;
        self.sweep_materialised(&reach)?;
        self.sweep_category(trees, |name| named(name, &reach.trees, Item::Tree))?;
        self.sweep_category(objects, |name| match name.strip_suffix(PROGRAM_SUFFIX) {
            Some(id) => named(id, &reach.blobs, Item::Program),
            None => named(name, &reach.blobs, Item::Blob),
        })?;
        self.sweep_locks()?;
        if self.sweep == Sweep::Remove {
            crate::cost::sweep(costs, keep)?;
            crate::cost::sweep(facts, keep)?;
            self.store.forget_failed()?;
            let tmp = self.store.path.join("tmp");
            crate::session::sweep(&self.store.tmp).at("empty", &tmp)?;
        }
        Ok(self.freed)
    }

    /// Adds what was used since `time`, with all that it leads to.
    fn add_used(&self, reach: &mut Reach, time: SystemTime) -> Result<(), StoreError> {
        let store = self.store;
        for id in since::<ResolvedId>(&store.records, time, |stat| stat.st_mtime)? {
            reach.add_record(store, &id)?;
        }
        for id in since::<TreeId>(&store.trees, time, |stat| stat.st_ctime)? {
            reach.add_tree(store, &id)?;
        }
        // The time of modification of content is fixed. This one can't be set, and linking sets it to now.
        reach.blobs.extend(since::<BlobId>(&store.objects, time, |stat| stat.st_ctime)?);
        for name in store.memos.list()?.names {
            let path = store.memos.path_of(&name);
            let (Ok(id), Some(bytes)) = (name.parse(), store.memos.read(&name).at("read", &path)?) else {
                continue;
            };
            if decode_memo(&bytes, &id).is_ok_and(|resolved| reach.records.contains(&resolved)) {
                reach.memos.insert(id);
            }
        }
        Ok(())
    }

    /// Removes from a category what `item` names as not kept.
    fn sweep_category(
        &mut self,
        category: &FanOut,
        item: impl Fn(&str) -> Option<Item>,
    ) -> Result<(), StoreError> {
        for name in category.list()?.names {
            let Some(item) = item(&name) else { continue };
            let Some(stat) = category.stat(&name).at("read", &category.path_of(&name))? else { continue };
            self.note(&item, disk::size(&stat));
            if self.sweep == Sweep::Remove {
                category.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Removes materialised directories of trees that aren't kept.
    fn sweep_materialised(&mut self, reach: &Reach) -> Result<(), StoreError> {
        let path = self.store.path.join("materialised");
        for name in disk::list(&self.store.materialised).at("list", &path)? {
            let name = String::from_utf8_lossy(&name).into_owned();
            let Some(item) = named(&name, &reach.trees, Item::Materialised) else { continue };
            self.note(&item, 0);
            if self.sweep == Sweep::Remove {
                self.store.remove_materialised(&name)?;
            }
        }
        Ok(())
    }

    /// Removes names by SHA-256 of content that isn't kept or isn't there.
    fn sweep_names(&mut self, sha256: &FanOut, reach: &Reach) -> Result<(), StoreError> {
        for name in sha256.list()?.names {
            let path = sha256.path_of(&name);
            let (Ok(id), Some(bytes)) = (name.parse(), sha256.read(&name).at("read", &path)?) else {
                continue;
            };
            let kept = match decode_name(&bytes, &id) {
                Ok(blob) => reach.blobs.contains(&blob) && self.store.has_blob(&blob)?,
                Err(_) => false,
            };
            if !kept {
                self.note(&Item::Sha256(id), bytes.len() as u64);
                if self.sweep == Sweep::Remove {
                    sha256.remove(&name)?;
                }
            }
        }
        Ok(())
    }

    /// Removes lock files that nobody holds; they are not worth a report.
    fn sweep_locks(&self) -> Result<(), StoreError> {
        let (locks, path) = (&self.store.locks, self.store.path.join("locks"));
        for name in disk::list(locks).at("list", &path)? {
            let held = || -> std::io::Result<bool> {
                let file = disk::open_lock(locks, &name)?;
                Ok(flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
            };
            if self.sweep == Sweep::Remove && name != b"store" && !held().at("lock", &path)? {
                disk::unlink(locks, &name).at("remove", &path)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, item: &Item, bytes: u64) {
        self.freed.items += 1;
        self.freed.bytes += bytes;
        (self.on_item)(item, bytes);
    }
}

impl Store {
    /// Takes a materialised directory out of sight at once, then away.
    pub(crate) fn remove_materialised(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.path.join("materialised").join(name);
        let Some(stat) = disk::stat(&self.materialised, name.as_bytes()).at("read", &path)? else {
            return Ok(false);
        };
        if disk::kind(&stat) != rustix::fs::FileType::Directory {
            return disk::unlink(&self.materialised, name.as_bytes()).at("remove", &path);
        }
        let session = self.session()?;
        let hidden = session.fresh_name();
        let hide = || {
            disk::set_mode(disk::open_dir(&self.materialised, name.as_bytes())?, 0o700)?;
            rustix::fs::renameat(&self.materialised, name, session.dir(), hidden.as_str())?;
            disk::remove_all(session.dir().as_fd(), hidden.as_bytes())
        };
        hide().at("remove", &path)?;
        Ok(true)
    }
}

/// Names what isn't kept; none for what is, and for what the store didn't name.
fn named<I: std::str::FromStr + Ord>(name: &str, kept: &BTreeSet<I>, item: fn(I) -> Item) -> Option<Item> {
    let id = name.parse().ok()?;
    if kept.contains(&id) { None } else { Some(item(id)) }
}

/// Lists what of a category was used since `time`, by the seconds that `used` takes from its state.
fn since<I: std::str::FromStr>(
    category: &FanOut,
    time: SystemTime,
    used: fn(&Stat) -> i64,
) -> Result<Vec<I>, StoreError> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let mut ids = Vec::new();
    for name in category.list()?.names {
        let stat = category.stat(&name).at("read", &category.path_of(&name))?;
        let is_used = stat.is_some_and(|stat| u64::try_from(used(&stat)).unwrap_or(0) >= seconds);
        if is_used && let Ok(id) = name.trim_end_matches(PROGRAM_SUFFIX).parse() {
            ids.push(id);
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests;
