//! The table: for each cluster the next of the same file.

use super::{Kind, boot};

/// Writes the table, one file after the other.
pub(super) struct Table {
    kind: Kind,
    entries: Vec<u32>,
}

impl Table {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, entries: boot::first_entries(kind).to_vec() }
    }

    /// Takes so many clusters, one behind the other, and returns the first; 0 for none.
    pub(super) fn take(&mut self, clusters: u64) -> u32 {
        if clusters == 0 {
            return 0;
        }
        let first = self.next();
        for _ in 1..clusters {
            let next = self.next() + 1;
            self.entries.push(next);
        }
        self.entries.push(boot::first_entries(self.kind)[1]);
        first
    }

    /// Leaves so many clusters free.
    pub(super) fn leave(&mut self, clusters: u64) {
        self.entries.extend((0..clusters).map(|_| 0));
    }

    fn next(&self) -> u32 {
        u32::try_from(self.entries.len()).expect("because the geometry has less clusters")
    }

    /// Returns how many clusters were taken.
    pub(super) fn used(&self) -> u64 {
        self.entries[2..].iter().filter(|entry| **entry != 0).count() as u64
    }

    /// Returns the last cluster that was taken, or left free behind a file.
    pub(super) fn last(&self) -> u32 {
        self.next() - 1
    }

    /// Returns the bytes, up to the last cluster that was taken or left.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let entries = self.entries.iter();
        match self.kind {
            Kind::Fat32 => entries.flat_map(|entry| entry.to_le_bytes()).collect(),
            Kind::Fat16 => {
                entries.flat_map(|entry| [entry.to_le_bytes()[0], entry.to_le_bytes()[1]]).collect()
            }
            Kind::Fat12 => self
                .entries
                .chunks(2)
                .flat_map(|pair| {
                    let [low, middle, high, _] = (pair[0] | pair.get(1).unwrap_or(&0) << 12).to_le_bytes();
                    [low, middle, high]
                })
                .collect(),
        }
    }
}
