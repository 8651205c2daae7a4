//! Why a source package can't be pinned.

/// Why a source package can't be pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No source package has the name.
    #[error("there is no source package `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The source package that a binary package of that name is built from.
        builds: Option<String>,
        /// Source packages whose names are close.
        similar: Vec<String>,
    },
    /// The package exists, but not in this version.
    #[error("the source package `{name}` has no version {version}; there is {}", available.join(", "))]
    Version {
        /// The source package.
        name: String,
        /// The version that was asked for.
        version: String,
        /// The versions that there are, highest first.
        available: Vec<String>,
    },
    /// A field is missing or impossible.
    #[error("{place} has no valid `{field}` for the source package `{name}`")]
    Field {
        /// The source package.
        name: String,
        /// The field.
        field: &'static str,
        /// Where it should stand.
        place: Place,
    },
    /// A file that the format needs isn't listed.
    #[error("the source package `{name}` lists no file `{file}`")]
    Missing {
        /// The source package.
        name: String,
        /// The file.
        file: String,
    },
    /// A file that the format doesn't have, or has once.
    #[error("the source package `{name}` lists `{file}`, which has no place in its format")]
    Unexpected {
        /// The source package.
        name: String,
        /// The file.
        file: String,
    },
    /// A format that can't be put together.
    #[error("the source package `{name}` has the format `{format}`, which kit doesn't read")]
    Format {
        /// The source package.
        name: String,
        /// The format.
        format: String,
    },
    /// A description that is larger than one can be.
    #[error("`{file}` has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The description.
        file: String,
        /// Its size.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A description that can't be read.
    #[error("`{file}` can't be read: {reason}")]
    Description {
        /// The description.
        file: String,
        /// Why.
        reason: &'static str,
    },
    /// Description and index say different things.
    #[error("`{file}` contradicts the index of sources about {what}{ends}")]
    Contradiction {
        /// The description.
        file: String,
        /// What about.
        what: String,
        /// What each says.
        ends: End,
    },
}

/// Which text says something about a source package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The `Sources` index.
    Index,
    /// A `.dsc`.
    Description,
}

/// Both ends of a contradiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// What the index says; none when it says nothing.
    pub index: Option<String>,
    /// What the description says.
    pub description: Option<String>,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = |end: &Option<String>| end.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "\n  index: {}\n  description: {}", said(&self.index), said(&self.description))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Index => "the index of sources",
            Self::Description => "the description",
        })
    }
}

impl SourceError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "kit::debian::unknown_source",
            Self::Version { .. } => "kit::debian::unknown_source_version",
            Self::Field { .. } | Self::Missing { .. } | Self::Unexpected { .. } => "kit::debian::bad_source",
            Self::Format { .. } => "kit::debian::source_format",
            Self::TooLarge { .. } | Self::Description { .. } => "kit::debian::bad_description",
            Self::Contradiction { .. } => "kit::debian::source_contradiction",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { name, builds: Some(source), .. } => {
                Some(format!("`{name}` is a binary package: its source is `{source}`"))
            }
            Self::Unknown { similar, .. } if similar.is_empty() => {
                Some("look at the suite: only sources of `main` are taken".to_owned())
            }
            Self::Unknown { similar, .. } => Some(format!("did you mean `{}`?", similar.join("` or `"))),
            Self::Version { name, available, .. } => available
                .first()
                .map(|version| format!("ask for `{name}={version}`, or leave the version out")),
            Self::Format { .. } => {
                Some("the formats `1.0`, `3.0 (quilt)` and `3.0 (native)` are read".to_owned())
            }
            Self::Field { .. }
            | Self::Missing { .. }
            | Self::Unexpected { .. }
            | Self::TooLarge { .. }
            | Self::Description { .. }
            | Self::Contradiction { .. } => {
                Some("the archive contradicts itself: try again later, or use another mirror".to_owned())
            }
        }
    }
}
