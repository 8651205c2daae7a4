//! The standard set: recipes, the lockfile of the tools and the source of the init, as they were when the program was built.

use std::io::{self, Read};

use kit_build::ProjectFiles;
use kit_build::files::{LocalContent, LocalFile};
use kit_plan::{PlanError, RecipeFiles};
use kit_recipe::recipe::RecipeName;
use kit_tree::TreePath;

/// One file of the standard set.
#[derive(Debug)]
pub(crate) struct File {
    /// Path below a project.
    pub(crate) path: &'static str,
    /// Whether it may be executed.
    pub(crate) executable: bool,
    /// Content.
    pub(crate) content: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Finds a file of the standard set.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| &FILES[at])
}

/// The standard set as the files of a project.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Embedded;

impl RecipeFiles for Embedded {
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError> {
        let Some(file) = find(&name.path()) else { return Ok(None) };
        Ok(Some(String::from_utf8_lossy(file.content).into_owned()))
    }

    fn names(&self) -> Result<Vec<RecipeName>, PlanError> {
        // By name, which is another order than by path: `minimal-a.toml` stands before `minimal.toml`.
        let mut names: Vec<_> =
            FILES.iter().filter_map(|file| super::project::recipe_name(file.path)).collect();
        names.sort();
        Ok(names)
    }
}

impl ProjectFiles for Embedded {
    fn visit(&self, path: &str, each: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>) -> io::Result<bool> {
        let mut found = false;
        for file in FILES {
            let Some(below) = file.path.strip_prefix(path) else { continue };
            if !below.is_empty() && !below.starts_with('/') {
                continue;
            }
            found = true;
            let path = TreePath::new(below).map_err(io::Error::other)?;
            let open = || Ok(Box::new(file.content) as Box<dyn Read>);
            each(LocalFile {
                path,
                content: LocalContent::File { executable: file.executable, open: &open },
            })?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;
    use kit_build::load::{load, local_ids};
    use kit_recipe::lockfile::Subject;

    #[test]
    fn files_are_sorted_and_found() {
        assert!(FILES.is_sorted_by_key(|file| file.path));
        assert!(find("recipes/images/minimal.toml").is_some());
        assert!(find("workspace/kit-init/src/main.rs").is_some());
        assert!(find("recipes/images").is_none());
    }

    /// Inside this repository the embedded set and the files on disk are the same, with the same identities.
    #[test]
    fn embedded_set_is_the_repository() {
        let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let project = Project::open(repository.as_ref()).unwrap();
        let disk = project.disk();
        assert_eq!(Embedded.names().unwrap(), disk.names().unwrap());
        let image = |name: &str| Subject::Image(name.parse().unwrap());
        for subject in [image("minimal"), image("minimal-hardened"), Subject::Tools] {
            let ours = load(&subject, &Embedded).unwrap();
            let theirs = load(&subject, &disk).unwrap();
            assert_eq!(local_ids(&ours), local_ids(&theirs));
            let ids = |loaded: &kit_build::load::Loaded| {
                loaded.recipes.iter().map(|(name, l)| (name.clone(), l.recipe.id())).collect::<Vec<_>>()
            };
            assert_eq!(ids(&ours), ids(&theirs));
        }
        for recipe in Embedded.names().unwrap() {
            assert_eq!(Embedded.text(&recipe).unwrap(), disk.text(&recipe).unwrap());
        }
    }
}
