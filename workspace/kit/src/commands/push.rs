//! `kit push`: puts an image into a registry.

use std::path::Path;
use std::process::ExitCode;

use kit_build::attached::{LayoutImages, images_of_layout};
use kit_build::check::{check_results, layout_below};
use kit_build::network::{Network, Push, Pushed, Tagging};
use kit_format::oci::graph::Link;
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_recipe::{Name, Reference};
use kit_store::Store;
use kit_tree::Tree;
use serde_json::json;

use super::pull;
use crate::Failure;
use crate::context::Context;
use crate::layouts;
use crate::progress::Progress;
use crate::units::{Bytes, count};
use crate::workbench::{Workpiece, closest, keep, parse_name, parse_subject, store_locals, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit push minimal registry.example/team/minimal:1         the whole image
  kit push minimal registry.example/team/shell:1 --container shell
                                                           one of its containers
  kit push out/web.oci registry.example/team/web:1         what is in a layout, with all its platforms
  kit push minimal registry.example/team/minimal:1 --index
                                                           for its platform alone, beside those that the tag has";

/// Put an image, or one of its containers, into a registry
///
/// What the registry has already isn't sent again, and what another of its repositories has needs not be sent. What is there in the end
/// has the digest that the lockfile pins; its whole reference is printed. Signatures and attestations of a layout go along. Logins are those of `docker login` and `podman login`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Push this image, or what is in this directory, an OCI image layout (`./DIR`)
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Push it there: registry, repository and tag
    #[arg(value_name = "REFERENCE", value_parser = parse_reference)]
    reference: Reference,
    /// Push this container of the image, in place of the whole; of a layout, the image of this name
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Take over from this repository of the same registry what it has (can be repeated)
    #[arg(long = "mount-from", value_name = "REPOSITORY")]
    mount_from: Vec<String>,
    /// Leave what the tag has for other platforms: it becomes an index, to which this one is added
    #[arg(long)]
    index: bool,
}

/// Reads where to push to: a digest comes of what is pushed.
fn parse_reference(text: &str) -> Result<Reference, String> {
    let reference = pull::parse_reference(text)?;
    if reference.digest().is_some() {
        return Err("leave the digest out: it comes of what is pushed".to_owned());
    }
    Ok(reference)
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let (pushed, about) =
        if args.image.contains('/') { push_layout(args, context)? } else { (push_image(args, context)?, 0) };
    let (sent, bytes) = (count(pushed.sent, "blob"), Bytes(pushed.bytes));
    let mounted =
        if pushed.mounted == 0 { String::new() } else { format!("{} taken over, ", pushed.mounted) };
    context.output.say(&format!("{sent} sent, {bytes}; {mounted}{} there already\n", pushed.there));
    if about > 0 {
        let about = count(about, "document");
        context.output.say(&format!("{about} beside it: signatures and attestations\n"));
    }
    let whole = format!("{}@{}", args.reference, pushed.top.oci());
    context.output.data(&format!("{whole}\n")).map_err(Failure::Output)?;
    let result = json!({
        "reference": whole,
        "sent": pushed.sent,
        "bytes": pushed.bytes,
        "mounted": pushed.mounted,
        "there": pushed.there,
        "beside": about,
    });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds an image of the project and pushes it.
fn push_image(args: &Args, context: &Context) -> Result<Pushed, Failure> {
    let project = context.project()?;
    let subject = parse_subject(&args.image)?;
    let Subject::Image(image) = &subject else {
        return Err(Failure::BadName { text: args.image.clone(), what: "an image" });
    };
    let piece = Workpiece::prepare(project, &subject, &[Format::Oci])?;
    let name = name_in_layout(image, args.container.as_deref(), &piece)?;
    let store = context.store()?;
    let target = piece.plan.outputs[&Format::Oci];
    let progress = Progress::new(&context.output);
    let pushed = with_engine(context, &store, &progress, |engine, network| {
        engine.repairing(Failure::damage, || {
            store_locals(project, &store, &piece.loaded)?;
            let targets: Vec<_> = piece.plan.documents().chain([target]).collect();
            let trees = engine.build(&piece.plan, &targets).map_err(|error| piece.loaded.locate(error))?;
            check_results(engine, &piece.lock, &piece.plan, &trees)?;
            keep(project, &store, &subject, &piece.plan)?;
            let layout = layout_below(&store.tree(&trees[&target])?);
            let top = top_of(&layout, &store, &args.image, Some(&name))?;
            push(args, context, network, &progress, (&layout, &top))
        })
    });
    progress.finish();
    pushed
}

/// Pushes what is in a directory, and what it has about that; returns how much the latter is.
fn push_layout(args: &Args, context: &Context) -> Result<(Pushed, usize), Failure> {
    let store = context.store()?;
    let layout = layouts::take(&store, Path::new(&args.image))?;
    let top = top_of(&layout, &store, &args.image, args.container.as_deref())?;
    let progress = Progress::new(&context.output);
    let about = images(&layout, &store, &args.image)?.about;
    let pushed = with_engine(context, &store, &progress, |_, network| {
        let pushed = push(args, context, network, &progress, (&layout, &top))?;
        let about: Vec<_> = about.iter().filter(|about| about.image == top.sha256).collect();
        for about in &about {
            network.push_about(&args.reference, &layout, about, &progress)?;
        }
        Ok((pushed, about.len()))
    });
    progress.finish();
    pushed
}

fn push(
    args: &Args,
    context: &Context,
    network: &Network<'_>,
    progress: &Progress<'_>,
    (layout, top): (&Tree, &Link),
) -> Result<Pushed, Failure> {
    let push = Push {
        layout,
        top,
        reference: &args.reference,
        mount_from: &args.mount_from,
        tagging: if args.index { Tagging::Index } else { Tagging::Replace },
        jobs: context.jobs(),
    };
    Ok(network.push(&push, progress)?)
}

/// Returns what a layout is for, and what it has about that.
fn images(layout: &Tree, store: &Store, shown: &str) -> Result<LayoutImages, Failure> {
    images_of_layout(layout, store)
        .map_err(|source| Failure::UnreadableArtifact { path: shown.into(), source: Box::new(source) })
}

/// Returns what of a layout is meant: what is called so, or the only one that there is.
fn top_of(layout: &Tree, store: &Store, shown: &str, name: Option<&str>) -> Result<Link, Failure> {
    let mut tops = images(layout, store, shown)?.images;
    let names = tops.iter().filter_map(|top| top.ref_name.clone()).collect();
    let found = match name {
        Some(name) => tops.iter().position(|top| top.ref_name.as_deref() == Some(name)),
        None => (tops.len() == 1).then_some(0),
    };
    let found = found.ok_or_else(|| Failure::WhichOfLayout { path: shown.into(), names })?;
    Ok(tops.swap_remove(found))
}

/// Returns what the layout calls the image, or the container.
fn name_in_layout(image: &Name, container: Option<&str>, piece: &Workpiece) -> Result<String, Failure> {
    let Some(container) = container else { return Ok(image.to_string()) };
    let name = parse_name(container, "a container")?;
    let known = &piece.plan.containers;
    if !known.contains_key(&name) {
        let close = closest(container, known.keys().map(ToString::to_string));
        return Err(Failure::NoContainer { image: image.to_string(), name: container.to_owned(), close });
    }
    Ok(format!("{image}-{name}"))
}
