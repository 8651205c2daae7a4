//! Programs for EFI (PE32 and PE32+): their headers read, written again with other sections, and their checksum.
//!
//! ```text
//! 0          "MZ" … at 0x3c: where the next header begins
//! header     "PE\0\0", machine u16, sections u16, time u32, symbols u32 u32, size of the optional header u16, characteristics u16
//! optional   magic u16 (0x10b PE32, 0x20b PE32+) … +32 alignment of sections u32, of the file u32
//!            … +56 size in memory u32, size of all headers u32, checksum u32
//!            … directories of 8 bytes each; number 4 says where the table of signatures is in the file, and its size
//! sections   40 bytes each: name 8, size and place in memory u32 u32, size and place in the file u32 u32, … characteristics u32
//! …          their contents, in the order of their places
//! signatures at the end of the file, at a multiple of 8
//! ```
//! Headers come from strangers: every number is checked against the file's length, and a program whose sections overlap, whose signatures
//! aren't at the end, or whose headers are larger than [`HEADERS_LIMIT`] is refused.

mod checksum;
mod patched;

use std::io::{self, Read};
use std::ops::Range;

pub use self::checksum::Checksum;
pub use self::patched::{Patch, Patched};

/// The most bytes that all headers of a program may have.
pub const HEADERS_LIMIT: u64 = 64 << 10;
/// The most sections that Windows' loader takes, and so everybody.
const SECTIONS_LIMIT: u16 = 96;
/// Bytes of the header between `PE` and the optional one, both counted from `PE`.
const COFF: usize = 24;
/// Bytes of a row of the table of sections.
pub(crate) const ROW: usize = 40;
/// The directory of signatures.
const SECURITY: usize = 4;
/// The optional header of 64-bit programs.
const PE32_PLUS: u16 = 0x20b;
/// That of 32-bit ones.
const PE32: u16 = 0x10b;

/// Why bytes are no program for EFI that kit takes.
#[derive(Debug, thiserror::Error)]
pub enum PeError {
    /// It doesn't begin as one.
    #[error("it is no program for EFI: it has no `{missing}` at its byte {offset}")]
    NoProgram {
        /// What would be there.
        missing: &'static str,
        /// Where.
        offset: u64,
    },
    /// It ends before its headers do.
    #[error(
        "its headers go to byte {needed}, and it has {length} bytes, of which {HEADERS_LIMIT} may be headers"
    )]
    Truncated {
        /// Where the headers go to.
        needed: u64,
        /// How long it is.
        length: u64,
    },
    /// It has more sections than a program can.
    #[error("it has {found} sections, and a program at most {SECTIONS_LIMIT}")]
    Sections {
        /// How many it has.
        found: u16,
    },
    /// A number in a header makes no sense.
    #[error("the {field} in its headers is {found}")]
    Field {
        /// Which number.
        field: &'static str,
        /// What it is.
        found: u64,
    },
    /// A section isn't in the file, or is where another thing is.
    #[error("its section `{name}` is at bytes {start} to {end}, which overlap others or aren't there")]
    Section {
        /// Its name.
        name: String,
        /// Where it begins.
        start: u64,
        /// Where it ends.
        end: u64,
    },
    /// The signatures aren't at the end of the file.
    #[error("its signatures are at bytes {start} to {end}, and not at the end of its {length} bytes")]
    Signatures {
        /// Where they begin.
        start: u64,
        /// Where they end.
        end: u64,
        /// How long the file is.
        length: u64,
    },
    /// It can't be read.
    #[error("it can't be read")]
    Read(#[from] io::Error),
}

/// A section of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name, zeros behind it.
    pub name: [u8; 8],
    /// Its bytes in memory: those that mean something.
    pub size: u32,
    /// Where it is in memory.
    pub address: u32,
    /// Its bytes in the file, with padding.
    pub file_size: u32,
    /// Where it is in the file.
    pub file_offset: u32,
    /// What may be done with it.
    pub characteristics: u32,
}

impl Section {
    /// Returns its name as text.
    pub fn name(&self) -> String {
        let end = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        String::from_utf8_lossy(&self.name[..end]).escape_debug().to_string()
    }

    /// Whether it has this name.
    pub fn is_named(&self, name: &str) -> bool {
        let bytes = name.as_bytes();
        self.name.starts_with(bytes) && self.name[bytes.len()..].iter().all(|byte| *byte == 0)
    }

    /// Returns where it is in the file.
    pub fn file_range(&self) -> Range<u64> {
        let start = u64::from(self.file_offset);
        start..start + u64::from(self.file_size)
    }

    /// Returns how many bytes of it in the file mean something.
    pub fn length(&self) -> u64 {
        u64::from(self.size.min(self.file_size))
    }

    /// Returns where it ends in memory.
    pub(crate) fn address_end(&self) -> u64 {
        u64::from(self.address) + u64::from(self.size.max(self.file_size))
    }

    /// Returns its row of the table.
    pub(crate) fn row(&self) -> [u8; ROW] {
        let mut row = [0; ROW];
        row[..8].copy_from_slice(&self.name);
        for (at, number) in [
            (8, self.size),
            (12, self.address),
            (16, self.file_size),
            (20, self.file_offset),
            (36, self.characteristics),
        ] {
            row[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        row
    }
}

/// What the headers of a program say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// For which machine it is, such as [`Program::X86_64`].
    pub machine: u16,
    /// Bytes of all headers.
    pub headers: u32,
    /// What sections are aligned to in memory.
    pub section_alignment: u32,
    /// What they are aligned to in the file.
    pub file_alignment: u32,
    /// Its bytes in memory.
    pub image_size: u32,
    /// Its sections, in the order of the table.
    pub sections: Vec<Section>,
    /// Where its signatures are in the file.
    pub signatures: Option<Range<u64>>,
    /// The bytes of the whole file.
    pub length: u64,
    /// Where `PE` is.
    pub(crate) pe: usize,
    /// Where the table of sections begins.
    pub(crate) table: usize,
    /// Where the entry of the directory of signatures is.
    directory: u64,
}

impl Program {
    /// A machine with an x86-64 processor.
    pub const X86_64: u16 = 0x8664;
    /// One with a 64-bit ARM.
    pub const AARCH64: u16 = 0xaa64;
    /// One with a 64-bit RISC-V.
    pub const RISCV64: u16 = 0x5064;

    /// Reads the headers of a program of `length` bytes, of which `reader` has the first ones.
    pub fn read(reader: &mut dyn Read, length: u64) -> Result<Self, PeError> {
        let mut start = Vec::new();
        reader.take(HEADERS_LIMIT.min(length)).read_to_end(&mut start)?;
        Self::parse(&start, length)
    }

    /// Reads the headers of a program of `length` bytes from its first ones.
    pub fn parse(start: &[u8], length: u64) -> Result<Self, PeError> {
        let start = Start { bytes: start, length };
        start.magic(0, b"MZ", "MZ")?;
        let pe = usize::try_from(start.u32(0x3c)?).unwrap_or(usize::MAX);
        start.magic(pe, b"PE\0\0", "PE")?;
        let optional = pe + COFF;
        let optional_size = usize::from(start.u16(pe + 20)?);
        let count = start.u16(pe + 6)?;
        if count > SECTIONS_LIMIT {
            return Err(PeError::Sections { found: count });
        }
        let table = optional + optional_size;
        let directories = match start.u16(optional)? {
            PE32_PLUS => optional + 112,
            PE32 => optional + 96,
            magic => return Err(PeError::Field { field: "kind of optional header", found: magic.into() }),
        };
        let directory = directories + 8 * SECURITY;
        let directory_count = start.u32(directories - 4)?;
        if directory + 8 > table || u64::from(directory_count) <= SECURITY as u64 {
            return Err(PeError::Field { field: "number of directories", found: directory_count.into() });
        }
        let sections: Vec<_> =
            (0..usize::from(count)).map(|at| start.section(table + at * ROW)).collect::<Result<_, _>>()?;
        let program = Self {
            machine: start.u16(pe + 4)?,
            headers: start.u32(optional + 60)?,
            section_alignment: start.u32(optional + 32)?,
            file_alignment: start.u32(optional + 36)?,
            image_size: start.u32(optional + 56)?,
            sections,
            signatures: start.signatures(directory)?,
            length,
            pe,
            table,
            directory: directory as u64,
        };
        program.check()?;
        Ok(program)
    }

    fn check(&self) -> Result<(), PeError> {
        let table_end = self.table_end();
        let headers = u64::from(self.headers);
        if headers < table_end || headers > HEADERS_LIMIT || headers > self.length {
            return Err(PeError::Field { field: "size of all headers", found: headers });
        }
        for (field, found) in [
            ("alignment of sections", self.section_alignment),
            ("alignment in the file", self.file_alignment),
        ] {
            if !found.is_power_of_two() {
                return Err(PeError::Field { field, found: found.into() });
            }
        }
        let limit = self.signatures.as_ref().map_or(self.length, |range| range.start);
        let mut end = headers;
        for section in self.in_file_order() {
            let range = section.file_range();
            if range.start < end || range.end > limit {
                return Err(PeError::Section { name: section.name(), start: range.start, end: range.end });
            }
            end = range.end;
        }
        Ok(())
    }

    /// Returns where the table of sections ends.
    pub(crate) fn table_end(&self) -> u64 {
        (self.table + self.sections.len() * ROW) as u64
    }

    /// Returns the sections that are in the file, by their places.
    pub fn in_file_order(&self) -> Vec<&Section> {
        let mut sections: Vec<_> = self.sections.iter().filter(|section| section.file_size > 0).collect();
        sections.sort_by_key(|section| section.file_offset);
        sections
    }

    /// Returns the section with a name, the first one.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.is_named(name))
    }

    /// Returns where the checksum is in the file.
    pub fn checksum_range(&self) -> Range<u64> {
        let start = (self.pe + COFF + 64) as u64;
        start..start + 4
    }

    /// Returns where it is said where the signatures are.
    pub fn directory_range(&self) -> Range<u64> {
        self.directory..self.directory + 8
    }
}

/// The first bytes of a file.
struct Start<'a> {
    bytes: &'a [u8],
    length: u64,
}

impl Start<'_> {
    fn get<const N: usize>(&self, at: usize) -> Result<[u8; N], PeError> {
        let found =
            at.checked_add(N).and_then(|end| self.bytes.get(at..end)).and_then(|found| found.try_into().ok());
        found.ok_or(PeError::Truncated { needed: (at as u64).saturating_add(N as u64), length: self.length })
    }

    fn u16(&self, at: usize) -> Result<u16, PeError> {
        self.get(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Result<u32, PeError> {
        self.get(at).map(u32::from_le_bytes)
    }

    fn magic(&self, at: usize, magic: &[u8], missing: &'static str) -> Result<(), PeError> {
        let is_there = self.bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
        if is_there { Ok(()) } else { Err(PeError::NoProgram { missing, offset: at as u64 }) }
    }

    fn section(&self, at: usize) -> Result<Section, PeError> {
        Ok(Section {
            name: self.get(at)?,
            size: self.u32(at + 8)?,
            address: self.u32(at + 12)?,
            file_size: self.u32(at + 16)?,
            file_offset: self.u32(at + 20)?,
            characteristics: self.u32(at + 36)?,
        })
    }

    /// Reads where the signatures are.
    fn signatures(&self, directory: usize) -> Result<Option<Range<u64>>, PeError> {
        let start = u64::from(self.u32(directory)?);
        let end = start + u64::from(self.u32(directory + 4)?);
        if start == 0 && end == 0 {
            return Ok(None);
        }
        if start == end || end != self.length || !start.is_multiple_of(8) {
            return Err(PeError::Signatures { start, end, length: self.length });
        }
        Ok(Some(start..end))
    }
}

#[cfg(test)]
pub(crate) mod tests;
