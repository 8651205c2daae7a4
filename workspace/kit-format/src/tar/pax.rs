//! PAX extended headers: records `LENGTH KEY=VALUE\n`, where the length counts itself and the newline.

use std::collections::BTreeMap;

/// The start of the keys that hold extended attributes.
pub(super) const XATTR: &[u8] = b"SCHILY.xattr.";

/// bsdtar's second copy of an extended attribute.
const XATTR_COPY: &[u8] = b"LIBARCHIVE.xattr.";

/// Keys that say nothing a tree holds: times, names of owners, where the archive came from.
const IRRELEVANT: &[&[u8]] = &[
    b"atime",
    b"ctime",
    b"mtime",
    b"uname",
    b"gname",
    b"comment",
    b"charset",
    b"hdrcharset",
    b"LIBARCHIVE.creationtime",
    b"SCHILY.dev",
    b"SCHILY.ino",
    b"SCHILY.nlink",
    b"SCHILY.fflags",
];

/// What a header says about the next member.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Why a header is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PaxProblem {
    Damaged(&'static str),
    Sparse,
    Unknown(Vec<u8>),
}

impl Pax {
    /// Reads the records.
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, PaxProblem> {
        let mut records: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
        while !bytes.is_empty() {
            let (key, value, rest) =
                record(bytes).ok_or(PaxProblem::Damaged("a record has a wrong length"))?;
            if records.insert(key, value).is_some() {
                return Err(PaxProblem::Damaged("a key is there twice"));
            }
            bytes = rest;
        }
        let mut pax = Self::default();
        for (key, value) in &records {
            pax.take(key, value, &records)?;
        }
        Ok(pax)
    }

    fn take(&mut self, key: &[u8], value: &[u8], all: &BTreeMap<&[u8], &[u8]>) -> Result<(), PaxProblem> {
        match key {
            b"path" => self.path = Some(name(value)?),
            b"linkpath" => self.link = Some(name(value)?),
            b"size" => self.size = Some(decimal(value)?),
            b"uid" => self.uid = Some(decimal(value)?),
            b"gid" => self.gid = Some(decimal(value)?),
            _ if IRRELEVANT.contains(&key) => {}
            _ if key.starts_with(b"GNU.sparse.") || key == b"SCHILY.realsize" => {
                return Err(PaxProblem::Sparse);
            }
            _ => match (key.strip_prefix(XATTR), key.strip_prefix(XATTR_COPY)) {
                (Some(name), _) if !name.is_empty() => {
                    self.xattrs.insert(name.to_vec(), value.to_vec());
                }
                (_, Some(name)) if all.contains_key([XATTR, name].concat().as_slice()) => {}
                _ => return Err(PaxProblem::Unknown(key.to_vec())),
            },
        }
        Ok(())
    }

    /// Checks a global header, which may only say what doesn't matter.
    pub(super) fn check_global(bytes: &[u8]) -> Result<(), PaxProblem> {
        match Self::parse(bytes)? {
            pax if pax == Self::default() => Ok(()),
            _ => Err(PaxProblem::Damaged("a global header changes members")),
        }
    }
}

/// Splits the first record off: key, value, what follows.
pub(crate) fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = bytes.iter().take(20).position(|b| *b == b' ')?;
    let length = usize::try_from(decimal(&bytes[..digits]).ok()?).ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let record = record.get(digits + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|b| *b == b'=').filter(|at| *at > 0)?;
    Some((&record[..equals], &record[equals + 1..], rest))
}

fn name(value: &[u8]) -> Result<Vec<u8>, PaxProblem> {
    if value.is_empty() || value.contains(&0) {
        return Err(PaxProblem::Damaged("a name is empty or has a NUL byte"));
    }
    Ok(value.to_vec())
}

fn decimal(value: &[u8]) -> Result<u64, PaxProblem> {
    let text = std::str::from_utf8(value).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
    text.and_then(|t| t.parse().ok()).ok_or(PaxProblem::Damaged("a number is none"))
}

/// Appends a record.
pub(super) fn push_record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    // the length counts its own digits, so adding them can add one more
    let rest = key.len() + value.len() + 3;
    let mut length = rest + decimal_digits(rest);
    length = rest + decimal_digits(length);
    out.extend_from_slice(length.to_string().as_bytes());
    for part in [b" ", key, b"=", value, b"\n"] {
        out.extend_from_slice(part);
    }
}

fn decimal_digits(number: usize) -> usize {
    number.to_string().len()
}
