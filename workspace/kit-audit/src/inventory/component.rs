//! What an image is made of, one part at a time.

use std::collections::BTreeSet;
use std::fmt;

use kit_hash::{DerivationId, Sha256};
use kit_recipe::lockfile::{DebKey, DebSource};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{ImageReference, Name};

/// What tells a component from all others of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComponentId {
    /// A Debian binary package.
    Debian(DebKey),
    /// A Debian source package, for what is built from it.
    DebianSource(DebSource),
    /// A crate of the registry.
    Crate {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
    },
    /// A file or a commit at an address, of a package's recipe.
    File {
        /// The package.
        package: Name,
        /// The source.
        source: Name,
    },
    /// An image that others made.
    Image(ImageReference),
    /// What a recipe makes, adds, or takes from the project's own files.
    Recipe(RecipeName),
    /// A package of Alpine's package manager, in an image that kit didn't make.
    Apk {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
    },
    /// An image by what it is called, where no recipes of it are known: all of it that no package there says is its own.
    Foreign(String),
}

impl ComponentId {
    /// Whether it is the whole image of that name, which everything else is in.
    pub fn is_image(&self, image: &str) -> bool {
        match self {
            Self::Recipe(RecipeName::Image(name)) => name.as_str() == image,
            Self::Foreign(name) => name == image,
            _ => false,
        }
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Debian(key) => write!(f, "{} {}", key.name, key.version),
            Self::DebianSource(source) => write!(f, "source {} {}", source.name, source.version),
            Self::Crate { name, version } => write!(f, "crate {name} {version}"),
            Self::File { package, source } => write!(f, "file {package}/{source}"),
            Self::Image(reference) => write!(f, "image {reference}"),
            Self::Recipe(recipe) => recipe.fmt(f),
            Self::Apk { name, version } => write!(f, "{name} {version}"),
            Self::Foreign(name) => write!(f, "image {name}"),
        }
    }
}

/// How a component takes part in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Files of it are in the image.
    Shipped,
    /// What is in the image was made of it: a script's sources, the crates of a program.
    Part,
    /// It took part in making the image, and nothing of it is in there.
    Tool,
}

impl Role {
    /// Returns the word for it, also in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Part => "part",
            Self::Tool => "tool",
        }
    }
}

/// One of the things that an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name, for people.
    pub name: String,
    /// Its version; none where nobody gives it one.
    pub version: Option<String>,
    /// What it is, in a line.
    pub summary: Option<String>,
    /// Its licence as a recipe states it: an SPDX expression. What packages say of themselves is in their files.
    pub licence: Option<String>,
    /// Its package URL, where its kind has one.
    pub purl: Option<String>,
    /// The digest of the file that it came as.
    pub sha256: Option<Sha256>,
    /// The bytes of that file.
    pub size: Option<u64>,
    /// The Debian source package that it was built from.
    pub source: Option<DebSource>,
    /// The Debian suite that lists it.
    pub suite: Option<String>,
    /// The step whose result is its whole tree, before anything was left out.
    pub tree: Option<DerivationId>,
    /// How it takes part.
    pub role: Role,
    /// Components that it is made of: what a recipe takes together or builds from.
    pub made_of: BTreeSet<ComponentId>,
    /// Components that it was built with, and that leave nothing in it.
    pub made_with: BTreeSet<ComponentId>,
    /// How many paths of the image are its.
    pub files: u64,
    /// The bytes of those of them that are files, each file once.
    pub bytes: u64,
}

impl Component {
    /// Starts with a name alone.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: None,
            summary: None,
            licence: None,
            purl: None,
            sha256: None,
            size: None,
            source: None,
            suite: None,
            tree: None,
            role: Role::Tool,
            made_of: BTreeSet::new(),
            made_with: BTreeSet::new(),
            files: 0,
            bytes: 0,
        }
    }
}

/// Writes a part of a package URL: all but letters, digits and `.-_~:` are percent-encoded.
pub(crate) fn purl_part(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("because writing to a string doesn't fail");
        }
    }
    encoded
}
