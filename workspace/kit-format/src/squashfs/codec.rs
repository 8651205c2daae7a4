//! One block compressed, and back.

use std::fmt;
use std::io;
use std::sync::Mutex;

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};
use liblzma::stream::{Action, Check, Filters, LzmaOptions, Status as XzStatus, Stream};
use zstd::bulk;

use super::Compression;
use super::superblock::Method;
use crate::limits::Limits;

/// zlib's level, the one of `mksquashfs`.
const GZIP_LEVEL: u32 = 9;
/// xz's preset, the one of `mksquashfs`.
const XZ_PRESET: u32 = 6;

/// Compresses blocks, several at a time if called so.
pub(super) struct Codec {
    compression: Compression,
    /// Bytes of a data block, which is xz's dictionary.
    block: u32,
    /// State that is only worth keeping because it takes long to make. What comes out doesn't depend on it.
    idle: Mutex<Vec<State>>,
}

enum State {
    Gzip(Compress),
    Zstd(bulk::Compressor<'static>),
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec").field("compression", &self.compression).finish_non_exhaustive()
    }
}

impl Codec {
    pub(super) fn new(compression: Compression, block: u32) -> Self {
        Self { compression, block, idle: Mutex::default() }
    }

    /// Returns a block as it is stored: compressed, or as it is when that isn't shorter.
    pub(super) fn compress(&self, block: &[u8]) -> io::Result<Vec<u8>> {
        if block.is_empty() {
            return Ok(Vec::new());
        }
        let compressed = match self.compression {
            Compression::Xz => xz(block, self.block)?,
            Compression::Gzip | Compression::Zstd { .. } => {
                let idle = self.idle().pop();
                let mut state = idle.map_or_else(|| self.state(), Ok)?;
                let compressed = state.compress(block)?;
                self.idle().push(state);
                compressed
            }
        };
        Ok(compressed.filter(|short| short.len() < block.len()).unwrap_or_else(|| block.to_vec()))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<State>> {
        self.idle.lock().expect("because no holder panics")
    }

    fn state(&self) -> io::Result<State> {
        Ok(match self.compression {
            Compression::Zstd { level } => State::Zstd(bulk::Compressor::new(level)?),
            Compression::Gzip | Compression::Xz => {
                State::Gzip(Compress::new(flate2::Compression::new(GZIP_LEVEL), true))
            }
        })
    }
}

impl State {
    /// Returns the compressed block; none when it would not be shorter.
    fn compress(&mut self, block: &[u8]) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Zstd(compressor) => compressor.compress(block).map(Some),
            Self::Gzip(compress) => {
                compress.reset();
                let mut out = Vec::with_capacity(block.len());
                let status = compress.compress_vec(block, &mut out, FlushCompress::Finish)?;
                Ok((status == Status::StreamEnd).then_some(out))
            }
        }
    }
}

fn xz(block: &[u8], dictionary: u32) -> io::Result<Option<Vec<u8>>> {
    let mut options = LzmaOptions::new_preset(XZ_PRESET)?;
    options.dict_size(dictionary);
    let mut stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc32)?;
    let mut out = Vec::with_capacity(block.len());
    loop {
        let taken = usize::try_from(stream.total_in()).expect("because a block fits into memory");
        let before = out.len();
        let status = stream.process_vec(&block[taken..], &mut out, Action::Finish)?;
        if status == XzStatus::StreamEnd {
            return Ok(Some(out));
        }
        if out.len() == out.capacity() || out.len() == before {
            return Ok(None);
        }
    }
}

/// Returns a block of at most `limit` bytes as it was; an error when it is damaged or has more.
pub(super) fn decompress(
    method: Method,
    stored: &[u8],
    limit: usize,
    limits: &Limits,
) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(limit);
    match method {
        Method::Zstd => {
            bulk::Decompressor::new()?.decompress_to_buffer(stored, &mut out)?;
        }
        Method::Gzip => {
            let status = Decompress::new(true).decompress_vec(stored, &mut out, FlushDecompress::Finish)?;
            if status != Status::StreamEnd {
                return Err(damaged());
            }
        }
        Method::Xz => {
            let mut stream = Stream::new_stream_decoder(u64::from(limits.decoder_kib) << 10, 0)?;
            loop {
                let taken = usize::try_from(stream.total_in()).expect("because it is in memory");
                let before = out.len();
                let status = stream.process_vec(&stored[taken..], &mut out, Action::Finish)?;
                if status == XzStatus::StreamEnd {
                    break;
                }
                if out.len() == before {
                    return Err(damaged());
                }
            }
        }
    }
    if out.len() > limit { Err(damaged()) } else { Ok(out) }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the block ends early or has too many bytes")
}
