//! What is another one between two states of an image: what is pinned, its containers, and how much a client has to download that has the
//! first.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::Sha256;
use kit_recipe::Lockfile;

/// What a state of an image has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Versions of what is pinned, by kind and name; none where only bytes are known.
    pub pins: BTreeMap<(Kind, String), BTreeSet<String>>,
    /// Manifests of images by name.
    pub images: BTreeMap<String, Sha256>,
    /// Layers and configurations, with their bytes where those are known.
    pub blobs: BTreeMap<Sha256, Option<u64>>,
}

/// What is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A Debian package.
    Debian,
    /// A Debian source package.
    DebianSource,
    /// A crate.
    Crate,
    /// A file or a commit at an address.
    File,
    /// An image of a registry.
    Image,
    /// A recipe.
    Recipe,
}

impl Kind {
    /// Returns the word for it, also in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::DebianSource => "debian-source",
            Self::Crate => "crate",
            Self::File => "file",
            Self::Image => "image",
            Self::Recipe => "recipe",
        }
    }
}

/// Something that is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<K> {
    /// What.
    pub key: K,
    /// Its versions before; empty where it is new.
    pub before: Vec<String>,
    /// Its versions now; empty where it is gone.
    pub after: Vec<String>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Pins, in the order of their kinds and names.
    pub pins: Vec<Change<(Kind, String)>>,
    /// Images, by digest.
    pub images: Vec<Change<String>>,
    /// Blobs of the second state.
    pub blobs: usize,
    /// Those that the first hasn't got.
    pub new_blobs: usize,
    /// Bytes of those; none where one of them has no known size.
    pub new_bytes: Option<u64>,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty() && self.images.is_empty() && self.new_blobs == 0
    }
}

impl Contents {
    /// Reads a lockfile: its pins, and of its containers what they consist of, without sizes.
    pub fn of_lock(lock: &Lockfile) -> Self {
        let mut contents = Self::default();
        for key in lock.debs.keys() {
            contents.pin(Kind::Debian, key.name.clone(), key.version.clone());
        }
        for ((package, source), pin) in &lock.debian_sources {
            contents.pin(
                Kind::DebianSource,
                format!("{package}/{source}"),
                format!("{} {}", pin.name, pin.version),
            );
        }
        for (name, version) in lock.crates.keys() {
            contents.pin(Kind::Crate, name.clone(), version.clone());
        }
        for ((package, source), pin) in &lock.files {
            contents.pin(
                Kind::File,
                format!("{package}/{source}"),
                format!("{} {}", pin.name, pin.sha256.short()),
            );
        }
        for (reference, pin) in &lock.images {
            contents.pin(Kind::Image, reference.to_string(), pin.manifest.sha256.short());
        }
        for (name, id) in &lock.recipes {
            contents.pin(Kind::Recipe, name.to_string(), id.short());
        }
        for (name, pin) in &lock.containers {
            contents.images.insert(name.to_string(), pin.manifest);
            contents.blobs.extend(pin.layers.iter().chain([&pin.config]).map(|blob| (*blob, None)));
        }
        contents
    }

    fn pin(&mut self, kind: Kind, name: String, version: String) {
        self.pins.entry((kind, name)).or_default().insert(version);
    }
}

/// Compares two states.
pub fn difference(before: &Contents, after: &Contents) -> Difference {
    let versions = |contents: &Contents| -> BTreeMap<_, Vec<String>> {
        contents
            .pins
            .iter()
            .map(|(key, versions)| (key.clone(), versions.iter().cloned().collect()))
            .collect()
    };
    let images = |contents: &Contents| -> BTreeMap<String, Vec<String>> {
        contents.images.iter().map(|(name, digest)| (name.clone(), vec![digest.oci()])).collect()
    };
    let new: Vec<_> = after.blobs.iter().filter(|(blob, _)| !before.blobs.contains_key(*blob)).collect();
    Difference {
        pins: changes(&versions(before), &versions(after)),
        images: changes(&images(before), &images(after)),
        blobs: after.blobs.len(),
        new_blobs: new.len(),
        new_bytes: new.iter().try_fold(0_u64, |sum, (_, size)| sum.checked_add((**size)?)),
    }
}

fn changes<K: Ord + Clone>(
    before: &BTreeMap<K, Vec<String>>,
    after: &BTreeMap<K, Vec<String>>,
) -> Vec<Change<K>> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let of = |state: &BTreeMap<K, Vec<String>>, key| state.get(key).cloned().unwrap_or_default();
    let all = keys.into_iter().map(|key| Change {
        key: key.clone(),
        before: of(before, key),
        after: of(after, key),
    });
    all.filter(|change| change.before != change.after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(pins: &[(&str, &str)], blobs: &[(&str, Option<u64>)]) -> Contents {
        let mut contents = Contents::default();
        for (name, version) in pins {
            contents.pin(Kind::Debian, (*name).to_owned(), (*version).to_owned());
        }
        contents.blobs = blobs.iter().map(|(text, size)| (Sha256::of(text.as_bytes()), *size)).collect();
        contents
    }

    #[test]
    fn says_what_came_went_and_changed() {
        let before = contents(&[("a", "1"), ("b", "1"), ("c", "1")], &[("x", Some(5)), ("y", Some(7))]);
        let after =
            contents(&[("b", "1"), ("c", "1"), ("c", "2"), ("d", "1")], &[("x", None), ("z", Some(9))]);
        let found = difference(&before, &after);
        let change = |name: &str, before: &[&str], after: &[&str]| Change {
            key: (Kind::Debian, name.to_owned()),
            before: before.iter().map(ToString::to_string).collect(),
            after: after.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            found.pins,
            [change("a", &["1"], &[]), change("c", &["1"], &["1", "2"]), change("d", &[], &["1"])]
        );
        assert_eq!((found.blobs, found.new_blobs, found.new_bytes), (2, 1, Some(9)));
        assert!(difference(&after, &after).is_empty());
        let unknown = difference(&before, &contents(&[], &[("z", None)]));
        assert_eq!((unknown.new_blobs, unknown.new_bytes), (1, None));
    }
}
