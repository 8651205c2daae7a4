//! An image, rebuilt from its sources in other surroundings.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::path::PathBuf;
use std::time::Instant;

use kit_build::ProjectFiles;
use kit_build::check::{check_results, outputs};
use kit_build::engine::Trees;
use kit_build::load::lock_path;
use kit_build::surroundings::Surroundings;
use kit_build::verify::{Comparison, Depth, Explanation, Rebuild, Variation, steps};
use kit_hash::{DerivationId, Sha256};
use kit_plan::derivation::Action;
use kit_plan::error::Place as Written;
use kit_plan::{Derivation, Plan, written};
use kit_recipe::Name;
use kit_recipe::lockfile::Subject;
use kit_sandbox::Host;
use kit_store::{Creation, Store};

use super::Args;
use crate::Failure;
use crate::context::Context;
use crate::elsewhere::Place;
use crate::progress::Progress;
use crate::project::absolute;
use crate::workbench::{Workpiece, closest, keep, memory_limit, parse_name, sandbox, with_engine};

/// A verified image.
pub(super) struct Verified {
    pub(super) image: Name,
    pub(super) piece: Workpiece,
    /// The lockfile: its path, as people know it, and the digest of its text.
    pub(super) lock_path: String,
    pub(super) lock_sha256: Sha256,
    pub(super) depth: Depth,
    pub(super) only: Option<String>,
    pub(super) rounds: Vec<Comparison>,
    pub(super) varied: BTreeSet<Variation>,
    /// What this machine can't vary, and why.
    pub(super) left_out: BTreeMap<Variation, String>,
    /// The files of the outputs that were compared, by name.
    pub(super) outputs: BTreeMap<String, Output>,
    /// The file that was verified, where one was.
    pub(super) artifact: Option<Artifact>,
    /// Where stores of rebuilds are that were kept.
    pub(super) kept: Vec<PathBuf>,
    pub(super) millis: u64,
}

/// A file of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) size: u64,
    /// What the first build came to, which is what the lockfile pins.
    pub(super) sha256: Sha256,
    /// What a rebuild came to; none where it wasn't done.
    pub(super) rebuilt: Option<Sha256>,
}

/// A file that claims to be an output.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) path: PathBuf,
    /// What it is, in words.
    pub(super) kind: &'static str,
    /// The output that it should be.
    pub(super) output: String,
    /// Where the lockfile was found, in words.
    pub(super) found: String,
    /// Its own digest, or those of what names all of a layout, by name of the output.
    pub(super) digests: BTreeMap<String, Sha256>,
    /// Whether it is the output, byte for byte but for what it may have besides.
    pub(super) is_same: bool,
    /// What it has besides, which was left out of the comparison: signatures.
    pub(super) besides: Option<&'static str>,
    /// Where it isn't: `before` is what the lockfile gives, `after` the file.
    pub(super) explanations: Vec<Explanation>,
}

impl Verified {
    /// What people call it.
    pub(super) fn name(&self) -> String {
        match &self.artifact {
            Some(artifact) => artifact.path.display().to_string(),
            None => self.image.to_string(),
        }
    }

    pub(super) fn is_same(&self) -> bool {
        self.rounds.iter().all(Comparison::is_same)
            && self.artifact.as_ref().is_none_or(|artifact| artifact.is_same)
    }

    /// The number of steps that came out different in the worst round.
    pub(super) fn different(&self) -> usize {
        self.rounds.iter().map(|round| round.first_causes.len() + round.follow.len()).max().unwrap_or(0)
    }

    /// Where a step is written.
    pub(super) fn written(&self, step: &DerivationId) -> Option<Written> {
        written(&self.piece.plan, &self.piece.loaded.recipes, &self.piece.lock, step)
    }
}

/// Looks at what was built, and at the file that claims to be of it where there is one.
type Look<'a> = &'a dyn Fn(&Workpiece, &Store, &Trees) -> Result<Option<Artifact>, Failure>;

/// What is rebuilt, and from where.
pub(super) struct Job<'a> {
    pub(super) piece: Workpiece,
    pub(super) image: Name,
    /// The files that the recipes and sources are from.
    pub(super) files: &'a dyn ProjectFiles,
    pub(super) lock_path: String,
    pub(super) lock_sha256: Sha256,
    pub(super) depth: Depth,
    /// Looks at the first store when everything is built in it.
    pub(super) look: Look<'a>,
}

/// Verifies an image of the project.
pub(super) fn image(args: &Args, context: &Context, subject: &Subject) -> Result<Verified, Failure> {
    let project = context.project()?;
    let Subject::Image(image) = subject else {
        return Err(Failure::BadName { text: "tools".to_owned(), what: "an image" });
    };
    let piece = Workpiece::prepare(project, subject, &[])?;
    let lock_sha256 = project.lock_sha256(subject)?;
    let files = project.files();
    let look = |piece: &Workpiece, store: &Store, _: &Trees| {
        keep(project, store, subject, &piece.plan).map(|()| None)
    };
    let job = Job {
        piece,
        image: image.clone(),
        files: &files,
        lock_path: lock_path(subject),
        lock_sha256,
        depth: args.depth,
        look: &look,
    };
    verify(args, context, job)
}

/// Builds, rebuilds as often as is asked, and compares.
pub(super) fn verify(args: &Args, context: &Context, job: Job<'_>) -> Result<Verified, Failure> {
    let started = Instant::now();
    let only = args.only.as_deref().map(|package| find_package(&job.piece.plan, package)).transpose()?;
    let steps = steps(&job.piece.plan, job.depth, only);
    let first = context.store()?;
    let work = args.work.as_deref().map(absolute).transpose()?;
    let place = Place::choose(&first, work.as_deref(), room(&steps))?;
    let left_out = left_out(&args.vary.0, &place);
    let varied: BTreeSet<_> =
        args.vary.0.iter().copied().filter(|variation| !left_out.contains_key(variation)).collect();
    let mut rounds = Vec::new();
    let mut kept = Vec::new();
    let mut results = (BTreeMap::new(), None);
    for _ in 0..args.rounds {
        let creation =
            if varied.contains(&Variation::Order) { Creation::Backwards } else { Creation::Forwards };
        let second = place.make_store(creation)?;
        let round = Round { context, job: &job, steps: &steps, first: &first, second: second.store() };
        let (compared, artifact) = round.compare(&varied)?;
        let outputs = round.outputs(&compared)?;
        let is_same = compared.is_same();
        rounds.push(compared);
        results = (worse(results.0, outputs), artifact);
        if args.keep && !is_same {
            kept.push(second.keep());
        }
    }
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (outputs, artifact) = results;
    let Job { piece, image, lock_path, lock_sha256, depth, .. } = job;
    let only = args.only.clone();
    Ok(Verified {
        image,
        piece,
        lock_path,
        lock_sha256,
        depth,
        only,
        rounds,
        varied,
        left_out,
        outputs,
        artifact,
        kept,
        millis,
    })
}

/// Of two rounds, what came out different in one of them.
fn worse(before: BTreeMap<String, Output>, after: BTreeMap<String, Output>) -> BTreeMap<String, Output> {
    let is_different = |output: &Output| output.rebuilt != Some(output.sha256);
    let mut worst = after;
    worst.extend(before.into_iter().filter(|(_, output)| is_different(output)));
    worst
}

/// One build and rebuild.
struct Round<'a> {
    context: &'a Context,
    job: &'a Job<'a>,
    steps: &'a [&'a Derivation],
    first: &'a Store,
    second: &'a Store,
}

impl Round<'_> {
    /// Builds in the first store, holds that against the lockfile, builds in the second store, and compares.
    fn compare(&self, varied: &BTreeSet<Variation>) -> Result<(Comparison, Option<Artifact>), Failure> {
        let Job { piece, files, look, .. } = self.job;
        let progress = Progress::new(&self.context.output);
        let compared = with_engine(self.context, self.first, &progress, |engine, _| {
            engine.repairing(Failure::damage, || {
                piece.loaded.store_locals(*files, self.first)?;
                piece.loaded.store_locals(*files, self.second)?;
                let ids: Vec<_> = self.steps.iter().map(|step| step.id()).collect();
                let trees = engine.build(&piece.plan, &ids).map_err(|error| piece.loaded.locate(error))?;
                check_results(engine, &piece.lock, &piece.plan, &trees)?;
                let artifact = look(piece, self.first, &trees)?;
                let rebuild = Rebuild {
                    first: *engine,
                    second: self.second,
                    sandbox: sandbox(),
                    memory: memory_limit(),
                    variations: varied.clone(),
                };
                Ok((rebuild.compare(&piece.plan, self.steps)?, artifact))
            })
        });
        progress.finish();
        compared
    }

    /// Returns the digests of the outputs that were compared.
    fn outputs(&self, compared: &Comparison) -> Result<BTreeMap<String, Output>, Failure> {
        let causes = compared.first_causes.iter().map(|cause| &cause.step);
        let steps = compared.same.iter().chain(&compared.follow).chain(&compared.not_done).chain(causes);
        let steps: BTreeMap<_, _> = steps.map(|step| (step.derivation, step)).collect();
        let mut all = BTreeMap::new();
        for (format, id) in &self.job.piece.plan.outputs {
            let Some(step) = steps.get(id) else { continue };
            let expected = outputs(self.first, &self.first.tree(&step.tree)?, *format)?;
            let found = match step.rebuilt {
                Some(tree) if tree == step.tree => expected.clone(),
                Some(tree) => outputs(self.second, &self.second.tree(&tree)?, *format)?,
                None => BTreeMap::new(),
            };
            for (name, output) in expected {
                let rebuilt = found.get(&name).map(|output| output.sha256);
                all.insert(name, Output { size: output.size, sha256: output.sha256, rebuilt });
            }
        }
        Ok(all)
    }
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
