//! Volume descriptors and directory records.

use std::io::{Read, Seek};

use kit_tree::TreePath;

use super::super::BLOCK;
use super::super::names::Names;
use super::super::places::Extent;
use super::system_use::rock_ridge;
use super::{Disc, IsoReadError};

/// No volume has so many descriptors.
const DESCRIPTORS_MAX: u32 = 64;
/// The block of the first descriptor.
const FIRST: u32 = 16;
/// Where the root's record is in a descriptor.
const ROOT: usize = 156;
/// Where the character sets of a descriptor are told.
const ESCAPES: std::ops::Range<usize> = 88..91;

const DIRECTORY: u8 = 2;
const ASSOCIATED: u8 = 4;
const CONTINUES: u8 = 0x80;

/// Which names are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hierarchy {
    pub(super) names: Names,
    pub(super) root: Extent,
    /// With Rock Ridge: how many bytes of each system use area are somebody else's.
    pub(super) rock_ridge: Option<usize>,
}

/// Finds the hierarchy that says most.
pub(super) fn hierarchy<R: Read + Seek>(disc: &mut Disc<'_, R>) -> Result<Hierarchy, IsoReadError> {
    let (mut plain, mut joliet) = (None, None);
    for block in FIRST..FIRST + DESCRIPTORS_MAX {
        let bytes = disc.bytes(block, BLOCK as u64)?;
        if bytes[1..6] != *b"CD001" {
            return Err(IsoReadError::NoVolume);
        }
        let root = || {
            let whole = u16::from_le_bytes([bytes[128], bytes[129]]) == 2048;
            let record = Record::parse(&bytes[ROOT..]).filter(|_| whole);
            record.map(|record| record.extent).ok_or(IsoReadError::NoVolume)
        };
        match bytes[0] {
            1 if plain.is_none() => plain = Some(root()?),
            2 if matches!(&bytes[ESCAPES], b"%/@" | b"%/C" | b"%/E") => joliet = Some(root()?),
            255 => break,
            _ => {}
        }
    }
    let plain = plain.ok_or(IsoReadError::NoVolume)?;
    let first = disc.bytes(plain.block, BLOCK as u64)?;
    let record = Records::new(&first, &TreePath::root()).next()?;
    let rock_ridge = record.and_then(|record| rock_ridge(record.system_use));
    Ok(match (rock_ridge, joliet) {
        (None, Some(root)) => Hierarchy { names: Names::Joliet, root, rock_ridge: None },
        (rock_ridge, _) => Hierarchy { names: Names::Plain, root: plain, rock_ridge },
    })
}

/// A record as it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) extent: Extent,
    flags: u8,
    pub(super) identifier: &'a [u8],
    pub(super) system_use: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads the record at the start of `bytes`; none when it doesn't fit, or not into itself.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.get(..usize::from(*bytes.first()?))?;
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let length = usize::from(*bytes.get(32)?);
        let identifier = bytes.get(33..33 + length).filter(|identifier| !identifier.is_empty())?;
        let system_use = bytes.get((33 + length).next_multiple_of(2)..).unwrap_or_default();
        let extent = Extent { block: number(2)?.checked_add(u32::from(bytes[1]))?, size: number(10)? };
        Some(Self { extent, flags: bytes[25], identifier, system_use })
    }

    /// Whether it is `.` or `..`.
    pub(super) fn is_dots(&self) -> bool {
        matches!(self.identifier, [0 | 1])
    }

    pub(super) fn is_directory(&self) -> bool {
        self.flags & DIRECTORY != 0
    }

    /// Whether it is what belongs to another file, such as an icon.
    pub(super) fn is_associated(&self) -> bool {
        self.flags & ASSOCIATED != 0
    }

    /// Returns the name that the identifier is for, where there is no other.
    pub(super) fn name(&self, names: Names) -> Vec<u8> {
        let mut name = match names {
            Names::Plain => self.identifier.to_vec(),
            Names::Joliet => {
                let units: Vec<u16> = self
                    .identifier
                    .chunks_exact(2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                    .collect();
                String::from_utf16_lossy(&units).into_bytes()
            }
        };
        if !self.is_directory() {
            let version = name.iter().rposition(|b| *b == b';');
            if let Some(at) = version.filter(|at| name[at + 1..].iter().all(u8::is_ascii_digit)) {
                name.truncate(at);
            }
            if names == Names::Plain && name.ends_with(b".") {
                name.pop();
            }
        }
        name
    }
}

/// The records of a directory.
#[derive(Debug)]
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    path: TreePath,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8], path: &TreePath) -> Self {
        Self { bytes, at: 0, path: path.clone() }
    }

    /// Returns the next record.
    pub(super) fn next(&mut self) -> Result<Option<Record<'a>>, IsoReadError> {
        loop {
            match self.bytes.get(self.at) {
                None => return Ok(None),
                // the rest of the block is empty
                Some(0) => self.at = (self.at + 1).next_multiple_of(BLOCK),
                Some(length) => {
                    let end = (self.at + 1).next_multiple_of(BLOCK).min(self.bytes.len());
                    let problem = "one of its records is cut";
                    let record = Record::parse(&self.bytes[self.at..end])
                        .ok_or_else(|| IsoReadError::Record { path: self.path.clone(), problem })?;
                    self.at += usize::from(*length);
                    return Ok(Some(record));
                }
            }
        }
    }

    /// Returns all parts of the file that `first` is of, taking the records that follow it.
    pub(super) fn sections(&mut self, first: &Record<'a>) -> Result<Vec<Extent>, IsoReadError> {
        let mut sections = vec![first.extent];
        let mut last = *first;
        while last.flags & CONTINUES != 0 {
            match self.next()? {
                Some(record) if record.identifier == first.identifier => last = record,
                _ => {
                    let problem = "a file of several parts has no last one";
                    return Err(IsoReadError::Record { path: self.path.clone(), problem });
                }
            }
            sections.push(last.extent);
        }
        Ok(sections)
    }
}
