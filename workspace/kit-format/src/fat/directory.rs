//! Directories, as bytes.

use super::names::Name;
use super::time::Time;
use super::{DIRECTORY, ENTRY, LABEL};

/// Writes a directory, one entry after the other.
pub(super) struct Directory {
    time: Time,
    bytes: Vec<u8>,
}

impl Directory {
    /// Starts the root, with the file system's label where it has one.
    pub(super) fn root(time: Time, label: Option<[u8; 11]>) -> Self {
        let mut directory = Self { time, bytes: Vec::new() };
        if let Some(label) = label {
            directory.entry(&label, LABEL, 0, 0);
        }
        directory
    }

    /// Starts another directory, with itself and what it is in, by their first clusters; the root is 0.
    pub(super) fn below(time: Time, own: u32, parent: u32) -> Self {
        let mut directory = Self { time, bytes: Vec::new() };
        directory.entry(b".          ", DIRECTORY, own, 0);
        directory.entry(b"..         ", DIRECTORY, parent, 0);
        directory
    }

    /// Adds a file or directory.
    pub(super) fn add(&mut self, name: &Name, attributes: u8, cluster: u32, size: u32) {
        self.bytes.extend(name.long_entries().concat());
        self.entry(&name.short, attributes, cluster, size);
    }

    fn entry(&mut self, name: &[u8; 11], attributes: u8, cluster: u32, size: u32) {
        let Time { date, time } = self.time;
        let [low, low2, high, high2] = cluster.to_le_bytes();
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(&[attributes, 0, 0]);
        // Creation, access, upper half of the cluster, change.
        for number in [time, date, date, u16::from_le_bytes([high, high2]), time, date] {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
        self.bytes.extend_from_slice(&[low, low2]);
        self.bytes.extend_from_slice(&size.to_le_bytes());
        debug_assert_eq!(self.bytes.len(), start + ENTRY);
    }

    /// Returns the bytes of all entries.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
