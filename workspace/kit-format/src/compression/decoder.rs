//! The reading side: whatever a stream claims, memory and output stay bounded.

use std::fmt;
use std::io::{self, BufReader, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Error as XzError, Stream};

use super::Compression;
use crate::limits::{LimitError, Limits};

/// Buffers this much of the compressed stream.
const BUFFER: usize = 64 << 10;

/// Reads a compressed stream uncompressed; several members, streams or frames in a row are one stream.
///
/// Growth beyond [`Limits::ratio`] and decoders larger than [`Limits::decoder_kib`] end in an error that holds a [`LimitError`].
pub struct Decoder<R: Read> {
    codec: Codec<R>,
    compression: Compression,
    produced: u64,
    ratio: u64,
    memory_kib: u32,
    failed: bool,
}

type Buffered<R> = BufReader<Source<R>>;

enum Codec<R: Read> {
    None(Source<R>),
    Bzip2(Box<MultiBzDecoder<Buffered<R>>>),
    Gzip(Box<MultiGzDecoder<Buffered<R>>>),
    Xz(Box<XzDecoder<Buffered<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Buffered<R>>>),
}

impl<R: Read> Decoder<R> {
    /// Tells the compression by the first bytes of `reader`.
    pub fn sniff(mut reader: R, limits: &Limits) -> io::Result<Self> {
        let mut start = Vec::with_capacity(Compression::MAGIC_BYTES);
        (&mut reader).take(Compression::MAGIC_BYTES as u64).read_to_end(&mut start)?;
        let compression = Compression::sniff(&start);
        Self::over(compression, Source { start: io::Cursor::new(start), reader, taken: 0 }, limits)
    }

    /// Reads `reader` as `compression`.
    pub fn new(compression: Compression, reader: R, limits: &Limits) -> io::Result<Self> {
        Self::over(compression, Source { start: io::Cursor::default(), reader, taken: 0 }, limits)
    }

    fn over(compression: Compression, source: Source<R>, limits: &Limits) -> io::Result<Self> {
        let buffered = |source| BufReader::with_capacity(BUFFER, source);
        let codec = match compression {
            Compression::None => Codec::None(source),
            Compression::Bzip2 => Codec::Bzip2(Box::new(MultiBzDecoder::new(buffered(source)))),
            Compression::Gzip => Codec::Gzip(Box::new(MultiGzDecoder::new(buffered(source)))),
            Compression::Xz => {
                let stream = Stream::new_stream_decoder(u64::from(limits.decoder_kib) << 10, CONCATENATED)?;
                Codec::Xz(Box::new(XzDecoder::new_stream(buffered(source), stream)))
            }
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered(source))?;
                decoder.window_log_max(window_log(limits.decoder_kib))?;
                Codec::Zstd(Box::new(decoder))
            }
        };
        let Limits { ratio, decoder_kib: memory_kib, .. } = *limits;
        Ok(Self { codec, compression, produced: 0, ratio, memory_kib, failed: false })
    }

    /// Returns how the stream is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    fn taken(&self) -> u64 {
        match &self.codec {
            Codec::None(source) => source.taken,
            Codec::Bzip2(decoder) => decoder.get_ref().get_ref().taken,
            Codec::Gzip(decoder) => decoder.get_ref().get_ref().taken,
            Codec::Xz(decoder) => decoder.get_ref().get_ref().taken,
            Codec::Zstd(decoder) => decoder.get_ref().get_ref().taken,
        }
    }

    fn step(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.codec {
            Codec::None(source) => return source.read(buffer),
            Codec::Bzip2(decoder) => decoder.read(buffer),
            Codec::Gzip(decoder) => decoder.read(buffer),
            Codec::Xz(decoder) => decoder.read(buffer),
            Codec::Zstd(decoder) => decoder.read(buffer),
        }
        .map_err(|error| if needs_memory(&error) { self.too_much_memory() } else { error })?;
        self.produced += count as u64;
        if self.produced > Limits::RATIO_FLOOR && self.produced / self.ratio > self.taken() {
            return Err(LimitError::Ratio { limit: self.ratio }.into());
        }
        Ok(count)
    }

    fn too_much_memory(&self) -> io::Error {
        LimitError::DecoderMemory { limit: self.memory_kib }.into()
    }
}

/// The largest window, as a power of two, that fits into `kib`.
fn window_log(kib: u32) -> u32 {
    (10 + kib.max(1).ilog2()).clamp(10, 27)
}

/// Whether a decompressor's error says that it wasn't given enough memory.
fn needs_memory(error: &io::Error) -> bool {
    let xz = error.get_ref().and_then(|inner| inner.downcast_ref::<XzError>());
    xz == Some(&XzError::MemLimit) || error.to_string().contains("too much memory")
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // A decompressor that failed is in no defined state: it isn't asked again.
        if self.failed {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the stream was damaged before"));
        }
        let step = self.step(buffer);
        self.failed = matches!(&step, Err(e) if e.kind() != io::ErrorKind::Interrupted);
        step
    }
}

impl<R: Read> fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("compression", &self.compression)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

/// The compressed stream, with the bytes that were looked at put back, counted.
struct Source<R> {
    start: io::Cursor<Vec<u8>>,
    reader: R,
    taken: u64,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = self.start.read(buffer)?;
        if count == 0 {
            // libraries below don't all repeat an interrupted read
            count = loop {
                match self.reader.read(buffer) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
        }
        self.taken += count as u64;
        Ok(count)
    }
}
