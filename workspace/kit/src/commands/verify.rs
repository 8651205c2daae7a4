//! `kit verify`: rebuilds everything from sources in other surroundings, and compares.

mod against;
mod artifact;
mod beside;
mod carried;
mod evidence;
mod files;
mod page;
mod program;
mod quorum;
mod rebuild;
mod report;
mod signatures;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use kit_build::verify::{Depth, Variation};
use kit_recipe::lockfile::Subject;
use serde_json::json;

use self::rebuild::Verified;
use crate::Failure;
use crate::context::Context;
use crate::project::write_file;
use crate::workbench::{closest, images};

const EXAMPLES: &str = "\
Examples:
  kit verify minimal                             everything, with all that this machine can vary
  kit verify minimal --only busybox              one package and what it is made from
  kit verify --vary host-name,time-zone          these variations alone
  kit verify --vary none --rounds 3              the same three times over
  kit verify minimal --html report.html --statement minimal.json
                                                 a page to look at, and a statement to compare with others'
  kit verify out/minimal-initrd.img              finds the lockfile that a file carries the digest of
  kit verify a.tar --against b.tar               what two files differ in; nothing is built
  kit verify --signatures out/minimal.tar        whether trusted keys signed a file
  kit verify --signatures registry.example/team/minimal:1
                                                 or an image in a registry, or in a layout
  kit verify --quorum 2 statements/*.json        which verifiers agree on what";

/// Rebuild images from their sources, vary what must not matter, and compare every step
///
/// The lockfile's sources are built once as always, then once more into an empty store, in other surroundings. Each step is
/// compared. Of a step that came out different the files are shown, and the fewest variations that make the difference.
///
/// A file (any output: an initrd, a boot command line, an archive, the directory of an OCI layout, a disk, a disc, a file system, an extension, a
/// program for UEFI) carries the digest of its lockfile, or, as a kernel, is one whose digest a lockfile has: that one is looked for in the project and
/// its history, built, and compared with the file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Verify this image, or this file (can be repeated) [default: the only image of the project]
    #[arg(value_name = "IMAGE|FILE")]
    subjects: Vec<String>,
    /// Vary `all`, `none`, or these (separated by commas): order, file-system, jobs, finish, processors, user, umask, host-name,
    /// domain-name, time-zone, locale, home, environment, build-path, kernel, addresses, clock-day, clock-years
    #[arg(long, value_name = "WHAT", default_value = "all", value_parser = parse_variations)]
    vary: Variations,
    /// Go as far as `sources`, `packages` or `outputs`
    #[arg(long, value_name = "DEPTH", default_value = "outputs", value_parser = parse_depth)]
    depth: Depth,
    /// Rebuild this package alone, with what it is made from
    #[arg(long, value_name = "PACKAGE")]
    only: Option<String>,
    /// Rebuild this often
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Rebuild in this directory [default: `/dev/shm` where that has room in memory, else the store]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Keep the rebuild's store in the directory of `--work` when something came out different
    #[arg(long, requires = "work")]
    keep: bool,
    /// Take this lockfile for the file, instead of looking for one
    #[arg(long, value_name = "LOCKFILE")]
    lock: Option<PathBuf>,
    /// Write a page that shows the result to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the result as a statement (in-toto, JSON) to this file
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
    /// Name who verifies, in the statement
    #[arg(long, value_name = "NAME", requires = "statement", value_parser = parse_verifier)]
    verifier: Option<String>,
    /// Compare the file with this one; nothing is built
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quorum", "lock", "statement"])]
    against: Option<PathBuf>,
    /// Check the signatures beside files, images of registries and OCI layouts instead, by the keys that `kit.toml` trusts
    #[arg(long, requires = "subjects", conflicts_with_all = ["against", "lock", "statement", "html", "quorum"])]
    signatures: bool,
    /// Read statements instead, and succeed when this many verifiers agree on every output
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), conflicts_with_all = ["html", "lock", "statement"])]
    quorum: Option<u32>,
}

/// Reads the name of a verifier: one line that people can read.
fn parse_verifier(text: &str) -> Result<String, String> {
    const LONGEST: usize = 100;
    if text.trim().is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("write a name of at most {LONGEST} characters"));
    }
    Ok(text.trim().to_owned())
}

/// Variations that were asked for.
#[derive(Debug, Clone)]
struct Variations(BTreeSet<Variation>);

fn parse_variations(text: &str) -> Result<Variations, String> {
    let read = |word: &str| {
        let close = closest(word, Variation::ALL.iter().map(ToString::to_string));
        let help = close.map_or_else(String::new, |close| format!("; did you mean `{close}`?"));
        Variation::from_word(word).ok_or_else(|| format!("`{word}` is nothing that kit varies{help}"))
    };
    match text {
        "all" => Ok(Variations(Variation::all())),
        "none" => Ok(Variations(BTreeSet::new())),
        words => words.split(',').map(read).collect::<Result<_, _>>().map(Variations),
    }
}

fn parse_depth(text: &str) -> Result<Depth, String> {
    let words: Vec<_> = Depth::ALL.iter().map(|depth| format!("`{}`", depth.word())).collect();
    let depth = Depth::ALL.into_iter().find(|depth| depth.word() == text);
    depth.ok_or_else(|| format!("the depths are {}", words.join(", ")))
}

/// What is to be verified.
enum Wanted {
    Image(Subject),
    File(PathBuf),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if let Some(needed) = args.quorum {
        return quorum::run(needed, &args.subjects, context);
    }
    if args.signatures {
        return signatures::run(&args.subjects, context);
    }
    if let Some(other) = &args.against {
        return against::run(args, other, context);
    }
    let wanted = wanted(args, context)?;
    if args.statement.is_some() && wanted.len() > 1 {
        return Err(Failure::OneStatement { subjects: wanted.len() });
    }
    let mut all = Vec::new();
    for one in wanted {
        let verified = match &one {
            Wanted::Image(subject) => rebuild::image(args, context, subject)?,
            Wanted::File(path) => artifact::file(args, context, path)?,
        };
        context.output.say(&report::summary(&verified));
        let verdict = if verified.is_same() { "reproducible" } else { "different" };
        context.output.data(&format!("{} {verdict}\n", verified.name())).map_err(Failure::Output)?;
        all.push(verified);
    }
    write_evidence(args, context, &all)?;
    let result = json!({ "images": all.iter().map(report::object).collect::<Vec<_>>() });
    context.output.result(&result).map_err(Failure::Output)?;
    verdict(&all)
}

/// Returns success when everything is the same.
fn verdict(all: &[Verified]) -> Result<ExitCode, Failure> {
    let different: Vec<_> = all.iter().filter(|verified| !verified.is_same()).collect();
    let names = || different.iter().map(|verified| verified.name()).collect();
    match different.iter().map(|verified| verified.different()).sum() {
        _ if different.is_empty() => Ok(ExitCode::SUCCESS),
        0 => Err(Failure::OtherFile { files: names() }),
        steps => Err(Failure::NotReproducible { different: names(), steps }),
    }
}

/// Tells images from files: what the project has a recipe for is an image.
fn wanted(args: &Args, context: &Context) -> Result<Vec<Wanted>, Failure> {
    if args.subjects.is_empty() {
        return Ok(images(context.project()?, &[])?.into_iter().map(Wanted::Image).collect());
    }
    let own = context.project()?.own_images()?;
    let mut all = Vec::new();
    for word in &args.subjects {
        let is_image = own.iter().any(|name| name.as_str() == word);
        let path = PathBuf::from(word);
        if !is_image && (word.contains(['/', '.']) || artifact::is_there(&path)) {
            all.push(Wanted::File(path));
        } else {
            all.extend(
                images(context.project()?, std::slice::from_ref(word))?.into_iter().map(Wanted::Image),
            );
        }
    }
    Ok(all)
}

fn write_evidence(args: &Args, context: &Context, all: &[Verified]) -> Result<(), Failure> {
    if let Some(path) = &args.html {
        write_file(path, page::page(all)?.as_bytes())?;
        context.output.say(&format!("{} written\n", path.display()));
    }
    if let (Some(path), [verified]) = (&args.statement, all) {
        write_file(path, &evidence::statement(verified, args.verifier.clone())?)?;
        context.output.say(&format!("{} written\n", path.display()));
    }
    Ok(())
}
