//! The programs for UEFI that a file system has, and how their ends are moved into the room behind them, or back.
//!
//! What a longer or shorter end changes, and nothing else:
//!
//! | where | what |
//! |---|---|
//! | entry of the directory | the file's length |
//! | each table | the entries of the clusters between both ends: each the next one, the last the end, those behind it free |
//! | FAT32's free counts | as many less or more, in the first sector of them, and in the second where it says the same |
//!
//! All of that has to be there exactly as this crate writes it; anything else is an error, and nothing is changed then.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};
use std::ops::Range;

use kit_tree::{FileName, TreePath};

use super::chain::{self, Content, Taken};
use super::entries;
use super::read::FatReadError;
use super::volume::{Root, Volume};
use super::{ENTRY, Kind, SIGNATURE_ROOM, boot, is_program};
use crate::limits::{Budget, Limits};
use crate::signing::edits::Edits;

/// Bytes that a directory has at most.
const DIRECTORY_BYTES: u64 = 65_536 * ENTRY as u64;
/// Where the length is in an entry of a directory.
const LENGTH: u64 = 28;

/// A program in a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// Where it is.
    pub(crate) path: TreePath,
    /// Its bytes in the file system; nothing where they are in several pieces.
    pub(crate) bytes: Option<Range<u64>>,
    /// Its first cluster.
    first: u32,
    /// Where its length is written.
    length_at: u64,
}

/// Why the end of a program can't be moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The bytes can't be had.
    #[error("can't read the file system")]
    Input(#[from] io::Error),
    /// It is in several pieces.
    #[error("it lies in several pieces")]
    Pieces,
    /// There isn't that much room.
    #[error("it would have {needed} bytes, and behind it is room up to {room}")]
    Room {
        /// How many it would have.
        needed: u64,
        /// How many there is room for.
        room: u64,
    },
    /// What is behind it is another file's.
    #[error("cluster {cluster} behind it is another file's")]
    Taken {
        /// The cluster's number.
        cluster: u32,
    },
    /// A table or a count is another one than it has to be.
    #[error("the file system has {found:#x} for the {what}, where {expected:#x} has to be")]
    Contradiction {
        /// What contradicts.
        what: String,
        /// What is there.
        found: u32,
        /// What has to be.
        expected: u32,
    },
}

/// The programs of a file system, open.
pub(crate) struct Programs<'a, R> {
    volume: Volume<'a, R>,
    /// All of them, in the order of directories.
    pub(crate) programs: Vec<Program>,
}

/// Finds the programs of a file system.
pub(crate) fn programs<'a, R: Read + Seek>(
    disk: &'a mut R,
    limits: &Limits,
) -> Result<Programs<'a, R>, FatReadError> {
    let mut volume = Volume::open(disk)?;
    let mut taken = Taken::new(volume.clusters);
    let mut budget = Budget::new(limits);
    let mut programs = Vec::new();
    let mut directories = VecDeque::from([(TreePath::root(), None)]);
    while let Some((path, cluster)) = directories.pop_front() {
        let (bytes, pieces) = directory(&mut volume, &mut taken, &path, cluster)?;
        for found in entries::entries(&bytes, &path.to_string())? {
            let member = FileName::new(found.name.as_bytes()).and_then(|name| path.join(&name));
            let member = member.map_err(|source| FatReadError::Path {
                path: path.clone(),
                name: found.name.clone(),
                source,
            })?;
            let added = budget.entry(member.as_bytes().len());
            added.map_err(|source| FatReadError::Limit { path: member.clone(), source })?;
            let mask = if volume.kind == Kind::Fat32 { 0x0fff_ffff } else { 0xffff };
            let first = found.cluster & mask;
            if found.is_directory {
                directories.push_back((member, Some(first)));
            } else if found.size > 0 && is_program(member.as_bytes()) {
                let length = u64::from(found.size);
                let needed = length.div_ceil(volume.cluster_bytes);
                let chain = chain::follow(&mut volume, &mut taken, first, needed, &member.to_string())?;
                let clusters = chain::count(&chain);
                if clusters < needed {
                    let path = member.to_string();
                    return Err(FatReadError::Short { path, size: length, clusters });
                }
                let start = volume.bytes_of(&(first..first)).start;
                let length_at = place(&pieces, found.at) + LENGTH;
                let bytes = (chain.len() == 1).then_some(start..start + length);
                programs.push(Program { path: member, bytes, first, length_at });
            }
        }
    }
    Ok(Programs { volume, programs })
}

/// Reads a directory whole; returns where its bytes are, too.
fn directory<R: Read + Seek>(
    volume: &mut Volume<'_, R>,
    taken: &mut Taken,
    path: &TreePath,
    cluster: Option<u32>,
) -> Result<(Vec<u8>, Vec<Range<u64>>), FatReadError> {
    let first = match (cluster, volume.root.clone()) {
        (None, Root::Place(place)) => {
            let mut bytes = Vec::new();
            while (bytes.len() as u64) < place.end - place.start {
                let mut part = [0; 512];
                match volume.read_at(place.start + bytes.len() as u64, &mut part)? {
                    0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                    count => bytes.extend_from_slice(&part[..count]),
                }
            }
            bytes.truncate(usize::try_from(place.end - place.start).unwrap_or(usize::MAX));
            return Ok((bytes, vec![place]));
        }
        (None, Root::Cluster(root)) => root,
        (Some(cluster), _) => cluster,
    };
    let most = DIRECTORY_BYTES.div_ceil(volume.cluster_bytes);
    let pieces = chain::follow(volume, taken, first, most, &path.to_string())?;
    let size = chain::count(&pieces) * volume.cluster_bytes;
    let mut bytes = Vec::new();
    Content::new(volume, &pieces, size).read_to_end(&mut bytes)?;
    Ok((bytes, pieces.iter().map(|piece| volume.bytes_of(piece)).collect()))
}

/// Returns where a byte of a directory is.
fn place(pieces: &[Range<u64>], at: usize) -> u64 {
    let mut left = at as u64;
    for piece in pieces {
        let length = piece.end - piece.start;
        if left < length {
            return piece.start + left;
        }
        left -= length;
    }
    unreachable!("because the byte was read from one of the pieces")
}

impl<R: Read + Seek> Programs<'_, R> {
    /// Gives a program another length. `unsigned` is what it has without signatures, behind which its room begins; all of its bytes are
    /// written by who calls.
    pub(crate) fn resize(
        &mut self,
        program: &Program,
        (unsigned, length): (u64, u64),
        edits: &mut Edits<'_>,
    ) -> Result<(), MoveError> {
        let cluster_bytes = self.volume.cluster_bytes;
        let bytes = program.bytes.as_ref().ok_or(MoveError::Pieces)?;
        let before = bytes.end - bytes.start;
        let clusters = |length: u64| length.div_ceil(cluster_bytes);
        let room = (clusters(unsigned) + clusters(SIGNATURE_ROOM)) * cluster_bytes;
        let needed = length.max(before);
        let Some(short) = u32::try_from(length).ok().filter(|_| needed <= room) else {
            return Err(MoveError::Room { needed, room });
        };
        let (old, new) = (clusters(before), clusters(length));
        for copy in 0..self.volume.tables {
            for index in old.min(new).saturating_sub(1)..old.max(new) {
                self.chain(program.first, copy, index, (old, new), edits)?;
            }
        }
        self.count(old, new, edits)?;
        edits.write(program.length_at, &short.to_le_bytes())
    }

    /// Changes what a table has for a cluster of a file, by its number in the file.
    fn chain(
        &self,
        first: u32,
        copy: u64,
        index: u64,
        (old, new): (u64, u64),
        edits: &mut Edits<'_>,
    ) -> Result<(), MoveError> {
        let number = |index: u64| u32::try_from(index).ok().and_then(|index| first.checked_add(index));
        let (cluster, next) = match (number(index), number(index + 1)) {
            (Some(cluster), Some(next)) if self.volume.has(cluster) => (cluster, next),
            _ => {
                let end = self.volume.clusters + 2 - u64::from(first);
                let room = end * self.volume.cluster_bytes;
                return Err(MoveError::Room { needed: (index + 1) * self.volume.cluster_bytes, room });
            }
        };
        let value = |length: u64| match length {
            _ if index + 1 < length => next,
            _ if index + 1 == length => boot::first_entries(self.volume.kind)[1],
            _ => 0,
        };
        let found = self.entry(copy, cluster, edits)?;
        if found != value(old) {
            return Err(match value(old) {
                0 => MoveError::Taken { cluster },
                expected => {
                    let what = format!("entry {cluster} of table {}", copy + 1);
                    MoveError::Contradiction { what, found, expected }
                }
            });
        }
        self.set_entry(copy, cluster, value(new), edits)
    }

    /// Returns where the entry of a cluster is in a table, and how many bytes have a part of it.
    fn entry_place(&self, copy: u64, cluster: u32) -> (u64, usize) {
        let (table, cluster) = (self.volume.table + copy * self.volume.table_bytes, u64::from(cluster));
        match self.volume.kind {
            Kind::Fat12 => (table + cluster * 3 / 2, 2),
            Kind::Fat16 => (table + cluster * 2, 2),
            Kind::Fat32 => (table + cluster * 4, 4),
        }
    }

    fn entry(&self, copy: u64, cluster: u32, edits: &Edits<'_>) -> io::Result<u32> {
        let (at, length) = self.entry_place(copy, cluster);
        let number = number(&edits.read(at, length)?);
        Ok(match self.volume.kind {
            Kind::Fat12 if cluster % 2 == 1 => number >> 4,
            Kind::Fat12 => number & 0xfff,
            // The four bits above belong to nobody: where some are set, it isn't what was written.
            Kind::Fat16 | Kind::Fat32 => number,
        })
    }

    fn set_entry(&self, copy: u64, cluster: u32, value: u32, edits: &mut Edits<'_>) -> Result<(), MoveError> {
        let (at, length) = self.entry_place(copy, cluster);
        let number = match self.volume.kind {
            Kind::Fat12 => {
                let pair = number(&edits.read(at, length)?);
                if cluster % 2 == 1 { pair & 0xf | value << 4 } else { pair & 0xf000 | value }
            }
            Kind::Fat16 | Kind::Fat32 => value,
        };
        edits.write(at, &number.to_le_bytes()[..length])
    }

    /// Changes how many clusters are said to be free.
    fn count(&self, old: u64, new: u64, edits: &mut Edits<'_>) -> Result<(), MoveError> {
        let mut first = None;
        for at in &self.volume.free_counts {
            let is_one = edits.read(*at, 4)? == b"RRaA" && edits.read(at + 484, 4)? == b"rrAa";
            let count = number(&edits.read(at + 488, 4)?);
            if !is_one || first.is_some_and(|first| first != count) {
                continue;
            }
            first = Some(count);
            let changed =
                (u64::from(count) + old).checked_sub(new).and_then(|count| u32::try_from(count).ok());
            if let Some(changed) = changed.filter(|_| count != u32::MAX) {
                edits.write(at + 488, &changed.to_le_bytes())?;
            }
        }
        Ok(())
    }
}

/// Returns a little-endian number of up to four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
