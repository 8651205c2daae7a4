//! The in-memory file tree: what every package, toolchain and image is made of.
//!
//! A [`Tree`] maps paths to entries with names, modes, owners, extended attributes and content by digest, and no times.
//! Its identity is the [`kit_hash::TreeId`] of its canonical encoding.
//!
//! | module | what |
//! |---|---|
//! | [`path`] | [`FileName`] and [`TreePath`]: names inside images, checked bytes |
//! | [`entry`] | [`Entry`]: directory, file, symlink, hard link, device, fifo; [`Meta`] |
//! | [`tree`] | [`Tree`]: the checked map, and how to change it |
//! | `sources` | [`Tree::into_sources`]: the form in which scripts see foreign sources |
//! | [`encoding`] | the canonical encoding, both ways |
//! | [`layers`] | layers of container images, with what they hide |
//! | [`overlay`] | several trees into one, conflicts as data |
//! | [`split`] | a tree into layers, by what it was put together from |
//! | [`select`] | include and exclude globs |
//! | [`draft`] | a tree under construction, where all names of a file are equal |
//! | [`dump`] | the textual dump that tests, `kit show` and differences use |
//! | [`diff`] | what differs between two trees |
//! | [`blobs`] | the seam to where content lives |
#![forbid(unsafe_code)]

pub mod blobs;
pub mod diff;
pub mod draft;
pub mod dump;
pub mod encoding;
pub mod entry;
pub mod layers;
pub mod overlay;
pub mod path;
pub mod resolve;
pub mod select;
mod sources;
pub mod split;
pub mod tree;

pub use blobs::{BlobSink, Blobs};
pub use entry::{DeviceKind, Entry, Meta, Mode};
pub use overlay::{Conflict, Layer, Overlay, overlay};
pub use path::{FileName, PathError, TreePath};
pub use select::{Globs, GlobsError};
pub use tree::{Tree, TreeError};
