//! `kit show`: what a recipe means.

mod recipe;

use std::process::ExitCode;

use kit_build::load::word;
use kit_build::scripts::not_run;
use kit_hash::{DerivationId, TreeId};
use kit_plan::{Input, Plan};
use kit_recipe::Recipe;
use kit_recipe::lockfile::Subject;
use kit_recipe::recipe::RecipeName;
use kit_store::Store;
use kit_tree::dump::Dump;
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::project::Project;
use crate::text::Text;
use crate::workbench::{Workpiece, find_recipe, with_engine, workpiece_with};

const EXAMPLES: &str = "\
Examples:
  kit show                    the images and packages there are
  kit show busybox            what a package is made of
  kit show minimal --plan     the steps that make an image, with their ids
  kit show busybox --files    the files of a package that is built
  kit show init --expanded    the script that a package is built by, with its kind written out
  kit show qemu --scripts     what Debian's maintainer scripts, which never run, would have done";

/// Show what a recipe means: its parts, its steps or its files
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, named by its field")]
pub(crate) struct Args {
    /// Show this image or package, or `tools` [default: list them]
    #[arg(value_name = "IMAGE|PACKAGE")]
    name: Option<String>,
    /// List its files with mode, owner, size and digest; it must be built
    #[arg(long, conflicts_with = "plan")]
    files: bool,
    /// Print `[build]` of a package with its `kind` written out, as a recipe can have it
    #[arg(long, conflicts_with_all = ["plan", "files", "scripts"])]
    expanded: bool,
    /// List the steps that make it, each after those that it needs
    #[arg(long)]
    plan: bool,
    /// List what the maintainer scripts of a package's Debian packages would have done; they never run
    #[arg(long, conflicts_with_all = ["plan", "files"])]
    scripts: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let (text, result) = match &args.name {
        None => list(project)?,
        Some(name) => {
            let recipe = find_recipe(project, name)?;
            if args.files {
                files(context, project, &recipe)?
            } else if args.expanded {
                expanded(project, &recipe)?
            } else if args.scripts {
                scripts(context, project, &recipe)?
            } else if args.plan {
                let piece = workpiece_with(project, &recipe)?;
                steps(&piece.plan, target(&piece.plan, &recipe))
            } else {
                meaning(project, &recipe)?
            }
        }
    };
    context.output.data(&text).map_err(Failure::Output)?;
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Lists all recipes: the project's own and the standard ones.
fn list(project: &Project) -> Result<(String, Value), Failure> {
    use kit_plan::RecipeFiles as _;
    let own = project.own_recipes()?;
    let names = project.files().names().map_err(|error| Failure::Recipes(vec![error]))?;
    let origin = |name: &RecipeName| if own.contains(name) { "project" } else { "standard" };
    let mut text = Text::default();
    for name in &names {
        text.line(format_args!("{name}  ({})", origin(name)));
    }
    let objects: Vec<_> =
        names.iter().map(|name| json!({ "recipe": name.to_string(), "origin": origin(name) })).collect();
    Ok((text.into_string(), json!({ "recipes": objects })))
}

/// Shows a recipe; with what its lockfile pins where one covers it.
fn meaning(project: &Project, name: &RecipeName) -> Result<(String, Value), Failure> {
    let set = kit_plan::RecipeSet::load(name, &project.files()).map_err(Failure::Recipes)?;
    let loaded = set.iter().find(|(n, _)| *n == name).map(|(_, loaded)| &loaded.recipe);
    let recipe = loaded.expect("because the subject of a set is in it");
    let piece = workpiece_with(project, name).ok();
    let lock = piece.as_ref().map(|piece| &piece.lock);
    let derivation = piece.as_ref().and_then(|piece| target(&piece.plan, name));
    let mut lines = match recipe {
        Recipe::Package(package) => recipe::package(package, lock),
        Recipe::Image(image) => recipe::image(image),
        Recipe::Tools(tools) => recipe::tools(tools),
    };
    lines.push(("recipe id".to_owned(), recipe.id().to_string()));
    // The tools are many packages and no tree of their own.
    if *name != RecipeName::Tools {
        let derivation = derivation
            .map_or_else(|| "not known: no lockfile that holds covers it".to_owned(), |id| id.to_string());
        lines.push(("derivation".to_owned(), derivation));
    }
    let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let mut text = Text::default();
    text.line(name);
    let mut object = serde_json::Map::new();
    object.insert("recipe".to_owned(), json!(name.to_string()));
    for (key, value) in lines {
        text.line(format_args!("  {key:width$}  {}", value.replace('\n', &format!("\n  {:width$}  ", ""))));
        object.insert(key.replace(' ', "_"), json!(value));
    }
    Ok((text.into_string(), Value::Object(object)))
}

/// Prints the build of a package as a recipe can have it.
fn expanded(project: &Project, name: &RecipeName) -> Result<(String, Value), Failure> {
    let set = kit_plan::RecipeSet::load(name, &project.files()).map_err(Failure::Recipes)?;
    let build = set.iter().find(|(n, _)| *n == name).and_then(|(_, loaded)| match &loaded.recipe {
        Recipe::Package(package) => package.build.as_ref(),
        Recipe::Image(_) | Recipe::Tools(_) => None,
    });
    let text = build.ok_or_else(|| Failure::NoScript { recipe: name.to_string() })?.to_text();
    let result = json!({ "recipe": name.to_string(), "build": text });
    Ok((text, result))
}

/// Returns the derivation that a recipe comes to in a plan: a package's tree, an image's root.
fn target(plan: &Plan, recipe: &RecipeName) -> Option<DerivationId> {
    match recipe {
        RecipeName::Package(name) => plan.packages.get(name).copied(),
        RecipeName::Image(_) => plan.root,
        RecipeName::Tools => None,
    }
}

/// Lists the steps that lead to a derivation and, for an image, to its outputs.
fn steps(plan: &Plan, target: Option<DerivationId>) -> (String, Value) {
    let mut targets: Vec<_> = target.into_iter().collect();
    if target == plan.root {
        targets.extend(plan.outputs.values().copied());
    }
    let mut text = Text::default();
    let mut objects = Vec::new();
    for step in plan.closure(targets) {
        text.line(format_args!("{}  {}", step.id().short(), step.title()));
        let inputs: Vec<_> = step.action().inputs().iter().map(input).collect();
        objects.push(json!({ "derivation": step.id().to_string(), "step": step.title(), "inputs": inputs }));
    }
    (text.into_string(), json!({ "steps": objects }))
}

fn input(input: &Input) -> Value {
    match input {
        Input::Derivation(id) => json!({ "derivation": id.to_string() }),
        Input::Tree(id) => json!({ "tree": id.to_string() }),
    }
}

fn files(context: &Context, project: &Project, recipe: &RecipeName) -> Result<(String, Value), Failure> {
    let piece = workpiece_with(project, recipe)?;
    let store = context.store()?;
    let tree = built(context, &store, &piece, recipe)?;
    let dump = Dump(&store.tree(&tree)?).to_string();
    let lines: Vec<_> = dump.lines().collect();
    let result = json!({ "tree": tree.to_string(), "files": lines });
    Ok((dump, result))
}

/// Lists what maintainer scripts would have done, by Debian package.
fn scripts(context: &Context, project: &Project, recipe: &RecipeName) -> Result<(String, Value), Failure> {
    let piece = workpiece_with(project, recipe)?;
    let store = context.store()?;
    let mut text = Text::default();
    let mut object = serde_json::Map::new();
    for name in piece.plan.packages.keys() {
        if matches!(recipe, RecipeName::Package(wanted) if wanted != name) {
            continue;
        }
        for (deb, lines) in not_run(&store, &piece.plan, &piece.lock, name)? {
            for line in &lines {
                text.line(format_args!("{deb}  {line}"));
            }
            object.insert(deb, json!(lines));
        }
    }
    Ok((text.into_string(), json!({ "scripts": object })))
}

/// Returns the tree that a recipe was built to.
fn built(
    context: &Context,
    store: &Store,
    piece: &Workpiece,
    recipe: &RecipeName,
) -> Result<TreeId, Failure> {
    let subject: &Subject = &piece.loaded.subject;
    let missing = || Failure::NotBuilt { what: recipe.to_string(), subject: word(subject) };
    let id = target(&piece.plan, recipe).ok_or_else(missing)?;
    let progress = Progress::new(&context.output);
    with_engine(context, store, &progress, |engine, _| Ok(engine.remembered(&id)?))?.ok_or_else(missing)
}
