//! Reads the archive: one member, sparse in GNU's old form or plain.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use super::{MEMBER, MORE, MORE_IN_BLOCK, PART_BYTES, PARTS, PARTS_IN_HEADER, SPARSE, WHOLE_SIZE};
use crate::compression::{Compression, Decoder};
use crate::disk_image::read::decoder;
use crate::disk_image::source::{Source, SourceStream};
use crate::disk_image::{DiskFormat, DiskReadError};
use crate::tar::BLOCK;
use crate::tar::header::{Header, SIZE, number};

/// Parts that a member may have: a hundred MB of them.
const MOST_PARTS: usize = 4 << 20;

/// The member.
#[derive(Debug)]
pub(in super::super) struct Member {
    /// Bytes of the archive before the content.
    content_at: u64,
    /// What of the disk is there, in order.
    parts: Vec<Range<u64>>,
    size: u64,
}

fn damaged(what: &'static str) -> DiskReadError {
    DiskReadError::Damaged { format: DiskFormat::Gcp, what }
}

/// Whether a compressed file is an archive whose first member is the disk.
pub(in super::super) fn is_ours(source: Source<'_>) -> bool {
    let mut block = [0; BLOCK];
    let read = decoder(source, Compression::Gzip).and_then(|mut decoder| decoder.read_exact(&mut block));
    let is_disk = |header: Header<'_>| header.name().strip_prefix(b"./").unwrap_or(&header.name()) == MEMBER;
    read.is_ok() && Header::new(&block).is_some_and(is_disk)
}

impl Member {
    /// Reads the headers; returns the disk's bytes with them.
    pub(in super::super) fn read(source: Source<'_>) -> Result<(Self, u64), DiskReadError> {
        let mut decoder = decoder(source, Compression::Gzip)?;
        let mut block = [0; BLOCK];
        decoder.read_exact(&mut block)?;
        let header = Header::new(&block).ok_or(damaged("its header is wrong"))?;
        let stored = header.number(SIZE).ok_or(damaged("its size is no number"))?;
        if header.kind() != SPARSE {
            let parts = std::iter::once(0..stored).collect();
            return Ok((Self { content_at: BLOCK as u64, parts, size: stored }, stored));
        }
        let size = number(&block[WHOLE_SIZE]).ok_or(damaged("its size is no number"))?;
        let mut parts = Vec::new();
        add_parts(&mut parts, &block[PARTS..PARTS + PARTS_IN_HEADER * PART_BYTES], size)?;
        let mut content_at = BLOCK as u64;
        let mut more = block[MORE] != 0;
        while more {
            decoder.read_exact(&mut block)?;
            content_at += BLOCK as u64;
            add_parts(&mut parts, &block[..MORE_IN_BLOCK], size)?;
            more = block[MORE_IN_BLOCK] != 0;
        }
        if parts.iter().map(|part| part.end - part.start).sum::<u64>() != stored {
            return Err(damaged("its parts are another number of bytes than are there"));
        }
        Ok((Self { content_at, parts, size }, size))
    }

    /// Begins to read the disk.
    pub(in super::super) fn open<'a>(&'a self, source: Source<'a>) -> io::Result<MemberStream<'a>> {
        let mut decoder = decoder(source, Compression::Gzip)?;
        io::copy(&mut (&mut decoder).take(self.content_at), &mut io::sink())?;
        Ok(MemberStream { decoder, member: self, next: 0, at: 0 })
    }
}

/// Adds those of one block, which lie behind those before and in the disk.
fn add_parts(parts: &mut Vec<Range<u64>>, bytes: &[u8], size: u64) -> Result<(), DiskReadError> {
    for field in bytes.chunks_exact(PART_BYTES) {
        if field.iter().all(|byte| *byte == 0) {
            break;
        }
        let (start, length) =
            number(&field[..12]).zip(number(&field[12..])).ok_or(damaged("a part is none"))?;
        let end = start.checked_add(length).filter(|end| *end <= size);
        let end = end.ok_or(damaged("a part is outside of the disk"))?;
        let is_whole = length.is_multiple_of(BLOCK as u64) || end == size;
        if parts.last().is_some_and(|last| last.end > start) || !is_whole {
            return Err(damaged("its parts aren't in order, or no whole sectors"));
        }
        if parts.len() == MOST_PARTS {
            return Err(damaged("it has too many parts"));
        }
        if length > 0 {
            parts.push(start..end);
        }
    }
    Ok(())
}

/// The disk being read.
pub(in super::super) struct MemberStream<'a> {
    decoder: Decoder<SourceStream<'a>>,
    member: &'a Member,
    next: usize,
    at: u64,
}

impl fmt::Debug for MemberStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberStream").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Read for MemberStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let parts = &self.member.parts;
        while parts.get(self.next).is_some_and(|part| part.end <= self.at) {
            self.next += 1;
        }
        let (is_there, end) = match parts.get(self.next) {
            Some(part) if part.start <= self.at => (true, part.end),
            Some(part) => (false, part.start),
            None => (false, self.member.size),
        };
        let left = usize::try_from(end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..left];
        if is_there {
            self.decoder.read_exact(buffer)?;
        } else {
            buffer.fill(0);
        }
        self.at += left as u64;
        Ok(left)
    }
}
