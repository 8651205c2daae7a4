//! Signatures of Secure Boot in the programs on a disk or a disc: put there, and taken away again.
//!
//! Behind each program of the file system that firmware reads is [room](crate::fat::SIGNATURE_ROOM) for signatures, so nothing on a disk moves
//! when its programs are signed. What of a disk is the signer's, and no part of its identity, is this and nothing else:
//!
//! | what | where | without signatures |
//! |---|---|---|
//! | table of signatures, and zeros before it | behind the program, in its last cluster and its room | zero |
//! | where the table is | headers of the program | zero |
//! | checksum | headers of the program | right where it is right, else as it is |
//! | length of the file | directory of the file system | that of the program |
//! | clusters that the table of signatures is in | both tables of the file system | free |
//! | how many are free | FAT32's free counts | as many more |
//!
//! Each of them counts only where it is exactly what signing makes of the disk without signatures, except for the bytes of the PKCS#7
//! structures themselves. So there is one disk without signatures to each signed one, and a byte that somebody else changed, in the room or in
//! what is written of it, is still another one in it.

pub(crate) mod edits;
mod places;

use std::io::{self, Read};

use kit_hash::Sha256;
use kit_tree::TreePath;

use self::edits::Edits;
pub use self::places::PlacesError;
use crate::authenticode::{self, AuthenticodeError, Changed};
use crate::disk_image::RandomAccess;
use crate::fat::programs::{MoveError, Program, Programs, programs};
use crate::fat::read::FatReadError;
use crate::limits::Limits;
use crate::part::Part;
use crate::pe::{Patch, Patched};

/// Names the exact bytes that a disk becomes around its signatures.
pub const REVISION: u32 = 1;

/// Why the programs of a disk can't be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The bytes can't be had.
    #[error("can't read the disk")]
    Input(#[from] io::Error),
    /// It has no partitions that are read.
    #[error("it is neither a program for UEFI nor a disk with partitions")]
    Places(#[source] PlacesError),
    /// The file system that firmware reads isn't read here.
    #[error("the file system for firmware can't be read")]
    FileSystem(#[source] FatReadError),
    /// Nothing on it is signed.
    #[error("nothing on it is a program for UEFI")]
    None,
    /// A file that is called as programs are is none.
    #[error("`{path}` on it can't be signed")]
    Program {
        /// Where it is.
        path: TreePath,
        /// Why.
        source: AuthenticodeError,
    },
    /// The length of a program is one that a signature would change.
    #[error(
        "`{path}` on it has {length} bytes, which is no multiple of 8, so that it has to be signed before it is there"
    )]
    Length {
        /// Where it is.
        path: TreePath,
        /// Its bytes.
        length: u64,
    },
    /// There is no room behind a program.
    #[error("there is no room for a signature behind `{path}` on it")]
    Room {
        /// Where it is.
        path: TreePath,
        /// Why.
        source: MoveError,
    },
}

/// A disk as it is to become, told by what changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    length: u64,
    patches: Vec<Patch>,
    programs: Vec<TreePath>,
}

impl Changes {
    /// Returns the programs that change.
    pub fn programs(&self) -> &[TreePath] {
        &self.programs
    }

    /// Reads it, made of the disk's own bytes.
    pub fn stream<'a, R: Read + 'a>(&self, disk: R) -> impl Read + use<'a, R> {
        Patched::new(disk, self.length, self.patches.clone())
    }
}

/// Signs all programs of a disk: `sign` makes a PKCS#7 structure of a digest. None where it makes none.
pub fn signed(
    disk: &dyn RandomAccess,
    sign: &mut dyn FnMut(&Sha256) -> Option<Vec<u8>>,
) -> Result<Option<Changes>, SigningError> {
    let mut changes = Changes { length: disk.length(), ..Changes::default() };
    for place in places::places(disk).map_err(SigningError::Places)? {
        let part = Part::new(disk, place);
        let mut reading = part.clone();
        let mut found = programs(&mut reading, &Limits::standard()).map_err(SigningError::FileSystem)?;
        let mut edits = Edits::new(part.clone());
        for program in std::mem::take(&mut found.programs) {
            let path = program.path.clone();
            let length =
                length(&program).map_err(|source| SigningError::Room { path: path.clone(), source })?;
            let open = &|| open(&part, &program);
            let failed = |source| SigningError::Program { path: path.clone(), source };
            let Some(changed) = authenticode::with_another(open, length, sign).map_err(failed)? else {
                return Ok(None);
            };
            if !changed.unsigned_length().is_multiple_of(8) {
                return Err(SigningError::Length { path, length });
            }
            let keeps = !has_right_checksum(&part, &program).map_err(failed)?;
            apply(&mut found, &program, &changed, keeps, &mut edits)
                .map_err(|source| SigningError::Room { path: path.clone(), source })?;
            changes.programs.push(path);
        }
        changes.patches.extend(edits.patches());
    }
    if changes.programs.is_empty() { Err(SigningError::None) } else { Ok(Some(changes)) }
}

/// Returns a disk without the signatures of its programs: its identity. What isn't exactly as signing leaves it stays as it is.
pub fn unsigned(disk: &dyn RandomAccess) -> io::Result<Changes> {
    let mut changes = Changes { length: disk.length(), ..Changes::default() };
    let places = match places::places(disk) {
        Ok(places) => places,
        Err(PlacesError::Input(error) | PlacesError::Gpt(crate::gpt::GptReadError::Input(error)))
            if error.kind() != io::ErrorKind::UnexpectedEof =>
        {
            return Err(error);
        }
        Err(_) => Vec::new(),
    };
    for place in places {
        let part = Part::new(disk, place);
        let mut reading = part.clone();
        let Ok(mut found) = programs(&mut reading, &Limits::standard()) else { continue };
        let mut edits = Edits::new(part.clone());
        for program in std::mem::take(&mut found.programs) {
            let mut tried = edits.clone();
            if let Some(changed) = without_signatures(&part, &program)
                && let Ok(is_right) = has_right_checksum(&part, &program)
                && apply(&mut found, &program, &changed, !is_right, &mut tried).is_ok()
            {
                edits = tried;
                changes.programs.push(program.path);
            }
        }
        changes.patches.extend(edits.patches());
    }
    Ok(changes)
}

/// Returns a program without its signatures; none where it has none, or its table of them isn't as it is written.
fn without_signatures(part: &Part<'_>, program: &Program) -> Option<Changed> {
    let (length, open) = (length(program).ok()?, &|| open(part, program));
    let entries = authenticode::entries(open, length).ok()?;
    let is_exact = entries.iter().all(|entry| authenticode::is_padded_with_zeros(entry));
    if entries.is_empty() || !is_exact {
        return None;
    }
    let changed = authenticode::unsigned(open, length).ok()?;
    let table: usize = entries.iter().map(Vec::len).sum();
    (changed.length() + table as u64 == length).then_some(changed)
}

/// Writes a changed program, and what the file system says of it.
fn apply(
    programs: &mut Programs<'_, Part<'_>>,
    program: &Program,
    changed: &Changed,
    keeps_checksum: bool,
    edits: &mut Edits<'_>,
) -> Result<(), MoveError> {
    let bytes = program.bytes.clone().ok_or(MoveError::Pieces)?;
    programs.resize(program, (changed.unsigned_length(), changed.length()), edits)?;
    for patch in changed.patches_but_checksum() {
        edits.write(bytes.start + patch.at, &patch.bytes)?;
    }
    if !keeps_checksum {
        let patch = changed.checksum();
        edits.write(bytes.start + patch.at, &patch.bytes)?;
    }
    let end = bytes.start + changed.length();
    edits.write(bytes.start + changed.unsigned_length(), changed.table())?;
    let left = usize::try_from(bytes.end.saturating_sub(end)).expect("because signatures are short");
    edits.write(end, &vec![0; left])
}

/// Whether the checksum of a program is that of its bytes.
fn has_right_checksum(part: &Part<'_>, program: &Program) -> Result<bool, AuthenticodeError> {
    let length = length(program).map_err(io::Error::other)?;
    authenticode::has_right_checksum(&|| open(part, program), length)
}

fn length(program: &Program) -> Result<u64, MoveError> {
    program.bytes.as_ref().map(|bytes| bytes.end - bytes.start).ok_or(MoveError::Pieces)
}

fn open<'d>(part: &Part<'d>, program: &Program) -> io::Result<Box<dyn Read + 'd>> {
    let bytes = program.bytes.clone().ok_or(io::ErrorKind::Unsupported)?;
    Ok(Box::new(part.part(bytes)))
}

#[cfg(test)]
mod tests;
