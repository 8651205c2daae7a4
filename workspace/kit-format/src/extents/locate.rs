//! Finding a byte in what was recorded.

use std::io::{self, Read as _};
use std::ops::Range;

use super::{Extents, From, Recorded};
use crate::locate::{Extent, Open, Part, fields};

/// How many pieces are named of those that have some bytes.
const NAMED: usize = 8;
/// The largest piece whose fields are looked at, in bytes.
const FIELDS: u64 = 1 << 20;

/// A piece, and which content its bytes came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is, down to the field.
    pub extent: Extent,
    /// The content, and where in it the byte is.
    pub part: Option<Part>,
}

/// Returns the piece that has the byte at an offset; none where the file is shorter. `open` reads what was recorded: fields are looked at there.
pub fn locate(extents: &Extents, open: Open<'_>, offset: u64) -> io::Result<Option<Piece>> {
    let Some(found) = at(extents, offset) else { return Ok(None) };
    let Recorded { range, what, member, from } = found;
    let mut extent = Extent::new(what.clone(), range.clone()).of(member.clone());
    let part = match from {
        From::Content { blob, skip } => {
            extent.is_content = true;
            Some(Part { blob: *blob, offset: skip + (offset - range.start) })
        }
        From::Format if range.end - range.start <= FIELDS => {
            let mut source = open()?;
            io::copy(&mut source.by_ref().take(range.start), &mut io::sink())?;
            let mut bytes = Vec::new();
            source.take(range.end - range.start).read_to_end(&mut bytes)?;
            let known = fields(&extents.format, what, &bytes, range.start);
            if known.iter().any(|field| field.range.contains(&offset)) {
                extent = extent.with(known).at(offset);
            }
            None
        }
        From::Format | From::Zeros => None,
    };
    Ok(Some(Piece { extent, part }))
}

fn at(extents: &Extents, offset: u64) -> Option<&Recorded> {
    let number = extents.pieces.partition_point(|piece| piece.range.end <= offset);
    extents.pieces.get(number)
}

/// Names the pieces that have some of these bytes, the first few of them, and returns how many more there are. What is nothing but zeros has no name.
pub fn overlapping(extents: &Extents, range: &Range<u64>) -> (Vec<Recorded>, usize) {
    let first = extents.pieces.partition_point(|piece| piece.range.end <= range.start);
    let pieces = extents.pieces.iter().skip(first).take_while(|piece| piece.range.start < range.end);
    let mut pieces = pieces.filter(|piece| piece.from != From::Zeros).cloned();
    let named = pieces.by_ref().take(NAMED).collect();
    (named, pieces.count())
}
