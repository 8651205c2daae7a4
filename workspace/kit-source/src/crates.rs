//! Crates: from a `Cargo.lock` to pins, and from pins to `.crate` files, by the machine's own cargo.
//!
//! | module | what |
//! |---|---|
//! | `lock` | reads `Cargo.lock` |
//! | `archive` | finds `.crate` files below cargo's home |
//! | `error` | [`CrateError`] |
//! | `newest` | has cargo say what is the newest of each crate |
//! | `cargo` | has cargo download what is missing: the one module that starts processes |
//!
//! cargo's own configuration (mirrors, source replacement, proxies, credentials) says where crates come from; the pinned
//! digest decides whether they are the right ones.

mod archive;
mod cargo;
mod error;
mod lock;
mod newest;

use kit_hash::Sha256;

pub use self::archive::{CrateFile, CrateHome};
pub use self::cargo::{Cargo, fetch_crates};
pub use self::error::CrateError;
pub use self::lock::parse_cargo_lock;

/// One crate of a registry, pinned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CratePin {
    /// The crate's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its `.crate` file.
    pub sha256: Sha256,
}

impl CratePin {
    /// Returns the name of its file, `serde-1.0.229.crate`.
    pub fn file_name(&self) -> String {
        format!("{}-{}.crate", self.name, self.version)
    }
}
