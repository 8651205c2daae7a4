//! What the pieces of a written file are, as a side file: [`Layout`]s are forgotten when they are written, and this is what stays.
//!
//! ```text
//! zstd frame (level 3, one thread) of the canonical encoding `kit:extents:v1`:
//!   format          what the file is, in words
//!   inside          0: the pieces are those of the file; 1: those of the disk that is in it
//!   whats           list of texts, sorted, each once
//!   members         list of paths, sorted, each once
//!   blobs           list of digests, sorted, each once
//!   pieces          list of: bytes, number of the text, option of the number of the path, and
//!                     0 (bytes of the format) | 1 (content: number of the digest, bytes of it before) | 2 (zeros)
//! ```
//! Pieces follow each other without gaps from byte 0 on, so that only their lengths are there. The same layout gives the same bytes.

mod locate;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::num::NonZeroU32;
use std::ops::Range;

use kit_hash::{BlobId, DecodeError, Decoder as Fields, Encoder};
use kit_tree::TreePath;

pub use self::locate::{Piece, locate, overlapping};
use crate::compression::zstd::ZstdOptions;
use crate::compression::{Compression, Decoder, ZstdStream};
use crate::layout::{Layout, Source};
use crate::limits::Limits;

/// The revision of these bytes.
pub const REVISION: u32 = 1;
/// The largest side file that is read, in bytes, unpacked.
const LARGEST: u64 = 1 << 30;

/// What the pieces of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extents {
    /// What the file is, or the disk in it.
    pub format: String,
    /// Whose pieces they are.
    pub of: Of,
    /// In order, without gaps.
    pub pieces: Vec<Recorded>,
}

/// Whose pieces are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The file's.
    File,
    /// Those of the disk that is in the file, which is a container.
    DiskInside,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which bytes it is.
    pub range: Range<u64>,
    /// What it is, such as `partition 1, content`.
    pub what: String,
    /// The file of a tree that it belongs to.
    pub member: Option<TreePath>,
    /// Where its bytes came from.
    pub from: From,
}

/// Where the bytes of a piece came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The format has them.
    Format,
    /// From a content, beginning at its byte `skip`.
    Content {
        /// Which.
        blob: BlobId,
        /// How many of its bytes come before.
        skip: u64,
    },
    /// They are zeros.
    Zeros,
}

/// Why a side file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ExtentsError {
    /// It can't be unpacked.
    #[error("it can't be unpacked")]
    Unpack(#[from] io::Error),
    /// It isn't what is written.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Extents {
    /// Takes down what the pieces of a layout are.
    pub fn record(format: &str, of: Of, layout: &Layout) -> Self {
        let piece = |piece: &crate::layout::Piece| Recorded {
            range: piece.range.clone(),
            what: piece.what.to_string(),
            member: piece.member.clone(),
            from: match &piece.source {
                Source::Bytes(_) => From::Format,
                Source::Blob { blob, skip } => From::Content { blob: *blob, skip: *skip },
                Source::Zeros => From::Zeros,
            },
        };
        Self { format: format.to_owned(), of, pieces: layout.pieces().iter().map(piece).collect() }
    }

    /// Returns the side file.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let whats = numbered(self.pieces.iter().map(|piece| piece.what.as_str()));
        let members = numbered(self.pieces.iter().filter_map(|piece| piece.member.as_ref()));
        let blobs = numbered(self.pieces.iter().filter_map(|piece| match piece.from {
            From::Content { blob, .. } => Some(blob),
            From::Format | From::Zeros => None,
        }));
        let mut e = Encoder::new("extents", REVISION.into());
        e.str(&self.format).variant(u64::from(self.of == Of::DiskInside));
        e.list(whats.keys(), |e, what| _ = e.str(what));
        e.list(members.keys(), |e, member| _ = e.bytes(member.as_bytes()));
        e.list(blobs.keys(), |e, blob| _ = e.id(blob));
        e.list(&self.pieces, |e, piece| {
            e.u64(piece.range.end - piece.range.start).u64(whats[piece.what.as_str()]);
            e.option(piece.member.as_ref(), |e, member| _ = e.u64(members[member]));
            match piece.from {
                From::Format => e.variant(0),
                From::Content { blob, skip } => e.variant(1).u64(blobs[&blob]).u64(skip),
                From::Zeros => e.variant(2),
            };
        });
        let plain = e.finish();
        let options = ZstdOptions { level: 3, workers: NonZeroU32::MIN };
        let mut packed = Vec::new();
        ZstdStream::new(plain, plain.len() as u64, options)?.read_to_end(&mut packed)?;
        Ok(packed)
    }

    /// Reads a side file.
    pub fn from_bytes(packed: &[u8]) -> Result<Self, ExtentsError> {
        let mut plain = Vec::new();
        let limits = Limits { ratio: u64::MAX, ..Limits::standard() };
        Decoder::new(Compression::Zstd, packed, &limits)?.take(LARGEST).read_to_end(&mut plain)?;
        let mut d = Fields::new(&plain, "extents", REVISION.into())?;
        let format = d.str()?.to_owned();
        let of = match d.u64()? {
            0 => Of::File,
            1 => Of::DiskInside,
            _ => return Err(d.invalid("whose pieces they are").into()),
        };
        let whats = (0..d.list_len()?).map(|_| d.str().map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
        let mut members = Vec::new();
        for _ in 0..d.list_len()? {
            let path = TreePath::new(d.bytes()?);
            members.push(path.map_err(|_| d.invalid("path"))?);
        }
        let blobs = (0..d.list_len()?).map(|_| d.id()).collect::<Result<Vec<BlobId>, _>>()?;
        let (mut pieces, mut at) = (Vec::new(), 0_u64);
        for _ in 0..d.list_len()? {
            let start = at;
            at = d.u64()?.checked_add(at).ok_or_else(|| d.invalid("length"))?;
            let what = pick(&whats, &mut d)?;
            let member = match d.u64()? {
                0 => None,
                1 => Some(pick(&members, &mut d)?),
                _ => return Err(d.invalid("option").into()),
            };
            let from = match d.u64()? {
                0 => From::Format,
                1 => From::Content { blob: pick(&blobs, &mut d)?, skip: d.u64()? },
                2 => From::Zeros,
                _ => return Err(d.invalid("where bytes come from").into()),
            };
            pieces.push(Recorded { range: start..at, what, member, from });
        }
        d.finish()?;
        Ok(Self { format, of, pieces })
    }
}

/// Numbers what there is, sorted.
fn numbered<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    items.collect::<BTreeSet<_>>().into_iter().zip(0..).collect()
}

/// Reads a number, and returns what has it.
fn pick<T: Clone>(all: &[T], d: &mut Fields<'_>) -> Result<T, DecodeError> {
    let number = d.u64()?;
    let item = usize::try_from(number).ok().and_then(|number| all.get(number));
    item.cloned().ok_or_else(|| d.invalid("number"))
}

#[cfg(test)]
mod tests;
