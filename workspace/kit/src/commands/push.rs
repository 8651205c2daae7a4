//! `kit push`: puts an image into a registry.

use std::process::ExitCode;

use kit_build::check::{check_results, layout_below};
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_recipe::{Name, Reference};
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::units::{Bytes, count};
use crate::workbench::{Workpiece, closest, keep, parse_name, parse_subject, store_locals, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit push minimal registry.example/team/minimal:1         the whole image
  kit push minimal registry.example/team/shell:1 --container shell
                                                           one of its containers";

/// Put an image, or one of its containers, into a registry
///
/// What the registry has already isn't sent again. What is there in the end has the digest that the lockfile pins; its whole
/// reference is printed. Logins are those of `docker login` and `podman login`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Push this image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Push it there: registry, repository and tag
    #[arg(value_name = "REFERENCE", value_parser = parse_reference)]
    reference: Reference,
    /// Push this container of the image, in place of the whole
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
}

/// Reads where to push to: a digest comes of what is pushed.
fn parse_reference(text: &str) -> Result<Reference, String> {
    let reference: Reference = text.parse().map_err(|error| format!("it {error}"))?;
    if reference.digest().is_some() {
        return Err("leave the digest out: it comes of what is pushed".to_owned());
    }
    Ok(reference)
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
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
            Ok(network.push(&layout, &name, &args.reference)?)
        })
    });
    progress.finish();
    let pushed = pushed?;
    let (sent, bytes) = (count(pushed.sent, "blob"), Bytes(pushed.bytes));
    context.output.say(&format!("{sent} sent, {bytes}; {} there already\n", pushed.there));
    let whole = format!("{}@{}", args.reference, pushed.manifest.oci());
    context.output.data(&format!("{whole}\n")).map_err(Failure::Output)?;
    let result =
        json!({ "reference": whole, "sent": pushed.sent, "bytes": pushed.bytes, "there": pushed.there });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
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
