//! Small signed archives on a loopback server, good ones and hostile ones.
#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

#[path = "../../../../tests/src/archive.rs"]
pub mod archive;
mod chain;
#[path = "../../../../tests/src/server.rs"]
pub mod server;
mod site;
#[path = "../../../../tests/src/source_package.rs"]
pub mod source_package;
mod transfer;
mod upstream;
