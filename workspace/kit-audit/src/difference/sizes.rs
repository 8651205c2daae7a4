//! Bytes: of each component in the image, and those that somebody who has the first one downloads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use kit_hash::Sha256;

use super::kind::Named;

/// A component whose files have more or fewer bytes than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeChange {
    /// Which.
    pub component: Named,
    /// Its bytes before; none where it wasn't there.
    pub before: Option<u64>,
    /// Its bytes now; none where it isn't there.
    pub after: Option<u64>,
}

impl SizeChange {
    /// Returns the bytes between both.
    pub fn moved(&self) -> u64 {
        self.before.unwrap_or(0).abs_diff(self.after.unwrap_or(0))
    }
}

/// The bytes of two images, and the components in which they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// The bytes of all files before.
    pub before: u64,
    /// The bytes of all files now.
    pub after: u64,
    /// Components, the largest change first.
    pub components: Vec<SizeChange>,
}

impl Sizes {
    pub(super) fn between(before: &BTreeMap<Named, u64>, after: &BTreeMap<Named, u64>) -> Self {
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let mut components: Vec<_> = names
            .into_iter()
            .filter(|name| before.get(*name) != after.get(*name))
            .map(|name| SizeChange {
                component: name.clone(),
                before: before.get(name).copied(),
                after: after.get(name).copied(),
            })
            .collect();
        components.sort_by_key(|change| Reverse(change.moved()));
        Self { before: sum(before), after: sum(after), components }
    }
}

fn sum(sizes: &BTreeMap<Named, u64>) -> u64 {
    sizes.values().fold(0, |sum, size| sum.saturating_add(*size))
}

/// How much the second state has that the first hasn't got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// How many there are in the second state.
    pub all: usize,
    /// Those that the first hasn't got.
    pub new: usize,
    /// Those of them whose size isn't known.
    pub unknown: usize,
    /// Bytes of the others.
    pub known_bytes: u64,
}

impl Moved {
    pub(super) fn between(
        before: &BTreeMap<Sha256, Option<u64>>,
        after: &BTreeMap<Sha256, Option<u64>>,
    ) -> Self {
        let new = || after.iter().filter(|(digest, _)| !before.contains_key(*digest)).map(|(_, size)| size);
        Self {
            all: after.len(),
            new: new().count(),
            unknown: new().filter(|size| size.is_none()).count(),
            known_bytes: new().flatten().fold(0, |sum: u64, size| sum.saturating_add(*size)),
        }
    }

    /// Returns the bytes of what is new; none where one has no known size.
    pub fn bytes(&self) -> Option<u64> {
        (self.unknown == 0).then_some(self.known_bytes)
    }
}

/// Something that a client downloads, and how much of it has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// An output, a layout or a container.
    pub name: String,
    /// Whether the first image has it.
    pub was_there: bool,
    /// Its bytes before; none where it wasn't there, or a size isn't known.
    pub before: Option<u64>,
    /// Its bytes now; none where it isn't there, or a size isn't known.
    pub after: Option<u64>,
    /// What a client that has all of the first image downloads of it; none where it is gone.
    pub moved: Option<Moved>,
}

type Downloads = BTreeMap<String, BTreeMap<Sha256, Option<u64>>>;

/// Compares what clients download.
pub(super) fn downloads(before: &Downloads, after: &Downloads) -> Vec<Download> {
    // A client that has one output needn't have the others, but layers are shared between containers.
    let layers = before.iter().filter(|(_, files)| files.len() > 1).flat_map(|(_, files)| files);
    let layers: BTreeMap<_, _> = layers.map(|(digest, size)| (*digest, *size)).collect();
    let bytes = |files: &BTreeMap<Sha256, Option<u64>>| {
        files.values().try_fold(0_u64, |sum, size| Some(sum.saturating_add((*size)?)))
    };
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let one = |name: &String| {
        let (there, now) = (before.get(name), after.get(name));
        let moved = now.map(|now| {
            let mut had = there.cloned().unwrap_or_default();
            if now.len() > 1 {
                had.extend(&layers);
            }
            Moved::between(&had, now)
        });
        let was_there = there.is_some();
        Download {
            name: name.clone(),
            was_there,
            before: there.and_then(bytes),
            after: now.and_then(bytes),
            moved,
        }
    };
    names.into_iter().map(one).filter(|one| one.moved.is_none_or(|moved| moved.new > 0)).collect()
}
