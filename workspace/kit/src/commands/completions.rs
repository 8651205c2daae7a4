//! `kit completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Failure;
use crate::args::Cli;
use crate::context::Context;

const EXAMPLES: &str = "\
Examples:
  kit completions bash > ~/.local/share/bash-completion/completions/kit
  kit completions fish > ~/.config/fish/completions/kit.fish";

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Print the script for this shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kit", &mut script);
    context.output.print(&String::from_utf8_lossy(&script)).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
