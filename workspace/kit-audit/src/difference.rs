//! What is another one between two states of an image: what is pinned, its containers, and how much has to be downloaded by a client that
//! has the first, and by who builds it.

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
    /// Files that are downloaded to build it, with their bytes where those are known: those of crates aren't.
    pub sources: BTreeMap<Sha256, Option<u64>>,
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
    /// Layers and configurations.
    pub blobs: Moved,
    /// Files that are downloaded to build it.
    pub sources: Moved,
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
    fn between(before: &BTreeMap<Sha256, Option<u64>>, after: &BTreeMap<Sha256, Option<u64>>) -> Self {
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

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty() && self.images.is_empty() && self.blobs.new == 0 && self.sources.new == 0
    }
}

impl Contents {
    /// Reads a lockfile: its pins with their sizes, and of its containers what they consist of, without sizes.
    pub fn of_lock(lock: &Lockfile) -> Self {
        let mut contents = Self::default();
        for (key, deb) in &lock.debs {
            contents.pin(Kind::Debian, key.name.clone(), key.version.clone());
            contents.sources.insert(deb.sha256, Some(deb.size));
        }
        for ((package, source), pin) in &lock.debian_sources {
            contents.pin(
                Kind::DebianSource,
                format!("{package}/{source}"),
                format!("{} {}", pin.name, pin.version),
            );
            contents.sources.extend(pin.files.iter().map(|file| (file.sha256, Some(file.size))));
        }
        for ((name, version), pin) in &lock.crates {
            contents.pin(Kind::Crate, name.clone(), version.clone());
            contents.sources.insert(pin.sha256, None);
        }
        for ((package, source), pin) in &lock.files {
            contents.pin(
                Kind::File,
                format!("{package}/{source}"),
                format!("{} {}", pin.name, pin.sha256.short()),
            );
            contents.sources.insert(pin.sha256, Some(pin.size));
        }
        for (reference, pin) in &lock.images {
            contents.pin(Kind::Image, reference.to_string(), pin.manifest.sha256.short());
            let documents = [pin.manifest, pin.config].map(|document| (document.sha256, Some(document.size)));
            let layers = pin.layers.iter().map(|layer| (layer.sha256, Some(layer.size)));
            contents.sources.extend(documents.into_iter().chain(layers));
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
    Difference {
        pins: changes(&versions(before), &versions(after)),
        images: changes(&images(before), &images(after)),
        blobs: Moved::between(&before.blobs, &after.blobs),
        sources: Moved::between(&before.sources, &after.sources),
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
        assert_eq!(found.blobs, Moved { all: 2, new: 1, unknown: 0, known_bytes: 9 });
        assert!(difference(&after, &after).is_empty());
        let unknown = difference(&before, &contents(&[], &[("x", Some(5)), ("z", None), ("u", Some(3))]));
        assert_eq!(unknown.blobs, Moved { all: 3, new: 2, unknown: 1, known_bytes: 3 });
        assert_eq!((found.blobs.bytes(), unknown.blobs.bytes()), (Some(9), None));
    }
}
