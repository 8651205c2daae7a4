//! What an image is made of, without versions: what is the same thing on both sides.

use std::cmp::Ordering;
use std::fmt;

use crate::advisories::Ecosystem;
use crate::inventory::ComponentId;

/// A kind of component.
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
    /// What a recipe makes.
    Recipe,
    /// A package of Alpine's package manager.
    Apk,
    /// All of an image that no package there says is its own.
    Foreign,
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
            Self::Apk => "apk",
            Self::Foreign => "foreign",
        }
    }

    /// Compares two versions in the order of the kind; none where versions of it have no order.
    pub fn compare(self, before: &str, after: &str) -> Option<Ordering> {
        let is_digest = |text: &str| text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            Self::Crate => Some(Ecosystem::CratesIo.compare(before, after)),
            // Alpine has an order of its own.
            Self::Image | Self::Apk | Self::Foreign => None,
            _ if is_digest(before) || is_digest(after) => None,
            Self::Debian | Self::DebianSource | Self::File | Self::Recipe => {
                Some(Ecosystem::Debian.compare(before, after))
            }
        }
    }
}

/// A component, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// What kind it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl Named {
    /// Leaves the version of a component out.
    pub fn of(id: &ComponentId) -> Self {
        let (kind, name) = match id {
            ComponentId::Debian(key) => (Kind::Debian, key.name.clone()),
            ComponentId::DebianSource(source) => (Kind::DebianSource, source.name.clone()),
            ComponentId::Crate { name, .. } => (Kind::Crate, name.clone()),
            ComponentId::File { package, source } => (Kind::File, format!("{package}/{source}")),
            ComponentId::Image(reference) => (Kind::Image, reference.to_string()),
            ComponentId::Recipe(recipe) => (Kind::Recipe, recipe.to_string()),
            ComponentId::Apk { name, .. } => (Kind::Apk, name.clone()),
            // What images are called differs, and this is what they have in common.
            ComponentId::Foreign(_) => (Kind::Foreign, "files of no package".to_owned()),
        };
        Self { kind, name }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            // These say themselves what they are.
            Kind::Recipe | Kind::Foreign => f.write_str(&self.name),
            kind => write!(f, "{} {}", kind.word(), self.name),
        }
    }
}
