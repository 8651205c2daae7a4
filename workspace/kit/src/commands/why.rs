//! `kit why`: why something is in an image.

mod component;
mod path;
mod size;
mod trace;

use std::process::ExitCode;

use kit_build::load::word;
use kit_recipe::lockfile::Subject;

use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::workbench::parse_name;

const EXAMPLES: &str = "\
Examples:
  kit why minimal /etc/os-release     the package, the source and the steps that a file comes from
  kit why minimal libc6               what brings a package, and how much of it there is
  kit why minimal --size              what the megabytes are for";

/// Show why something is in an image: a file, a package, a crate, or its size
///
/// A word that begins with `/` is a path of the root file system. Any other one is the name of a Debian package, its source package, a crate, an
/// image or a recipe that takes part, as part of the image or as a tool.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Look into this image
    image: String,
    /// Explain this
    #[arg(value_name = "WHAT", required_unless_present = "size")]
    what: Option<String>,
    /// Show how many bytes come from what
    #[arg(long, conflicts_with = "what")]
    size: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let subject = Subject::Image(parse_name(&args.image, "an image")?);
    let (text, result) = match args.what.as_deref() {
        Some(path) if path.starts_with('/') => {
            let missing =
                || Failure::NotBuilt { what: format!("image {}", args.image), subject: word(&subject) };
            path::explain(context, &subject, path, &missing)?
        }
        what => {
            let store = context.store()?;
            let built = Built::prepare(context, &store, &subject, Wanted::Shipped)?;
            match what {
                Some(name) => component::explain(&built.inventory, name)?,
                None => size::explain(&built.inventory),
            }
        }
    };
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
