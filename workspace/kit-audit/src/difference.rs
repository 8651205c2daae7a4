//! What is another one between two states of an image.
//!
//! What a side doesn't know isn't compared, and is said: nothing is taken for gone because a lockfile has no files.
//!
//! | module | what |
//! |---|---|
//! | [`state`] | [`State`]: all that is known of one side |
//! | [`kind`] | what is the same component on both sides |
//! | [`packages`], [`files`], [`services`], [`settings`], [`licences`], [`vulnerabilities`], [`sizes`] | what changed of each |
//! | [`table`] | the same as rows, in the order and the words of all outputs |
//! | [`text`], [`markdown`], [`json`] | the outputs |

pub mod files;
pub mod json;
pub mod kind;
pub mod licences;
pub mod markdown;
pub mod packages;
pub mod services;
pub mod settings;
pub mod sizes;
pub mod state;
pub mod table;
pub mod text;
pub mod vulnerabilities;

use std::collections::BTreeSet;

use kit_hash::PinId;

pub use self::state::State;

use self::files::FileChange;
use self::licences::LicenceChange;
use self::packages::PackageChange;
use self::services::ServiceChange;
use self::settings::{CommandLine, OptionChange};
use self::sizes::{Download, Moved, Sizes};
use self::vulnerabilities::VulnerabilityChange;

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// What people call it.
    pub name: String,
    /// The digest of what its lockfile pins.
    pub pin: Option<PinId>,
}

/// What was compared, or why it wasn't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared<T> {
    /// Both sides know it.
    Known(T),
    /// These sides don't.
    Unknown(Vec<String>),
}

impl<T> Compared<T> {
    /// Returns what was compared.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(found) => Some(found),
            Self::Unknown(_) => None,
        }
    }
}

/// A name or a recipe by which something is told, and what it was and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub name: String,
    /// What it was; none where it is new.
    pub before: Option<String>,
    /// What it is; none where it is gone.
    pub after: Option<String>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The first side.
    pub before: Side,
    /// The second side.
    pub after: Side,
    /// What the image is made of, and was made with.
    pub packages: Compared<Vec<PackageChange>>,
    /// What recipes mean, as digests.
    pub recipes: Compared<Vec<Change>>,
    /// Files.
    pub files: Compared<Vec<FileChange>>,
    /// What containers may do.
    pub services: Compared<Vec<ServiceChange>>,
    /// Options of the kernel.
    pub kernel: Compared<Vec<OptionChange>>,
    /// The words that the kernel is started with.
    pub command_line: Compared<CommandLine>,
    /// Licences.
    pub licences: Compared<Vec<LicenceChange>>,
    /// Known vulnerabilities.
    pub vulnerabilities: Compared<Vec<VulnerabilityChange>>,
    /// Bytes in the image.
    pub sizes: Compared<Sizes>,
    /// Bytes that a client downloads.
    pub downloads: Compared<Vec<Download>>,
    /// Images, by the digests of their manifests.
    pub images: Vec<Change>,
    /// Layers and configurations.
    pub blobs: Moved,
    /// Files that are downloaded to build it.
    pub sources: Moved,
}

impl Difference {
    /// Whether nothing differs, as far as is known.
    pub fn is_empty(&self) -> bool {
        fn nothing<T>(compared: &Compared<Vec<T>>) -> bool {
            compared.known().is_none_or(Vec::is_empty)
        }
        nothing(&self.packages)
            && nothing(&self.recipes)
            && nothing(&self.files)
            && nothing(&self.services)
            && nothing(&self.kernel)
            && self.command_line.known().is_none_or(CommandLine::is_empty)
            && nothing(&self.licences)
            && nothing(&self.vulnerabilities)
            && nothing(&self.downloads)
            && self.images.is_empty()
            && self.blobs.new == 0
            && self.sources.new == 0
    }
}

/// Compares two states.
pub fn difference(before: &State, after: &State) -> Difference {
    let both = Both { before, after };
    Difference {
        before: Side { name: before.name.clone(), pin: before.pin },
        after: Side { name: after.name.clone(), pin: after.pin },
        packages: both.compare(|side| side.packages.as_ref(), packages::packages),
        recipes: both.compare(|side| side.recipes.as_ref(), |one, other| changes(one, other, String::clone)),
        files: both.compare(|side| side.files.as_ref(), files::files),
        services: both.compare(|side| side.services.as_ref(), services::services),
        kernel: both.compare(|side| side.kernel.as_ref(), settings::options),
        command_line: both
            .compare(|side| side.command_line.as_ref(), |one, other| CommandLine::between(one, other)),
        licences: both.compare(|side| side.licences.as_ref(), licences::licences),
        vulnerabilities: both.compare(|side| side.vulnerabilities.as_ref(), vulnerabilities::vulnerabilities),
        sizes: both.compare(|side| side.sizes.as_ref(), Sizes::between),
        downloads: both.compare(|side| side.downloads.as_ref(), sizes::downloads),
        images: changes(&before.images, &after.images, kit_hash::Sha256::oci),
        blobs: Moved::between(&before.blobs, &after.blobs),
        sources: Moved::between(&before.sources, &after.sources),
    }
}

#[derive(Clone, Copy)]
struct Both<'a> {
    before: &'a State,
    after: &'a State,
}

impl<'a> Both<'a> {
    /// Compares what both know.
    fn compare<K: 'a, T>(
        self,
        of: impl Fn(&'a State) -> Option<&'a K>,
        compare: impl FnOnce(&'a K, &'a K) -> T,
    ) -> Compared<T> {
        if let (Some(before), Some(after)) = (of(self.before), of(self.after)) {
            return Compared::Known(compare(before, after));
        }
        let sides = [self.before, self.after].into_iter().filter(|side| of(side).is_none());
        Compared::Unknown(sides.map(|side| side.name.clone()).collect())
    }
}

fn changes<V: PartialEq>(
    before: &std::collections::BTreeMap<String, V>,
    after: &std::collections::BTreeMap<String, V>,
    show: impl Fn(&V) -> String,
) -> Vec<Change> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Change {
            name: name.clone(),
            before: before.get(name).map(&show),
            after: after.get(name).map(&show),
        })
        .collect()
}

#[cfg(test)]
mod tests;
