//! `lockfiles/<image>.lock`: what was resolved (pins) and what came out (results).
//!
//! The text, by [`Lockfile::to_text`], is TOML in one canonical form:
//!
//! | part | what | pinned |
//! |---|---|---|
//! | head | `version`, `subject`, `epoch`, `architecture`, `source-date`, `pin` | all but `version` and `pin` |
//! | `[recipes]` | `"image minimal" = "<recipe id>"` | yes |
//! | `[suites.<name>]` | `date`, `in-release`, `signed-by` | yes |
//! | `[debian] debs` | one line each: `name`, `version`, `arch`, `source`, `suite`, `size`, `sha256`, `path`, `tree` | all but `source` and `tree` |
//! | `[closures]` | `"package/source" = ["name version arch", …]` | yes |
//! | `[debian-sources."package/source"]` | `name`, `version`, `suite`, `path`, `files` (`part`, `name`, `size`, `sha256`, `tree`) | all but `tree` |
//! | `[crates]` | `"name version" = { sha256, tree }` | all but `tree` |
//! | `[files]` | `"package/source" = { source, name, size, sha256, commit, tree }` | all but `tree` |
//! | `[images."registry/repository:tag"]` | `index`, `manifest`, `config` (`size`, `sha256`), `command`, `env`, `cwd`, `user`, `owner` (`uid`, `gid`), `layers` (`size`, `sha256`, `tree`) | all but `tree` |
//! | `[locals]` | `"package init/source" = "<tree id>"` | yes |
//! | `[steps]` | `"title" = { derivation, tree }` | no |
//! | `[containers.<name>]` | `platform`, `package` or `image`, `recipe`, `manifest`, `config`, `layers` | no |
//! | `[outputs]` | `"file" = { format, size, sha256, blake3 }` | no |
//! | `[advisories]` | `snapshot`, `date` | no |
//!
//! `pin` is [`Lockfile::pin_id`]: [`Lockfile::parse`] refuses a text whose pins hash to something else.

mod date;
mod debian_source;
pub mod image;
mod parse;
mod pins;
mod print;
mod upstream;

use std::collections::BTreeMap;

use kit_hash::{BlobId, DerivationId, RecipeId, Sha256, TreeId};

pub use image::ImagePin;
pub use upstream::FilePin;

use crate::image::Base;
use crate::{ImageReference, Name, recipe::RecipeName};

pub use debian_source::{DebianSource, SourceFile, SourcePart};

/// A lockfile.
///
/// The pins decide every byte; their digest, [`Lockfile::pin_id`], is what an image carries. Results (the unpacked
/// trees of sources, containers, steps, outputs) follow from the pins; they are there to be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockfile {
    /// The format epoch: which revisions of writers and compressors.
    pub epoch: u64,
    /// What is locked.
    pub subject: Subject,
    /// `x86_64`.
    pub architecture: String,
    /// Seconds since 1970 that every time in an output is set to.
    pub source_date: u64,
    /// Identity of each recipe that takes part: staleness is a difference here.
    pub recipes: BTreeMap<RecipeName, RecipeId>,
    /// Debian suites by code name.
    pub suites: BTreeMap<String, Suite>,
    /// Debian packages.
    pub debs: BTreeMap<DebKey, Deb>,
    /// Which Debian packages each source of each package resolved to, by (package, source).
    pub closures: BTreeMap<(Name, Name), Vec<DebKey>>,
    /// Debian source packages, by (package, source).
    pub debian_sources: BTreeMap<(Name, Name), DebianSource>,
    /// Crates, by (name, version).
    pub crates: BTreeMap<(String, String), Crate>,
    /// Files from addresses in recipes, and archives of commits, by (package, source).
    pub files: BTreeMap<(Name, Name), FilePin>,
    /// Images, by what recipes ask for.
    pub images: BTreeMap<ImageReference, ImagePin>,
    /// Trees of the project's own files that recipes use, by recipe and source name, or the path of the added file.
    pub locals: BTreeMap<(RecipeName, String), TreeId>,
    /// What each step came out as, by its title (`package busybox`).
    pub steps: BTreeMap<String, Step>,
    /// The containers of the image, by name.
    pub containers: BTreeMap<Name, ContainerPin>,
    /// The files of the outputs, by name.
    pub outputs: BTreeMap<String, Output>,
    /// The known vulnerabilities that audits ask.
    pub advisories: Option<Advisories>,
}

impl Lockfile {
    /// Returns one that pins nothing, for x86-64.
    pub fn new(epoch: u64, subject: Subject, source_date: u64) -> Self {
        Self {
            epoch,
            subject,
            architecture: "x86_64".to_owned(),
            source_date,
            recipes: BTreeMap::new(),
            suites: BTreeMap::new(),
            debs: BTreeMap::new(),
            closures: BTreeMap::new(),
            debian_sources: BTreeMap::new(),
            crates: BTreeMap::new(),
            files: BTreeMap::new(),
            images: BTreeMap::new(),
            locals: BTreeMap::new(),
            steps: BTreeMap::new(),
            containers: BTreeMap::new(),
            outputs: BTreeMap::new(),
            advisories: None,
        }
    }
}

/// Known vulnerabilities, as they were on a day. They decide no byte, so they are no pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advisories {
    /// The digest of the snapshot.
    pub sha256: Sha256,
    /// Its date, seconds since 1970.
    pub date: u64,
}

/// What a lockfile is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An image.
    Image(Name),
    /// The tools.
    Tools,
}

/// The signed state of a Debian suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// `Date` of its `InRelease`, seconds since 1970.
    pub date: u64,
    /// The `InRelease` file.
    pub in_release: Sha256,
    /// Fingerprints of the primary keys that signed it, sorted.
    pub signed_by: Vec<String>,
}

/// Name, version and architecture of a Debian package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebKey {
    /// Binary package.
    pub name: String,
    /// Version as the archive writes it.
    pub version: String,
    /// `amd64` or `all`.
    pub architecture: String,
}

/// A Debian package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deb {
    /// What it was built from: advisories are about that. Says nothing about bytes, so it is no pin.
    pub source: DebSource,
    /// Suite that proves it.
    pub suite: String,
    /// Place in the archive, relative to whichever mirror.
    pub filename: String,
    /// Bytes.
    pub size: u64,
    /// Digest of the `.deb`.
    pub sha256: Sha256,
    /// Its unpacked tree (a result).
    pub tree: Option<TreeId>,
}

/// Name and version of the Debian source package that a package was built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebSource {
    /// Source package.
    pub name: String,
    /// Its version, which may differ from that of the package.
    pub version: String,
}

/// A crate of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    /// Digest of the `.crate`, as in `Cargo.lock`.
    pub sha256: Sha256,
    /// Its unpacked tree (a result).
    pub tree: Option<TreeId>,
}

/// What a step came out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What was asked.
    pub derivation: DerivationId,
    /// What came out.
    pub tree: TreeId,
}

/// A container as an OCI image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPin {
    /// `linux/amd64`.
    pub platform: String,
    /// What it is made of.
    pub base: Base,
    /// The recipe hash of its image.
    pub recipe: DerivationId,
    /// The OCI manifest.
    pub manifest: Sha256,
    /// The OCI configuration.
    pub config: Sha256,
    /// The layers, as stored.
    pub layers: Vec<Sha256>,
}

/// A file that `kit build` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The format it belongs to.
    pub format: crate::image::Format,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// BLAKE3 of the file.
    pub blake3: BlobId,
}

#[cfg(test)]
mod tests;
