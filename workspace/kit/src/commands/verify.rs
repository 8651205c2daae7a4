//! `kit verify`: rebuilds everything from sources in other surroundings, and compares.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use kit_build::check::check_results;
use kit_build::surroundings::Surroundings;
use kit_build::verify::{Comparison, Depth, Rebuild, Variation, steps};
use kit_hash::DerivationId;
use kit_plan::derivation::Action;
use kit_plan::{Derivation, Plan};
use kit_recipe::Name;
use kit_recipe::lockfile::Subject;
use kit_sandbox::Host;
use kit_store::{Creation, Store};
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::elsewhere::Place;
use crate::progress::Progress;
use crate::project::{Project, absolute};
use crate::workbench::{
    Workpiece, closest, images, keep, memory_limit, parse_name, sandbox, store_locals, with_engine,
};

const EXAMPLES: &str = "\
Examples:
  kit verify minimal                             everything, with all that this machine can vary
  kit verify minimal --only busybox              one package and what it is made from
  kit verify --vary host-name,time-zone          these variations alone
  kit verify --vary none --rounds 3              the same three times over";

/// Rebuild images from their sources, vary what must not matter, and compare every step
///
/// The lockfile's sources are built once as always, then once more into an empty store, in other surroundings. Each step is
/// compared. Of a step that came out different the files are shown, and the fewest variations that make the difference.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Verify this image (can be repeated) [default: the only one of the project]
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
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

/// A verified image.
struct Verified {
    image: Name,
    rounds: Vec<Comparison>,
    varied: BTreeSet<Variation>,
    /// What this machine can't vary, and why.
    left_out: BTreeMap<Variation, String>,
    /// Where stores of rebuilds are that were kept.
    kept: Vec<PathBuf>,
    millis: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let mut all = Vec::new();
    for subject in images(project, &args.images)? {
        let Subject::Image(image) = &subject else { continue };
        let verified = verify(args, context, project, &subject, image)?;
        context.output.say(&report::summary(&verified));
        let verdict = if verified.is_same() { "reproducible" } else { "different" };
        context.output.data(&format!("{image} {verdict}\n")).map_err(Failure::Output)?;
        all.push(verified);
    }
    let result = json!({ "images": all.iter().map(report::object).collect::<Vec<_>>() });
    context.output.result(&result).map_err(Failure::Output)?;
    let different: Vec<_> = all.iter().filter(|verified| !verified.is_same()).collect();
    if different.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::NotReproducible {
        steps: different.iter().map(|verified| verified.different()).sum(),
        different: different.iter().map(|verified| verified.image.clone()).collect(),
    })
}

impl Verified {
    fn is_same(&self) -> bool {
        self.rounds.iter().all(Comparison::is_same)
    }

    /// The number of steps that came out different in the worst round.
    fn different(&self) -> usize {
        self.rounds.iter().map(|round| round.first_causes.len() + round.follow.len()).max().unwrap_or(0)
    }
}

fn verify(
    args: &Args,
    context: &Context,
    project: &Project,
    subject: &Subject,
    image: &Name,
) -> Result<Verified, Failure> {
    let started = Instant::now();
    let piece = Workpiece::prepare(project, subject, &[])?;
    let only = args.only.as_deref().map(|package| find_package(&piece.plan, package)).transpose()?;
    let steps = steps(&piece.plan, args.depth, only);
    let first = context.store()?;
    let work = args.work.as_deref().map(absolute).transpose()?;
    let place = Place::choose(&first, work.as_deref(), room(&steps))?;
    let left_out = left_out(&args.vary.0, &place);
    let varied: BTreeSet<_> =
        args.vary.0.iter().copied().filter(|variation| !left_out.contains_key(variation)).collect();
    let mut verified =
        Verified { image: image.clone(), rounds: Vec::new(), varied, left_out, kept: Vec::new(), millis: 0 };
    for _ in 0..args.rounds {
        let creation = if verified.varied.contains(&Variation::Order) {
            Creation::Backwards
        } else {
            Creation::Forwards
        };
        let second = place.make_store(creation)?;
        let compared =
            compare(context, project, subject, &piece, &steps, &first, second.store(), &verified.varied)?;
        let is_same = compared.is_same();
        verified.rounds.push(compared);
        if args.keep && !is_same {
            verified.kept.push(second.keep());
        }
    }
    verified.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(verified)
}

/// Builds in the first store, holds that against the lockfile, builds in the second store, and compares.
#[expect(clippy::too_many_arguments, reason = "each is another thing of the one call")]
fn compare(
    context: &Context,
    project: &Project,
    subject: &Subject,
    piece: &Workpiece,
    steps: &[&Derivation],
    first: &Store,
    second: &Store,
    variations: &BTreeSet<Variation>,
) -> Result<Comparison, Failure> {
    let progress = Progress::new(&context.output);
    let compared = with_engine(context, first, &progress, |engine, _| {
        engine.repairing(Failure::damage, || {
            store_locals(project, first, &piece.loaded)?;
            store_locals(project, second, &piece.loaded)?;
            let ids: Vec<_> = steps.iter().map(|step| step.id()).collect();
            let trees = engine.build(&piece.plan, &ids).map_err(|error| piece.loaded.locate(error))?;
            check_results(engine, &piece.lock, &piece.plan, &trees)?;
            keep(project, first, subject, &piece.plan)?;
            let rebuild = Rebuild {
                first: *engine,
                second,
                sandbox: sandbox(),
                memory: memory_limit(),
                variations: variations.clone(),
            };
            Ok(rebuild.compare(&piece.plan, steps)?)
        })
    });
    progress.finish();
    compared
}

fn find_package(plan: &Plan, package: &str) -> Result<DerivationId, Failure> {
    let name = parse_name(package, "a package")?;
    plan.packages.get(&name).copied().ok_or_else(|| Failure::NoSuchRecipe {
        name: package.to_owned(),
        close: closest(package, plan.packages.keys().map(ToString::to_string)),
    })
}

/// The bytes that a rebuild may need: what is fetched, unpacked and put together in several ways.
fn room(steps: &[&Derivation]) -> u64 {
    const TIMES: u64 = 12;
    const SPARE: u64 = 1 << 30;
    let fetched = steps.iter().filter_map(|step| match step.action() {
        Action::Fetch(fetch) => fetch.size,
        _ => None,
    });
    fetched.sum::<u64>().saturating_mul(TIMES).saturating_add(SPARE)
}

/// Returns what this machine can't vary, and why.
fn left_out(wanted: &BTreeSet<Variation>, place: &Place) -> BTreeMap<Variation, String> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let why = |variation: Variation| match variation {
        Variation::FileSystem => place.same_file_system.clone(),
        Variation::Order if !place.lists_by_creation => Some(
            "the file system lists names in an order of its own; `--work DIR` names another place".to_owned(),
        ),
        Variation::Processors if processors < 2 => Some("the machine has one processor".to_owned()),
        variation => refused(variation),
    };
    wanted.iter().filter_map(|variation| Some((*variation, why(*variation)?))).collect()
}

/// Says why this machine doesn't let us have a script see it like that.
fn refused(variation: Variation) -> Option<String> {
    let host = Surroundings::varied(&BTreeSet::from([variation])).host;
    let error = if host == Host::USUAL { None } else { sandbox().probe_host(host).err() };
    error.map(|error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
