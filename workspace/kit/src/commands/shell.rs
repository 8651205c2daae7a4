//! `kit shell`: a shell in the sandbox of the step that failed last.

use std::process::ExitCode;

use kit_build::failed::{FILE, FailedStep};
use kit_sandbox::Status;

use crate::Failure;
use crate::context::Context;
use crate::project::open_dir;
use crate::workbench::local_sandbox;

const EXAMPLES: &str = "\
Examples:
  kit build || kit shell --failed   look around where it failed";

/// Open a shell in the sandbox of a step
///
/// `/` is the step's tools, `/src` its sources, read-only; `/build` and `/out` are as the step left them. What is done in the shell
/// changes no result.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Step into the step that failed last
    #[arg(long, required = true)]
    failed: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    debug_assert!(args.failed, "because clap requires it");
    let store = context.store()?;
    let Some(failed) = store.failed()? else { return Err(Failure::NothingFailed) };
    let file = |source| Failure::File { action: "read", path: failed.path.join(FILE), source };
    let bytes = open_dir(&failed.path)?.read(FILE).map_err(file)?;
    let step = FailedStep::decode(&bytes).map_err(|error| file(std::io::Error::other(error)))?;
    context.output.say(&format!(
        "`{}` as it failed; `exit` leaves. Its script was:\n{}\n",
        step.title,
        step.script().script.trim_end()
    ));
    match local_sandbox(&store).shell(&step.script(), &failed.path)? {
        Status::Exited(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        _ => Ok(ExitCode::FAILURE),
    }
}
