//! `kit vendor`: everything that lockfiles need, in one directory.

mod check;
mod files;

use std::path::PathBuf;
use std::process::ExitCode;

use kit_build::load::word;
use kit_build::network::Unproved;
use kit_build::outputs::{State, write_outputs};
use kit_build::vendor::{self, VendoredFiles};
use kit_plan::Action;
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::places::now;
use crate::progress::Progress;
use crate::project;
use crate::units::{Bytes, count};
use crate::workbench::{Workpiece, images, parse_subject, store_locals, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit vendor minimal                                  writes `vendor`: all that its lockfile pins
  kit vendor minimal server tools --to /media/bundle  several images, and the tools, in one bundle
  kit vendor minimal --check                          whether the bundle has all of it, byte by byte, and what proves it
  kit build minimal --vendor vendor --offline         builds from it; no socket is opened
  kit vendor --to vendor --unpack project             the project's own files, for who has the bundle alone
  kit push vendor registry.example/team/vendor:1      keeps it in a registry";

/// Write everything that lockfiles need into one directory
///
/// That is sources, toolchains, the project's own files, the advisories that are pinned, and what proves the pins: the signed states of suites and the indexes that they list, as far as those are to be had. The directory is an OCI layout whose one artifact holds the files by their digests. `--vendor`, `KIT_VENDOR` or `[vendor] path` in `kit.toml`
/// makes every command take files from it before anywhere else.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Take what this image needs, or `tools` (can be repeated) [default: the only image of the project]
    #[arg(value_name = "IMAGE")]
    subjects: Vec<String>,
    /// Write to this directory, or check it
    #[arg(long, value_name = "DIR", default_value = "vendor")]
    to: PathBuf,
    /// Change nothing: say what the directory lacks, and what in it isn't what it should be
    #[arg(long)]
    check: bool,
    /// Write the project's own files, which are in the bundle, to this directory, which isn't there or is empty
    #[arg(long, value_name = "DIR", conflicts_with_all = ["check", "subjects"])]
    unpack: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if let Some(to) = &args.unpack {
        return files::unpack(&args.to, to, context);
    }
    let project = context.project()?;
    let subjects = match args.subjects.as_slice() {
        [] => images(project, &[])?,
        named => named.iter().map(|text| parse_subject(text)).collect::<Result<_, _>>()?,
    };
    let pieces: Result<Vec<_>, _> =
        subjects.iter().map(|subject| Workpiece::prepare(project, subject, &[])).collect();
    let pieces = pieces?;
    if args.check { check::run(args, context, &pieces) } else { write(args, context, &subjects, &pieces) }
}

fn write(
    args: &Args,
    context: &Context,
    subjects: &[Subject],
    pieces: &[Workpiece],
) -> Result<ExitCode, Failure> {
    let store = context.store()?;
    let (mut files, unproved) = fetch(context, &store, pieces)?;
    for (subject, piece) in subjects.iter().zip(pieces) {
        files.extend(vendor::fetched(&piece.plan));
        files.extend(vendor::advisories(&store, &piece.lock)?);
        let text = piece.lock.to_text();
        files.extend([vendor::text_file(&store, &format!("{}.lock", word(subject)), text.as_bytes())?]);
    }
    files.extend([files::pack(context, &store, pieces)?]);
    let tree = vendor::layout(&store, &files)?;
    let path = project::absolute(&args.to)?;
    let written = write_outputs(&store, &tree, &project::make_dir(&path)?, &args.to, now())?;
    let new = written.iter().filter(|file| file.state == State::New).count();
    let bytes: u64 = written.iter().map(|file| file.size).sum();
    for Unproved { what, why } in &unproved {
        context.output.say(&format!("note: {what} isn't in the bundle: {why}\n"));
    }
    context.output.say(&format!("{}, {}, {} new\n", count(files.len(), "file"), Bytes(bytes), new));
    context.output.data(&format!("{}\n", args.to.display())).map_err(Failure::Output)?;
    let object = |Unproved { what, why }: &Unproved| json!({ "what": what, "why": why });
    let unproved: Vec<Value> = unproved.iter().map(object).collect();
    let result =
        json!({ "path": args.to, "files": files.len(), "bytes": bytes, "new": new, "unproved": unproved });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Gets what isn't in the store yet; returns what proves the pins, and what of that isn't to be had.
fn fetch(
    context: &Context,
    store: &Store,
    pieces: &[Workpiece],
) -> Result<(VendoredFiles, Vec<Unproved>), Failure> {
    let progress = Progress::new(&context.output);
    let fetched = with_engine(context, store, &progress, |engine, network| {
        let (mut proofs, mut unproved) = (VendoredFiles::new(), Vec::new());
        for piece in pieces {
            let fetches = piece.plan.derivations().iter();
            let fetches = fetches.filter(|derivation| matches!(derivation.action(), Action::Fetch(_)));
            let targets: Vec<_> = fetches.map(kit_plan::Derivation::id).collect();
            engine.repairing(Failure::damage, || {
                store_locals(context.project()?, store, &piece.loaded)?;
                engine.build(&piece.plan, &targets).map_err(|error| Failure::from(piece.loaded.locate(error)))
            })?;
            let (files, missed) = network.proofs(&piece.lock)?;
            proofs.extend(files);
            let is_new = |one: &Unproved| unproved.iter().all(|other: &Unproved| other.what != one.what);
            let new: Vec<_> = missed.into_iter().filter(is_new).collect();
            unproved.extend(new);
        }
        Ok((proofs, unproved))
    });
    progress.finish();
    fetched
}
