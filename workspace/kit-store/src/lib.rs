//! The store: blobs, trees and records on disk; write, verify, materialise, collect.
//!
//! It knows no plan, recipe or derivation beyond their identities. Many threads and processes may use it at once, as any
//! ordinary user; killing one of them at any instant leaves a store that verifies.
//!
//! ```text
//! store/
//!   version                 `kit-store 1`
//!   objects/aa/<blob>       content by BLAKE3, mode 0444
//!   objects/aa/<blob>.x     the same content with mode 0555, made when a tree with programs is materialised
//!   trees/aa/<tree>         canonical encodings (kit:tree:v1), checked against their identity on every read
//!   records/aa/<resolved>   Record: resolved derivation → tree, log, cost      (kit:record:v1, sealed)
//!   memo/aa/<derivation>    derivation → resolved derivation of its last build (kit:memo:v1, sealed)
//!   costs/aa/<title>        what the step of a title took last; the name is the title's BLAKE3 (kit:cost:v1, sealed)
//!   facts/aa/<shard>        what was found out about blobs, by kind                  (kit:facts:v1, sealed)
//!   sha256/aa/<sha256>      downloads known by SHA-256 → blob                  (kit:sha256:v1, sealed)
//!   materialised/<tree>/    read-only directories of trees, hard-linked to objects; there once they are complete
//!   roots/<name>            what a name keeps alive                            (kit:roots:v1, sealed)
//!   locks/store             users hold it shared, collection exclusively
//!   locks/build-<derivation>, locks/materialise-<tree>   one maker at a time, in all processes
//!   tmp/<session>/          each user's unfinished things; its lock tells leftovers from work under way
//! ```
//! `aa` is the first two digits of the name. *Sealed* is said in [`record`]. How things get there, and what is synced
//! when, is said in [`Durability`]. All names are reached through directory handles, one name at a time, and no
//! symbolic link inside the store is ever followed.
//!
//! | module | what |
//! |---|---|
//! | [`store`] | [`Store`]: open it, share it |
//! | [`blob`] | blobs in and out, [`kit_tree::Blobs`] and [`kit_tree::BlobSink`], names by SHA-256 |
//! | [`tree`] | trees in and out |
//! | [`record`] | [`Record`], and the memo from derivations to records |
//! | [`cost`] | [`Measured`]: what steps took when they were last done |
//! | [`mod@facts`] | what was found out about blobs |
//! | [`root`] | [`Roots`]: what is kept alive, by name |
//! | [`lock`] | [`BuildLock`]: one build per derivation |
//! | [`materialise`] | trees to directories: hard-linked and read-only, or copied and writable |
//! | [`mod@import`] | directories to trees: what a run step leaves behind |
//! | [`scratch`] | [`Scratch`]: working directories that go away |
//! | [`failed`] | [`Failed`]: what the steps that failed last left behind |
//! | [`verify`] | findings, and their repair |
//! | [`gc`] | collection of what nothing keeps |
//! | [`usage`] | sizes by category and by root |
//! | [`error`] | [`StoreError`], [`Item`], [`Damage`] |
#![forbid(unsafe_code)]

pub mod blob;
pub mod cost;
mod disk;
pub mod error;
pub mod facts;
pub mod failed;
mod fan_out;
pub mod gc;
pub mod import;
pub mod lock;
pub mod materialise;
mod publish;
mod reach;
pub mod record;
pub mod root;
pub mod scratch;
mod sealed;
mod session;
pub mod sparse;
pub mod store;
#[cfg(test)]
mod testing;
pub mod tree;
pub mod usage;
pub mod verify;

pub use cost::Measured;
pub use disk::FILE_TIME;
pub use error::{Damage, Item, StoreError};
pub use facts::Facts;
pub use failed::Failed;
pub use import::{ImportError, import};
pub use lock::BuildLock;
pub use materialise::{Creation, LeftOut, Materialise, Materialised};
pub use record::{Cost, Record};
pub use root::{RootName, Roots};
pub use scratch::Scratch;
pub use store::{Durability, Store};
