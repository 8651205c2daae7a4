//! A recipe of any kind, its parser and its identity.

use std::fmt;

use kit_hash::RecipeId;

use crate::{Image, Name, Package, Tools};

/// What one file of `recipes/` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipe {
    /// `recipes/packages/<name>.toml`
    Package(Package),
    /// `recipes/images/<name>.toml`
    Image(Image),
    /// `recipes/tools.toml`
    Tools(Tools),
}

/// Which recipe: the kind and the name; ordered by kind, then name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecipeName {
    /// An image.
    Image(Name),
    /// A package.
    Package(Name),
    /// The tools.
    Tools,
}

impl RecipeName {
    /// Returns the path of the file below the project.
    pub fn path(&self) -> String {
        match self {
            Self::Image(name) => format!("recipes/images/{name}.toml"),
            Self::Package(name) => format!("recipes/packages/{name}.toml"),
            Self::Tools => "recipes/tools.toml".to_owned(),
        }
    }
}

impl fmt::Display for RecipeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(name) => write!(f, "image {name}"),
            Self::Package(name) => write!(f, "package {name}"),
            Self::Tools => f.write_str("tools"),
        }
    }
}

impl Recipe {
    /// Returns the identity: the digest of what the recipe means, `kit:recipe:v1`. Comments, order of keys, spans don't count.
    pub fn id(&self) -> RecipeId {
        todo!("the encoding")
    }
}
