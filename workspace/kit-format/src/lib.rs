//! Bytes of every format, both ways.
//!
//! Readers take `impl Read` from strangers: everything has a limit, and what isn't understood is a typed error. Writers are streams to
//! read from or functions over `&mut dyn Write`: the same tree gives the same bytes everywhere, named by each module's `REVISION`.
//! Contents come from [`kit_tree::Blobs`] and go to [`kit_tree::BlobSink`]; no file is ever in memory as a whole.
//!
//! | module | what |
//! |---|---|
//! | [`limits`] | [`Limits`] on foreign bytes |
//! | [`compression`] | bzip2, gzip, xz and zstd, reading; gzip and zstd, writing |
//! | [`tar`] | tar archives, both ways |
//! | [`zip`] | zip archives, reading |
//! | [`sources`] | what upstream publishes, told by its content |
//! | [`cpio`] | the kernel's initial root file system, both ways |
//! | [`ar`], [`deb`] | Debian packages, reading |
//! | [`oci`] | image layouts, both ways |
//! | [`json`], [`date`] | canonical JSON, the source date as text |
//! | [`dedupe`] | equal files as hard links |
//! | [`mod@explain`] | what two files differ in, in their format's words |
//! | [`mod@locate`] | what of a file a byte is, in its format's words |
#![forbid(unsafe_code)]

pub mod ar;
pub mod compression;
pub mod cpio;
pub mod date;
pub mod deb;
pub mod dedupe;
pub mod explain;
pub mod input;
pub mod json;
pub mod limits;
pub mod locate;
mod members;
pub mod oci;
#[cfg(test)]
mod samples;
pub mod sources;
pub mod tar;
pub mod zip;

pub use compression::{Compression, Decoder};
pub use limits::{LimitError, Limits};
