//! What the YAML refers to outside of itself, as whoever reads it found it.

use std::collections::BTreeMap;

use super::decode::{Faults, Value};
use super::fault::Fault;
use crate::{ImageReference, Name, Reference};

/// What a template or an image's name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// An image of a registry, as it is written.
    Image(String),
    /// A package of the project.
    Package(Name),
}

/// A file that `source` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The project has it at this path.
    Project(String),
    /// It is a text outside of the project, and this is what is in it.
    Text(String),
    /// There is none.
    Missing(String),
    /// There is one that can't be taken.
    Refused(String),
}

/// What templates and sources stand for, each by its text in the YAML.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `@pkg:PATH` by `PATH`: what it stands for, or why it can't be used.
    pub packages: BTreeMap<String, Result<Base, String>>,
    /// Files by `source`.
    pub sources: BTreeMap<String, Source>,
}

/// What a template begins with.
pub(super) const TEMPLATE: &str = "@pkg:";

impl Given {
    /// Reads what an image is: a reference, or a template.
    pub(super) fn base(&self, value: &Value<'_>, faults: &mut Faults) -> Option<Base> {
        let text = value.line(faults)?;
        if let Some(path) = text.strip_prefix(TEMPLATE) {
            return match self.packages.get(path) {
                Some(Ok(base)) => Some(base.clone()),
                Some(Err(why)) => {
                    faults.push((
                        value.place(),
                        Fault::UnusablePackage { path: path.to_owned(), why: why.clone() },
                    ));
                    None
                }
                None => {
                    let why = "wasn't looked for".to_owned();
                    faults.push((value.place(), Fault::UnusablePackage { path: path.to_owned(), why }));
                    None
                }
            };
        }
        if text.starts_with('@') {
            // Told with all other texts that begin so.
            return None;
        }
        match text.parse::<Reference>() {
            // What kit takes for a place in the project is written so that it doesn't.
            Ok(reference) => match text.parse() {
                Ok(ImageReference::Registry(_)) => Some(Base::Image(text)),
                _ => Some(Base::Image(reference.to_string())),
            },
            Err(why) => {
                faults.push((value.place(), Fault::InvalidReference { reference: text, why }));
                None
            }
        }
    }
}

impl Base {
    /// Returns the last part of its repository, or the package's name.
    pub(super) fn short(&self) -> String {
        match self {
            Self::Package(name) => name.to_string(),
            Self::Image(text) => text.parse::<Reference>().map_or_else(
                |_| text.clone(),
                |reference| reference.repository().rsplit('/').next().unwrap_or_default().to_owned(),
            ),
        }
    }

    /// Whether it is the image of that name that LinuxKit itself publishes, in whatever registry.
    pub(super) fn is_linuxkits(&self, name: &str) -> bool {
        match self {
            Self::Package(_) => false,
            Self::Image(text) => text.parse::<Reference>().is_ok_and(|reference| {
                reference
                    .repository()
                    .strip_suffix(name)
                    .is_some_and(|rest| rest == "linuxkit/" || rest.ends_with("/linuxkit/"))
            }),
        }
    }
}
