//! The Debian archive: from a suite and package names to pins, and from a pin to its bytes.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the machine's apt configuration |
//! | [`archives`] | where a suite can be fetched from, in order |
//! | [`release`] | the signed `InRelease`: signature, suite, dates, digests |
//! | [`index`] | a package index: fetched by digest, unpacked within limits |
//! | [`packages`] | the index's stanzas, read in place |
//! | [`stanza`], [`relation`], [`date`] | the small formats inside |
//! | [`solver`] | which packages a set of packages needs |
//! | [`sources`] | source packages: the `Sources` index, the `.dsc`, what each file is |
//! | [`pin`] | what is pinned |
//! | [`proof`] | the chain again, long after |
//! | [`resolve`](mod@resolve) | the whole chain, from the archive's key to each package's digest |
//! | [`fetch`] | from a pin to its bytes |

pub mod archives;
pub mod config;
pub mod date;
pub mod fetch;
pub mod index;
pub mod packages;
pub mod pin;
pub mod proof;
pub mod relation;
pub mod release;
pub mod resolve;
pub mod solver;
pub mod sources;
pub mod stanza;

pub use archives::{Archives, Mirror, Unavailable};
pub use config::AptConfig;
pub use date::Timestamp;
pub use fetch::fetch_deb;
pub use pin::{DebPin, ReleasePin, SourcePackage};
pub use resolve::{Group, Known, Listing, ResolveError, Resolved, SuiteRequest, replay, resolve};
pub use solver::Dependencies;
pub use sources::{Part, SourceError, SourceFile, SourcePin};
