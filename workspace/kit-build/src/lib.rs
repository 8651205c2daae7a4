//! Walks a plan on one machine: fetches, unpacks, runs, composes, writes; makes lockfiles and obeys them.
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | [`Engine`]: does what of a plan isn't done yet, in parallel |
//! | [`actions`] | how each of the five actions is done |
//! | [`scripts`] | what maintainer scripts, which never run, would have done |
//! | [`seams`] | the traits to the outside: [`Fetch`], [`Execute`], [`Events`] |
//! | [`network`] | [`Fetch`] from Debian archives, the crates registry and wherever sources are published |
//! | [`local`] | [`Execute`] in the sandbox of this machine |
//! | [`processors`] | which processors scripts run on |
//! | `parallel` | the same work on many things |
//! | `missed` | the packages that have a program which a script missed |
//! | [`extents`] | what the pieces of outputs are, beside them in the store |
//! | [`facts`] | what is found out about contents, once |
//! | [`failed`] | a failed step, to step into |
//! | [`files`] | the project's own files: recipes and local sources |
//! | [`attached`] | signatures of images, and attestations, beside them |
//! | [`layouts`] | OCI image layouts in directories |
//! | [`load`] | recipes, local trees and lockfile, ready for a plan |
//! | [`lock`] | making a lockfile |
//! | [`mod@newer`] | what there is now that is newer than what a lockfile pins |
//! | [`places`] | the places in recipes that a failed step is about |
//! | [`check`] | holding results against a lockfile |
//! | [`surroundings`] | what a script can tell of the place where it runs |
//! | [`mod@upstream`] | what is another one in a source that changed |
//! | [`vendor`] | everything that lockfiles need, in one directory |
//! | [`verify`] | rebuilding everything in other surroundings, and comparing |
//! | [`repair`] | going on when the store turns out to be damaged |
//! | [`parallel`] | the same work on many things, some at a time |
//! | [`outputs`] | writing the results to where people find them |
//! | [`registry`] | images of registries: what is wrong with them, and whether documents say what the lockfile does |
//! | [`mod@replace`] | files that appear whole or not at all |
//! | [`tools`] | programs that kit itself runs, from the store |
#![forbid(unsafe_code)]

pub mod actions;
pub mod attached;
pub mod check;
pub mod engine;
pub mod error;
pub mod extents;
pub mod facts;
pub mod failed;
pub mod files;
pub mod layouts;
pub mod load;
pub mod local;
pub mod lock;
mod missed;
pub mod network;
pub mod newer;
pub mod outputs;
pub mod parallel;
pub mod places;
pub mod processors;
pub mod registry;
pub mod repair;
pub mod replace;
pub mod scripts;
pub mod seams;
pub mod surroundings;
pub mod tools;
pub mod upstream;
pub mod vendor;
pub mod verify;
pub mod workers;

pub use engine::Engine;
pub use error::BuildError;
pub use files::ProjectFiles;
pub use seams::{Event, Events, Execute, Fetch};
