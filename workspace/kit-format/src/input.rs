//! The stream that an archive is read from: counted, bounded, with content handed out as readers.

use std::io::{self, BufRead, BufReader, Read};

use kit_hash::BlobId;
use kit_tree::BlobSink;

use crate::limits::{LimitError, Limits};

/// Buffers this much of a decompressor's output; reads that are larger go past the buffer.
const BUFFER: usize = 64 << 10;

/// Why the bytes of an archive couldn't be had.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The input ends inside a member or before the end marker.
    #[error("the input ends at byte {offset}, before the archive does")]
    Truncated {
        /// Uncompressed offset where it ends.
        offset: u64,
    },
    /// The input goes over a limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The compressed stream is damaged, or the reader below failed.
    #[error("the input can't be read")]
    Read(#[source] io::Error),
}

impl InputError {
    fn from_io(error: io::Error, offset: u64) -> Self {
        if let Some(limit) = error.get_ref().and_then(|e| e.downcast_ref::<LimitError>()) {
            return Self::Limit(limit.clone());
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated { offset },
            _ => Self::Read(error),
        }
    }
}

/// A counted and bounded stream.
#[derive(Debug)]
pub(crate) struct Input<R: Read> {
    reader: BufReader<R>,
    offset: u64,
    limit: u64,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(reader: R, limits: &Limits) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, reader), offset: 0, limit: limits.total_bytes }
    }

    /// Uncompressed bytes that were taken.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    fn advance(&mut self, count: u64) -> Result<(), InputError> {
        self.offset += count;
        if self.offset > self.limit {
            return Err(LimitError::TotalBytes { limit: self.limit }.into());
        }
        Ok(())
    }

    /// Fills `buffer`.
    pub(crate) fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), InputError> {
        let offset = self.offset;
        self.reader.read_exact(buffer).map_err(|e| InputError::from_io(e, offset))?;
        self.advance(buffer.len() as u64)
    }

    /// Fills `buffer`, unless the stream is at its end.
    pub(crate) fn read_exact_or_end(&mut self, buffer: &mut [u8]) -> Result<bool, InputError> {
        if self.at_end()? {
            return Ok(false);
        }
        self.read_exact(buffer)?;
        Ok(true)
    }

    fn at_end(&mut self) -> Result<bool, InputError> {
        loop {
            match self.reader.fill_buf() {
                Ok(bytes) => return Ok(bytes.is_empty()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(InputError::from_io(e, self.offset)),
            }
        }
    }

    /// Takes `size` bytes into memory; the caller has checked the size.
    pub(crate) fn take_vec(&mut self, size: u64) -> Result<Vec<u8>, InputError> {
        let mut bytes = Vec::new();
        let mut content = self.content(size);
        match content.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(e) => Err(content.failure.unwrap_or(InputError::Read(e))),
        }
    }

    /// Takes `count` bytes that must be zero; false when one isn't.
    pub(crate) fn skip_zeros(&mut self, count: u64) -> Result<bool, InputError> {
        let mut buffer = [0; 512];
        let buffer = &mut buffer[..usize::try_from(count).expect("because padding is short")];
        self.read_exact(buffer)?;
        Ok(buffer.iter().all(|b| *b == 0))
    }

    /// Takes zeros up to the next other byte and returns its offset; none at the end, where checksums below are verified.
    pub(crate) fn zeros_to_end(&mut self) -> Result<Option<u64>, InputError> {
        loop {
            let bytes = match self.reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(InputError::from_io(e, self.offset)),
            };
            if bytes.is_empty() {
                return Ok(None);
            }
            let other = bytes.iter().position(|b| *b != 0);
            let zeros = other.unwrap_or(bytes.len());
            self.reader.consume(zeros);
            self.advance(zeros as u64)?;
            if other.is_some() {
                return Ok(Some(self.offset));
            }
        }
    }

    /// Hands out the next `size` bytes.
    pub(crate) fn content(&mut self, size: u64) -> Content<'_, R> {
        Content { input: self, left: size, failure: None }
    }

    /// Puts the next `size` bytes into `sink`.
    pub(crate) fn put(&mut self, size: u64, sink: &dyn BlobSink) -> Result<BlobId, PutError> {
        let mut content = self.content(size);
        let put = sink.put(&mut content);
        if let Some(failure) = content.failure {
            return Err(PutError::Input(failure));
        }
        let (blob, kept) = put.map_err(PutError::Sink)?;
        if kept != size {
            return Err(PutError::Sink(io::Error::other("the store didn't take the whole content")));
        }
        Ok(blob)
    }
}

/// Which side failed while content was kept.
pub(crate) enum PutError {
    Input(InputError),
    Sink(io::Error),
}

/// The content of one member.
pub(crate) struct Content<'a, R: Read> {
    input: &'a mut Input<R>,
    left: u64,
    failure: Option<InputError>,
}

impl<R: Read> Content<'_, R> {
    /// Takes what is left.
    pub(crate) fn skip(mut self) -> Result<(), InputError> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(e) => return Err(self.failure.unwrap_or(InputError::Read(e))),
            }
        }
    }

    /// Returns why reading failed, if it did.
    pub(crate) fn take_failure(&mut self) -> Option<InputError> {
        self.failure.take()
    }

    fn fail(&mut self, failure: InputError) -> io::Error {
        self.failure = Some(failure);
        io::Error::new(io::ErrorKind::InvalidData, "the archive can't be read")
    }

    /// Reads, keeping the reason when that fails.
    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, InputError> {
        let offset = self.input.offset;
        let count = loop {
            match self.input.reader.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| InputError::from_io(e, offset))?,
            }
        };
        if count == 0 {
            return Err(InputError::Truncated { offset });
        }
        self.input.advance(count as u64)?;
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if count == 0 {
            return Ok(0);
        }
        self.step(&mut buffer[..count]).map_err(|failure| self.fail(failure))
    }
}
