//! What a scheme makes of a file before it signs it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use blake2::Blake2b512;
use ssh_key::sha2::{Digest as _, Sha256, Sha512};

/// The most bytes of a file that is signed or checked as a whole: by an ed25519 key of a PEM file, or as minisign did before 0.10.
pub const WHOLE_LIMIT: usize = 64 << 20;

/// What is made of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Prehash {
    Sha256,
    Sha512,
    Blake2b,
    /// The file itself.
    Whole,
}

impl Prehash {
    /// Makes it; nothing when the file is too large for that.
    pub(super) fn of(self, reader: &mut dyn Read) -> io::Result<Option<Vec<u8>>> {
        let mut all = prehashes(reader, &BTreeSet::from([self]))?;
        Ok(all.remove(&self).flatten())
    }
}

/// Makes several of them while a file is read once.
pub(super) fn prehashes(
    reader: &mut dyn Read,
    needed: &BTreeSet<Prehash>,
) -> io::Result<BTreeMap<Prehash, Option<Vec<u8>>>> {
    let mut works: Vec<(Prehash, Work)> =
        needed.iter().map(|prehash| (*prehash, Work::new(*prehash))).collect();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for (_, work) in &mut works {
            work.update(&buffer[..count]);
        }
        if works.iter().all(|(_, work)| matches!(work, Work::TooLarge)) {
            break;
        }
    }
    Ok(works.into_iter().map(|(prehash, work)| (prehash, work.finish())).collect())
}

enum Work {
    Sha256(Sha256),
    Sha512(Sha512),
    Blake2b(Box<Blake2b512>),
    Whole(Vec<u8>),
    TooLarge,
}

impl Work {
    fn new(prehash: Prehash) -> Self {
        match prehash {
            Prehash::Sha256 => Self::Sha256(Sha256::new()),
            Prehash::Sha512 => Self::Sha512(Sha512::new()),
            Prehash::Blake2b => Self::Blake2b(Box::new(Blake2b512::new())),
            Prehash::Whole => Self::Whole(Vec::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
            Self::Blake2b(hasher) => hasher.update(bytes),
            Self::Whole(whole) if whole.len() + bytes.len() > WHOLE_LIMIT => *self = Self::TooLarge,
            Self::Whole(whole) => whole.extend_from_slice(bytes),
            Self::TooLarge => {}
        }
    }

    fn finish(self) -> Option<Vec<u8>> {
        match self {
            Self::Sha256(hasher) => Some(hasher.finalize().to_vec()),
            Self::Sha512(hasher) => Some(hasher.finalize().to_vec()),
            Self::Blake2b(hasher) => Some(hasher.finalize().to_vec()),
            Self::Whole(whole) => Some(whole),
            Self::TooLarge => None,
        }
    }
}
