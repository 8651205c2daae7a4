//! The advisories for one release: what a lockfile pins, and what audits read.
//!
//! # Bytes
//! In the encoding of [`kit_hash::encoder`]: numbers and lengths are `u64` in little-endian order, a list is its length and its items, an
//! option 0, or 1 and the value. A moment is its seconds since 1970. Texts are UTF-8 with their length.
//! ```text
//! kit:advisory-snapshot:v1\0
//!   bytes   head
//!   digest  BLAKE3 of head: the digest of the snapshot, since head has the digests of all else
//!   bytes   blocks, one behind the other
//!
//! head = kit:advisory-head:v1\0
//!   number codename                      the release
//!   list of ecosystem                    0 Debian, 1 crates.io; ascending
//!   option of moment                     the newest change of a record
//!   variant                              0 no tracker, 1 a tracker of an unknown date, 2 a tracker and the moment when it was read
//!   option of list of (ecosystem, name)  the packages that it was made for, none for all; ascending
//!   list of (record, reason)             what wasn't understood; ascending
//!   list of index                        ascending by ecosystem and name
//! index = ecosystem name length digest   of the block: it starts where the one before ends; digest is its BLAKE3
//!
//! block = kit:advisories:v1\0
//!   list of record                       ascending by id
//!   list of tracked                      ascending by vulnerability
//! record = id modified option(published) option(withdrawn) list(alias) list(upstream) summary list(vector)
//!          option(rating) option(informational) list(range) list(version)
//! range  = list of (variant, version)    0 introduced, 1 fixed, 2 last affected
//!          list of limit
//! tracked = vulnerability variant        0 not affected, 1 resolved and its version, 2 open, 3 undetermined
//!           option(rating) option(variant reason) option(unstable) summary
//! ```
//! Reading takes the head and the blocks of the packages that are wanted, checks their digests, and that they are as they would be
//! written. The same advisories have the same bytes, in whatever order they were read.

mod build;
mod decode;
mod encode;

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{BlobId, DecodeError};

pub use self::build::Builder;
use super::{Ecosystem, Moment, NotUnderstood, Package, Release, Wanted};

/// The most bytes that a snapshot may have.
pub const LIMIT: u64 = 1 << 30;

/// The advisories for one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    release: Release,
    ecosystems: BTreeSet<Ecosystem>,
    date: Option<Moment>,
    tracker: TrackerState,
    made_for: Wanted,
    digest: BlobId,
    not_understood: BTreeSet<NotUnderstood>,
    packages: BTreeMap<Ecosystem, BTreeMap<String, Package>>,
}

/// Whether Debian's tracker is part of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrackerState {
    Missing,
    Undated,
    ReadAt(Moment),
}

/// Why bytes are no snapshot that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It is too long.
    #[error("a snapshot of advisories of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Its length.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// It is for another release.
    #[error("the advisories are for {found}, not for {asked}")]
    Release {
        /// The release that it is for.
        found: Release,
        /// The release that was asked for.
        asked: Release,
    },
    /// It isn't a snapshot, or damaged.
    #[error("the snapshot of advisories is damaged")]
    Encoding(#[from] DecodeError),
    /// A part isn't what its digest says.
    #[error("the {part} of the snapshot of advisories was changed")]
    Changed {
        /// Which part.
        part: String,
    },
    /// The advisories of a package can't be read.
    #[error("the advisories of `{name}` are damaged")]
    Package {
        /// The package.
        name: String,
        /// In what.
        #[source]
        source: DecodeError,
    },
    /// It says what it says in another way than kit writes.
    #[error("the {part} of the snapshot of advisories isn't in its canonical form")]
    NotCanonical {
        /// Which part.
        part: String,
    },
}

impl Snapshot {
    /// Returns the release that it is for.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Returns the ecosystems that it has advisories of.
    pub fn ecosystems(&self) -> &BTreeSet<Ecosystem> {
        &self.ecosystems
    }

    /// Returns its date: that of the newest change of a record, or of the reading of the tracker.
    pub fn date(&self) -> Option<Moment> {
        self.date.max(self.tracker_date())
    }

    /// Returns whether what Debian's tracker says is part of it.
    pub fn has_tracker(&self) -> bool {
        self.tracker != TrackerState::Missing
    }

    /// Returns when Debian's tracker was read, if that is known.
    pub fn tracker_date(&self) -> Option<Moment> {
        match self.tracker {
            TrackerState::ReadAt(date) => Some(date),
            TrackerState::Missing | TrackerState::Undated => None,
        }
    }

    /// Returns what wasn't understood when it was made.
    pub fn not_understood(&self) -> &BTreeSet<NotUnderstood> {
        &self.not_understood
    }

    /// Returns what is known of a package.
    pub fn package(&self, ecosystem: Ecosystem, name: &str) -> Option<&Package> {
        self.packages.get(&ecosystem)?.get(name)
    }

    /// Returns all packages that something is known of and that were read, in order.
    pub fn packages(&self) -> impl Iterator<Item = (Ecosystem, &str, &Package)> {
        self.packages.iter().flat_map(|(ecosystem, packages)| {
            packages.iter().map(move |(name, package)| (*ecosystem, name.as_str(), package))
        })
    }

    /// Returns whether it would have the advisories of a package if there were any.
    pub fn has_asked(&self, ecosystem: Ecosystem, name: &str) -> bool {
        self.made_for.has(ecosystem, name)
    }

    /// Returns its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode::snapshot(self)
    }

    /// Returns its digest: the one of the bytes that it was read from, all of them, or would be written as.
    pub fn digest(&self) -> BlobId {
        self.digest
    }

    /// Reads the advisories of the packages that are wanted.
    pub fn read(bytes: &[u8], release: &Release, wanted: &Wanted) -> Result<Self, SnapshotError> {
        decode::snapshot(bytes, release, wanted)
    }
}

#[cfg(test)]
mod tests;
