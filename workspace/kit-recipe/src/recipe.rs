//! A recipe of any kind, its parser and its identity.

mod identity;

use std::fmt;
use std::str::FromStr;

use crate::parse::image::image;
use crate::parse::package::{package, tools};
use crate::parse::section::Section;
use crate::parse::{Faults, document};
pub use crate::problem::Problems;
use crate::problem::{Area, Fault};
use crate::{Image, Name, Package, Tools};

pub(crate) use identity::source as encode_source;

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

/// Why a text names no recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a recipe is `image NAME`, `package NAME` or `tools`")]
pub struct RecipeNameError;

impl FromStr for RecipeName {
    type Err = RecipeNameError;

    /// Reads what [`RecipeName`] shows: `image minimal`, `package init`, `tools`.
    fn from_str(text: &str) -> Result<Self, RecipeNameError> {
        if text == "tools" {
            return Ok(Self::Tools);
        }
        let (kind, name) = text.split_once(' ').ok_or(RecipeNameError)?;
        let name = name.parse().map_err(|_| RecipeNameError)?;
        match kind {
            "image" => Ok(Self::Image(name)),
            "package" => Ok(Self::Package(name)),
            _ => Err(RecipeNameError),
        }
    }
}

impl Recipe {
    /// Reads the text of the recipe called `name`; reports every problem of it.
    pub fn parse(name: &RecipeName, text: &str) -> Result<Self, Problems> {
        document(Area::Recipe, text, |root, faults| {
            if wrong_kind(name, &root, faults) {
                return None;
            }
            match name {
                RecipeName::Package(file) => package(file, root, faults).map(Self::Package),
                RecipeName::Image(file) => image(file, root, faults).map(Self::Image),
                RecipeName::Tools => tools(root, faults).map(Self::Tools),
            }
        })
    }
}

/// Notes that the file holds a recipe of another kind; whether it does.
fn wrong_kind(name: &RecipeName, root: &Section<'_>, faults: &mut Faults<'_>) -> bool {
    let kinds = [
        ("image", "[image]", "recipes/images/"),
        ("package", "[package]", "recipes/packages/"),
        ("tools", "[tools]", "recipes/tools.toml"),
    ];
    let own = match name {
        RecipeName::Image(_) => "image",
        RecipeName::Package(_) => "package",
        RecipeName::Tools => "tools",
    };
    let expected = kinds.iter().find(|kind| kind.0 == own).map_or("", |kind| kind.1);
    let other = kinds.iter().filter(|kind| kind.0 != own).find_map(|kind| Some((kind, root.peek(kind.0)?)));
    let Some((&(_, found, folder), value)) = other.filter(|_| root.peek(own).is_none()) else { return false };
    faults.add(value.section_span(), Fault::WrongKind { found, expected, folder });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_shown() {
        for text in ["image minimal", "package base-files", "tools"] {
            assert_eq!(text.parse::<RecipeName>().unwrap().to_string(), text);
        }
        for text in ["", "image", "image ", "image  a", "package A", "tools x", "kernel a", "image a "] {
            assert_eq!(text.parse::<RecipeName>(), Err(RecipeNameError), "{text:?}");
        }
    }
}
