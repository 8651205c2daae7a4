//! End-to-end tests: everything that needs more than one crate, through the `kit` binary.
//!
//! | file | what holds |
//! |---|---|
//! | `tests/architecture.rs` | crates depend only on what the design lets them, share lints and versions, files stay short |
