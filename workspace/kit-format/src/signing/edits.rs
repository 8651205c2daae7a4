//! Bytes of a disk that are to be others.

use std::collections::BTreeMap;
use std::io;

use crate::fat::programs::MoveError;
use crate::part::Part;
use crate::pe::Patch;

/// What is changed in a part of a disk. What is read is what is there after all changes so far.
#[derive(Debug, Clone)]
pub(crate) struct Edits<'d> {
    part: Part<'d>,
    bytes: BTreeMap<u64, u8>,
}

impl<'d> Edits<'d> {
    pub(super) fn new(part: Part<'d>) -> Self {
        Self { part, bytes: BTreeMap::new() }
    }

    /// Returns bytes.
    pub(crate) fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.part.read_at(at, &mut bytes)?;
        for (at, byte) in (at..).zip(&mut bytes) {
            if let Some(changed) = self.bytes.get(&at) {
                *byte = *changed;
            }
        }
        Ok(bytes)
    }

    /// Changes bytes, all of which are there.
    pub(crate) fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), MoveError> {
        let there = self.read(at, bytes.len())?;
        for ((at, byte), there) in (at..).zip(bytes).zip(there) {
            // What stays as it is belongs to no change.
            if *byte != there || self.bytes.contains_key(&at) {
                self.bytes.insert(at, *byte);
            }
        }
        Ok(())
    }

    /// Returns what is changed on the disk, in order.
    pub(super) fn patches(&self) -> Vec<Patch> {
        let mut patches: Vec<Patch> = Vec::new();
        for (at, byte) in &self.bytes {
            let at = self.part.start() + at;
            match patches.last_mut() {
                Some(patch) if patch.at + patch.bytes.len() as u64 == at => patch.bytes.push(*byte),
                _ => patches.push(Patch { at, bytes: vec![*byte] }),
            }
        }
        patches
    }
}
