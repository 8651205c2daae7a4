//! `kit check`: reads recipes and plans them; nothing is fetched or built.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use kit_audit::policy::Policy;
use kit_build::BuildError;
use kit_build::load::{Loaded, load};
use kit_build::lock::{Previous, Update};
use kit_build::network::{ResolvedSuite, Resolver, SuiteWanted};
use kit_hash::Sha256;
use kit_plan::upstream::{Asked, UpstreamFile};
use kit_plan::{PlanError, RecipeSet, plan};
use kit_recipe::lockfile::image::{Document, ImageSettings};
use kit_recipe::lockfile::{FilePin, ImagePin, Subject, Suite};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{ImageReference, Name};
use serde_json::{Value, json};

use crate::Failure;
use crate::audit::gate::{self, Verdict};
use crate::audit::{Pinned, policy};
use crate::context::Context;
use crate::project::Project;
use crate::units::count;
use crate::workbench::{Workpiece, parse_subject};

const EXAMPLES: &str = "\
Examples:
  kit check          every recipe of the project
  kit check minimal  one image and all that it uses

Where the project has a `policy.toml`, recipes and lockfiles are judged by it.
Exit code 1 says that something is wrong or denied.";

/// Check recipes, without fetching or building anything
///
/// Reports every problem of every file at once. What only the files of an image tell, `kit build` and `kit audit` judge.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Check this image, or `tools` (can be repeated) [default: all recipes of the project]
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let policy = policy::read(None, context)?;
    let subjects = if args.images.is_empty() {
        project.own_recipes()?
    } else {
        let parsed = args.images.iter().map(|text| Ok(kit_build::load::recipe_of(&parse_subject(text)?)));
        parsed.collect::<Result<_, Failure>>()?
    };
    let mut problems = Vec::new();
    let mut checked = BTreeSet::new();
    for recipe in &subjects {
        match check(project, recipe) {
            Ok(names) => checked.extend(names),
            Err(Failure::Recipes(found) | Failure::Build(BuildError::Plan(found))) => problems.extend(found),
            Err(other) => return Err(other),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::Recipes(problems));
    }
    context.output.say(&format!("{} without problems\n", count(checked.len(), "recipe")));
    let names: Vec<_> = checked.iter().map(ToString::to_string).collect();
    let mut result = json!({ "recipes": names });
    if let Some(policy) = &policy {
        result["policy"] = json!(judge(policy, context, &subjects)?);
    }
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Judges the images that have a lockfile by the policy of the project; tells what became of each.
fn judge(policy: &Policy, context: &Context, recipes: &[RecipeName]) -> Result<Vec<Value>, Failure> {
    let (mut judged, mut denied) = (Vec::new(), Vec::new());
    let mut said = BTreeSet::new();
    for recipe in recipes {
        let RecipeName::Image(name) = recipe else { continue };
        let Some(piece) = locked(context, name)? else { continue };
        let audit = gate::planned(policy, context, &context.store()?, piece, Pinned::WhereThere)?;
        said.extend(audit.gathered.notes.iter().cloned());
        match Verdict::of(audit) {
            Verdict::Passed(noticed) => {
                gate::say(context, name, &noticed);
                judged.push(json!({ "image": name.to_string(), "outcome": "passed", "warnings": noticed.warnings, "excepted": noticed.excepted }));
            }
            Verdict::Denied(audit) => denied.push(audit),
        }
    }
    if let Some(last) = denied.pop() {
        for audit in &denied {
            gate::show(context, audit)?;
        }
        return Err(gate::deny(context, &last));
    }
    for note in said {
        context.output.say(&format!("{note}\n"));
    }
    if !judged.is_empty() {
        let images = count(judged.len(), "image");
        context.output.say(&format!(
            "{images} let through by `policy.toml`, as far as recipes and lockfiles tell; files weren't looked at\n"
        ));
    }
    Ok(judged)
}

/// Returns an image with its lockfile, where it has one that is up to date.
fn locked(context: &Context, name: &Name) -> Result<Option<Workpiece>, Failure> {
    let project = context.project()?;
    let subject = Subject::Image(name.clone());
    let why = match project.find_lock(&subject)? {
        None => "it has no lockfile",
        Some(lock) => match Workpiece::from_lock(load(&subject, &project.files())?, lock, &[]) {
            Ok(piece) => return Ok(Some(piece)),
            Err(Failure::Build(BuildError::Stale { .. })) => "its lockfile isn't up to date",
            Err(failure) => return Err(failure),
        },
    };
    context.output.say(&format!("{name}: not judged by `policy.toml`: {why}\n"));
    Ok(None)
}

/// Checks a recipe with all that it uses; returns their names.
fn check(project: &Project, recipe: &RecipeName) -> Result<Vec<RecipeName>, Failure> {
    let files = project.files();
    let subject = match recipe {
        RecipeName::Image(name) => Subject::Image(name.clone()),
        RecipeName::Tools => Subject::Tools,
        RecipeName::Package(_) => {
            let set = RecipeSet::load(recipe, &files).map_err(Failure::Recipes)?;
            return Ok(set.iter().map(|(name, _)| name.clone()).collect());
        }
    };
    let loaded = load(&subject, &files)?;
    check_plan(&loaded)?;
    Ok(loaded.recipes.iter().map(|(name, _)| name.clone()).collect())
}

/// Plans without any pin: what isn't pinned is no problem of the recipes, all else is.
fn check_plan(loaded: &Loaded) -> Result<(), Failure> {
    let lock =
        kit_build::lock::pin(loaded, &Previous::None, &Update::Needed, &Nothing, &kit_build::seams::Silent)?;
    let Err(mut problems) = plan(loaded.plan_inputs(&lock, &[])) else { return Ok(()) };
    problems.retain(|problem| !matches!(problem, PlanError::Unpinned { .. }));
    if problems.is_empty() { Ok(()) } else { Err(Failure::Recipes(problems)) }
}

/// Resolves nothing.
struct Nothing;

impl Resolver for Nothing {
    fn resolve(&self, _: &SuiteWanted<'_>) -> Result<ResolvedSuite, BuildError> {
        let suite = Suite { date: 0, in_release: Sha256::of(b""), signed_by: Vec::new() };
        let (debs, closures, sources) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(ResolvedSuite { suite, debs, closures, sources })
    }

    fn file(
        &self,
        wanted: &UpstreamFile,
        _: Option<&FilePin>,
        _: &mut dyn FnMut(u64),
    ) -> Result<FilePin, BuildError> {
        let commit = match &wanted.asked {
            Asked::File { .. } => None,
            Asked::Commit { .. } => Some("0".repeat(40).parse().expect("because it is one")),
        };
        let (source, name, sha256) = (wanted.id, wanted.name.clone(), Sha256::of(b""));
        Ok(FilePin { source, name, size: 0, sha256, commit, tree: None })
    }

    fn image(&self, _: &ImageReference, _: &str, _: &mut dyn FnMut(u64)) -> Result<ImagePin, BuildError> {
        let document = Document { size: 0, sha256: Sha256::of(b"") };
        // One that says how it is run: whether a real one does, only a registry knows.
        let settings = ImageSettings { command: vec!["/".to_owned()], ..ImageSettings::default() };
        Ok(ImagePin {
            index: None,
            manifest: document,
            config: document,
            settings,
            owner: None,
            layers: Vec::new(),
        })
    }
}
