//! Digests, typed identities and the one canonical encoding.
//!
//! | module | what |
//! |---|---|
//! | [`id`] | a newtype for each identity: [`BlobId`], [`TreeId`], [`DerivationId`], [`ResolvedId`], [`RecipeId`], [`SourceId`], [`PinId`] |
//! | [`sha256`] | [`Sha256`], for what OCI, Debian and users' tools name by it |
//! | [`encoder`] | [`Encoder`]: the written-down encoding with domain tags that every identity is a hash of |
//! | [`hasher`] | [`BlobHasher`]: BLAKE3 and SHA-256 of one stream in one pass |
//! | [`hex`] | the one place where hexadecimal is parsed |
#![forbid(unsafe_code)]

pub mod encoder;
pub mod hasher;
pub mod hex;
pub mod id;
pub mod sha256;

pub use encoder::{DecodeError, Decoder, Encoder};
pub use hasher::{BlobDigests, BlobHasher};
pub use hex::HexError;
pub use id::{BlobId, DerivationId, Identity, PinId, RecipeId, ResolvedId, SourceId, TreeId};
pub use sha256::{Sha256, Sha256Reader};
