//! `kit vendor`: everything that lockfiles need, in one directory.

use std::path::PathBuf;
use std::process::ExitCode;

use kit_build::load::word;
use kit_build::outputs::{State, write_outputs};
use kit_build::vendor::{self, Bundle, Held, VendoredFiles};
use kit_plan::Action;
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::project;
use crate::text::Text;
use crate::units::{Bytes, count};
use crate::workbench::{Workpiece, images, parse_subject, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit vendor minimal                                  writes `vendor`: all that its lockfile pins
  kit vendor minimal server tools --to /media/bundle  several images, and the tools, in one bundle
  kit vendor minimal --check                          whether the bundle has all of it, byte by byte
  kit build minimal --vendor vendor --offline         builds from it; no socket is opened
  kit push vendor registry.example/team/vendor:1      keeps it in a registry";

/// Write everything that lockfiles need into one directory
///
/// That is sources, toolchains, the signed states of suites and advisories, as far as the store has those. The directory is an OCI layout whose one artifact holds the files by their digests. `--vendor`, `KIT_VENDOR` or `[vendor] path` in `kit.toml`
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
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let subjects = match args.subjects.as_slice() {
        [] => images(project, &[])?,
        named => named.iter().map(|text| parse_subject(text)).collect::<Result<_, _>>()?,
    };
    let pieces: Result<Vec<_>, _> =
        subjects.iter().map(|subject| Workpiece::prepare(project, subject, &[])).collect();
    let pieces = pieces?;
    if args.check { check(args, context, &pieces) } else { write(args, context, &subjects, &pieces) }
}

fn write(
    args: &Args,
    context: &Context,
    subjects: &[Subject],
    pieces: &[Workpiece],
) -> Result<ExitCode, Failure> {
    let store = context.store()?;
    fetch(context, &store, pieces)?;
    let mut files = VendoredFiles::new();
    for (subject, piece) in subjects.iter().zip(pieces) {
        files.extend(vendor::fetched(&piece.plan));
        files.extend(vendor::proofs(&store, &piece.lock)?);
        let text = piece.lock.to_text();
        files.extend([vendor::text_file(&store, &format!("{}.lock", word(subject)), text.as_bytes())?]);
    }
    let tree = vendor::layout(&store, &files)?;
    let path = project::absolute(&args.to)?;
    let written = write_outputs(&store, &tree, &project::make_dir(&path)?, &args.to)?;
    let new = written.iter().filter(|file| file.state == State::New).count();
    let bytes: u64 = written.iter().map(|file| file.size).sum();
    context.output.say(&format!("{}, {}, {} new\n", count(files.len(), "file"), Bytes(bytes), new));
    context.output.data(&format!("{}\n", args.to.display())).map_err(Failure::Output)?;
    let result = json!({ "path": args.to, "files": files.len(), "bytes": bytes, "new": new });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Gets what isn't in the store yet.
fn fetch(context: &Context, store: &Store, pieces: &[Workpiece]) -> Result<(), Failure> {
    let progress = Progress::new(&context.output);
    let fetched = with_engine(context, store, &progress, |engine, _| {
        for piece in pieces {
            let fetches = piece.plan.derivations().iter();
            let fetches = fetches.filter(|derivation| matches!(derivation.action(), Action::Fetch(_)));
            let targets: Vec<_> = fetches.map(kit_plan::Derivation::id).collect();
            engine.repairing(Failure::damage, || {
                engine.build(&piece.plan, &targets).map_err(|error| Failure::from(piece.loaded.locate(error)))
            })?;
        }
        Ok(())
    });
    progress.finish();
    fetched
}

fn check(args: &Args, context: &Context, pieces: &[Workpiece]) -> Result<ExitCode, Failure> {
    let path = project::absolute(&args.to)?;
    let bundle = Bundle { dir: project::open_dir(&path)?, path };
    let mut files = VendoredFiles::new();
    for piece in pieces {
        files.extend(vendor::fetched(&piece.plan));
    }
    let (mut text, mut missing, mut other) = (Text::default(), Vec::new(), Vec::new());
    for (sha256, file) in &files {
        match bundle.check(sha256)? {
            Held::Whole => {}
            Held::Missing => {
                text.line(format_args!("missing  {}  sha256 {sha256}", file.title));
                missing.push(json!({ "file": file.title, "sha256": sha256.to_string() }));
            }
            Held::Other { sha256: found } => {
                text.line(format_args!("other    {}  sha256 {sha256}, but it has {found}", file.title));
                let (sha256, found) = (sha256.to_string(), found.to_string());
                other.push(json!({ "file": file.title, "sha256": sha256, "found": found }));
            }
        }
    }
    let wrong = missing.len() + other.len();
    text.line(format_args!("{} of {} as they should be", files.len() - wrong, count(files.len(), "file")));
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    let result = json!({ "files": files.len(), "missing": missing, "other": other });
    context.output.result(&result).map_err(Failure::Output)?;
    if wrong > 0 {
        let subjects = pieces.iter().map(Workpiece::lock_word).collect();
        return Err(Failure::BundleLacks { path: args.to.clone(), wrong, subjects });
    }
    Ok(ExitCode::SUCCESS)
}
