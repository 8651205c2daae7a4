//! Roots on disks that hash trees beside them check.

use std::io;

use super::{VerityReadError, check};
use crate::disk_image::RandomAccess;
use crate::gpt::{self, GptReadError, Guid, Slice};
use crate::part::Part;

/// Types of partitions with a root, and of those with its hash tree.
const KINDS: [(Guid, Guid); 2] = [
    (Guid::LINUX_ROOT_X86_64, Guid::LINUX_ROOT_X86_64_VERITY),
    (Guid::LINUX_ROOT_AARCH64, Guid::LINUX_ROOT_AARCH64_VERITY),
];

/// Why a disk has no root hash.
#[derive(Debug, thiserror::Error)]
pub enum RootHashError {
    /// Its partitions can't be read.
    #[error("its partitions can't be read")]
    Gpt(#[from] GptReadError),
    /// Nothing on it is checked.
    #[error("no partition on it is a root with a hash tree beside it")]
    None,
    /// Several roots are.
    #[error("there are {count} roots with hash trees on it")]
    Several {
        /// How many.
        count: usize,
    },
    /// A root isn't what the ids of its partitions say.
    #[error("the root in partition {root} isn't what the hash tree in partition {tree} says")]
    Changed {
        /// Number of the root's partition.
        root: u32,
        /// That of the tree's.
        tree: u32,
        /// What differs.
        source: VerityReadError,
    },
}

/// Returns the root hash of the only root on a disk that has a hash tree, by the ids of both partitions, after all of both was checked.
pub fn root_hash(disk: &dyn RandomAccess) -> Result<[u8; 32], RootHashError> {
    let table = gpt::read(&mut Part::new(disk, 0..disk.length()))?;
    let mut found = Vec::new();
    for (root_kind, tree_kind) in KINDS {
        let of = |kind| table.partitions.iter().filter(move |partition| partition.kind == kind);
        for (root, tree) in of(root_kind).zip(of(tree_kind)) {
            if let Some(hash) = checked(disk, root, tree)? {
                found.push(hash);
            }
        }
    }
    match found.as_slice() {
        [] => Err(RootHashError::None),
        [only] => Ok(*only),
        several => Err(RootHashError::Several { count: several.len() }),
    }
}

/// Checks one; none where the second partition has no hash tree, as that of a system that isn't there yet.
fn checked(disk: &dyn RandomAccess, root: &Slice, tree: &Slice) -> Result<Option<[u8; 32]>, RootHashError> {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(root.id.as_bytes());
    hash[16..].copy_from_slice(tree.id.as_bytes());
    let part = |slice: &Slice| io::BufReader::with_capacity(1 << 16, Part::new(disk, slice.bytes.clone()));
    match check(&mut part(root), &mut part(tree), &hash) {
        Ok(_) => Ok(Some(hash)),
        Err(VerityReadError::Magic) => Ok(None),
        Err(source) => Err(RootHashError::Changed { root: root.number, tree: tree.number, source }),
    }
}
