//! What is inside of an image and where it came from, and what verifications of it say.
//!
//! | module | what |
//! |---|---|
//! | [`difference`] | what is another one between two images |
//! | [`mod@quorum`] | who of several verifiers agrees on what |
//! | [`statement`] | a verification as evidence: an in-toto statement |
//! | [`why`] | the steps through which a file came into a tree |
#![forbid(unsafe_code)]

pub mod difference;
pub mod quorum;
pub mod statement;
pub mod why;

pub use quorum::{Quorum, quorum};
pub use statement::Statement;
pub use why::{Reason, why};
