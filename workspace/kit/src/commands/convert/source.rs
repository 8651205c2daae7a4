//! The file that is converted, and how far it was read.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use kit_build::{Event, Events as _};
use kit_format::disk_image::RandomAccess;

use super::Written;
use crate::Failure;
use crate::progress::Progress;

/// How many bytes are read between two events.
const STEP: u64 = 32 << 20;

/// A file of a known length.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    length: u64,
}

impl DiskFile {
    pub(crate) fn new(file: File, path: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self { file, length })
    }
}

impl RandomAccess for DiskFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }
}

/// Returns how long a file is, and what it takes on the disk.
pub(super) fn size(file: &File) -> io::Result<Written> {
    let metadata = file.metadata()?;
    Ok(Written { bytes: metadata.len(), on_disk: metadata.blocks() * 512 })
}

/// Counts what is read of a disk, in both passes.
pub(super) struct Counter<'a> {
    progress: &'a Progress<'a>,
    title: &'a str,
    of: u64,
    bytes: Cell<u64>,
    told: Cell<u64>,
}

impl<'a> Counter<'a> {
    pub(super) fn new(progress: &'a Progress<'a>, title: &'a str, size: u64) -> Self {
        Self { progress, title, of: size.saturating_mul(2), bytes: Cell::new(0), told: Cell::new(0) }
    }

    fn add(&self, count: usize) {
        let bytes = self.bytes.get() + count as u64;
        self.bytes.set(bytes);
        if bytes - self.told.get() >= STEP {
            self.told.set(bytes);
            self.progress.event(Event::Converted { title: self.title, bytes, of: self.of });
        }
    }
}

/// A disk being read.
pub(super) struct Counted<'a> {
    pub(super) reader: Box<dyn Read + 'a>,
    pub(super) counter: &'a Counter<'a>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.counter.add(count);
        Ok(count)
    }
}
