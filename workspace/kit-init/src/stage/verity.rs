//! Roots that a hash tree checks block by block while they are read.
//!
//! The tree's partition begins with the superblock that `veritysetup format` writes. It is checked by what follows from it: a tree
//! of another shape, another salt or other hashes doesn't lead to the root hash.

use std::os::fd::AsFd as _;

use super::guid::digits_of;
use super::read::ReadAt;
use super::words::OnCorruption;
use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, mapper};

/// The size of blocks of the data and of the tree.
const BLOCK: u64 = 4096;

/// What the superblock says.
#[derive(Debug, PartialEq, Eq)]
struct Superblock {
    blocks: u64,
    salt: Vec<u8>,
}

/// Makes the device that gives the data only as the root hash says; its name is returned.
pub(crate) fn open(
    data: &str,
    tree: &str,
    root_hash: &[u8; 32],
    on_corruption: OnCorruption,
) -> Result<String, Failure> {
    let mut bytes = [0; 512];
    let source = super::read::open(tree).during("open", format!("/dev/{tree}"))?;
    source.read_at(0, &mut bytes).during("read", format!("/dev/{tree}"))?;
    let superblock =
        parse(&bytes).map_err(|why| Failure::new("use", format!("the hash tree on /dev/{tree}"), why))?;
    let number = |device: &str| files::read_text(&format!("/sys/class/block/{device}/dev"));
    let table = table(&superblock, number(data)?.trim(), number(tree)?.trim(), root_hash, on_corruption);
    let control =
        sys::io::open(c"/dev/mapper/control", libc::O_RDWR).during("open", "/dev/mapper/control")?;
    let sectors = superblock.blocks * (BLOCK / 512);
    let minor = sys::c_string(table)
        .and_then(|table| mapper::create(control.as_fd(), c"root", sectors, c"verity", &table))
        .during("check", format!("/dev/{data} by the hash tree on /dev/{tree}"))?;
    Ok(format!("dm-{minor}"))
}

fn parse(bytes: &[u8; 512]) -> Result<Superblock, &'static str> {
    let number = |at: usize, size: usize| {
        bytes[at..at + size].iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
    };
    if !bytes.starts_with(b"verity\0\0") {
        return Err("it has no superblock of one");
    }
    if number(8, 4) != 1 || number(12, 4) != 1 {
        return Err("it is of a version that is not known");
    }
    let mut algorithm = [0; 32];
    algorithm[..6].copy_from_slice(b"sha256");
    if bytes[32..64] != algorithm {
        return Err("its hashes are not SHA-256");
    }
    if number(64, 4) != BLOCK || number(68, 4) != BLOCK {
        return Err("its blocks do not have 4096 bytes");
    }
    let blocks = number(72, 8);
    // The table counts sectors.
    if blocks == 0 || blocks.checked_mul(BLOCK).is_none() {
        return Err("its number of blocks is impossible");
    }
    let salt = usize::try_from(number(80, 2)).unwrap_or(usize::MAX);
    if salt > 256 {
        return Err("its salt is too long");
    }
    Ok(Superblock { blocks, salt: bytes[88..88 + salt].to_vec() })
}

/// The line that the device mapper reads. Both devices are given by numbers.
fn table(
    superblock: &Superblock,
    data: &str,
    tree: &str,
    root_hash: &[u8; 32],
    on_corruption: OnCorruption,
) -> String {
    let salt = if superblock.salt.is_empty() { "-".to_owned() } else { digits_of(&superblock.salt) };
    let option = match on_corruption {
        OnCorruption::Error => "",
        OnCorruption::Reboot => " 1 restart_on_corruption",
        OnCorruption::Panic => " 1 panic_on_corruption",
    };
    // The tree starts in the block after its superblock.
    format!(
        "1 {data} {tree} {BLOCK} {BLOCK} {} 1 sha256 {} {salt}{option}",
        superblock.blocks,
        digits_of(root_hash)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn superblock() -> [u8; 512] {
        let mut bytes = [0; 512];
        bytes[..8].copy_from_slice(b"verity\0\0");
        (bytes[8], bytes[12]) = (1, 1);
        bytes[32..38].copy_from_slice(b"sha256");
        (bytes[65], bytes[69]) = (0x10, 0x10);
        (bytes[72], bytes[73], bytes[80]) = (2, 1, 2);
        bytes[88..90].copy_from_slice(&[0xab, 0xcd]);
        bytes
    }

    #[test]
    fn the_table_is_that_of_the_superblock() {
        let read = parse(&superblock()).unwrap();
        let line = table(&read, "254:2", "254:3", &[0x11; 32], OnCorruption::Reboot);
        let hash = "11".repeat(32);
        assert_eq!(line, format!("1 254:2 254:3 4096 4096 258 1 sha256 {hash} abcd 1 restart_on_corruption"));
        let unsalted = Superblock { blocks: 1, salt: Vec::new() };
        assert!(table(&unsalted, "8:1", "8:2", &[0; 32], OnCorruption::Error).ends_with("00 -"));
    }

    #[test]
    fn another_superblock_is_refused() {
        for (at, value) in
            [(0, 0), (8, 2), (12, 0), (32, b'S'), (38, b'x'), (66, 1), (69, 0), (79, 0xff), (81, 2)]
        {
            let mut bytes = superblock();
            bytes[at] = value;
            assert!(parse(&bytes).is_err(), "{at}");
        }
        let mut bytes = superblock();
        bytes[72..80].fill(0);
        assert!(parse(&bytes).is_err());
    }
}
