//! What files of outputs were when they were last read whole, so that large ones aren't read each time.
//!
//! A file that has been read, and had the bytes of a blob, is remembered with that blob in the store: device, inode, length, and the
//! nanoseconds of its last modification and change. As long as it is found like that, it has these bytes. The time of the change can't be
//! set, but it has steps, of two seconds at worst: what was changed shortly before it was read could change again within the same step. Such a file
//! isn't remembered, so the next one to look reads it again (git's index calls these *racily clean*).
//!
//! Whoever can write a store can make it lie, and bytes that a disk has lost on its own aren't noticed: nothing that checks asks here, but reads.

use cap_std::fs::{Metadata, MetadataExt as _};
use kit_hash::BlobId;
use kit_store::{Facts, Store, StoreError};
use kit_tree::{Entry, Tree};

/// The kind of facts that these are.
const KIND: &str = "outputs";
/// How long ago a file must have changed, in whole seconds as they are counted: a bit over the two that the coarsest file systems have.
pub(super) const SETTLED: u64 = 3;
/// Numbers of a state.
const NUMBERS: usize = 7;
/// How many files with the same content are remembered, the last ones that were seen.
pub(super) const FILES: usize = 16;

/// What tells that a file is the same as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileState {
    /// Device, inode, length, seconds and nanoseconds of modification and change.
    numbers: [u64; NUMBERS],
}

impl FileState {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        let [mtime, mtime_nanos, ctime, ctime_nanos] = times.map(i64::cast_unsigned);
        let (device, inode, length) = (metadata.dev(), metadata.ino(), metadata.len());
        Self { numbers: [device, inode, length, mtime, mtime_nanos, ctime, ctime_nanos] }
    }

    pub(super) fn changed(&self) -> i64 {
        self.numbers[5].cast_signed()
    }

    fn encode(&self) -> impl Iterator<Item = u8> {
        self.numbers.into_iter().flat_map(u64::to_le_bytes)
    }
}

/// What is known of the files of an output, and what is found out.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    store: &'a Store,
    now: u64,
    known: Facts,
    new: Facts,
}

impl<'a> Seen<'a> {
    /// Recalls files with the contents of a tree; it is `now` in seconds since 1970.
    pub(super) fn of(store: &'a Store, tree: &Tree, now: u64) -> Self {
        let contents = tree.entries().filter_map(|(_, entry)| match entry {
            Entry::File { blob, .. } => Some(*blob),
            _ => None,
        });
        Self { store, now, known: store.facts(KIND, &contents.collect()), new: Facts::new() }
    }

    /// Whether a file is as it was when it had this content.
    pub(super) fn knows(&self, blob: &BlobId, file: &FileState) -> bool {
        let wanted: Vec<u8> = file.encode().collect();
        self.states(blob).any(|known| known == wanted)
    }

    fn states(&self, blob: &BlobId) -> impl Iterator<Item = &[u8]> {
        let known = self.new.get(blob).or_else(|| self.known.get(blob));
        known.map_or(&[][..], Vec::as_slice).chunks_exact(NUMBERS * 8)
    }

    /// Takes note that a file was read and had this content, unless it may have changed since without looking different.
    pub(super) fn read(&mut self, blob: &BlobId, file: &FileState) {
        let is_settled = u64::try_from(file.changed())
            .is_ok_and(|changed| changed > 0 && changed.saturating_add(SETTLED) <= self.now);
        if is_settled {
            let newest = file.encode().chain(self.states(blob).take(FILES - 1).flatten().copied());
            let states = newest.collect();
            self.new.insert(*blob, states);
        }
    }

    /// Remembers what was found out.
    pub(super) fn keep(self) -> Result<(), StoreError> {
        if self.new.is_empty() { Ok(()) } else { self.store.put_facts(KIND, &self.new) }
    }
}
