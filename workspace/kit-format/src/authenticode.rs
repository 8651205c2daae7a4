//! What a signature of Secure Boot (Authenticode) covers of a program for EFI, where it is put, and the program without it.
//!
//! A signature may be added to a program at any time, so three regions are declared to be the signer's: the checksum, the entry of the
//! directory that says where the signatures are, and their table at the end of the file. All else is the program's identity:
//!
//! ```text
//! digest      SHA-256 of headers, sections by their places in the file, and what is behind them, without the three regions
//! table       of each signature: length u32, 0x0200 u16, 0x0002 u16, PKCS#7 SignedData in DER; zeros up to a multiple of 8
//! unsigned    the bytes without a table, its entry zero, the checksum right
//! signed      the same with zeros up to a multiple of 8, then the table; the checksum right
//! ```
//! A program whose length is a multiple of 8 (all of kit's are) is the same bytes again when its signatures are taken off.

use std::io::{self, Read};
use std::ops::Range;

use kit_hash::Sha256;
use sha2::Digest as _;

use crate::locate::Open;
use crate::pe::{Checksum, Patch, Patched, PeError, Program};

/// Names the exact bytes that a program becomes around its signatures.
pub const REVISION: u32 = 1;
/// The most bytes that a table of signatures may have.
pub const TABLE_LIMIT: u64 = 1 << 20;

/// Bytes before the PKCS#7 structure of a signature.
const ENTRY: usize = 8;
/// Revision 2.0 of a signature's form, and its kind: PKCS#7 `SignedData`.
const KIND: [u8; 4] = [0x00, 0x02, 0x02, 0x00];

/// Why a program can't be signed, or its signatures not be read.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticodeError {
    /// It is none.
    #[error(transparent)]
    Pe(#[from] PeError),
    /// The table of signatures is too large.
    #[error("its signatures have {found} bytes, and at most {TABLE_LIMIT} are read")]
    TooLarge {
        /// How many it has.
        found: u64,
    },
    /// A signature goes over the end of the table, or is of another kind.
    #[error("the signature at byte {offset} of its table is damaged, or of a kind that isn't Authenticode's")]
    Damaged {
        /// Where in the table.
        offset: u64,
    },
    /// A program with signatures is over what its headers can say.
    #[error("it would have {length} bytes, and a program has less than 4 GiB")]
    Length {
        /// How many it would have.
        length: u64,
    },
}

impl From<io::Error> for AuthenticodeError {
    fn from(error: io::Error) -> Self {
        Self::Pe(PeError::Read(error))
    }
}

/// Returns what a signature of a program is about: the digest that is signed, that `db` and `dbx` list, and that firmware measures.
pub fn digest(open: Open<'_>, length: u64) -> Result<Sha256, PeError> {
    let program = Program::read(&mut open()?, length)?;
    let mut hasher = sha2::Sha256::new();
    feed(&program, open, &mut |bytes| hasher.update(bytes))?;
    Ok(Sha256::from_bytes(hasher.finalize().into()))
}

/// Returns the digest that a new signature of a program is about: the zeros between it and the table count, too.
pub fn digest_to_sign(open: Open<'_>, length: u64) -> Result<Sha256, PeError> {
    let program = Program::read(&mut open()?, length)?;
    let mut hasher = sha2::Sha256::new();
    feed(&program, open, &mut |bytes| hasher.update(bytes))?;
    hasher.update(padding(unsigned_length(&program)));
    Ok(Sha256::from_bytes(hasher.finalize().into()))
}

/// Hands out what is hashed of a program, in its order.
pub(crate) fn feed(program: &Program, open: Open<'_>, take: &mut dyn FnMut(&[u8])) -> Result<(), PeError> {
    let mut reader = open()?;
    let mut offset = 0;
    for range in hashed(program) {
        if range.start < offset {
            reader = open()?;
            offset = 0;
        }
        skip(&mut reader, range.start - offset)?;
        each(&mut reader, range.end - range.start, take)?;
        offset = range.end;
    }
    Ok(())
}

/// Returns the ranges of a program that are hashed, in their order. What is behind the sections is counted from the sum of their sizes, as
/// firmware does, so with gaps between sections it begins before the last of them ends.
fn hashed(program: &Program) -> Vec<Range<u64>> {
    let (checksum, directory) = (program.checksum_range(), program.directory_range());
    let headers = u64::from(program.headers);
    let mut ranges = vec![0..checksum.start, checksum.end..directory.start, directory.end..headers];
    let mut sum = headers;
    for section in program.in_file_order() {
        ranges.push(section.file_range());
        sum += u64::from(section.file_size);
    }
    ranges.push(sum..unsigned_length(program));
    ranges
}

/// Returns the bytes of a program before its signatures.
fn unsigned_length(program: &Program) -> u64 {
    program.signatures.as_ref().map_or(program.length, |range| range.start)
}

/// A program as it is to become, told by what changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    kept: u64,
    patches: Vec<Patch>,
    table: Vec<u8>,
}

impl Changed {
    /// Returns how long it is then.
    pub fn length(&self) -> u64 {
        self.kept + self.table.len() as u64
    }

    /// Returns how many of its bytes are the program's own, before what follows them.
    pub(crate) fn unsigned_length(&self) -> u64 {
        self.kept
    }

    /// Returns what follows them: zeros, and the table of signatures.
    pub(crate) fn table(&self) -> &[u8] {
        &self.table
    }

    /// Returns the checksum, and where it goes.
    pub(crate) fn checksum(&self) -> &Patch {
        &self.patches[1]
    }

    /// Returns what else is replaced in it.
    pub(crate) fn patches_but_checksum(&self) -> &[Patch] {
        &self.patches[..1]
    }

    /// Reads it, made of the program's own bytes.
    pub fn stream<'a, R: Read + 'a>(&'a self, program: R) -> impl Read + use<'a, R> {
        Patched::new(program, self.kept, self.patches.clone()).chain(self.table.as_slice())
    }
}

/// Returns a program without its signatures: its identity.
pub fn unsigned(open: Open<'_>, length: u64) -> Result<Changed, AuthenticodeError> {
    let program = Program::read(&mut open()?, length)?;
    with_table(&program, open, Vec::new())
}

/// Returns a program with these signatures and no others: [`entry`] makes one of PKCS#7.
pub fn signed(open: Open<'_>, length: u64, entries: &[Vec<u8>]) -> Result<Changed, AuthenticodeError> {
    let program = Program::read(&mut open()?, length)?;
    let mut table = padding(unsigned_length(&program));
    table.extend(entries.iter().flatten());
    with_table(&program, open, table)
}

/// Returns a program with a signature behind those that it has; one that it has already isn't added again. `sign` makes the PKCS#7 structure
/// of a digest; none where it makes none.
pub fn with_another(
    open: Open<'_>,
    length: u64,
    sign: &mut dyn FnMut(&Sha256) -> Option<Vec<u8>>,
) -> Result<Option<Changed>, AuthenticodeError> {
    let Some(signature) = sign(&digest_to_sign(open, length)?) else { return Ok(None) };
    let (mut entries, entry) = (entries(open, length)?, entry(&signature));
    if !entries.contains(&entry) {
        entries.push(entry);
    }
    signed(open, length, &entries).map(Some)
}

/// Whether the checksum of a program is that of its bytes.
pub(crate) fn has_right_checksum(open: Open<'_>, length: u64) -> Result<bool, AuthenticodeError> {
    let program = Program::read(&mut open()?, length)?;
    let range = program.checksum_range();
    let mut reader = open()?;
    skip(&mut reader, range.start)?;
    let mut says = [0; 4];
    reader.read_exact(&mut says)?;
    let without = vec![Patch { at: range.start, bytes: vec![0; 4] }];
    let mut checksum = Checksum::new();
    each(&mut Patched::new(open()?, length, without), length, &mut |bytes| checksum.update(bytes))?;
    Ok(checksum.finish() == u32::from_le_bytes(says))
}

/// Returns a program with what is to follow its own bytes.
fn with_table(program: &Program, open: Open<'_>, table: Vec<u8>) -> Result<Changed, AuthenticodeError> {
    let kept = unsigned_length(program);
    let start = kept.next_multiple_of(8);
    let length = kept + table.len() as u64;
    let small = |number: u64| u32::try_from(number).map_err(|_| AuthenticodeError::Length { length });
    let entry = if table.is_empty() { [0; 8] } else { place(small(start)?, small(length - start)?) };
    let checksum_at = program.checksum_range().start;
    let mut changed = Changed {
        kept,
        patches: vec![
            Patch { at: program.directory_range().start, bytes: entry.to_vec() },
            Patch { at: checksum_at, bytes: vec![0; 4] },
        ],
        table,
    };
    small(length)?;
    let mut checksum = Checksum::new();
    each(&mut changed.stream(open()?), length, &mut |bytes| checksum.update(bytes))?;
    changed.patches[1].bytes = checksum.finish().to_le_bytes().to_vec();
    Ok(changed)
}

fn place(start: u32, length: u32) -> [u8; 8] {
    let mut entry = [0; 8];
    entry[..4].copy_from_slice(&start.to_le_bytes());
    entry[4..].copy_from_slice(&length.to_le_bytes());
    entry
}

/// Returns the signatures that a program has, as they are in its table.
pub fn entries(open: Open<'_>, length: u64) -> Result<Vec<Vec<u8>>, AuthenticodeError> {
    let program = Program::read(&mut open()?, length)?;
    let Some(range) = program.signatures else { return Ok(Vec::new()) };
    let size = range.end - range.start;
    if size > TABLE_LIMIT {
        return Err(AuthenticodeError::TooLarge { found: size });
    }
    let mut reader = open()?;
    skip(&mut reader, range.start)?;
    let mut table = Vec::new();
    reader.take(size).read_to_end(&mut table)?;
    let (mut entries, mut rest) = (Vec::new(), table.as_slice());
    while !rest.is_empty() {
        let damaged = || AuthenticodeError::Damaged { offset: (table.len() - rest.len()) as u64 };
        let (head, _) = rest.split_first_chunk::<ENTRY>().ok_or_else(damaged)?;
        let (size, kind) = head.split_first_chunk::<4>().expect("because it has eight bytes");
        let size = usize::try_from(u32::from_le_bytes(*size)).map_err(|_| damaged())?;
        if size <= ENTRY || size > rest.len() || kind != KIND {
            return Err(damaged());
        }
        // Some tools leave the last one without its padding.
        let (entry, after) = rest.split_at(size.next_multiple_of(8).min(rest.len()));
        let mut entry = entry.to_vec();
        entry.resize(size.next_multiple_of(8), 0);
        entries.push(entry);
        rest = after;
    }
    Ok(entries)
}

/// Returns the entry of a table of signatures for a PKCS#7 structure.
pub fn entry(pkcs7: &[u8]) -> Vec<u8> {
    let length = u32::try_from(ENTRY + pkcs7.len()).expect("because signatures are short");
    let mut entry = [&length.to_le_bytes(), &KIND, pkcs7].concat();
    entry.resize(entry.len().next_multiple_of(8), 0);
    entry
}

/// Whether what is behind a signature in its entry is zero.
pub(crate) fn is_padded_with_zeros(entry: &[u8]) -> bool {
    let length = entry.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    let rest = usize::try_from(length).ok().and_then(|length| entry.get(length..));
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

/// Returns the zeros that follow so many bytes.
fn padding(length: u64) -> Vec<u8> {
    vec![0; usize::try_from(length.next_multiple_of(8) - length).expect("because it is less than 8")]
}

fn skip(reader: &mut dyn Read, count: u64) -> io::Result<()> {
    each(reader, count, &mut |_| ())
}

/// Reads so many bytes, and hands them out.
pub(crate) fn each(reader: &mut dyn Read, count: u64, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut left = count;
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = match reader.read(&mut buffer[..wanted]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        take(&buffer[..read]);
        left -= read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
