//! What changed between a lockfile and the recipes and files that it was made from.

use std::collections::BTreeMap;
use std::fmt;

use kit_recipe::Lockfile;
use kit_recipe::recipe::RecipeName;
use kit_tree::Tree;

use crate::RecipeSet;

/// One difference between what was locked and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A recipe says something else.
    Edited(RecipeName),
    /// A recipe takes part that didn't.
    Added(RecipeName),
    /// A recipe takes part no more.
    Removed(RecipeName),
    /// The project's own files are others.
    Files {
        /// The recipe that uses them.
        recipe: RecipeName,
        /// Source, or path of the added file.
        label: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited(name) => write!(f, "`{}` was edited", name.path()),
            Self::Added(name) => write!(f, "`{}` takes part now", name.path()),
            Self::Removed(name) => write!(f, "`{}` takes part no more", name.path()),
            Self::Files { recipe, label } if label.starts_with('/') => {
                write!(f, "the project's file for `{label}` in `{}` changed", recipe.path())
            }
            Self::Files { recipe, label } => {
                write!(f, "the files of source `{label}` in `{}` changed", recipe.path())
            }
        }
    }
}

/// Returns every difference, recipes first; an empty list means that the lockfile holds.
pub fn stale(
    lock: &Lockfile,
    recipes: &RecipeSet,
    locals: &BTreeMap<(RecipeName, String), Tree>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, loaded) in recipes.iter() {
        match lock.recipes.get(name) {
            None => changes.push(Change::Added(name.clone())),
            Some(id) if *id != loaded.recipe.id() => changes.push(Change::Edited(name.clone())),
            Some(_) => {}
        }
    }
    let present = |name: &RecipeName| recipes.iter().any(|(n, _)| n == name);
    changes.extend(lock.recipes.keys().filter(|name| !present(name)).cloned().map(Change::Removed));
    for ((recipe, label), tree) in locals {
        let locked = lock.locals.get(&(recipe.clone(), label.clone()));
        if locked != Some(&tree.id()) && lock.recipes.contains_key(recipe) {
            changes.push(Change::Files { recipe: recipe.clone(), label: label.clone() });
        }
    }
    changes
}
