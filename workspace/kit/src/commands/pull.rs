//! `kit pull`: fetches an image of a registry into a layout.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use kit_build::network::{Pull, Pulled};
use kit_build::outputs::write_outputs;
use kit_recipe::{ImageReference, Reference};
use kit_store::Store;
use kit_tree::{Mode, Tree, TreePath};
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::places::now;
use crate::progress::Progress;
use crate::units::{Bytes, count};
use crate::workbench::with_engine;

const EXAMPLES: &str = "\
Examples:
  kit pull registry.example/team/web:1                     all platforms, into out/web.oci
  kit pull registry.example/team/web:1 --platform linux/arm64
  kit pull nginx:1.27 --format docker-archive              one file for `docker load`: out/nginx.docker.tar";

/// Fetch an image of a registry, with all its platforms, as it is there
///
/// Every digest is checked, and what the store has isn't fetched again. Prints what was written. `kit push` puts a layout elsewhere with the
/// same digests.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Fetch this image: registry, repository, and tag or digest
    #[arg(value_name = "REFERENCE", value_parser = parse_reference)]
    reference: Reference,
    /// Fetch it for this platform alone, such as `linux/arm64` [default: for all; of an archive: the one of this machine]
    #[arg(long, value_name = "PLATFORM", value_parser = parse_platform)]
    platform: Option<String>,
    /// Write it in this format
    #[arg(long, value_name = "FORMAT", default_value = "oci")]
    format: Format,
    /// Write it to this directory [default: `out` in the project] [env: `KIT_OUT`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// How an image is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A directory: an OCI image layout
    Oci,
    /// A file that `docker load` reads
    DockerArchive,
}

/// Reads the name of an image of a registry, which one on this machine is not.
pub(super) fn parse_reference(text: &str) -> Result<Reference, String> {
    match text.parse() {
        Ok(ImageReference::Registry(reference)) => Ok(reference),
        Ok(_) => Err("it is on this machine; name a registry, a repository and a tag".to_owned()),
        Err(error) => Err(format!("it {error}")),
    }
}

pub(super) fn parse_platform(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.split('/').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if (2..=3).contains(&parts.len()) && parts.iter().all(is_word) {
        Ok(text.to_owned())
    } else {
        Err("write it as `linux/amd64` or `linux/arm/v7`".to_owned())
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let store = context.store()?;
    let progress = Progress::new(&context.output);
    let own = format!("linux/{}", kit_plan::registry::oci_architecture(std::env::consts::ARCH));
    let platform = match args.format {
        Format::Oci => args.platform.as_deref(),
        Format::DockerArchive => Some(args.platform.as_deref().unwrap_or(&own)),
    };
    let pulled = with_engine(context, &store, &progress, |_, network| {
        let pull = Pull { reference: &args.reference, platform, jobs: context.jobs() };
        let pulled = network.pull(&pull, &progress)?;
        let tree = match args.format {
            Format::Oci => pulled
                .layout
                .clone()
                .moved_below(&output(args, "oci"))
                .map_err(|error| Failure::Evidence { what: "layout", source: Box::new(error) })?,
            Format::DockerArchive => {
                let (blob, size) = network.docker_archive(&args.reference, &pulled)?;
                let mut tree = Tree::new();
                tree.insert_file(output(args, "docker.tar"), Mode::FILE, blob, size)
                    .map_err(|error| Failure::Evidence { what: "archive", source: Box::new(error) })?;
                tree
            }
        };
        Ok((pulled, tree))
    });
    progress.finish();
    let (pulled, tree) = pulled?;
    report(args, context, &store, &pulled, &tree)
}

/// Returns what is written: it is named after the repository.
fn output(args: &Args, suffix: &str) -> TreePath {
    let name = args.reference.repository().rsplit('/').next().unwrap_or_default();
    TreePath::new(format!("{name}.{suffix}")).expect("because a repository's names are file names")
}

fn report(
    args: &Args,
    context: &Context,
    store: &Store,
    pulled: &Pulled,
    tree: &Tree,
) -> Result<ExitCode, Failure> {
    let out = context.out_dir(args.out.as_deref())?;
    write_outputs(store, tree, &out.dir, &out.shown, now())?;
    let name = tree.entries().nth(1).map(|(path, _)| path.to_string()).unwrap_or_default();
    let path = out.shown.join(name.trim_start_matches('/'));
    let whole = format!("{}@{}", args.reference, pulled.top.sha256.oci());
    let there = pulled.graph.blobs.len() - pulled.fetched;
    let fetched =
        format!("{} fetched, {}; {there} there already", count(pulled.fetched, "blob"), Bytes(pulled.bytes));
    context.output.say(&format!("{whole}\n{fetched}\n"));
    context.output.data(&format!("{}\n", path.display())).map_err(Failure::Output)?;
    let result = json!({
        "digest": pulled.top.sha256.oci(),
        "path": path,
        "fetched": pulled.fetched,
        "bytes": pulled.bytes,
        "there": there,
    });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registries_are_asked() {
        assert!(parse_reference("registry.example/team/web:1").is_ok());
        assert!(parse_reference("docker.io/library/oci:1").is_ok());
        for local in ["oci:out/web.oci", "docker-archive:web.tar", "containers-storage:web:1"] {
            let said = parse_reference(local).expect_err("it is on this machine");
            assert!(said.starts_with("it is on this machine"), "{said}");
        }
    }
}
