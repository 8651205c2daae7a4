//! The commands: each reads its arguments, calls the library once and reports.

pub(crate) mod audit;
pub(crate) mod bisect;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod diff;
pub(crate) mod graph;
pub(crate) mod help;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod measurements;
pub(crate) mod provenance;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod run;
pub(crate) mod sbom;
pub(crate) mod serve;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod store;
pub(crate) mod tool;
pub(crate) mod vendor;
pub(crate) mod verify;
pub(crate) mod why;

use std::process::ExitCode;

use crate::Failure;
use crate::args::Command;
use crate::context::Context;

/// Runs a command.
pub(crate) fn run(command: &Command, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        Command::Init(args) => init::run(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Lock(args) => lock::run(args, context),
        Command::Build(args) => build::run(args, context),
        Command::Run(args) => run::run(args, context),
        Command::Push(args) => push::run(args, context),
        Command::Pull(args) => pull::run(args, context),
        Command::Convert(args) => convert::run(args, context),
        Command::Bisect(args) => bisect::run(args, context),
        Command::Diff(args) => diff::run(args, context),
        Command::Serve(args) => serve::run(args, context),
        Command::Shell(args) => shell::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Vendor(args) => vendor::run(args, context),
        Command::Why(args) => why::run(args, context),
        Command::Graph(args) => graph::run(args, context),
        Command::Sbom(args) => sbom::run(args, context),
        Command::Provenance(args) => provenance::run(args, context),
        Command::Measurements(args) => measurements::run(args, context),
        Command::Audit(args) => audit::run(args, context),
        Command::Sign(args) => sign::run(args, context),
        Command::Log(args) => log::run(args, context),
        Command::Store(args) => store::run(args, context),
        Command::Tool(args) => tool::run(args, context),
        Command::Completions(args) => completions::run(args, context),
        Command::Man(args) => man::run(args, context),
        Command::Help(args) => help::run(args, context),
    }
}
