//! `kit lock`: resolves and pins, builds what must be known, writes it down.

mod explain;
mod fresh;
mod news;

use std::collections::BTreeSet;
use std::process::ExitCode;

use kit_audit::policy::Policy;
use kit_build::check::{check_results, complete};
use kit_build::engine::OnFailure;
use kit_build::load::{Loaded, load, lock_path, word};
use kit_build::lock::{Previous, Update, fill, pin};
use kit_build::scripts::{content_packages, matters, not_run};
use kit_build::{BuildError, Engine};
use kit_plan::{Plan, plan};
use kit_recipe::lockfile::Subject;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{ImageReference, Lockfile, Name};
use kit_store::Store;
use serde_json::json;

use super::import;
use crate::Failure;
use crate::advisories::{self, Named};
use crate::audit::gate::{self, Noticed, Verdict};
use crate::audit::{Pinned, policy};
use crate::changes::{self, Changes, Locking};
use crate::context::Context;
use crate::going::{Failures, on_failure};
use crate::progress::Progress;
use crate::project::{Change, Project};
use crate::units::{Bytes, count};
use crate::workbench::{Workpiece, closest, keep, parse_subject, store_locals, with_going_engine};

const EXAMPLES: &str = "\
Examples:
  kit lock                            every image of the project
  kit lock minimal --update           the newest of everything in one image
  kit lock --update busybox           the newest of what package busybox is made of
  kit lock --update nginx:1.27        what this image is now
  kit lock system.yml                 a system of LinuxKit, imported in memory
  kit lock --check                    for CI: exit code 1 when a lockfile is not up to date
  kit lock minimal --advisories DIR   pins known vulnerabilities for audits
  kit lock minimal --advisories       the same, from the places that `kit.toml` names
  kit lock minimal --explain          who signed what, and when

Where the project has a `policy.toml`, what recipes and pins say is judged by it.
What it denies isn't written, and the exit code is 1.";

/// Resolve and pin what recipes ask for, and write the lockfiles
///
/// What is pinned stays pinned unless a recipe asks for something else or `--update` says so. Builds what it must to know
/// the digest of each container and output. A lockfile that doesn't change isn't touched.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Lock this image, or `tools` (can be repeated) [default: every image of the project, and its tools]
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    #[command(flatten)]
    changes: Changes,
    /// Take the newest versions: of these packages and images of registries, separated by commas, or of everything
    #[arg(long, value_name = "PACKAGE|REFERENCE", num_args = 0.., value_delimiter = ',', require_equals = false)]
    update: Option<Vec<String>>,
    /// Say whether the lockfiles are up to date; write nothing, open no socket
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Show what the lockfiles pin and which keys signed it; write nothing, open no socket
    #[arg(long, conflicts_with_all = ["update", "check"])]
    explain: bool,
    /// Pin known vulnerabilities, which `kit audit` asks: a zip, a directory, a file of OSV or Debian's tracker, or a snapshot, here or at an address (can be repeated) [default: what `[advisories] from` of `kit.toml` names]
    #[arg(long, value_name = "PATH|ADDRESS", num_args = 0..=1, conflicts_with_all = ["check", "explain"])]
    advisories: Option<Vec<String>>,
    /// Go on after a failure with all that doesn't need what failed, and tell every failure at the end
    #[arg(long, short, conflicts_with_all = ["check", "explain"])]
    keep_going: bool,
}

/// What is asked for, besides what recipes do.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    update: &'a Update,
    advisories: &'a [Named],
}

/// What became of a lockfile.
struct Locked {
    subject: Subject,
    change: Change,
    pins: usize,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let subjects = if args.changes.is_empty() {
        let (images, _) = import::take_in(&args.images, context)?;
        subjects(context.project()?, &images)?
    } else {
        changes::subjects(&args.images, &args.changes, Locking::Later, context)?
    };
    let project = context.project()?;
    if args.check {
        return fresh::run(project, &subjects, context);
    }
    if args.explain {
        return explain::run(project, &subjects, context);
    }
    let update = update(args.update.as_deref());
    let loaded: Vec<_> =
        subjects.iter().map(|subject| load_subject(project, subject)).collect::<Result<_, _>>()?;
    refuse_unused(&update, &loaded)?;
    let advisories = match &args.advisories {
        None => Vec::new(),
        Some(names) => advisories::named(context, &context.store()?, names)?,
    };
    let mut locked = Vec::new();
    let mut failures = Failures::new(args.keep_going);
    for loaded in &loaded {
        let wanted = Asked { update: &update, advisories: &advisories };
        let one = lock(context, project, loaded, wanted, on_failure(args.keep_going));
        let Some(one) = failures.keep(one)? else { continue };
        let path = lock_path(&loaded.subject);
        let what = match one.change {
            Change::None => "is up to date",
            Change::Written => "written",
        };
        context.output.say(&format!("{path} {what}: {}\n", count(one.pins, "pin")));
        context.output.data(&format!("{path}\n")).map_err(Failure::Output)?;
        locked.push(one);
    }
    failures.end()?;
    let object = |locked: &Locked| {
        let changed = locked.change == Change::Written;
        json!({ "path": lock_path(&locked.subject), "changed": changed, "pins": locked.pins })
    };
    let result = json!({ "lockfiles": locked.iter().map(object).collect::<Vec<_>>() });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Locks an image that has no lockfile yet.
pub(crate) fn first(context: &Context, name: &Name) -> Result<(), Failure> {
    let project = context.project()?;
    let subject = Subject::Image(name.clone());
    if project.find_lock(&subject)?.is_some() {
        return Ok(());
    }
    let loaded = load_subject(project, &subject)?;
    let wanted = Asked { update: &Update::Needed, advisories: &[] };
    let locked = lock(context, project, &loaded, wanted, OnFailure::Stop)?;
    context.output.say(&format!("{} written: {}\n", lock_path(&subject), count(locked.pins, "pin")));
    Ok(())
}

/// Returns what is named, or all that the project has.
fn subjects(project: &Project, named: &[String]) -> Result<Vec<Subject>, Failure> {
    if !named.is_empty() {
        return named.iter().map(|text| parse_subject(text)).collect();
    }
    let subject = |recipe| match recipe {
        RecipeName::Image(name) => Some(Subject::Image(name)),
        RecipeName::Tools => Some(Subject::Tools),
        RecipeName::Package(_) => None,
    };
    let subjects: Vec<_> = project.own_recipes()?.into_iter().filter_map(subject).collect();
    if subjects.is_empty() { Err(Failure::WhichImage { images: Vec::new() }) } else { Ok(subjects) }
}

fn update(names: Option<&[String]>) -> Update {
    match names {
        None => Update::Needed,
        Some([]) => Update::All,
        Some(names) => Update::Named(names.iter().cloned().collect()),
    }
}

/// Fails when a package or an image is to be updated that nothing uses: probably the name is misspelt.
fn refuse_unused(update: &Update, loaded: &[Loaded]) -> Result<(), Failure> {
    let Update::Named(names) = update else { return Ok(()) };
    let packages = loaded.iter().flat_map(|loaded| loaded.recipes.packages()).map(|p| p.name.to_string());
    let packages: BTreeSet<_> = packages.collect();
    let images: BTreeSet<_> =
        loaded.iter().flat_map(|loaded| &loaded.requirements.images).map(|image| &image.reference).collect();
    let is_image =
        |name: &str| name.parse().is_ok_and(|reference: ImageReference| images.contains(&reference));
    match names.iter().find(|name| !packages.contains(*name) && !is_image(name)) {
        None => Ok(()),
        Some(name) => {
            let images = images.iter().map(ToString::to_string);
            let close = closest(name, packages.iter().cloned().chain(images));
            Err(Failure::NotUsed { package: name.clone(), close })
        }
    }
}

fn lock(
    context: &Context,
    project: &Project,
    loaded: &Loaded,
    wanted: Asked<'_>,
    on_failure: OnFailure,
) -> Result<Locked, Failure> {
    let subject = &loaded.subject;
    let update = wanted.update;
    // What is wrong with the policy is said before anything is built.
    let policy = policy::read(None, context)?;
    let previous = previous(context, project, subject, update)?;
    let store = context.store()?;
    let progress = Progress::new(&context.output);
    let made = with_going_engine(context, &store, &progress, on_failure, |engine, network| {
        let mut pinned = pin(loaded, &previous, update, network, engine.events)?;
        if !wanted.advisories.is_empty() {
            pinned.advisories = advisories::pin(&store, &pinned, wanted.advisories)?;
        }
        // Nothing is built of what isn't let through.
        let noticed = match judge(policy.as_ref(), context, &store, &pinned)? {
            Verdict::Passed(noticed) => noticed,
            Verdict::Denied(audit) => return Ok(Err(audit)),
        };
        let (lock, plan) = engine.repairing(Failure::damage, || {
            if let Some(previous) = previous.lock()
                && fresh::reasons(loaded, previous, &pinned).is_empty()
                && !contradicts(engine, loaded, previous)?
            {
                // All of it is known: nothing has to be built to say so.
                return Ok((Lockfile { advisories: pinned.advisories, ..previous.clone() }, None));
            }
            store_locals(project, &store, loaded)?;
            let mut lock = pinned.clone();
            let plan = fill(engine, loaded, &mut lock)?;
            Ok::<_, Failure>((lock, Some(plan)))
        })?;
        Ok(Ok((lock, plan, noticed)))
    });
    let tally = progress.finish();
    let (lock, plan, noticed) = match made? {
        Ok(made) => made,
        Err(audit) => return Err(gate::deny(context, &audit)),
    };
    gate::say(context, &word(subject), &noticed);
    if let Some(plan) = &plan {
        keep(project, &store, subject, plan)?;
        if tally.done > 0 {
            let (done, fetched) = (count(tally.done, "step"), Bytes(tally.fetched()));
            context.output.say(&format!(
                "{}: {done} done, {} reused, {fetched} fetched\n",
                word(subject),
                tally.reused()
            ));
        }
        for one in kit_build::lock::upstream::news(&store, loaded, previous.lock(), &lock) {
            context.output.say(&news::words(&one));
        }
        for one in kit_build::lock::images::moved(previous.lock(), &lock) {
            context.output.say(&news::moved_image(&one));
        }
        tell_scripts(context, &store, plan, &lock)?;
    }
    let change = project.write_lock(&lock)?;
    Ok(Locked { subject: subject.clone(), change, pins: pins(&lock) })
}

/// Judges the pins that are about to be written, of an image where the project has a policy.
fn judge(
    policy: Option<&Policy>,
    context: &Context,
    store: &Store,
    lock: &Lockfile,
) -> Result<Verdict, Failure> {
    let Some(policy) = policy.filter(|_| lock.subject != Subject::Tools) else {
        return Ok(Verdict::Passed(Noticed::default()));
    };
    let loaded = load_subject(context.project()?, &lock.subject)?;
    let piece = Workpiece::from_lock(loaded, lock.clone(), &[])?;
    Ok(Verdict::of(gate::planned(policy, context, store, piece, Pinned::Needed)?))
}

/// Returns the lockfile that there is. One that was edited by hand is taken for the versions that it names, no more.
fn previous(
    context: &Context,
    project: &Project,
    subject: &Subject,
    update: &Update,
) -> Result<Previous, Failure> {
    let (path, text, problems) = match project.find_lock(subject) {
        Ok(None) => return Ok(Previous::None),
        Ok(Some(lock)) => return Ok(Previous::Sound(lock)),
        // All of its pins are given up, so nobody has to be able to read them.
        Err(Failure::Build(BuildError::LockProblems { .. })) if *update == Update::All => {
            return Ok(Previous::None);
        }
        Err(Failure::Build(BuildError::LockProblems { path, text, problems })) => (path, text, problems),
        Err(failure) => return Err(failure),
    };
    match Lockfile::parse_edited(&text) {
        Ok(lock) => {
            context.output.say(&format!("{path} was edited by hand: its pins are looked up again\n"));
            Ok(Previous::Edited(lock))
        }
        Err(_) => Err(BuildError::LockProblems { path, text, problems }.into()),
    }
}

/// Whether the store knows that something came out other than a lockfile says.
fn contradicts(engine: &Engine<'_>, loaded: &Loaded, lock: &Lockfile) -> Result<bool, Failure> {
    let plan = plan(loaded.plan_inputs(lock, &[])).map_err(Failure::Recipes)?;
    match check_results(engine, lock, &plan, &complete(engine, &plan)?) {
        Ok(()) => Ok(false),
        Err(BuildError::Different { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Says which Debian packages of the image have scripts, which never run, that would have changed something that matters.
fn tell_scripts(context: &Context, store: &Store, plan: &Plan, lock: &Lockfile) -> Result<(), Failure> {
    for package in content_packages(plan) {
        for (deb, lines) in not_run(store, plan, lock, package)? {
            let lines = lines.iter().filter(|line| matters(line)).count();
            if lines > 0 {
                let effects = count(lines, "effect");
                context.output.say(&format!(
                    "note: {effects} of the scripts of {deb}, which never run, may be missed; \
                     `kit show {package} --scripts` lists them\n"
                ));
            }
        }
    }
    Ok(())
}

fn pins(lock: &Lockfile) -> usize {
    let packages = lock.debs.len() + lock.debian_sources.len() + lock.crates.len();
    packages + lock.files.len() + lock.images.len() + lock.locals.len()
}

/// Loads a subject.
fn load_subject(project: &Project, subject: &Subject) -> Result<Loaded, Failure> {
    Ok(load(subject, &project.files())?)
}
