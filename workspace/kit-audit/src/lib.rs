//! What is inside of an image and where it came from.
//!
//! | module | what |
//! |---|---|
//! | [`why`] | the steps through which a file came into a tree |
#![forbid(unsafe_code)]

pub mod why;

pub use why::{Reason, why};
