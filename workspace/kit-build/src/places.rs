//! Finds the places in recipes that a failed step is about: steps know no text, recipes do.

use kit_plan::RecipeSet;
use kit_plan::error::Place;
use kit_recipe::package::{Package, Source, TreeRules};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Name, Recipe, Spanned};

use crate::BuildError;

/// A place and what stands there.
pub type Label = (Place, String);

/// Adds the places in the recipes that an error is about, as far as they are known.
pub fn locate(error: BuildError, recipes: &RecipeSet) -> BuildError {
    match error {
        BuildError::GlobMatchesNothing { title, globs, .. } => {
            let labels = globs_of(&title, recipes, &globs);
            BuildError::GlobMatchesNothing { title, globs, labels }
        }
        BuildError::Conflict { title, contradictions, .. } => {
            let first = contradictions.first().map(|c| (c.first.0.as_str(), c.second.0.as_str()));
            let labels = first.map_or_else(Vec::new, |owners| owners_of(&title, recipes, owners));
            BuildError::Conflict { title, contradictions, labels }
        }
        BuildError::Several { failures, not_done } => {
            let failures = failures.into_iter().map(|failure| locate(failure, recipes)).collect();
            BuildError::Several { failures, not_done }
        }
        other => other,
    }
}

/// Returns the recipe that a step comes from, by the step's title.
fn recipe_of(title: &str) -> Option<RecipeName> {
    let (kind, rest) = title.split_once(' ')?;
    let name = |text: &str| text.parse::<Name>().ok();
    match kind {
        "root" | "files" => name(rest).map(RecipeName::Image),
        "package" => name(rest).map(RecipeName::Package),
        "tools" => name(rest.strip_prefix("of ")?).map(RecipeName::Package),
        "source" => name(rest.split_once('/')?.0).map(RecipeName::Package),
        _ => None,
    }
}

/// Returns a step's recipe with its text.
fn recipe<'a>(title: &str, recipes: &'a RecipeSet) -> Option<(RecipeName, &'a Recipe, &'a str)> {
    let wanted = recipe_of(title)?;
    let (_, loaded) = recipes.iter().find(|(name, _)| **name == wanted)?;
    Some((wanted, &loaded.recipe, &loaded.text))
}

fn globs_of(title: &str, recipes: &RecipeSet, globs: &[String]) -> Vec<Label> {
    let Some((name, recipe, text)) = recipe(title, recipes) else { return Vec::new() };
    let source = title.strip_prefix("source ").and_then(|rest| rest.split_once('/')).map(|(_, name)| name);
    let of_rules = |rules: &'_ TreeRules| [rules.include.clone(), rules.exclude.clone()].concat();
    let written = match (recipe, source) {
        (Recipe::Package(package), Some(source)) => globs_of_source(package, source),
        (Recipe::Package(package), None) => of_rules(&package.tree),
        (Recipe::Image(image), _) => of_rules(&image.tree),
        (Recipe::Tools(_), _) => Vec::new(),
    };
    let is_meant = |glob: &Spanned<String>| globs.contains(&glob.value);
    let place =
        |glob: Spanned<String>| Place { recipe: name.clone(), text: text.to_owned(), span: glob.span };
    written.into_iter().filter(is_meant).map(|glob| (place(glob), "matches nothing".to_owned())).collect()
}

fn globs_of_source(package: &Package, source: &str) -> Vec<Spanned<String>> {
    let found = package.sources.iter().find(|(name, _)| name.as_str() == source);
    match found.map(|(_, source)| &source.value) {
        Some(Source::Local { include, exclude, .. }) => [include.clone(), exclude.clone()].concat(),
        _ => Vec::new(),
    }
}

fn owners_of(title: &str, recipes: &RecipeSet, (first, second): (&str, &str)) -> Vec<Label> {
    let Some((name, recipe, text)) = recipe(title, recipes) else { return Vec::new() };
    let spans = |names: &[Spanned<Name>]| -> Vec<_> {
        names.iter().map(|name| (name.value.to_string(), name.span.clone())).collect()
    };
    let written = match recipe {
        Recipe::Image(image) => spans(&image.init),
        Recipe::Package(package) if title.starts_with("tools ") => {
            package.build.as_ref().map_or_else(Vec::new, |build| spans(&build.tools))
        }
        Recipe::Package(package) => {
            let sources =
                package.sources.iter().map(|(name, source)| (name.to_string(), source.span.clone()));
            sources.chain(spans(&package.tree.packages)).collect()
        }
        Recipe::Tools(_) => Vec::new(),
    };
    let label = |owner: &str, label: &str| {
        let (_, span) = written.iter().find(|(name, _)| name == owner)?;
        Some((Place { recipe: name.clone(), text: text.to_owned(), span: span.clone() }, label.to_owned()))
    };
    [label(first, "provides it first"), label(second, "also provides it")].into_iter().flatten().collect()
}
