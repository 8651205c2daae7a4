//! What can go wrong in the command line, besides what goes wrong in a build.

use std::io;
use std::path::PathBuf;

use kit_build::BuildError;
use kit_plan::PlanError;
use kit_recipe::{Name, Problems};
use kit_store::StoreError;
use kit_store::verify::Finding;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A build or the making of a lockfile failed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A machine isn't what was asked for.
    #[error(transparent)]
    Machine(#[from] crate::qemu::MachineError),
    /// A program of a tool can't be started.
    #[error("no program of tool `{tool}` can be run")]
    Tool {
        tool: String,
        #[source]
        source: kit_sandbox::SandboxError,
    },
    /// No step has failed, or what it left was collected.
    #[error("no failed step is kept")]
    NothingFailed,
    /// Recipes have problems.
    #[error("the recipes have problems")]
    Recipes(Vec<PlanError>),
    /// `kit.toml` has problems.
    #[error("`{path}` has problems")]
    Settings { path: String, text: String, problems: Problems },
    /// No directory upward is a project.
    #[error("`{}` is in no project", start.display())]
    NoProject { start: PathBuf },
    /// A file or directory can't be used.
    #[error("cannot {action} `{}`", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file of the project is no text.
    #[error("`{path}` is no UTF-8 text")]
    NotText { path: String },
    /// An environment variable that can't be used.
    #[error("`{value}` is no value for `{name}`")]
    Variable { name: &'static str, value: String, wanted: &'static str },
    /// The command needs one image and the project has several, or none.
    #[error("{}", which(images))]
    WhichImage { images: Vec<Name> },
    /// A name that can't be one.
    #[error("`{text}` is no name of {what}")]
    BadName { text: String, what: &'static str },
    /// Lockfiles are stale, and `--check` found it out.
    #[error("{} not up to date", stale(lockfiles))]
    Outdated { lockfiles: Vec<Outdated> },
    /// A directory for a new project that holds something.
    #[error("`{}` is not empty: `{found}` is in it", path.display())]
    NotEmpty { path: PathBuf, found: String },
    /// Something of a plan that isn't in the store.
    #[error("{what} is not built yet")]
    NotBuilt { what: String, subject: String },
    /// A path that the image hasn't got.
    #[error("`{path}` is not in image `{image}`")]
    NoSuchPath { path: String, image: String, close: Vec<String> },
    /// A name that is neither an image nor a package.
    #[error("there is no image or package `{name}`")]
    NoSuchRecipe { name: String, close: Option<String> },
    /// A package to update that nothing uses.
    #[error("nothing uses package `{package}`")]
    NotUsed { package: String, close: Option<String> },
    /// A word that help knows nothing about.
    #[error("there is no command or topic `{topic}`")]
    NoTopic { topic: String },
    /// A step that no plan has, or that never printed anything.
    #[error("there is no log of `{title}`")]
    NoLog { title: String, known: Vec<String> },
    /// A rebuild came out different.
    #[error("{} not reproducible: {} came out different", images(different), crate::units::count(*steps, "step"))]
    NotReproducible { different: Vec<Name>, steps: usize },
    /// Verification of the store found something.
    #[error("the store has {}", crate::units::count(*left, "problem"))]
    Damaged { left: usize, repair: Repair },
    /// Standard output can't be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Whether a repair was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    Tried,
    NotTried,
}

/// A lockfile that isn't up to date and why, one line for each reason.
#[derive(Debug)]
pub(crate) struct Outdated {
    pub(crate) path: String,
    pub(crate) subject: String,
    pub(crate) reasons: Vec<String>,
}

fn images(different: &[Name]) -> String {
    let names: Vec<_> = different.iter().map(|name| format!("`{name}`")).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

fn which(images: &[Name]) -> String {
    if images.is_empty() {
        return "the project has no image".to_owned();
    }
    let names: Vec<_> = images.iter().map(|name| format!("`{name}`")).collect();
    format!("the project has {} images: {}", names.len(), names.join(", "))
}

fn stale(lockfiles: &[Outdated]) -> String {
    let paths: Vec<_> = lockfiles.iter().map(|lockfile| format!("`{}`", lockfile.path)).collect();
    let verb = if paths.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", paths.join(", "))
}

impl Failure {
    /// Returns what of the store is damaged or gone, when that is why the command failed.
    pub(crate) fn damage(&self) -> Vec<Finding> {
        match self {
            Self::Build(error) => error.damage(),
            Self::Store(error) => kit_build::repair::finding(error).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it only means that nobody reads standard output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
