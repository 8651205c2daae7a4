//! `kit build`: makes what the lockfile pins and writes the outputs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use kit_build::check::check_results;
use kit_build::engine::Trees;
use kit_build::load::word;
use kit_build::outputs::{State, Written, write_outputs};
use kit_hash::Sha256;
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use serde_json::{Value, json};

use crate::Failure;
use crate::audit::gate::{self, Noticed, Verdict};
use crate::audit::policy;
use crate::changes::{Changes, Locking, subjects};
use crate::context::{Context, OutDir};
use crate::going::{Failures, on_failure};
use crate::places::now;
use crate::progress::{Progress, Tally};
use crate::text::Text;
use crate::units::{Bytes, Millis, count};
use crate::workbench::{Workpiece, keep, store_locals, with_going_engine};

const EXAMPLES: &str = "\
Examples:
  kit build                          the only image of the project
  kit build minimal --format oci     one image in another format than its recipe says
  kit build system.yml               a system of LinuxKit, imported in memory, locked the first time
  kit build server --without ntp     without one of its containers, with a lockfile of its own
  kit build --offline --json         for programs: no socket is opened, events and result as JSON

Where the project has a `policy.toml`, each image is audited before its files are written.
What the policy denies isn't written, and the exit code is 1.";

/// Build images from their lockfiles and write their files
///
/// Prints the path of each file. Nothing is resolved: a lockfile that doesn't hold any more is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Build this image (can be repeated) [default: the only one of the project]
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    #[command(flatten)]
    changes: Changes,
    /// Write this format, such as `kernel+initrd`, `oci` or `raw-efi` (can be repeated, or separated by commas); `kit help formats` lists them [default: those of the recipe]
    #[arg(long = "format", value_name = "FORMAT", value_delimiter = ',', value_parser = parse_format)]
    formats: Vec<Format>,
    /// Go on after a failure with all that doesn't need what failed, and tell every failure at the end
    #[arg(long, short)]
    keep_going: bool,
    /// Write the files to this directory [default: `out` in the project] [env: `KIT_OUT`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn parse_format(text: &str) -> Result<Format, String> {
    // What stands behind the empty line becomes the help.
    Format::from_word(text).ok_or_else(|| {
        let meant =
            Format::closest(text).map_or_else(String::new, |format| format!("did you mean `{format}`? "));
        format!("there is no such format\n\n{meant}`kit help formats` lists them")
    })
}

/// A file that was written, or was there.
struct File {
    written: Written,
    format: Format,
    sha256: Option<Sha256>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let subjects = subjects(&args.images, &args.changes, Locking::First, context)?;
    let mut results = Vec::new();
    let mut all = Tally::default();
    let mut failures = Failures::new(args.keep_going);
    for subject in subjects {
        let built = build(context, &subject, args);
        let Some((files, tally)) = failures.keep(built)? else { continue };
        results.push((subject, files));
        all.add(&tally);
    }
    failures.end()?;
    let out = context.out_dir(args.out.as_deref())?;
    report(context, &out, &results, &all, started)
}

/// Builds an image and writes its files.
fn build(context: &Context, subject: &Subject, args: &Args) -> Result<(Vec<File>, Tally), Failure> {
    let project = context.project()?;
    let piece = Workpiece::prepare(project, subject, &args.formats)?;
    // What is wrong with the policy is said before anything is built.
    let policy = policy::read(None, context)?;
    let store = context.store()?;
    let targets: Vec<_> = piece.plan.outputs.values().copied().chain(piece.plan.documents()).collect();
    let progress = Progress::new(&context.output);
    let on_failure = on_failure(args.keep_going);
    let built = with_going_engine(context, &store, &progress, on_failure, |engine, _| {
        engine.repairing(Failure::damage, || {
            store_locals(project, &store, &piece.loaded)?;
            let trees = engine.build(&piece.plan, &targets).map_err(|error| piece.loaded.locate(error))?;
            check_results(engine, &piece.lock, &piece.plan, &trees)?;
            keep(project, &store, subject, &piece.plan)?;
            let noticed = match &policy {
                None => Noticed::default(),
                Some(policy) => {
                    let again = || Workpiece::prepare(project, subject, &args.formats);
                    match gate::built(policy, context, engine, (&piece, &trees), again)? {
                        Verdict::Passed(noticed) => noticed,
                        Verdict::Denied(audit) => return Ok(Err(audit)),
                    }
                }
            };
            let out = context.out_dir(args.out.as_deref())?;
            Ok(Ok((write(&store, &piece, &trees, &out)?, noticed)))
        })
    });
    let tally = progress.finish();
    match built? {
        Ok((files, noticed)) => {
            gate::say(context, &word(subject), &noticed);
            Ok((files, tally))
        }
        Err(audit) => Err(gate::deny(context, &audit)),
    }
}

fn write(store: &Store, piece: &Workpiece, trees: &Trees, out: &OutDir) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for (format, id) in &piece.plan.outputs {
        let tree = store.tree(&trees[id])?;
        for written in write_outputs(store, &tree, &out.dir, &out.shown, now())? {
            let sha256 = piece.lock.outputs.get(&written.path).map(|output| output.sha256);
            files.push(File { written, format: *format, sha256 });
        }
    }
    Ok(files)
}

fn report(
    context: &Context,
    out: &OutDir,
    results: &[(Subject, Vec<File>)],
    tally: &Tally,
    started: Instant,
) -> Result<ExitCode, Failure> {
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let output = &context.output;
    let mut summary = Text::default();
    for file in results.iter().flat_map(|(_, files)| files) {
        if let Some(line) = line(&out.shown, file) {
            summary.line(line);
        }
        output
            .data(&format!("{}\n", out.shown.join(&file.written.path).display()))
            .map_err(Failure::Output)?;
    }
    let files = results.iter().flat_map(|(_, files)| files);
    let written = files.filter(|file| file.written.state != State::Unchanged).count();
    summary.line(format_args!("{}, {}", work(tally, written), Millis(millis)));
    output.say(summary.as_str());
    let images: Vec<_> = results.iter().map(|(subject, files)| image(subject, files, &out.shown)).collect();
    let result = json!({
        "images": images,
        "steps": { "done": tally.done, "reused": tally.reused() },
        "fetched_bytes": tally.fetched(),
        "millis": millis,
    });
    output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what had to be done.
fn work(tally: &Tally, written: usize) -> String {
    match (tally.steps, written) {
        (0, 0) => return "nothing to do".to_owned(),
        (0, _) => return format!("no step to do, {} written", count(written, "file")),
        _ => {}
    }
    let mut text = format!("{} done, {} reused", count(tally.done, "step"), tally.reused());
    if tally.fetched() > 0 {
        text = format!("{text}, {} fetched", Bytes(tally.fetched()));
    }
    text
}

/// Returns the line of a file in the summary; the many blobs of a layout have none.
fn line(out: &Path, file: &File) -> Option<String> {
    if file.written.path.contains("/blobs/") {
        return None;
    }
    let sha256 = file.sha256.map(|digest| format!("  sha256 {}", &digest.to_string()[..12]));
    let unchanged = if file.written.state == State::Unchanged { "  unchanged" } else { "" };
    let path = out.join(&file.written.path);
    let size = Bytes(file.written.size);
    Some(format!("{size:>10}{}  {}{unchanged}", sha256.unwrap_or_default(), path.display()))
}

fn image(subject: &Subject, files: &[File], out: &Path) -> Value {
    let file = |file: &File| {
        json!({
            "path": out.join(&file.written.path),
            "format": file.format.word(),
            "size": file.written.size,
            "sha256": file.sha256.map(|digest| digest.to_string()),
            "unchanged": file.written.state == State::Unchanged,
        })
    };
    json!({ "image": word(subject), "files": files.iter().map(file).collect::<Vec<_>>() })
}
