//! Tables as metadata blocks, and where in them something stands.

use super::codec::Codec;
use super::{METADATA, METADATA_STORED, SquashfsWriteError};

/// A place in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Compressed bytes of the table before the block.
    pub(super) block: u32,
    /// Uncompressed bytes before it in the block.
    pub(super) offset: u16,
}

impl Position {
    /// Returns it as one number.
    pub(super) fn reference(self) -> u64 {
        u64::from(self.block) << 16 | u64::from(self.offset)
    }
}

/// Writes a table.
#[derive(Debug)]
pub(super) struct MetadataWriter<'a> {
    table: &'static str,
    codec: &'a Codec,
    pending: Vec<u8>,
    written: Vec<u8>,
}

impl<'a> MetadataWriter<'a> {
    /// Starts a table with a name to be told.
    pub(super) fn new(table: &'static str, codec: &'a Codec) -> Self {
        Self { table, codec, pending: Vec::with_capacity(METADATA), written: Vec::new() }
    }

    /// Returns where the next byte will stand.
    pub(super) fn position(&self) -> Position {
        let because = "because blocks are short and the table's length was checked";
        Position {
            block: u32::try_from(self.written.len()).expect(because),
            offset: u16::try_from(self.pending.len()).expect(because),
        }
    }

    /// Adds bytes.
    pub(super) fn add(&mut self, mut bytes: &[u8]) -> Result<(), SquashfsWriteError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(METADATA - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == METADATA {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SquashfsWriteError> {
        let stored = self.codec.compress(&self.pending)?;
        let because = "because a block has at most 8192 bytes";
        let length = u16::try_from(stored.len()).expect(because);
        let flag = if stored.len() == self.pending.len() { METADATA_STORED } else { 0 };
        self.written.extend((length | flag).to_le_bytes());
        self.written.extend(stored);
        self.pending.clear();
        match u32::try_from(self.written.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(SquashfsWriteError::Table { table: self.table }),
        }
    }

    /// Returns the table.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, SquashfsWriteError> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        Ok(self.written)
    }
}

/// Makes a table that is found by an index: metadata blocks of `entries`, then where each of them is. `start` is where the table will
/// stand; returns it and where its index stands.
pub(super) fn indexed(
    table: &'static str,
    codec: &Codec,
    entries: &[u8],
    start: u64,
    head: &[u8],
) -> Result<(Vec<u8>, u64), SquashfsWriteError> {
    let mut writer = MetadataWriter::new(table, codec);
    let mut index = Vec::new();
    for block in entries.chunks(METADATA) {
        index.extend((start + u64::from(writer.position().block)).to_le_bytes());
        writer.add(block)?;
    }
    let mut bytes = writer.finish()?;
    let at = start + bytes.len() as u64;
    bytes.extend_from_slice(head);
    bytes.extend(index);
    Ok((bytes, at))
}
