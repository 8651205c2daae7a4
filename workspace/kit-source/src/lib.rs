//! The network: resolves a named source to a pin and fetches a pin.
//!
//! | module | what |
//! |---|---|
//! | [`http`] | the client: the only place that opens sockets |
//! | [`debian`] | the Debian archive: the chain from its key to a package's bytes |
//! | [`crates`] | crates, through the machine's own cargo |
//! | [`history`] | a project's history, through the machine's own git |
//! | [`repository`] | commits, by the same git |
//! | [`git`] | how that git is run |
//! | [`registry`] | images of registries |
//! | [`upstream`] | files as their authors publish them |
//! | [`agent`] | the socket of an SSH agent |
//! | [`serve`] | the other way: files given away over HTTP |
//! | [`cache`] | where index files are kept between runs |
#![forbid(unsafe_code)]

pub mod agent;
pub mod cache;
pub mod crates;
pub mod debian;
pub mod git;
pub mod history;
pub mod http;
pub mod registry;
pub mod repository;
pub mod serve;
pub mod upstream;

pub use cache::{Cache, NoCache};
