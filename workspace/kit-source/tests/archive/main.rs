//! Small signed archives on a loopback server, good ones and hostile ones.
#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod chain;
mod server;
mod site;
mod transfer;
