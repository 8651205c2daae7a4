//! Which processors an image is for, and whether what it is made of is for them, too.
//!
//! A package says by `[package] architecture` which processors its programs are for; one that is made of Debian's binary packages has those
//! that the lockfile pins. Scripts and tools run on [`Architecture::USUAL`], whatever the image is for.

use std::collections::BTreeSet;

use kit_recipe::image::Base;
use kit_recipe::lockfile::{Lockfile, Subject};
use kit_recipe::package::{Package, Source};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Architecture, Image, Name, Recipe, Spanned};

use crate::error::Place;
use crate::evaluate::{evaluate, place};
use crate::planner::Planner;
use crate::{PlanError, RecipeSet};

/// What Debian calls packages that are for every architecture.
const ALL: &str = "all";

/// Returns which processors a subject is for.
pub fn of_subject(set: &RecipeSet, subject: &Subject) -> Architecture {
    let written = match subject {
        Subject::Image(name) => evaluate(set, name).ok().and_then(|evaluated| evaluated.image.architecture),
        Subject::Tools => None,
    };
    written.map_or(Architecture::USUAL, |written| written.value)
}

/// Notes each package whose programs can't run where they are put: in an image for other processors, or where scripts run.
pub(crate) fn check(planner: &mut Planner<'_>, image: &Image) {
    let wanted = image.architecture.as_ref().map_or(Architecture::USUAL, |written| written.value);
    let recipe = RecipeName::Image(image.name.value.clone());
    let span =
        image.architecture.as_ref().map_or_else(|| image.name.span.clone(), |written| written.span.clone());
    let set = planner.inputs.recipes;
    let whole = place(set, &declaring(set, &image.name.value).unwrap_or(recipe), span);
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (name, used) in taken(set, image) {
        walk(set, &name, Some(&used), &mut seen, &mut |package, used| {
            problems.extend(mismatch(planner.inputs.lock, package, wanted).map(|is| {
                PlanError::OtherArchitecture {
                    package: package.name.to_string(),
                    is,
                    wanted: wanted.to_string(),
                    is_built: package.build.is_some(),
                    used: used.cloned().unwrap_or_else(|| whole.clone()),
                    image: whole.clone(),
                }
            }));
        });
    }
    let mut seen = BTreeSet::new();
    for package in set.packages() {
        let recipe = RecipeName::Package(package.name.value.clone());
        for tool in package.build.iter().flat_map(|build| &build.tools) {
            let used = place(set, &recipe, tool.span.clone());
            walk(set, &tool.value, Some(&used), &mut seen, &mut |tool, used| {
                if let (Some(written), Some(used)) = (&tool.architecture, used)
                    && written.value != Architecture::USUAL
                {
                    let own = RecipeName::Package(tool.name.value.clone());
                    problems.push(PlanError::ForeignTool {
                        package: tool.name.to_string(),
                        is: written.value.to_string(),
                        used: used.clone(),
                        written: place(set, &own, written.span.clone()),
                    });
                }
            });
        }
    }
    planner.problems.extend(problems);
}

/// Returns which image says what the architecture is: itself, or the last of those that it extends.
fn declaring(set: &RecipeSet, name: &Name) -> Option<RecipeName> {
    let image = set.image(name);
    if image.architecture.is_some() {
        return Some(RecipeName::Image(name.clone()));
    }
    image.extends.iter().rev().find_map(|extended| declaring(set, &extended.value))
}

/// Returns the packages that go into an image, and where they are named.
fn taken(set: &RecipeSet, image: &Image) -> Vec<(Name, Place)> {
    let own = RecipeName::Image(image.name.value.clone());
    let mut taken = Vec::new();
    // What is merged has spans of the images that it is from.
    for (recipe, loaded) in set.iter() {
        let Recipe::Image(part) = &loaded.recipe else { continue };
        let mut add = |name: &Spanned<Name>| {
            taken.push((name.value.clone(), place(set, recipe, name.span.clone())));
        };
        part.init.iter().chain(&part.tree.packages).for_each(&mut add);
        if let Some(kernel) = part.kernel.as_ref().filter(|_| *recipe == own || image.kernel == part.kernel) {
            add(&kernel.value.package);
        }
        for base in part.bases() {
            if let Base::Package(name) = &base.value
                && set.has_package(name)
            {
                add(&Spanned::new(name.clone(), base.span.clone()));
            }
        }
    }
    taken
}

/// Calls `found` with a package and all that go into it, each once.
fn walk(
    set: &RecipeSet,
    name: &Name,
    used: Option<&Place>,
    seen: &mut BTreeSet<Name>,
    found: &mut dyn FnMut(&Package, Option<&Place>),
) {
    if !set.has_package(name) || !seen.insert(name.clone()) {
        return;
    }
    let package = set.package(name);
    found(package, used);
    let recipe = RecipeName::Package(name.clone());
    for part in &package.tree.packages {
        walk(set, &part.value, Some(&place(set, &recipe, part.span.clone())), seen, found);
    }
}

/// Returns what a package is for, where that isn't what is wanted.
fn mismatch(lock: &Lockfile, package: &Package, wanted: Architecture) -> Option<String> {
    let is_of_others =
        |source: &Spanned<Source>| !matches!(source.value, Source::Local { .. } | Source::Debian { .. });
    if package.build.is_some() || package.sources.values().any(is_of_others) {
        return Some(package.made_for()).filter(|is| *is != wanted).map(|is| is.to_string());
    }
    let of = |source: &Name| lock.closures.get(&(package.name.value.clone(), source.clone()));
    let mut debs = package.sources.keys().filter_map(of).flatten();
    let strange = debs.find(|deb| deb.architecture != ALL && deb.architecture != wanted.word());
    strange.map(|deb| deb.architecture.clone())
}

#[cfg(test)]
mod tests;
