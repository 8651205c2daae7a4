//! Verification: looks at everything in the store, and says what is not as it was put there.

mod one;
mod repair;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd as _;

use cap_std::fs::Dir;
use kit_hash::{BlobHasher, BlobId, DerivationId, ResolvedId, Sha256, TreeId};
use kit_tree::BlobSink;
use rustix::fs::{FileType, Stat};

use crate::blob::{FILE_MODE, PROGRAM_MODE, PROGRAM_SUFFIX, decode_name};
use crate::error::At as _;
use crate::fan_out::{FanOut, Listing};
use crate::import::{ImportLimits, import};
use crate::materialise::shown;
use crate::{Damage, Item, RootName, Store, StoreError, disk, record, session, tree};

/// Something that is wrong in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub item: Item,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a thing in the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It isn't as it was put there.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// It refers to something that isn't there.
    #[error("it refers to the {0}, which is not there")]
    Dangling(Item),
    /// It isn't there, but should be.
    #[error("it is not there")]
    Missing,
    /// A session that ended without cleaning up has left it; opening the store removes it.
    #[error("it was left behind by a process that was stopped")]
    Leftover,
    /// The store didn't put it there.
    #[error("it does not belong to the store")]
    Stranger,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Files and directories looked at.
    pub done: u64,
    /// All of them.
    pub total: u64,
    /// Bytes of content hashed.
    pub bytes: u64,
}

impl Store {
    /// Looks at everything; others may use the store meanwhile. Findings are in the order of the layout.
    pub fn verify(&self, on_progress: &mut dyn FnMut(Progress)) -> Result<Vec<Finding>, StoreError> {
        let mut verification = Verification::new(self, on_progress);
        verification.run()?;
        Ok(verification.findings)
    }
}

struct Verification<'a> {
    store: &'a Store,
    on_progress: &'a mut dyn FnMut(Progress),
    progress: Progress,
    findings: Vec<Finding>,
    /// SHA-256 that blobs are known by.
    by_sha256: BTreeMap<BlobId, Vec<Sha256>>,
    sound_trees: BTreeSet<TreeId>,
}

impl<'a> Verification<'a> {
    fn new(store: &'a Store, on_progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            store,
            on_progress,
            progress: Progress { done: 0, total: 0, bytes: 0 },
            findings: Vec::new(),
            by_sha256: BTreeMap::new(),
            sound_trees: BTreeSet::new(),
        }
    }

    fn run(&mut self) -> Result<(), StoreError> {
        let Store { objects, trees, records, memos, sha256, .. } = self.store;
        let listing = |category: &FanOut, name: &str, findings: &mut Vec<Finding>| {
            let Listing { names, strangers } = category.list()?;
            let stranger = |path: String| Item::Stranger(format!("{name}/{path}"));
            findings.extend(strangers.into_iter().map(|path| strange(stranger(path))));
            Ok::<_, StoreError>(names)
        };
        // What refers to something is listed before it, so that what others add meanwhile is no dangling reference.
        let memo_names = listing(memos, "memo", &mut self.findings)?;
        let record_names = listing(records, "records", &mut self.findings)?;
        let tree_names = listing(trees, "trees", &mut self.findings)?;
        let sha256_names = listing(sha256, "sha256", &mut self.findings)?;
        let object_names = listing(objects, "objects", &mut self.findings)?;
        let path = self.store.path.join("materialised");
        let materialised = disk::list(&self.store.materialised).at("list", &path)?;
        let all = [&memo_names, &record_names, &tree_names, &sha256_names, &object_names];
        self.progress.total =
            (all.iter().map(|names| names.len()).sum::<usize>() + materialised.len()) as u64;

        self.each(&sha256_names, Self::name)?;
        self.each(&object_names, Self::object)?;
        self.each(&tree_names, Self::tree)?;
        self.each(&record_names, Self::record)?;
        self.each(&memo_names, Self::memo)?;
        let names: Vec<_> = materialised.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
        self.each(&names, Self::materialised)?;
        self.roots()?;
        self.temporary()
    }

    fn each(
        &mut self,
        names: &[String],
        check: fn(&mut Self, &str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for name in names {
            check(self, name)?;
            self.progress.done += 1;
            (self.on_progress)(self.progress);
        }
        Ok(())
    }

    fn find(&mut self, item: Item, problem: impl Into<Problem>) {
        self.findings.push(Finding { item, problem: problem.into() });
    }

    fn name(&mut self, name: &str) -> Result<(), StoreError> {
        let Ok(id) = name.parse::<Sha256>() else { return self.stranger("sha256", name) };
        let Some(bytes) = self.bytes(&self.store.sha256, name, &Item::Sha256(id))? else { return Ok(()) };
        match decode_name(&bytes, &id) {
            Ok(blob) if self.store.has_blob(&blob)? => self.by_sha256.entry(blob).or_default().push(id),
            Ok(blob) => self.find(Item::Sha256(id), Problem::Dangling(Item::Blob(blob))),
            Err(damage) => self.find(Item::Sha256(id), damage),
        }
        Ok(())
    }

    fn object(&mut self, name: &str) -> Result<(), StoreError> {
        let (digits, mode) = match name.strip_suffix(PROGRAM_SUFFIX) {
            Some(digits) => (digits, PROGRAM_MODE),
            None => (name, FILE_MODE),
        };
        let Ok(id) = digits.parse::<BlobId>() else { return self.stranger("objects", name) };
        let item = if mode == PROGRAM_MODE { Item::Program(id) } else { Item::Blob(id) };
        if !self.kind_and_mode(&self.store.objects, name, &item, mode)? {
            return Ok(());
        }
        let path = self.store.objects.path_of(name);
        let Some(file) = self.store.objects.open_file(name).at("read", &path)? else { return Ok(()) };
        let known = self.by_sha256.get(&id).cloned().unwrap_or_default();
        if known.is_empty() || mode == PROGRAM_MODE {
            let (found, size) = BlobId::of_reader(file).at("read", &path)?;
            self.progress.bytes += size;
            if found != id {
                self.find(item, Damage::Digest { expected: id, found });
            }
            return Ok(());
        }
        let mut hasher = BlobHasher::new();
        self.progress.bytes += std::io::copy(&mut { file }, &mut hasher).at("read", &path)?;
        let found = hasher.finish();
        if found.blob != id {
            self.find(item, Damage::Digest { expected: id, found: found.blob });
            return Ok(());
        }
        for expected in known.into_iter().filter(|known| *known != found.sha256) {
            self.find(Item::Sha256(expected), Damage::Sha256 { expected, found: found.sha256 });
        }
        Ok(())
    }

    fn tree(&mut self, name: &str) -> Result<(), StoreError> {
        let Ok(id) = name.parse::<TreeId>() else { return self.stranger("trees", name) };
        let Some(bytes) = self.bytes(&self.store.trees, name, &Item::Tree(id))? else { return Ok(()) };
        let tree = match tree::decode(&bytes, &id) {
            Ok(tree) => tree,
            Err(damage) => {
                self.find(Item::Tree(id), damage);
                return Ok(());
            }
        };
        self.sound_trees.insert(id);
        for (blob, expected) in tree::blobs(&tree) {
            match self.store.blob_size(&blob)? {
                None => self.find(Item::Tree(id), Problem::Dangling(Item::Blob(blob))),
                Some(found) if found != expected => {
                    self.find(Item::Blob(blob), Damage::Size { expected, found });
                }
                Some(_) => continue,
            }
            // The first is enough to know that it has to be made anew.
            break;
        }
        Ok(())
    }

    fn record(&mut self, name: &str) -> Result<(), StoreError> {
        let Ok(id) = name.parse::<ResolvedId>() else { return self.stranger("records", name) };
        let Some(bytes) = self.bytes(&self.store.records, name, &Item::Record(id))? else { return Ok(()) };
        match record::decode_record(&bytes, &id) {
            Err(damage) => self.find(Item::Record(id), damage),
            Ok(record) => {
                if !self.store.has_tree(&record.tree)? {
                    self.find(Item::Record(id), Problem::Dangling(Item::Tree(record.tree)));
                }
                if let Some(log) = record.log
                    && !self.store.has_blob(&log)?
                {
                    self.find(Item::Record(id), Problem::Dangling(Item::Blob(log)));
                }
            }
        }
        Ok(())
    }

    fn memo(&mut self, name: &str) -> Result<(), StoreError> {
        let Ok(id) = name.parse::<DerivationId>() else { return self.stranger("memo", name) };
        let Some(bytes) = self.bytes(&self.store.memos, name, &Item::Memo(id))? else { return Ok(()) };
        match record::decode_memo(&bytes, &id) {
            Err(damage) => self.find(Item::Memo(id), damage),
            Ok(resolved) => {
                let name = resolved.to_string();
                let stat = self.store.records.stat(&name).at("read", &self.store.records.path_of(&name))?;
                if stat.is_none() {
                    self.find(Item::Memo(id), Problem::Dangling(Item::Record(resolved)));
                }
            }
        }
        Ok(())
    }

    /// Reads a materialised directory back and compares it with its tree.
    fn materialised(&mut self, name: &str) -> Result<(), StoreError> {
        let Ok(id) = name.parse::<TreeId>() else { return self.stranger("materialised", name) };
        let item = Item::Materialised(id);
        let path = self.store.path.join("materialised").join(name);
        let Ok(dir) = disk::open_dir(&self.store.materialised, name.as_bytes()) else {
            self.find(item, Damage::Kind);
            return Ok(());
        };
        if !self.sound_trees.contains(&id) {
            self.find(item, Problem::Dangling(Item::Tree(id)));
            return Ok(());
        }
        let expected = shown(&self.store.tree(&id)?).id();
        let limits = ImportLimits { entries: u64::MAX, bytes: u64::MAX };
        let found = import(&Dir::from(dir.try_clone().at("open", &path)?), &limits, &Hash);
        match found.map(|tree| tree.id()) {
            Ok(found) if found == expected => {}
            Ok(found) => self.find(item, Damage::Content { expected, found }),
            Err(_) => self.find(item, Damage::Kind),
        }
        Ok(())
    }

    fn roots(&mut self) -> Result<(), StoreError> {
        for name in self.store.root_names()? {
            match name.parse::<RootName>() {
                Err(_) => self.find(Item::Stranger(format!("roots/{name}")), Problem::Stranger),
                Ok(root) => match self.store.root(&root) {
                    Ok(_) => {}
                    Err(StoreError::Corrupt { item, source, .. }) => self.find(item, *source),
                    Err(e) => return Err(e),
                },
            }
        }
        Ok(())
    }

    fn temporary(&mut self) -> Result<(), StoreError> {
        let leftovers =
            session::leftovers(self.store.tmp.as_fd()).at("list", &self.store.path.join("tmp"))?;
        for name in leftovers {
            self.find(Item::Temporary(name), Problem::Leftover);
        }
        Ok(())
    }

    /// Reads a file whose kind and mode are right; none when it has gone meanwhile or isn't a file.
    fn bytes(&mut self, category: &FanOut, name: &str, item: &Item) -> Result<Option<Vec<u8>>, StoreError> {
        if self.kind_and_mode(category, name, item, FILE_MODE)? {
            category.read(name).at("read", &category.path_of(name))
        } else {
            Ok(None)
        }
    }

    /// Checks kind and mode; false when there is nothing to read.
    fn kind_and_mode(
        &mut self,
        category: &FanOut,
        name: &str,
        item: &Item,
        expected: u32,
    ) -> Result<bool, StoreError> {
        let stat: Option<Stat> = category.stat(name).at("read", &category.path_of(name))?;
        let Some(stat) = stat else { return Ok(false) };
        if disk::kind(&stat) != FileType::RegularFile {
            self.find(item.clone(), Damage::Kind);
            return Ok(false);
        }
        let found = stat.st_mode & 0o7777;
        if found != expected {
            self.find(item.clone(), Damage::Mode { expected, found });
        }
        Ok(true)
    }

    #[expect(clippy::unnecessary_wraps, reason = "every check ends with what its caller returns")]
    fn stranger(&mut self, category: &str, name: &str) -> Result<(), StoreError> {
        self.findings.push(strange(Item::Stranger(format!("{category}/{name}"))));
        Ok(())
    }
}

fn strange(item: Item) -> Finding {
    Finding { item, problem: Problem::Stranger }
}

/// Hashes content and keeps nothing.
struct Hash;

impl BlobSink for Hash {
    fn put(&self, content: &mut dyn std::io::Read) -> std::io::Result<(BlobId, u64)> {
        BlobId::of_reader(content)
    }
}

#[cfg(test)]
mod tests;
