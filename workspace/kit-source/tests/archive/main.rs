//! Small signed archives on a loopback server, good ones and hostile ones.

mod chain;
mod server;
mod site;
mod transfer;
