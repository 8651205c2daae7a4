//! Why crates can't be pinned or fetched.

use kit_hash::Sha256;

/// Why crates can't be pinned or fetched.
#[derive(Debug, thiserror::Error)]
pub enum CrateError {
    /// The text is no `Cargo.lock`.
    #[error("not a Cargo.lock: {reason}")]
    Lock {
        /// What the TOML reader says.
        reason: String,
    },
    /// A package comes from something that has no digest.
    #[error("`{name} {version}` comes from `{origin}`, and only crates of a registry can be pinned")]
    Source {
        /// The package.
        name: String,
        /// Its version.
        version: String,
        /// Where it comes from, without user and password.
        origin: String,
    },
    /// A package of a registry has no digest.
    #[error("`{name} {version}` has no checksum in Cargo.lock")]
    NoChecksum {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
    /// A name or version isn't one.
    #[error("`{name} {version}` is not a crate's name and version")]
    Name {
        /// The name.
        name: String,
        /// The version.
        version: String,
    },
    /// Crates are missing, and the network is off.
    #[error("{} {} needed, but the network is off", missing.join(", "), if missing.len() == 1 { "is" } else { "are" })]
    Offline {
        /// What is missing, `name version`.
        missing: Vec<String>,
    },
    /// There is no cargo.
    #[error("`{program}` can't be started")]
    NoCargo {
        /// The program.
        program: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// cargo failed.
    #[error("cargo could not fetch the crates:\n{output}")]
    Cargo {
        /// The last lines that it printed.
        output: String,
    },
    /// cargo is content, but files are missing.
    #[error("cargo did not leave {} in its cache", missing.join(", "))]
    Missing {
        /// What is missing, `name version`.
        missing: Vec<String>,
    },
    /// A crate has another digest than the one pinned.
    #[error("`{file}` has sha256 {found}, expected {expected}")]
    Digest {
        /// The file.
        file: String,
        /// The pinned digest.
        expected: Sha256,
        /// The digest of the file.
        found: Sha256,
    },
    /// A file or folder can't be read or written.
    #[error("can't use `{path}`")]
    File {
        /// Which one.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl CrateError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lock { .. } => "kit::crates::bad_lock",
            Self::Source { .. } => "kit::crates::not_a_registry",
            Self::NoChecksum { .. } => "kit::crates::no_checksum",
            Self::Name { .. } => "kit::crates::bad_name",
            Self::Offline { .. } => "kit::crates::offline",
            Self::NoCargo { .. } => "kit::crates::no_cargo",
            Self::Cargo { .. } => "kit::crates::cargo",
            Self::Missing { .. } => "kit::crates::missing",
            Self::Digest { .. } => "kit::crates::digest_mismatch",
            Self::File { .. } => "kit::crates::file",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Lock { .. } | Self::NoChecksum { .. } => "make it again with `cargo generate-lockfile`",
            Self::Source { .. } => "publish it to a registry, or make it a part of the workspace",
            Self::Offline { .. } => "run once without `--offline`",
            Self::NoCargo { .. } => "install Rust: crates come through cargo and its configuration",
            Self::Digest { .. } => "nothing was stored; remove the file if the registry's own copy is right",
            Self::Name { .. } | Self::Cargo { .. } | Self::Missing { .. } | Self::File { .. } => return None,
        };
        Some(text.to_owned())
    }
}
