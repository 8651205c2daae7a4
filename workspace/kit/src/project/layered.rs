//! Two sets of files, one over the other: what the upper one has replaces what the lower one has.

use std::collections::BTreeSet;
use std::io;

use kit_build::ProjectFiles;
use kit_build::files::LocalFile;
use kit_plan::{PlanError, RecipeFiles};
use kit_recipe::recipe::RecipeName;

/// A recipe, or a path of local files, comes from `upper` when it is there, else from `lower`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layered<Upper, Lower> {
    pub(crate) upper: Upper,
    pub(crate) lower: Lower,
}

impl<Upper: RecipeFiles, Lower: RecipeFiles> RecipeFiles for Layered<Upper, Lower> {
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError> {
        match self.upper.text(name)? {
            Some(text) => Ok(Some(text)),
            None => self.lower.text(name),
        }
    }

    fn names(&self) -> Result<Vec<RecipeName>, PlanError> {
        let names: BTreeSet<_> = self.upper.names()?.into_iter().chain(self.lower.names()?).collect();
        Ok(names.into_iter().collect())
    }
}

impl<Upper: ProjectFiles, Lower: ProjectFiles> ProjectFiles for Layered<Upper, Lower> {
    fn visit(&self, path: &str, each: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>) -> io::Result<bool> {
        Ok(self.upper.visit(path, each)? || self.lower.visit(path, each)?)
    }
}
