//! `kit help`: help on a command or a topic.

mod formats;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::context::Context;
use crate::{Failure, environment};

/// Show help on a command, on the `environment` or the `formats`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show help on this command or topic
    topic: Vec<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let text = if args.topic == ["environment"] {
        format!(
            "Environment variables, each weaker than its option; an empty one counts as not set:\n\n{}",
            environment::table()
        )
    } else if args.topic == ["formats"] {
        formats::table()
    } else {
        let mut command = Cli::command();
        command.build();
        let mut found = &mut command;
        for word in &args.topic {
            let Some(below) = found.find_subcommand_mut(word) else {
                return Err(Failure::NoTopic { topic: args.topic.join(" ") });
            };
            found = below;
        }
        found.render_long_help().ansi().to_string()
    };
    context.output.print(&text).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
