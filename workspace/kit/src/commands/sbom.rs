//! `kit sbom`: what an image is made of, in the formats of others.

use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::sbom::{SbomFormat, SbomInputs, Scope};
use kit_recipe::lockfile::Subject;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted, write_evidence};
use crate::workbench::parse_name;

const EXAMPLES: &str = "\
Examples:
  kit sbom minimal > minimal.spdx.json            SPDX 2.3
  kit sbom minimal --format cyclonedx-1.6 --to minimal.cdx.json
  kit sbom minimal --tools --format spdx-3.0      what it was built with, which is not in it

Nothing is guessed: the document follows from the lockfile and what was built, and is the same on every machine.";

/// Write what an image is made of, as an SBOM
///
/// Every package, crate and file, with licences and digests.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Describe this image
    image: String,
    /// Write this format: `spdx-2.3`, `spdx-3.0` or `cyclonedx-1.6`
    #[arg(long, value_name = "FORMAT", default_value = "spdx-2.3", value_parser = parse_format)]
    format: SbomFormat,
    /// Describe what it was built with, instead of what is in it
    #[arg(long)]
    tools: bool,
    /// Write it to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

fn parse_format(text: &str) -> Result<SbomFormat, String> {
    let words: Vec<_> = SbomFormat::ALL.iter().map(|format| format!("`{}`", format.word())).collect();
    SbomFormat::from_word(text).ok_or_else(|| format!("the formats are {}", words.join(", ")))
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let subject = Subject::Image(parse_name(&args.image, "an image")?);
    let (scope, wanted) =
        if args.tools { (Scope::Build, Wanted::All) } else { (Scope::Shipped, Wanted::Shipped) };
    let store = context.store()?;
    let built = Built::prepare(context, &store, &subject, wanted)?;
    let licences = built.licences(&store)?;
    let digests = built.digests(context, &store)?;
    let kernel = built.kernel(&store)?;
    let inputs = SbomInputs {
        inventory: &built.inventory,
        licences: &licences,
        digests: &|blob| digests.get(blob).copied(),
        kernel: kernel.as_ref().map(|kernel| &kernel.facts),
        version: env!("CARGO_PKG_VERSION"),
    };
    let text = args
        .format
        .write(inputs, scope)
        .map_err(|source| Failure::Evidence { what: "SBOM", source: Box::new(source) })?;
    let result = json!({ "image": args.image, "format": args.format.word(), "scope": scope.word() });
    write_evidence(context, args.to.as_deref(), &text, result)
}
