//! Why no set of packages satisfies a request.

use crate::debian::relation::RelationError;

/// Why no set of packages satisfies a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// No package has the name.
    #[error("there is no package `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Packages whose names are close.
        similar: Vec<String>,
    },
    /// The package exists, but not in this version.
    #[error("`{name}` has no version {version}; there is {}", available.join(", "))]
    Version {
        /// The package.
        name: String,
        /// The version that was asked for.
        version: String,
        /// The versions that there are, highest first.
        available: Vec<String>,
    },
    /// Only other packages provide the name, and more than one does.
    #[error("`{name}` is a virtual package that {} provide", providers.join(", "))]
    Virtual {
        /// What was asked for.
        name: String,
        /// The packages that provide it.
        providers: Vec<String>,
    },
    /// No choice of versions satisfies everything.
    #[error("no set of packages satisfies {}:\n{explanation}", wanted.join(", "))]
    Conflict {
        /// What was asked for.
        wanted: Vec<String>,
        /// A tree that shows what contradicts what.
        explanation: String,
    },
    /// A dependency field of a package can't be read.
    #[error("`{package}` has an unreadable dependency")]
    Relation {
        /// The package.
        package: String,
        /// What stands there.
        #[source]
        source: RelationError,
    },
}

impl SolveError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "kit::debian::unknown_package",
            Self::Version { .. } => "kit::debian::unknown_version",
            Self::Virtual { .. } => "kit::debian::virtual_package",
            Self::Conflict { .. } => "kit::debian::conflict",
            Self::Relation { .. } => "kit::debian::bad_relation",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { similar, .. } if similar.is_empty() => Some(
                "look at the suite and its components: packages outside `main` need their component"
                    .to_owned(),
            ),
            Self::Unknown { similar, .. } => Some(format!("did you mean `{}`?", similar.join("` or `"))),
            Self::Version { name, available, .. } => available
                .first()
                .map(|version| format!("ask for `{name}={version}`, or leave the version out")),
            Self::Virtual { .. } => Some("name one of them".to_owned()),
            Self::Conflict { .. } => {
                Some("ask for these packages in separate groups, or leave one out".to_owned())
            }
            Self::Relation { .. } => None,
        }
    }
}
