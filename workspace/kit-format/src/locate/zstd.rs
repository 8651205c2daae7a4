//! The pieces of zstd streams, RFC 8878: frames, and the blocks in them. What a block unpacks to is found out by unpacking up to its end.

use std::io;
use std::ops::Range;

use ::zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

use super::extent::{Extent, Field, little};
use super::walk::Walk;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The most that a block may have, in bytes, packed and unpacked.
const BLOCK: usize = 128 << 10;
const KINDS: [&str; 4] = ["raw", "one byte repeated", "compressed", "reserved"];

/// A piece and the unpacked bytes that it stands for.
type Piece = (Extent, Option<Range<u64>>);

/// Returns the piece that has the byte at an offset, and which unpacked bytes it stands for.
pub(super) fn piece(mut walk: Walk<'_>, offset: u64) -> io::Result<Option<Piece>> {
    let (mut frame, mut unpacked) = (0, 0);
    loop {
        let begin = walk.at();
        let magic = walk.read(4)?;
        if magic.is_empty() {
            return Ok(None);
        }
        frame += 1;
        let found = if magic == MAGIC {
            let mut reading = Frame {
                number: frame,
                begin,
                unpacked,
                blocks: 0,
                decoder: Decoder::new()?,
                out: vec![0; BLOCK],
            };
            let found = reading.read(&mut walk, offset)?;
            unpacked = reading.unpacked;
            found
        } else if matches!(magic[..], [0x50..=0x5f, 0x2a, 0x4d, 0x18]) {
            let length = little(&walk.read(4)?);
            walk.skip(length)?;
            Outcome::Whole(Extent::new(format!("skippable frame {frame}"), begin..walk.at()))
        } else {
            walk.skip(u64::MAX)?;
            Outcome::Whole(Extent::new("bytes behind the stream", begin..walk.at()))
        };
        match found {
            Outcome::Found(piece) => return Ok(Some(piece)),
            Outcome::Whole(extent) if extent.range.contains(&offset) => return Ok(Some((extent, None))),
            Outcome::Whole(_) => {}
        }
    }
}

enum Outcome {
    /// The piece.
    Found(Piece),
    /// All of a frame, which may hold the byte where nothing is known of its inside.
    Whole(Extent),
}

struct Frame {
    number: u64,
    begin: u64,
    unpacked: u64,
    blocks: u64,
    decoder: Decoder<'static>,
    out: Vec<u8>,
}

impl Frame {
    /// Reads a frame behind its magic number.
    fn read(&mut self, walk: &mut Walk<'_>, offset: u64) -> io::Result<Outcome> {
        let descriptor = walk.read(1)?;
        let Some(flags) = descriptor.first().copied() else { return Ok(self.broken(walk)) };
        let (fields, rest) = self.header(walk, flags)?;
        let header = Extent::new(format!("header of zstd frame {}", self.number), self.begin..walk.at());
        if header.range.contains(&offset) {
            return Ok(Outcome::Found((header.with(fields).at(offset), None)));
        }
        if self.feed(&[&MAGIC, descriptor.as_slice(), &rest].concat()).is_err() {
            return Ok(self.broken(walk));
        }
        loop {
            let (at, before) = (walk.at(), self.unpacked);
            let head = walk.read(3)?;
            if head.len() < 3 {
                return Ok(self.broken(walk));
            }
            let number = little(&head);
            let (is_last, kind, size) = (number & 1 == 1, number >> 1 & 3, number >> 3);
            let packed = if kind == 1 { 1 } else { size };
            if kind == 3 || packed > BLOCK as u64 {
                return Ok(self.broken(walk));
            }
            let data = walk.read(packed)?;
            self.blocks += 1;
            let is_fed = self.feed(&head).and_then(|()| self.feed(&data));
            if is_fed.is_err() || data.len() as u64 != packed {
                return Ok(self.broken(walk));
            }
            if (at..walk.at()).contains(&offset) {
                let what = format!(
                    "block {} of zstd frame {} ({}{})",
                    self.blocks,
                    self.number,
                    KINDS[usize::try_from(kind).expect("because it has two bits")],
                    if is_last { ", the last" } else { "" }
                );
                let extent = Extent::new(what, at..walk.at());
                let header = Field {
                    name: "block header".to_owned(),
                    range: at..at + 3,
                    value: format!("{size} bytes"),
                };
                return Ok(Outcome::Found((
                    extent.with(vec![header]).at(offset),
                    Some(before..self.unpacked),
                )));
            }
            if is_last {
                break;
            }
        }
        let at = walk.at();
        if flags & 4 != 0 {
            let checksum = walk.read(4)?;
            let mut extent = Extent::new(format!("checksum of zstd frame {}", self.number), at..walk.at());
            extent.value = Some(format!("{:08x}", little(&checksum)));
            if extent.range.contains(&offset) {
                return Ok(Outcome::Found((extent, None)));
            }
        }
        Ok(Outcome::Whole(Extent::new("frame", walk.at()..walk.at())))
    }

    /// Returns the fields of a header, RFC 8878, 3.1.1.1, and its bytes behind the descriptor.
    fn header(&self, walk: &mut Walk<'_>, flags: u8) -> io::Result<(Vec<Field>, Vec<u8>)> {
        let is_single = flags & 0x20 != 0;
        let sizes = [
            ("Window_Descriptor", u64::from(!is_single)),
            ("Dictionary_ID", [0, 1, 2, 4][usize::from(flags & 3)]),
            ("Frame_Content_Size", [u64::from(is_single), 2, 4, 8][usize::from(flags >> 6)]),
        ];
        let field = |name: &str, range, value| Field { name: name.to_owned(), range, value };
        let begin = self.begin;
        let mut fields = vec![
            field("Magic_Number", begin..begin + 4, "0xfd2fb528".to_owned()),
            field("Frame_Header_Descriptor", begin + 4..begin + 5, format!("{flags:#04x}")),
        ];
        let mut all = Vec::new();
        for (name, size) in sizes {
            let start = walk.at();
            let bytes = walk.read(size)?;
            if size > 0 {
                // Sizes of two bytes count from 256 on.
                let more = if name == "Frame_Content_Size" && size == 2 { 256 } else { 0 };
                fields.push(field(name, start..walk.at(), (little(&bytes) + more).to_string()));
            }
            all.extend(bytes);
        }
        Ok((fields, all))
    }

    /// Unpacks what comes next, and counts what it gives.
    fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut input = InBuffer::around(bytes);
        loop {
            let mut out = OutBuffer::around(self.out.as_mut_slice());
            let before = input.pos();
            self.decoder.run(&mut input, &mut out)?;
            let made = out.pos();
            self.unpacked += made as u64;
            if made == 0 && (input.pos() == bytes.len() || input.pos() == before) {
                return Ok(());
            }
        }
    }

    /// Says that the rest breaks the rules.
    fn broken(&self, walk: &mut Walk<'_>) -> Outcome {
        // A stream that can't be read any further ends here.
        _ = walk.skip(u64::MAX);
        Outcome::Whole(Extent::new(
            format!("zstd frame {}, which is damaged", self.number),
            self.begin..walk.at(),
        ))
    }
}
