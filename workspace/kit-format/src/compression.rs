//! Compressed streams, both ways.
//!
//! | module | what |
//! |---|---|
//! | [`decoder`] | [`Decoder`]: bzip2, gzip, xz and zstd with bounded memory and bounded growth |
//! | [`gzip`] | [`GzipStream`]: what layers of containers are written with |
//! | [`xz`] | [`XzStream`]: what some kernels unpack and is small |
//! | [`zstd`] | [`ZstdStream`]: the same bytes for any number of workers |

pub mod decoder;
mod full;
pub mod gzip;
pub mod xz;
pub mod zstd;

pub use decoder::Decoder;
pub use gzip::GzipStream;
pub use xz::XzStream;
pub use zstd::ZstdStream;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// Not at all.
    None,
    /// Of the bzip2 program, `.bz2`.
    Bzip2,
    /// RFC 1952, `.gz`.
    Gzip,
    /// The xz format, `.xz`.
    Xz,
    /// RFC 8878, `.zst`.
    Zstd,
}

impl Compression {
    /// Bytes that [`Compression::sniff`] looks at.
    pub const MAGIC_BYTES: usize = 6;

    /// Tells the compression by a stream's first bytes.
    pub fn sniff(start: &[u8]) -> Self {
        match start {
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// Returns the usual end of a file name, with its dot; empty for none.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bzip2 => ".bz2",
            Self::Gzip => ".gz",
            Self::Xz => ".xz",
            Self::Zstd => ".zst",
        }
    }
}

#[cfg(test)]
mod tests;
