//! What all commands work with; made when it is first needed.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_store::{Durability, Store};

use crate::Failure;
use crate::args::Global;
use crate::environment::Environment;
use crate::output::Output;
use crate::project::{self, Project};

/// Options, environment and what follows from them.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) environment: Environment,
    pub(crate) output: Output,
    project: OnceCell<Project>,
}

/// An open directory for outputs.
#[derive(Debug)]
pub(crate) struct OutDir {
    pub(crate) dir: Dir,
    /// As people see it: relative to the current directory where it is below it.
    pub(crate) shown: PathBuf,
}

impl Context {
    /// Starts with nothing opened.
    pub(crate) fn new(global: Global, environment: Environment, output: Output) -> Self {
        Self { global, environment, output, project: OnceCell::new() }
    }

    /// Returns the project: the one that is named, else the one around the current directory.
    pub(crate) fn project(&self) -> Result<&Project, Failure> {
        if let Some(project) = self.project.get() {
            return Ok(project);
        }
        let given = self.global.project.as_deref().or(self.environment.project.as_deref());
        let project = Project::find(given)?;
        Ok(self.project.get_or_init(|| project))
    }

    /// Returns the project, or the current directory as one where there is none: for what brings its own recipes.
    pub(crate) fn project_or_here(&self) -> Result<&Project, Failure> {
        match self.project() {
            Err(Failure::NoProject { start }) => {
                let project = Project::open(&start)?;
                Ok(self.project.get_or_init(|| project))
            }
            found => found,
        }
    }

    /// Opens the store.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        let path = self.store_path()?;
        let dir = project::make_dir(&path)?;
        let mut waits = || self.output.say("waiting for another process that cleans the store up\n");
        Ok(Store::open_with(dir, path, Durability::PowerCut, &mut waits)?)
    }

    fn store_path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = self.global.store.as_ref().or(self.environment.store.as_ref()) {
            return project::absolute(path);
        }
        let project = self.project()?;
        Ok(project.path().join(project.settings().store.as_deref().unwrap_or("store")))
    }

    /// Opens the directory for outputs and makes it when it isn't there.
    pub(crate) fn out_dir(&self, given: Option<&Path>) -> Result<OutDir, Failure> {
        let path = self.out_path(given)?;
        let dir = project::make_dir(&path)?;
        let current = project::current_dir()?;
        let shown = path.strip_prefix(&current).map(Path::to_owned).unwrap_or(path);
        Ok(OutDir { dir, shown })
    }

    /// Returns where outputs are, whether or not anything is there.
    pub(crate) fn out_path(&self, given: Option<&Path>) -> Result<PathBuf, Failure> {
        if let Some(path) = given.or(self.environment.out.as_deref()) {
            return project::absolute(path);
        }
        let project = self.project()?;
        Ok(project.path().join(project.settings().out.as_deref().unwrap_or("out")))
    }

    /// Returns how many steps go on at the same time.
    pub(crate) fn jobs(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.global.jobs.or(self.environment.jobs).unwrap_or_else(processors)
    }

    /// Whether no socket may be opened.
    pub(crate) fn is_offline(&self) -> bool {
        self.global.offline || self.environment.offline
    }
}
