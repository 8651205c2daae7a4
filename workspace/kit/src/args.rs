//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{
    audit, bisect, build, check, completions, convert, diff, graph, help, import, init, lock, log, man,
    measurements, provenance, pull, push, run, sbom, serve, shell, show, sign, store, tool, vendor, verify,
    why,
};

const EXAMPLES: &str = "\
Examples:
  kit init demo && cd demo   scaffold a project
  kit lock                   resolve and pin every image of the project
  kit build                  build what the lockfile pins
  kit run --until ready      boot it; success once it prints `ready`

Exit codes:
  0   done
  1   your input is at fault: a recipe, a lockfile, a build script
  2   wrong usage of the command line
  3   the environment is at fault: network, disk, permissions, store
  70  a bug in kit

`kit help environment` lists the environment variables, `kit help formats` the output formats.";

/// Build minimal, immutable Linux systems and container images from recipes
///
/// The same lockfile gives the same bytes on every machine.
#[derive(Debug, Parser)]
#[command(name = "kit", version, after_help = EXAMPLES, max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Options of all commands")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, named by its field")]
pub(crate) struct Global {
    /// Use the project in this directory [default: upward from the current directory] [env: `KIT_PROJECT`]
    #[arg(long, global = true, value_name = "DIR", display_order = 100)]
    pub(crate) project: Option<PathBuf>,
    /// Keep everything in this store [default: `store` in the project] [env: `KIT_STORE`]
    #[arg(long, global = true, value_name = "DIR", display_order = 101)]
    pub(crate) store: Option<PathBuf>,
    /// Take files from this bundle before anywhere else [env: `KIT_VENDOR`]
    #[arg(long, global = true, value_name = "DIR", display_order = 101)]
    pub(crate) vendor: Option<PathBuf>,
    /// Do at most this many steps at the same time [default: one for each processor] [env: `KIT_JOBS`]
    #[arg(long, short, global = true, value_name = "N", value_parser = parse_jobs, display_order = 102)]
    pub(crate) jobs: Option<usize>,
    /// Open no socket; what isn't in the store is an error [env: `KIT_OFFLINE`]
    #[arg(long, global = true, display_order = 103)]
    pub(crate) offline: bool,
    /// Print JSON on standard output, one object per line; the last one is the result or the error
    #[arg(long, global = true, display_order = 104)]
    pub(crate) json: bool,
    /// Print errors and warnings only
    #[arg(long, short, global = true, conflicts_with = "verbose", display_order = 105)]
    pub(crate) quiet: bool,
    /// Show what build scripts print, as it comes
    #[arg(long, short, global = true, display_order = 106)]
    pub(crate) verbose: bool,
    /// Choose when to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 107)]
    pub(crate) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Import(import::Args),
    Check(check::Args),
    Lock(lock::Args),
    Build(build::Args),
    Run(run::Args),
    Serve(serve::Args),
    Push(push::Args),
    Pull(pull::Args),
    Verify(verify::Args),
    Vendor(vendor::Args),
    Shell(shell::Args),
    Show(show::Args),
    Why(why::Args),
    Graph(graph::Args),
    Sbom(sbom::Args),
    Provenance(provenance::Args),
    Measurements(measurements::Args),
    Audit(audit::Args),
    Sign(sign::Args),
    Convert(convert::Args),
    Diff(diff::Args),
    Bisect(bisect::Args),
    Log(log::Args),
    Store(store::Args),
    Tool(tool::Args),
    Completions(completions::Args),
    Man(man::Args),
    Help(help::Args),
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=1024) => Ok(jobs),
        _ => Err("write a number from 1 to 1024".to_owned()),
    }
}

#[cfg(test)]
mod tests;
