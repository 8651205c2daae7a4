//! Sizes: by category, and by what keeps things alive.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;

use kit_hash::BlobId;
use rustix::fs::FileType;

use crate::blob::PROGRAM_SUFFIX;
use crate::error::At as _;
use crate::fan_out::FanOut;
use crate::reach::{self, Reach};
use crate::{RootName, Store, StoreError, disk};

/// Several things and their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// Lengths in bytes.
    pub bytes: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// What a root keeps of the store's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RootUsage {
    /// Content that it leads to.
    pub all: Sum,
    /// Content that only it leads to: what removing it would free.
    pub own: Sum,
}

/// What is in a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Content.
    pub blobs: Sum,
    /// Executable doubles of content.
    pub programs: Sum,
    /// Encodings of trees.
    pub trees: Sum,
    /// Records, with the memos that lead to them.
    pub records: Sum,
    /// Names by SHA-256.
    pub names: Sum,
    /// Materialised directories; their files are links to content and programs.
    pub materialised: u64,
    /// Unfinished things and leftovers.
    pub temporary: Sum,
    /// Content that no root leads to.
    pub unrooted: Sum,
    /// By root.
    pub roots: BTreeMap<RootName, RootUsage>,
}

impl Usage {
    /// Sum of everything, in bytes.
    pub fn bytes(&self) -> u64 {
        let all = [self.blobs, self.programs, self.trees, self.records, self.names, self.temporary];
        all.iter().map(|sum| sum.bytes).sum()
    }
}

impl Store {
    /// Measures the store: lengths of files, without what the file system adds.
    pub fn du(&self) -> Result<Usage, StoreError> {
        let mut usage = Usage::default();
        let mut sizes = BTreeMap::new();
        for (name, size) in sizes_of(&self.objects)? {
            if name.ends_with(PROGRAM_SUFFIX) {
                usage.programs.add(size);
            } else {
                usage.blobs.add(size);
                if let Ok(id) = name.parse::<BlobId>() {
                    sizes.insert(id, size);
                }
            }
        }
        sizes_of(&self.trees)?.iter().for_each(|(_, size)| usage.trees.add(*size));
        sizes_of(&self.records)?.iter().for_each(|(_, size)| usage.records.add(*size));
        sizes_of(&self.memos)?.iter().for_each(|(_, size)| usage.records.add(*size));
        sizes_of(&self.costs)?.iter().for_each(|(_, size)| usage.records.add(*size));
        sizes_of(&self.facts)?.iter().for_each(|(_, size)| usage.records.add(*size));
        sizes_of(&self.sha256)?.iter().for_each(|(_, size)| usage.names.add(*size));
        let materialised = disk::list(&self.materialised).at("list", &self.path.join("materialised"))?;
        usage.materialised = materialised.len() as u64;
        measure(self.tmp.as_fd(), &mut usage.temporary, 0).at("measure", &self.path.join("tmp"))?;
        measure(self.failed.as_fd(), &mut usage.temporary, 0).at("measure", &self.path.join("failed"))?;
        self.measure_roots(&sizes, &mut usage)?;
        Ok(usage)
    }

    fn measure_roots(&self, sizes: &BTreeMap<BlobId, u64>, usage: &mut Usage) -> Result<(), StoreError> {
        let mut reaches = BTreeMap::new();
        for (name, roots) in self.roots()? {
            let mut reach = Reach::default();
            reach.add(self, &roots)?;
            reaches.insert(name, reach);
        }
        let counts = reach::count(reaches.values());
        for (blob, size) in sizes {
            if !counts.contains_key(blob) {
                usage.unrooted.add(*size);
            }
        }
        for (name, reach) in reaches {
            let mut root = RootUsage::default();
            for (blob, size) in reach.blobs.iter().filter_map(|blob| sizes.get_key_value(blob)) {
                root.all.add(*size);
                if counts.get(blob) == Some(&1) {
                    root.own.add(*size);
                }
            }
            usage.roots.insert(name, root);
        }
        Ok(())
    }
}

fn sizes_of(category: &FanOut) -> Result<Vec<(String, u64)>, StoreError> {
    let mut sizes = Vec::new();
    for name in category.list()?.names {
        // Something may go away while it is measured.
        if let Some(stat) = category.stat(&name).at("measure", &category.path_of(&name))? {
            sizes.push((name, disk::size(&stat)));
        }
    }
    Ok(sizes)
}

/// How deep unfinished things are measured.
const DEPTH: usize = 64;

/// Sums up the files that are below a directory, while others may change it.
fn measure(dir: std::os::fd::BorrowedFd<'_>, sum: &mut Sum, depth: usize) -> io::Result<()> {
    for name in disk::list(dir)? {
        let Some(stat) = disk::stat(dir, &name)? else { continue };
        match disk::kind(&stat) {
            FileType::Directory if depth < DEPTH => match disk::open_dir(dir, &name) {
                Ok(below) => measure(below.as_fd(), sum, depth + 1)?,
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
                Err(e) => return Err(e),
            },
            // What is linked elsewhere is counted there.
            FileType::RegularFile if stat.st_nlink == 1 => sum.add(disk::size(&stat)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
