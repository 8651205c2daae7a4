//! Whether a device is what a root hash says.

use std::io::{self, Read};

use crate::gpt::Guid;

use super::{ALGORITHM, BLOCK, BLOCK_BYTES, DIGEST, MAGIC, SALT, SUPERBLOCK, digest, levels};

/// Why a hash tree, or a device under one, is refused.
#[derive(Debug, thiserror::Error)]
pub enum VerityReadError {
    /// The bytes can't be had.
    #[error("can't read the {what}")]
    Input {
        /// Device or hash tree.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// There is no superblock.
    #[error("there is no superblock of dm-verity")]
    Magic,
    /// A superblock of another form than is read here.
    #[error("the hash tree has {what} {found}, not {read}")]
    Form {
        /// What differs.
        what: &'static str,
        /// What the superblock says.
        found: String,
        /// What is read.
        read: &'static str,
    },
    /// A block of the hash tree isn't what the block above says.
    #[error("block {block} of level {level} of the hash tree was changed")]
    Hashes {
        /// The level, the lowest is 0.
        level: usize,
        /// Which of its blocks.
        block: u64,
    },
    /// A block of the device isn't what the hash tree says.
    #[error("block {block} of the device (bytes from {}) was changed", block * BLOCK)]
    Data {
        /// Which.
        block: u64,
    },
    /// The tree has another root hash.
    #[error("the hash tree's root isn't the one that was given")]
    Root,
}

/// What the first block of a hash tree says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    /// The tree's UUID.
    pub uuid: Guid,
    /// Blocks of the device, at least one.
    pub data_blocks: u64,
    /// What is hashed before each block.
    pub salt: Vec<u8>,
}

impl Superblock {
    /// Reads the first block of a hash tree.
    pub fn read(tree: &mut dyn Read) -> Result<Self, VerityReadError> {
        let mut block = vec![0; BLOCK_BYTES];
        tree.read_exact(&mut block).map_err(|source| VerityReadError::Input { what: "hash tree", source })?;
        Self::parse(&block[..SUPERBLOCK])
    }

    fn parse(bytes: &[u8]) -> Result<Self, VerityReadError> {
        if !bytes.starts_with(MAGIC) {
            return Err(VerityReadError::Magic);
        }
        let number = |at: usize, length: usize| {
            bytes[at..at + length].iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let algorithm = bytes[32..32 + ALGORITHM].split(|byte| *byte == 0).next().unwrap_or_default();
        let forms = [
            ("version", number(8, 4).to_string(), "1"),
            ("type", number(12, 4).to_string(), "1"),
            ("algorithm", String::from_utf8_lossy(algorithm).into_owned(), "sha256"),
            ("data blocks of", number(64, 4).to_string(), "4096"),
            ("hash blocks of", number(68, 4).to_string(), "4096"),
        ];
        if let Some((what, found, read)) = forms.into_iter().find(|(_, found, read)| found != read) {
            return Err(VerityReadError::Form { what, found, read });
        }
        let (data_blocks, salt) = (number(72, 8), number(80, 2));
        if data_blocks == 0 || data_blocks > u64::MAX / BLOCK {
            let found = data_blocks.to_string();
            return Err(VerityReadError::Form { what: "data blocks", found, read: "1 or more" });
        }
        let salt = usize::try_from(salt).ok().filter(|length| *length <= SALT).ok_or_else(|| {
            VerityReadError::Form { what: "a salt of", found: salt.to_string(), read: "up to 256" }
        })?;
        let uuid = bytes[16..32].try_into().expect("because a UUID has 16 bytes");
        Ok(Self { uuid: Guid::from_bytes(uuid), data_blocks, salt: bytes[88..88 + salt].to_vec() })
    }
}

/// Checks a device and its hash tree against a root hash, reading both once from the start.
///
/// The levels above the lowest are in memory, and no more of them than the tree really has.
pub fn check(
    data: &mut dyn Read,
    tree: &mut dyn Read,
    root_hash: &[u8; 32],
) -> Result<Superblock, VerityReadError> {
    let superblock = Superblock::read(tree)?;
    let mut above = root_hash.to_vec();
    let mut counts = levels(superblock.data_blocks);
    let lowest = if counts.is_empty() { None } else { Some(counts.remove(0)) };
    for (index, count) in counts.iter().enumerate().rev() {
        above = check_level(tree, index + 1, *count, &above, &superblock.salt)?;
    }
    let Some(lowest) = lowest else {
        let mut digests = above.chunks_exact(DIGEST);
        check_data(data, &mut digests, 0, superblock.data_blocks, &superblock.salt)?;
        return Ok(superblock);
    };
    let mut expected = above.chunks_exact(DIGEST);
    for number in 0..lowest {
        let block = read_block(tree, "hash tree")?;
        if expected.next() != Some(&digest(&superblock.salt, &block)) {
            let root = counts.is_empty();
            return Err(if root {
                VerityReadError::Root
            } else {
                VerityReadError::Hashes { level: 0, block: number }
            });
        }
        let first = number * (BLOCK_BYTES / DIGEST) as u64;
        let count = (superblock.data_blocks - first).min((BLOCK_BYTES / DIGEST) as u64);
        check_data(data, &mut block.chunks_exact(DIGEST), first, count, &superblock.salt)?;
    }
    Ok(superblock)
}

/// Reads a level and compares it with the one above; returns its digests.
fn check_level(
    tree: &mut dyn Read,
    level: usize,
    count: u64,
    above: &[u8],
    salt: &[u8],
) -> Result<Vec<u8>, VerityReadError> {
    let mut digests = Vec::new();
    let mut expected = above.chunks_exact(DIGEST);
    for number in 0..count {
        let block = read_block(tree, "hash tree")?;
        if expected.next() != Some(&digest(salt, &block)) {
            let root = above.len() == DIGEST;
            return Err(if root {
                VerityReadError::Root
            } else {
                VerityReadError::Hashes { level, block: number }
            });
        }
        digests.extend_from_slice(&block);
    }
    Ok(digests)
}

fn check_data(
    data: &mut dyn Read,
    expected: &mut dyn Iterator<Item = &[u8]>,
    first: u64,
    count: u64,
    salt: &[u8],
) -> Result<(), VerityReadError> {
    for number in first..first + count {
        let block = read_block(data, "device")?;
        if expected.next() != Some(&digest(salt, &block)) {
            return Err(VerityReadError::Data { block: number });
        }
    }
    Ok(())
}

fn read_block(reader: &mut dyn Read, what: &'static str) -> Result<Vec<u8>, VerityReadError> {
    let mut block = vec![0; BLOCK_BYTES];
    reader.read_exact(&mut block).map_err(|source| VerityReadError::Input { what, source })?;
    Ok(block)
}
