//! `kit man`: manual pages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cap_std::fs::Dir;
use clap::{Command, CommandFactory as _};
use serde_json::json;

use crate::args::Cli;
use crate::context::Context;
use crate::{Failure, project};

const EXAMPLES: &str = "\
Examples:
  kit man ~/.local/share/man/man1   then `man kit-build` works";

/// Write a manual page for each command
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Write them to this directory; it is made when it isn't there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let path = project::absolute(&args.dir)?;
    let dir = project::make_dir(&path)?;
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    write(&command, "kit", &dir, &path, &mut pages)?;
    for page in &pages {
        context.output.data(&format!("{}\n", args.dir.join(page).display())).map_err(Failure::Output)?;
    }
    context.output.result(&json!({ "pages": pages })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn write(
    command: &Command,
    name: &str,
    dir: &Dir,
    path: &Path,
    pages: &mut Vec<String>,
) -> Result<(), Failure> {
    let page = format!("{name}.1");
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut text)
        .and_then(|()| dir.write(&page, &text))
        .map_err(|source| Failure::File { action: "write", path: path.join(&page), source })?;
    pages.push(page);
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below, &format!("{name}-{}", below.get_name()), dir, path, pages)?;
    }
    Ok(())
}
