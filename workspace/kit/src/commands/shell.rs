//! `kit shell`: a shell in the sandbox of a build, or a program of locked packages.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kit_build::actions::script;
use kit_build::failed::{FILE, FailedStep};
use kit_build::local::make_working;
use kit_build::seams::Script;
use kit_hash::TreeId;
use kit_plan::derivation::{Action, Run};
use kit_plan::package::root_of_trees;
use kit_plan::{Derivation, Input};
use kit_recipe::Name;
use kit_recipe::recipe::RecipeName;
use kit_store::{Failed, Store};

use crate::Failure;
use crate::commands::tool::{code, job};
use crate::context::Context;
use crate::progress::Progress;
use crate::project::{absolute, make_dir, open_dir};
use crate::workbench::{
    Workpiece, find_recipe, local_sandbox, parse_name, sandbox, store_locals, with_engine, workpiece_with,
};

const EXAMPLES: &str = "\
Examples:
  kit shell busybox                         look around before it is built
  kit build || kit shell --failed           look around where it failed
  kit shell init --keep try                 keep what is done to /build and /out in the directory `try`
  kit shell zstd -- zstd --version          run a program of a locked package
  kit shell gnu-tar zstd --bind . -- tar -xf a.tar.zst   one that needs two packages and the current directory

A program sees the packages as `/`, read-only, an empty `/tmp` and no network; nothing of the machine but what `--bind` shows.
Its streams are those of this command, its exit code too; 128 and the number of the signal when one ended it.";

/// Open a shell in the sandbox of a build, or run a program of locked packages
///
/// In the shell, `/` is the build's tools, `/src` its sources, read-only; `/build` and `/out` are empty, or as a failed build left them.
/// What is done there changes no result.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Step into the build of this package; several only with a program, which sees them all
    #[arg(value_name = "PACKAGE", required_unless_present = "failed")]
    packages: Vec<String>,
    /// Step into where the build failed last, of this package or of any
    #[arg(long, conflicts_with_all = ["keep", "bind", "command"])]
    failed: bool,
    /// Keep `/build` and `/out` in this directory, as `build` and `out`; they are as they are there
    #[arg(long, value_name = "DIR", conflicts_with_all = ["bind", "command"])]
    keep: Option<PathBuf>,
    /// Show this directory as `/work`, where the program may change it and begins
    #[arg(long, value_name = "DIR", requires = "command")]
    bind: Option<PathBuf>,
    /// Run this program with these arguments
    #[arg(value_name = "PROGRAM", last = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if !args.command.is_empty() {
        return program(args, context);
    }
    match args.packages.as_slice() {
        [_, _, ..] => Err(Failure::ManyBuilds { packages: args.packages.clone() }),
        [name] if !args.failed => before(context, name, args.keep.as_deref()),
        named => failed(context, named.first().map(String::as_str)),
    }
}

/// Opens a shell where a build failed.
fn failed(context: &Context, wanted: Option<&str>) -> Result<ExitCode, Failure> {
    let store = context.store()?;
    for failed in store.failures()? {
        let step = step(&failed)?;
        if wanted.is_none_or(|wanted| step.title == format!("build {wanted}")) {
            context.output.say(&format!("`{}` as it failed", step.title));
            return open(context, &store, &step.script(), &failed.path);
        }
    }
    Err(Failure::NothingFailed { package: wanted.map(ToOwned::to_owned) })
}

fn step(failed: &Failed) -> Result<FailedStep, Failure> {
    let file = |source| Failure::File { action: "read", path: failed.path.join(FILE), source };
    let bytes = open_dir(&failed.path)?.read(FILE).map_err(file)?;
    FailedStep::decode(&bytes).map_err(|error| file(std::io::Error::other(error)))
}

/// Opens a shell in the sandbox of a package's build, before it.
fn before(context: &Context, name: &str, keep: Option<&Path>) -> Result<ExitCode, Failure> {
    let store = context.store()?;
    let (recipe, piece) = pinned(context, name)?;
    let title = format!("build {name}");
    let builds = |d: &&Derivation| d.title() == title && matches!(d.action(), Action::Run(_));
    let Some(derivation) = piece.plan.derivations().iter().find(builds) else {
        return Err(Failure::NothingToStepInto { recipe: recipe.to_string() });
    };
    let Action::Run(run) = derivation.action() else {
        return Err(Failure::NothingToStepInto { recipe: recipe.to_string() });
    };
    let inputs = inputs(context, &store, &piece, derivation)?;
    let tree_of = |input: &Input| match input {
        Input::Derivation(id) => inputs[id],
        Input::Tree(id) => *id,
    };
    let script = script(derivation, run, &tree_of);
    if store.failures()?.iter().any(|failed| failed.derivation == derivation.id()) {
        context.output.say(&format!("it has failed: `kit shell --failed {name}` shows where\n"));
    }
    enter(context, &store, &script, run, keep)
}

/// Makes the working directories and opens a shell over them.
fn enter(
    context: &Context,
    store: &Store,
    script: &Script<'_>,
    run: &Run,
    keep: Option<&Path>,
) -> Result<ExitCode, Failure> {
    debug_assert_eq!(script.script, run.script, "because it is made of it");
    if let Some(path) = keep {
        let path = absolute(path)?;
        let made = make_working(&make_dir(&path)?);
        made.map_err(|source| Failure::File { action: "write", path: path.clone(), source })?;
        context.output.say(&format!("`{}` before it runs", script.title));
        return open(context, store, script, &path);
    }
    let scratch = store.scratch()?;
    let path = scratch.path().to_owned();
    make_working(scratch.dir()).map_err(|source| Failure::File { action: "write", path, source })?;
    context.output.say(&format!("`{}` before it runs", script.title));
    open(context, store, script, scratch.path())
}

fn open(context: &Context, store: &Store, script: &Script<'_>, working: &Path) -> Result<ExitCode, Failure> {
    context.output.say(&format!("; `exit` leaves. Its script is:\n{}\n", script.script.trim_end()));
    Ok(ExitCode::from(code(local_sandbox(store).shell(script, working)?)))
}

/// Returns the recipe of a package, and a subject whose lockfile pins it.
fn pinned(context: &Context, name: &str) -> Result<(RecipeName, Workpiece), Failure> {
    let project = context.project()?;
    let recipe = RecipeName::Package(parse_name(name, "a package")?);
    // A name that nothing has is told as such, with the one that was probably meant.
    find_recipe(project, name)?;
    let piece = workpiece_with(project, &recipe)?;
    Ok((recipe, piece))
}

/// Makes what a step takes, and returns its trees.
fn inputs(
    context: &Context,
    store: &Store,
    piece: &Workpiece,
    derivation: &Derivation,
) -> Result<kit_build::engine::Trees, Failure> {
    let targets: Vec<_> = derivation
        .action()
        .inputs()
        .into_iter()
        .filter_map(|input| if let Input::Derivation(id) = input { Some(id) } else { None })
        .collect();
    let progress = Progress::new(&context.output);
    let built = with_engine(context, store, &progress, |engine, _| {
        engine.repairing(Failure::damage, || {
            store_locals(context.project()?, store, &piece.loaded)?;
            Ok(engine.build(&piece.plan, &targets).map_err(|error| piece.loaded.locate(error))?)
        })
    });
    progress.finish();
    built
}

/// Runs a program that sees the packages.
fn program(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let store = context.store()?;
    let mut trees = BTreeMap::new();
    for name in &args.packages {
        trees.insert(parse_name(name, "a package")?, tree(context, &store, name)?);
    }
    let root = root(context, &store, &trees)?;
    let shown = args.bind.as_deref().map(absolute).transpose()?;
    if let Some(shown) = &shown {
        open_dir(shown)?;
    }
    let job = job(root, shown, args.command.clone());
    let package = args.packages.join("`, `");
    let outcome = sandbox().run(&job, &mut |_| ());
    Ok(ExitCode::from(code(outcome.map_err(|source| Failure::Program { package, source })?.status)))
}

/// Makes a package, and returns its tree.
fn tree(context: &Context, store: &Store, name: &str) -> Result<TreeId, Failure> {
    let (recipe, piece) = pinned(context, name)?;
    let id = match &recipe {
        RecipeName::Package(name) => piece.plan.packages.get(name).copied(),
        RecipeName::Image(_) | RecipeName::Tools => None,
    };
    let not_pinned = || Failure::NotPinned { package: name.to_owned() };
    let id = id.ok_or_else(not_pinned)?;
    let progress = Progress::new(&context.output);
    let built = with_engine(context, store, &progress, |engine, _| {
        engine.repairing(Failure::damage, || {
            store_locals(context.project()?, store, &piece.loaded)?;
            let trees = engine.build(&piece.plan, &[id]).map_err(|error| piece.loaded.locate(error))?;
            Ok::<_, Failure>(trees[&id])
        })
    });
    progress.finish();
    built
}

/// Returns a read-only directory with the packages laid over each other.
fn root(context: &Context, store: &Store, trees: &BTreeMap<Name, TreeId>) -> Result<PathBuf, Failure> {
    let (plan, id) = root_of_trees("packages of the shell", trees);
    let progress = Progress::new(&context.output);
    let root = with_engine(context, store, &progress, |engine, _| {
        engine.repairing(Failure::damage, || Ok::<_, Failure>(engine.build(&plan, &[id])?[&id]))
    });
    progress.finish();
    Ok(store.materialised(&root?)?.path)
}
