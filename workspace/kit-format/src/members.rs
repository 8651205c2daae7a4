//! An archive that is being written, as a reader: header, content, padding, and so on to the trailer.
//!
//! Pulling instead of pushing lets one thread compress, hash and store an archive that never exists as a whole.

use std::fmt;
use std::io::{self, Read, Write};

use kit_hash::BlobId;
use kit_tree::Blobs;

/// One member, or the trailer.
pub(crate) struct Member {
    /// All bytes before the content, already a multiple of the alignment.
    pub(crate) header: Vec<u8>,
    /// The content and its length.
    pub(crate) content: Option<(BlobId, u64)>,
}

impl Member {
    /// Bytes with padding to a multiple of `alignment`.
    pub(crate) fn len(&self, alignment: u64) -> u64 {
        let content = self.content.map_or(0, |(_, size)| size.next_multiple_of(alignment));
        self.header.len() as u64 + content
    }
}

/// Reads members one after the other.
pub(crate) struct MemberStream<'a> {
    members: Box<dyn Iterator<Item = Member> + 'a>,
    blobs: &'a dyn Blobs,
    alignment: u64,
    /// Bytes to hand out, and how many of them are.
    bytes: Vec<u8>,
    at: usize,
    /// What comes after the bytes.
    next: Option<(BlobId, u64)>,
    content: Option<Open<'a>>,
}

/// Content that is being read.
struct Open<'a> {
    reader: Box<dyn Read + 'a>,
    blob: BlobId,
    size: u64,
    left: u64,
}

impl<'a> MemberStream<'a> {
    pub(crate) fn new(
        members: impl Iterator<Item = Member> + 'a,
        blobs: &'a dyn Blobs,
        alignment: u64,
    ) -> Self {
        let members = Box::new(members);
        Self { members, blobs, alignment, bytes: Vec::new(), at: 0, next: None, content: None }
    }

    /// Makes the next bytes or the next content ready; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        if let Some((blob, size)) = self.next.take() {
            self.content = Some(Open { reader: self.blobs.open(&blob)?, blob, size, left: size });
            return Ok(true);
        }
        let Some(member) = self.members.next() else { return Ok(false) };
        self.bytes = member.header;
        self.at = 0;
        self.next = member.content.filter(|(_, size)| *size > 0);
        Ok(true)
    }

    fn read_content(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(content) = &mut self.content else { return Ok(0) };
        let wanted = usize::try_from(content.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = content.reader.read(&mut buffer[..wanted])?;
        content.left -= count as u64;
        if count == 0 || content.left == 0 {
            content.check_end()?;
            let padding = content.size.next_multiple_of(self.alignment) - content.size;
            self.bytes.clear();
            self.bytes.resize(usize::try_from(padding).expect("because padding is short"), 0);
            self.at = 0;
            self.content = None;
        }
        Ok(count)
    }
}

impl Open<'_> {
    /// Checks that the blob has exactly the length that the tree says; reading its end also verifies its digest.
    fn check_end(&mut self) -> io::Result<()> {
        if self.left > 0 || self.reader.read(&mut [0])? > 0 {
            let problem = format!("blob {} has another length than {}", self.blob, self.size);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(())
    }
}

impl Read for MemberStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.at < self.bytes.len() {
                let count = (&self.bytes[self.at..]).read(buffer)?;
                self.at += count;
                return Ok(count);
            }
            if self.content.is_some() {
                match self.read_content(buffer)? {
                    0 => {}
                    count => return Ok(count),
                }
            } else if !self.advance()? {
                return Ok(0);
            }
        }
    }
}

impl fmt::Debug for MemberStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberStream").finish_non_exhaustive()
    }
}

/// Copies a stream to its end with a buffer that suits disks.
pub(crate) fn copy(mut stream: impl Read, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; 128 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => out.write_all(&buffer[..count])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
