//! `kit sbom`: what an image is made of, in the formats of others.

use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::sbom::{SbomFormat, SbomInputs, Scope};
use kit_recipe::lockfile::Subject;
use serde_json::json;

use crate::Failure;
use crate::audit::subject::{self, Named};
use crate::context::Context;
use crate::evidence::{Built, Wanted, file_digests, write_evidence};
use crate::opened::Choice;
use crate::workbench::parse_name;

const EXAMPLES: &str = "\
Examples:
  kit sbom minimal > minimal.spdx.json            SPDX 2.3
  kit sbom minimal --format cyclonedx-1.6 --to minimal.cdx.json
  kit sbom minimal --tools --format spdx-3.0      what it was built with, which is not in it
  kit sbom registry.example/team/web:1            an image that others made, as it says itself

Nothing is guessed: the document follows from the lockfile and what was built, and is the same on every machine. What `kit audit` opens can be
described too; of an image that kit didn't make it is written what its lists of packages say, and nothing where they say nothing.";

/// Write what an image is made of, as an SBOM
///
/// Every package, crate and file, with licences and digests.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Describe this image of the project, file, directory or image of a registry
    #[arg(value_name = "IMAGE|FILE|REFERENCE")]
    subject: String,
    /// Take the image for this platform, such as `linux/arm64` [default: the one of this machine]
    #[arg(long, value_name = "PLATFORM", value_parser = super::pull::parse_platform)]
    platform: Option<String>,
    /// Take this image of a layout, an archive or a directory that has several
    #[arg(long, value_name = "NAME")]
    image: Option<String>,
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
    let store = context.store()?;
    let (scope, subject) = if args.tools {
        // Which tools took part is in no image.
        let image = Subject::Image(parse_name(&args.subject, "an image")?);
        let built = Built::prepare(context, &store, &image, Wanted::All)?;
        (Scope::Build, subject::built(built, &store)?)
    } else {
        let choice = Choice { platform: args.platform.as_deref(), image: args.image.as_deref() };
        (Scope::Shipped, subject::read(Named { text: &args.subject, choice, lock: None }, context, &store)?)
    };
    let no_image = || Failure::BadName { text: args.subject.clone(), what: "an image or a file of one" };
    let inventory = subject.inventory().filter(|_| subject.root.is_some()).ok_or_else(no_image)?;
    let licences = subject.licences(&store)?.unwrap_or_default();
    let digests = file_digests(inventory, context, &store)?;
    let kernel = subject.built.as_ref().map(|built| built.kernel(&store)).transpose()?.flatten();
    let inputs = SbomInputs {
        inventory,
        licences: &licences,
        digests: &|blob| digests.get(blob).copied(),
        kernel: kernel.as_ref().map(|kernel| &kernel.facts),
        version: env!("CARGO_PKG_VERSION"),
    };
    let text = args
        .format
        .write(inputs, scope)
        .map_err(|source| Failure::Evidence { what: "SBOM", source: Box::new(source) })?;
    let result = json!({ "image": subject.image(), "format": args.format.word(), "scope": scope.word() });
    write_evidence(context, args.to.as_deref(), &text, result)
}
