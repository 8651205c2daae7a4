//! `kit provenance`: how the outputs of an image came to be.

use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::provenance::{Provenance, Run};
use kit_build::load::lock_path;
use kit_hash::Sha256;
use kit_recipe::lockfile::Subject;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted, write_evidence};
use crate::workbench::parse_name;

const EXAMPLES: &str = "\
Examples:
  kit provenance minimal > minimal.intoto.json
  kit provenance minimal --builder https://ci.example/kit --invocation 1234 --to minimal.intoto.json
  kit sign minimal.intoto.json --key key.pem --envelope      signs it

Everything but `runDetails` is the same wherever the lockfile is built.";

/// Write how the outputs of an image came to be, as in-toto provenance
///
/// The predicate is SLSA's provenance v1. The image is built, and held against its lockfile. A build on one's own machine is of SLSA Build L1, and no more is claimed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Describe this image
    image: String,
    /// Name who builds, by a URI
    #[arg(long, value_name = "URI", default_value = "tag:kit,2026:builder/local", value_parser = parse_uri)]
    builder: String,
    /// Tell this run from others of the builder
    #[arg(long, value_name = "ID", value_parser = parse_line)]
    invocation: Option<String>,
    /// Write it to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

fn parse_uri(text: &str) -> Result<String, String> {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    if scheme.is_some_and(is_scheme) && text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("write a URI, such as `https://ci.example/kit`".to_owned())
}

fn parse_line(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("write one line".to_owned());
    }
    Ok(text.to_owned())
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let subject = Subject::Image(parse_name(&args.image, "an image")?);
    let store = context.store()?;
    let built = Built::prepare(context, &store, &subject, Wanted::Outputs)?;
    let lock_path = lock_path(&subject);
    let run = Run {
        builder: args.builder.clone(),
        versions: [("kit".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
        invocation: args.invocation.clone(),
        ..Run::default()
    };
    let lock = &built.piece.lock;
    let provenance = Provenance {
        lock,
        lock_path: &lock_path,
        lock_sha256: Sha256::of(lock.to_text().as_bytes()),
        inventory: &built.inventory,
        outputs: &lock.outputs,
        run: &run,
    };
    let text = provenance
        .to_text()
        .map_err(|source| Failure::Evidence { what: "provenance", source: Box::new(source) })?;
    let outputs: Vec<_> = lock.outputs.keys().collect();
    write_evidence(context, args.to.as_deref(), &text, json!({ "image": args.image, "outputs": outputs }))
}
