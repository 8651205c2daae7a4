//! The pieces of gzip streams, RFC 1952.
//!
//! Deflate knows no bytes: a piece of its data is told by what all that stands before a byte unpacks to, and what comes with it.

use std::cmp::Ordering;
use std::io;
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use super::extent::{Extent, Field, little, text};
use super::walk::Walk;

/// Bytes of a header without what flags add.
const HEADER: u64 = 10;
const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;
/// Bytes that are unpacked at once.
const CHUNK: u64 = 64 << 10;
/// Unpacked bytes that are made at once.
const OUT: usize = 256 << 10;

/// Returns the piece that has the byte at an offset, and which unpacked bytes it stands for.
pub(super) fn piece(mut walk: Walk<'_>, offset: u64) -> io::Result<Option<(Extent, Option<Range<u64>>)>> {
    let (mut unpacked, mut inflate) = (0, Inflate::new());
    loop {
        let begin = walk.at();
        let fixed = walk.read(HEADER)?;
        if fixed.is_empty() {
            return Ok(None);
        }
        if fixed.len() as u64 != HEADER || !fixed.starts_with(&[0x1f, 0x8b, 8]) {
            walk.skip(u64::MAX)?;
            let rest = Extent::new("bytes that are no stream", begin..walk.at());
            return Ok(rest.range.contains(&offset).then_some((rest, None)));
        }
        let header = header(&mut walk, &fixed, begin)?;
        if header.range.contains(&offset) {
            return Ok(Some((header.at(offset), None)));
        }
        let data = walk.at();
        let Some(deflated) = deflate(&mut walk, &mut inflate, offset, unpacked)? else {
            walk.skip(u64::MAX)?;
            let broken = Extent::new("deflated data that is damaged", data..walk.at());
            return Ok(broken.range.contains(&offset).then_some((broken, None)));
        };
        if deflated.end > offset {
            return Ok(Some((Extent::new("deflated data", data..deflated.end), deflated.covers)));
        }
        unpacked = deflated.unpacked;
        let end = deflated.end + deflated.trailer.len() as u64;
        let trailer = Extent::new("trailer", deflated.end..end).with(trailer(&deflated));
        if trailer.range.contains(&offset) {
            return Ok(Some((trailer.at(offset), None)));
        }
    }
}

fn header(walk: &mut Walk<'_>, fixed: &[u8], begin: u64) -> io::Result<Extent> {
    let field = |name: &str, range: Range<usize>| Field {
        name: name.to_owned(),
        value: little(&fixed[range.clone()]).to_string(),
        range: begin + range.start as u64..begin + range.end as u64,
    };
    let mut fields = vec![
        field("ID", 0..2),
        field("CM", 2..3),
        field("FLG", 3..4),
        field("MTIME", 4..8),
        field("XFL", 8..9),
        field("OS", 9..10),
    ];
    let mut add = |name: &str, walk: &Walk<'_>, start: u64, value: String| {
        fields.push(Field { name: name.to_owned(), range: start..walk.at(), value });
    };
    let flags = fixed[3];
    if flags & HAS_EXTRA != 0 {
        let start = walk.at();
        let length = little(&walk.read(2)?);
        let extra = walk.read(length)?;
        add("FEXTRA", walk, start, format!("{} bytes", extra.len()));
    }
    for (flag, name) in [(HAS_NAME, "FNAME"), (HAS_COMMENT, "FCOMMENT")] {
        if flags & flag != 0 {
            let (start, mut value) = (walk.at(), Vec::new());
            while let [byte] = walk.read(1)?[..] {
                value.push(byte);
                if byte == 0 {
                    break;
                }
            }
            add(name, walk, start, text(&value));
        }
    }
    if flags & HAS_CHECKSUM != 0 {
        let start = walk.at();
        let value = little(&walk.read(2)?).to_string();
        add("FHCRC", walk, start, value);
    }
    Ok(Extent::new("header", begin..walk.at()).with(fields))
}

/// Deflated data.
struct Deflated {
    end: u64,
    /// The unpacked bytes that the byte at the offset stands for.
    covers: Option<Range<u64>>,
    /// How many bytes all streams up to its end unpack to.
    unpacked: u64,
    /// What stands behind it.
    trailer: Vec<u8>,
}

/// What unpacks deflated data, one piece of it after another.
struct Inflate {
    inner: Decompress,
    /// Where unpacked bytes go; nobody reads them.
    out: Vec<u8>,
}

impl Inflate {
    fn new() -> Self {
        Self { inner: Decompress::new(false), out: vec![0; OUT] }
    }

    /// Unpacks bytes; returns how many of them were taken, and whether the data ends there. None where it is damaged.
    fn take(&mut self, input: &[u8]) -> Option<(usize, bool)> {
        let mut taken = 0;
        loop {
            let so_far = (self.inner.total_in(), self.inner.total_out());
            let status = self.inner.decompress(&input[taken..], &mut self.out, FlushDecompress::None).ok()?;
            taken += usize::try_from(self.inner.total_in() - so_far.0).unwrap_or(usize::MAX);
            if status == Status::StreamEnd {
                return Some((taken, true));
            }
            if (self.inner.total_in(), self.inner.total_out()) == so_far {
                return (taken > 0).then_some((taken, false));
            }
        }
    }
}

/// Unpacks to the end of the data, byte by byte around the offset; none where it is damaged.
fn deflate(
    walk: &mut Walk<'_>,
    inflate: &mut Inflate,
    offset: u64,
    before: u64,
) -> io::Result<Option<Deflated>> {
    inflate.inner.reset(false);
    let mut covers = None;
    loop {
        let at = walk.at();
        // The byte at the offset is given alone.
        let count = match at.cmp(&offset) {
            Ordering::Less => CHUNK.min(offset - at),
            Ordering::Equal => 1,
            Ordering::Greater => CHUNK,
        };
        let was = inflate.inner.total_out();
        // Nothing is taken at the end of the stream, either.
        let Some((taken, is_end)) = inflate.take(walk.peek(count)?) else { return Ok(None) };
        walk.consume(taken);
        let unpacked = before + inflate.inner.total_out();
        if at == offset {
            covers = Some(before + was..unpacked);
        }
        if is_end {
            let end = walk.at();
            return Ok(Some(Deflated { end, covers, unpacked, trailer: walk.read(8)? }));
        }
    }
}

fn trailer(deflated: &Deflated) -> Vec<Field> {
    let field = |name: &str, start: usize| Field {
        name: name.to_owned(),
        range: deflated.end + start as u64..deflated.end + start as u64 + 4,
        value: deflated
            .trailer
            .get(start..)
            .map_or(0, |bytes| little(&bytes[..bytes.len().min(4)]))
            .to_string(),
    };
    vec![field("CRC32", 0), field("ISIZE", 4)]
}
