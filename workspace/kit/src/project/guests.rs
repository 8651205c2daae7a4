//! Recipes that are in no file: those of a system that was imported to be locked, built or run at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use kit_build::ProjectFiles;
use kit_build::files::LocalFile;
use kit_plan::{PlanError, RecipeFiles};
use kit_recipe::recipe::RecipeName;

/// The recipes of guests.
pub(super) type Texts = RefCell<BTreeMap<RecipeName, String>>;

/// The same as a set of files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guests<'a>(pub(super) &'a Texts);

impl RecipeFiles for Guests<'_> {
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError> {
        Ok(self.0.borrow().get(name).cloned())
    }

    fn names(&self) -> Result<Vec<RecipeName>, PlanError> {
        Ok(self.0.borrow().keys().cloned().collect())
    }
}

impl ProjectFiles for Guests<'_> {
    fn visit(&self, _: &str, _: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>) -> io::Result<bool> {
        Ok(false)
    }
}
