//! One newtype for each identity; none converts into another.

use std::fmt;
use std::str::FromStr;

use crate::hex::{self, HexError};

/// A BLAKE3 identity that the canonical encoding of its kind hashes to.
pub trait Identity: Copy + Ord + fmt::Debug + fmt::Display {
    /// Wraps a raw BLAKE3 digest.
    fn from_bytes(bytes: [u8; 32]) -> Self;
    /// Returns the raw BLAKE3 digest.
    fn as_bytes(&self) -> &[u8; 32];
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl Identity for $name {
            fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
            fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl $name {
            /// Returns the first 12 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                let mut text = self.to_string();
                text.truncate(12);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = HexError;
            fn from_str(text: &str) -> Result<Self, HexError> {
                hex::parse(text).map(Self)
            }
        }
    };
}

identity! {
    /// The BLAKE3 digest of a blob's bytes, as `b3sum` prints it.
    BlobId
}
identity! {
    /// The digest of a tree's canonical encoding (`kit:tree:v1`).
    TreeId
}
identity! {
    /// The recipe hash: the digest of a closed derivation, known before anything is built (`kit:derivation:v1`).
    DerivationId
}
identity! {
    /// The digest of a derivation whose inputs are replaced by the trees they turned out to be (`kit:resolved:v1`).
    ResolvedId
}
identity! {
    /// The digest of what one recipe file means (`kit:recipe:v1`).
    RecipeId
}
identity! {
    /// The digest of what one source of a recipe asks for (`kit:source:v1`).
    SourceId
}
identity! {
    /// The digest of everything that a lockfile pins, without its results (`kit:pins:v1`).
    PinId
}
