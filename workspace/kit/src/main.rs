//! kit: the command line.
//!
//! `main` → [`args`] → `commands/<verb>.rs` → one library call → report.
//!
//! | module | what |
//! |---|---|
//! | [`args`] | the command line as types; its help is written there |
//! | [`environment`] | the environment variables |
//! | [`commands`] | one file for each command |
//! | [`context`] | what all commands work with: project, store, output, made when first needed |
//! | [`project`] | finds the project; its files, lockfiles and settings |
//! | [`embedded`] | the standard recipes and the init's source, inside the program |
//! | [`audit`] | an audit, whoever asks for it |
//! | [`workbench`] | a subject loaded, locked and planned, and the engine that builds it |
//! | [`revision`] | an image as it was at a commit |
//! | [`output`] | the only place that prints |
//! | [`progress`] | draws what happens during a build |
//! | [`render`] | turns every error into text or JSON, and into an exit code |
//! | [`failure`] | what can go wrong here |
//! | [`escape`], [`units`], [`text`] | text from elsewhere, quantities and lines, made readable |
#![forbid(unsafe_code)]

mod advisories;
mod args;
mod audit;
mod changes;
mod commands;
mod containers;
mod context;
mod elsewhere;
mod embedded;
mod environment;
mod escape;
mod evidence;
mod failure;
mod going;
mod layouts;
mod locks;
mod netboot;
mod opened;
mod output;
mod panic;
mod places;
mod progress;
mod project;
mod qemu;
mod render;
mod revision;
mod signed;
mod start;
mod text;
mod units;
mod unsigned;
mod workbench;

use std::process::ExitCode;

pub(crate) use failure::Failure;

fn main() -> ExitCode {
    if kit_sandbox::is_helper() {
        kit_sandbox::helper_main()
    }
    panic::guard(start::start)
}
