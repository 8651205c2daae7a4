//! End-to-end tests: everything that needs more than one crate, through the `kit` binary.
//!
//! | module | what |
//! |---|---|
//! | [`program`] | the `kit` binary, built once for a test run |
//! | [`project`] | [`TestProject`]: a project in a directory of its own, and what a command said |
//!
//! | file | what holds |
//! |---|---|
//! | `tests/architecture.rs` | crates depend only on what the design lets them, share lints and versions, files stay short |
#![expect(clippy::disallowed_methods, reason = "tests set directories up and start programs")]

pub mod program;
pub mod project;

pub use project::{Said, TestProject};
