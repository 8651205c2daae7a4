//! The names that a file has where its own doesn't fit.
//!
//! | | plain ISO 9660 | Joliet |
//! |---|---|---|
//! | characters | `A`–`Z`, `0`–`9`, `_`; small letters become large, each other byte `_` | those of UCS-2 but `* / : ; ? \` and control characters; each other character, and each byte that is not UTF-8, becomes `_` |
//! | extension | what follows the last dot of a file's name, 8 characters | likewise, 16 units |
//! | length | 30 with the extension, without dot and `;1` | 64 units with the extension, without `;1` |
//! | of equal names | the first in path order keeps it, the others end in 2, 3, … before the extension | likewise, in `~2`, `~3`, …; letters `a`–`z` and `A`–`Z` are equal |

use std::collections::{BTreeMap, BTreeSet};

/// A set of names of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of ECMA-119, interchange level 3.
    Plain,
    /// Those of the Joliet specification, level 3.
    Joliet,
}

/// A name in two parts, in 16-bit units.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    stem: Vec<u16>,
    extension: Vec<u16>,
}

/// Hands out the names of one directory.
#[derive(Debug)]
pub(super) struct Namer {
    names: Names,
    taken: BTreeSet<Name>,
    next: BTreeMap<Name, u64>,
}

impl Namer {
    pub(super) fn new(names: Names) -> Self {
        Self { names, taken: BTreeSet::new(), next: BTreeMap::new() }
    }

    /// Returns the identifier of a directory record, without the version, and what it sorts by.
    pub(super) fn name(&mut self, name: &[u8], directory: bool) -> Identifier {
        let wanted = self.names.parts(name, directory);
        let name = self.free(wanted);
        let bytes = match self.names {
            Names::Plain => {
                let dot: &[u16] = if directory { &[] } else { &[DOT] };
                let units = [&name.stem, dot, &name.extension].concat();
                units.into_iter().flat_map(u8::try_from).collect()
            }
            Names::Joliet => {
                let dot: &[u16] = if name.extension.is_empty() { &[] } else { &[DOT] };
                [&name.stem, dot, &name.extension].concat().into_iter().flat_map(u16::to_be_bytes).collect()
            }
        };
        let key = match self.names {
            Names::Plain => (name.stem, name.extension),
            Names::Joliet => (Vec::new(), Vec::new()),
        };
        Identifier { key, bytes }
    }

    fn free(&mut self, wanted: Name) -> Name {
        let wanted_key = self.names.folded(&wanted);
        if self.taken.insert(wanted_key.clone()) {
            return wanted;
        }
        let next = self.next.entry(wanted_key).or_insert(2);
        loop {
            let suffix: Vec<u16> = format!("{}{next}", self.names.separator()).encode_utf16().collect();
            *next += 1;
            let mut name = wanted.clone();
            name.stem.truncate(self.names.stem_limit(&name.extension) - suffix.len());
            name.stem.extend(suffix);
            if self.taken.insert(self.names.folded(&name)) {
                return name;
            }
        }
    }
}

/// An identifier; they sort as directory records do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identifier {
    /// Name and extension compare one after the other, as if filled up with spaces.
    key: (Vec<u16>, Vec<u16>),
    /// The bytes, without a version.
    pub(super) bytes: Vec<u8>,
}

const DOT: u16 = 0x2e;
const UNDERSCORE: u16 = 0x5f;

impl Names {
    fn separator(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Joliet => "~",
        }
    }

    /// Returns how long the extension may be, and all.
    fn limits(self) -> (usize, usize) {
        match self {
            Self::Plain => (8, 30),
            Self::Joliet => (16, 64),
        }
    }

    fn stem_limit(self, extension: &[u16]) -> usize {
        let dot = usize::from(self == Self::Joliet && !extension.is_empty());
        self.limits().1 - dot - extension.len()
    }

    fn parts(self, name: &[u8], directory: bool) -> Name {
        let dot = name.iter().rposition(|b| *b == b'.').filter(|at| !directory && *at > 0);
        let (stem, extension) = dot.map_or((name, &name[..0]), |at| (&name[..at], &name[at + 1..]));
        let mut extension = self.units(extension);
        extension.truncate(self.limits().0);
        let mut stem = self.units(stem);
        if self == Self::Joliet && dot.is_some() && extension.is_empty() {
            stem.push(DOT);
        }
        stem.truncate(self.stem_limit(&extension));
        Name { stem, extension }
    }

    fn units(self, bytes: &[u8]) -> Vec<u16> {
        match self {
            Self::Plain => bytes.iter().map(|byte| plain(*byte)).collect(),
            Self::Joliet => bytes
                .utf8_chunks()
                .flat_map(|chunk| {
                    let valid = chunk.valid().chars().map(joliet);
                    valid.chain(chunk.invalid().iter().map(|_| UNDERSCORE))
                })
                .collect(),
        }
    }

    /// Returns what may be there only once.
    fn folded(self, name: &Name) -> Name {
        let fold = |units: &[u16]| {
            units
                .iter()
                .map(|unit| u8::try_from(*unit).map_or(*unit, |b| b.to_ascii_uppercase().into()))
                .collect()
        };
        match self {
            Self::Plain => name.clone(),
            Self::Joliet => Name { stem: fold(&name.stem), extension: fold(&name.extension) },
        }
    }
}

fn plain(byte: u8) -> u16 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_uppercase().into() } else { UNDERSCORE }
}

fn joliet(character: char) -> u16 {
    let refused = matches!(character, '\0'..='\x1f' | '*' | '/' | ':' | ';' | '?' | '\\');
    u16::try_from(u32::from(character)).ok().filter(|_| !refused).unwrap_or(UNDERSCORE)
}
