//! Extended attributes: sets of names and values.

use std::collections::BTreeMap;

use kit_tree::path::Escaped;
use kit_tree::{Tree, TreePath};

use super::super::codec::Codec;
use super::super::metadata::MetadataWriter;
use super::super::{ELSEWHERE, NAMESPACES, NONE, SquashfsWriteError};

/// The longest name that Linux takes, with its namespace.
const NAME: usize = 255;
/// The longest value that Linux hands out.
const VALUE: usize = 64 << 10;
/// A value over this length is there once.
const SHARED: usize = 128;

type Set = BTreeMap<Vec<u8>, Vec<u8>>;

/// All sets of a tree.
#[derive(Debug)]
pub(super) struct Xattrs<'a> {
    numbers: BTreeMap<&'a Set, u32>,
    /// Names and values, compressed.
    table: Vec<u8>,
    /// For each set, where it begins, how many attributes, how many bytes.
    sets: Vec<u8>,
}

impl<'a> Xattrs<'a> {
    pub(super) fn of(tree: &'a Tree, codec: &Codec) -> Result<Self, SquashfsWriteError> {
        let mut numbers = BTreeMap::new();
        let mut sets = Vec::new();
        let mut values: BTreeMap<&[u8], u64> = BTreeMap::new();
        let mut writer = MetadataWriter::new("xattr", codec);
        for (path, entry) in tree.entries() {
            let Some(set) = entry.meta().map(|meta| &meta.xattrs).filter(|set| !set.is_empty()) else {
                continue;
            };
            let next = u32::try_from(numbers.len());
            let next = next.map_err(|_| SquashfsWriteError::Entries { count: numbers.len() })?;
            if *numbers.entry(set).or_insert(next) != next {
                continue;
            }
            let start = writer.position();
            let mut size = 0;
            for (name, value) in set {
                let mut key = key(path, name, value)?;
                let before = values.get(value.as_slice());
                let stored = before.map_or_else(|| value.clone(), |at| at.to_le_bytes().to_vec());
                if before.is_some() {
                    key.namespace |= ELSEWHERE;
                }
                let head = key.encode();
                writer.add(&head)?;
                if before.is_none() && value.len() > SHARED {
                    values.insert(value, writer.position().reference());
                }
                writer.add(&count(stored.len()).to_le_bytes())?;
                writer.add(&stored)?;
                size += count(head.len() + 4 + stored.len());
            }
            sets.extend(start.reference().to_le_bytes());
            sets.extend(count(set.len()).to_le_bytes());
            sets.extend(size.to_le_bytes());
        }
        Ok(Self { numbers, table: writer.finish()?, sets })
    }

    /// How many different sets there are.
    pub(super) fn count(&self) -> u32 {
        count(self.numbers.len())
    }

    /// Returns names and values, as the table stands in the file system.
    pub(super) fn table(&self) -> &[u8] {
        &self.table
    }

    /// Returns the entries of the table of sets.
    pub(super) fn sets(&self) -> &[u8] {
        &self.sets
    }

    /// Returns the number of a set of the tree, or what says that there is none.
    pub(super) fn number(&self, set: &Set) -> u32 {
        self.numbers.get(set).copied().unwrap_or(NONE)
    }
}

/// An attribute's name, taken apart.
struct Key<'a> {
    namespace: u16,
    rest: &'a [u8],
}

impl Key<'_> {
    fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.rest.len()).expect("because a name has at most 255 bytes");
        let mut bytes = self.namespace.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend_from_slice(self.rest);
        bytes
    }
}

/// Checks an attribute.
fn key<'a>(path: &TreePath, name: &'a [u8], value: &[u8]) -> Result<Key<'a>, SquashfsWriteError> {
    let shown = || Escaped(name).to_string();
    let found = (0..).zip(NAMESPACES).find_map(|(namespace, prefix)| {
        let rest = name.strip_prefix(prefix)?;
        Some(Key { namespace, rest })
    });
    let key = found.filter(|key| !key.rest.is_empty() && name.len() <= NAME && !name.contains(&0));
    let Some(key) = key else {
        return Err(SquashfsWriteError::XattrName { path: path.clone(), name: shown() });
    };
    if value.len() > VALUE {
        return Err(SquashfsWriteError::XattrValue { path: path.clone(), name: shown(), size: value.len() });
    }
    Ok(key)
}

/// A number of things that are in memory and few.
fn count(length: usize) -> u32 {
    u32::try_from(length).expect("because names and values were checked")
}
