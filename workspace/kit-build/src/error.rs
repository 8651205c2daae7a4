//! What can go wrong in a build: what happened, with all facts; what to do about it is in `help`.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use kit_hash::Sha256;
use kit_plan::error::Place;
use kit_plan::{Change, PlanError};
use kit_recipe::image::ExtensionKind;
use kit_sandbox::SandboxError;
use kit_store::StoreError;
use kit_store::verify::Finding;
use kit_tree::{PathError, TreePath};

use self::help::is_no_archive;
use crate::places::Label;
use crate::registry::ImageError;

mod extension;
mod help;
mod script;
mod written;

pub use self::extension::Unfit;
pub use self::script::ScriptFailure;
pub(crate) use self::written::{CardSize, SlotSize};

/// Two parts of a composition that put different things at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// Where.
    pub path: TreePath,
    /// Who provides it first, and what, as a line of the dump.
    pub first: (String, String),
    /// Who provides it again, and what.
    pub second: (String, String),
}

/// Why a build, or the making of a lockfile, failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Recipes and lockfile make no plan.
    #[error("no plan can be made")]
    Plan(Vec<PlanError>),
    /// Steps failed while others went on.
    #[error("{} steps failed", failures.len())]
    Several {
        /// Why, at least one, in plan order.
        failures: Vec<BuildError>,
        /// Steps that weren't done, since they need one of those.
        not_done: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] kit_store::StoreError),
    /// A step failed, and what it worked on isn't as it was put into the store.
    #[error("`{title}` worked on things in the store that are damaged: {}", items(findings))]
    Damaged {
        /// The step.
        title: String,
        /// What is damaged, and how.
        findings: Vec<Finding>,
    },
    /// The sandbox failed, before the script ran or while it did.
    #[error("{}", no_sandbox(title, source))]
    Sandbox {
        /// The step.
        title: String,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// A script failed.
    #[error("`{title}` failed: {failure}")]
    Script {
        /// The step.
        title: String,
        /// How.
        failure: ScriptFailure,
        /// The end of what it printed.
        log_tail: String,
    },
    /// What a script left can't be taken over.
    #[error("what `{title}` left can't be taken over")]
    Import {
        /// The step.
        title: String,
        /// Why.
        #[source]
        source: kit_store::ImportError,
    },
    /// Reading or writing failed.
    #[error("cannot {what}")]
    Io {
        /// What was being done: a verb and its object.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Debian packages can't be pinned.
    #[error(transparent)]
    Resolve(kit_source::debian::ResolveError),
    /// No location has a pinned Debian package.
    #[error(transparent)]
    Unavailable(kit_source::debian::Unavailable),
    /// The crates registry failed.
    #[error(transparent)]
    Crates(#[from] kit_source::crates::CrateError),
    /// A file that its authors publish can't be had.
    #[error("{error}")]
    Upstream {
        /// What is wrong.
        #[source]
        error: crate::upstream::UpstreamError,
        /// Where it is asked for, when that is known.
        place: Option<Box<kit_plan::error::Place>>,
    },
    /// An image that others made can't be had, or not be used.
    #[error("{error}")]
    Image {
        /// What is wrong.
        #[source]
        error: ImageError,
        /// Where it is asked for, when that is known.
        place: Option<Box<kit_plan::error::Place>>,
    },
    /// Crates are needed, but cargo was never used here.
    #[error("cargo has no home directory")]
    NoCargoHome,
    /// A file name that a tree can't hold.
    #[error("`{name}` can't be a file name")]
    FileName {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// An archive can't be read.
    #[error("`{title}`: the archive can't be unpacked")]
    Unpack {
        /// The step.
        title: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An output can't be written.
    #[error("`{title}`: the output can't be written")]
    Write {
        /// The step.
        title: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Files that an extension can't have.
    #[error("`{title}`: {}", extension::message(*kind, paths, *unfit))]
    Extension {
        /// The step.
        title: String,
        /// What it extends.
        kind: ExtensionKind,
        /// The files.
        paths: Vec<TreePath>,
        /// Why it can't have them.
        unfit: Unfit,
    },
    /// A composition that makes no tree.
    #[error("`{title}` makes no tree: {reason}")]
    Compose {
        /// The step.
        title: String,
        /// Why.
        reason: String,
    },
    /// Parts of a composition contradict each other.
    #[error("`{title}`: {} put different things at one path", parts(contradictions))]
    Conflict {
        /// The step.
        title: String,
        /// All of them.
        contradictions: Vec<Contradiction>,
        /// Where the owners of the first one are written, as far as known.
        labels: Vec<Label>,
    },
    /// Globs that match nothing.
    #[error("nothing in `{title}` matches `{}`", globs.join("`, `"))]
    GlobMatchesNothing {
        /// The step.
        title: String,
        /// The globs.
        globs: Vec<String>,
        /// Where they are written, as far as known.
        labels: Vec<Label>,
    },
    /// An image whose root has no `/init`.
    #[error("`{title}`: the root file system has no `/init`")]
    NoInit {
        /// The step.
        title: String,
    },
    /// A kernel package without exactly one kernel.
    #[error("`{title}`: the kernel package has {} files `/boot/vmlinuz*`, not one", found.len())]
    NoKernel {
        /// The step.
        title: String,
        /// Those that it has.
        found: Vec<String>,
    },
    /// What should stand before the initrd and can't.
    #[error("`{title}`: `{path}` {why}")]
    Microcode {
        /// The step.
        title: String,
        /// Where it should be in the kernel's tree.
        path: TreePath,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A device tree that isn't one.
    #[error("`{title}`: `{path}` {why}")]
    DeviceTree {
        /// The step.
        title: String,
        /// Where it should be in the kernel's tree.
        path: TreePath,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An initrd that the kernel can't unpack.
    #[error(
        "`{title}`: the kernel can't unpack an initrd that is compressed with {compression}: `{configuration}` has no CONFIG_{option}"
    )]
    InitrdCompression {
        /// The step.
        title: String,
        /// The compression.
        compression: &'static str,
        /// The option that it takes.
        option: &'static str,
        /// The kernel's configuration, in its package.
        configuration: TreePath,
    },
    /// Local files that aren't there.
    #[error("the project has nothing at `{path}`")]
    NoLocal {
        /// Path below the project.
        path: String,
        /// Where it is written.
        place: Box<kit_plan::error::Place>,
    },
    /// Local files that can't be taken: a link leads out of the project, something is neither file nor directory, or may
    /// not be read.
    #[error("`{path}` can't be used")]
    BadLocal {
        /// Path below the project.
        path: String,
        /// Where it is written.
        place: Box<kit_plan::error::Place>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A `Cargo.lock` that can't be used.
    #[error("`{path}` can't be used")]
    CargoLock {
        /// Path below the project.
        path: String,
        /// Why.
        #[source]
        source: kit_source::crates::CrateError,
    },
    /// A program that kit would run but the tools don't have.
    #[error("the tools have no package `{tool}`")]
    NoTool {
        /// The package.
        tool: String,
    },
    /// There is no lockfile.
    #[error("`{path}` is not there")]
    NoLock {
        /// Path below the project.
        path: String,
        /// What it would lock.
        subject: String,
    },
    /// A lockfile that can't be read.
    #[error("`{path}` has problems")]
    LockProblems {
        /// Path below the project.
        path: String,
        /// Its text.
        text: String,
        /// All that is wrong with it.
        problems: kit_recipe::recipe::Problems,
    },
    /// The lockfile doesn't hold any more.
    #[error("`{path}` is stale: {}", list(changes))]
    Stale {
        /// Path below the project.
        path: String,
        /// What it locks.
        subject: String,
        /// What changed.
        changes: Vec<Change>,
    },
    /// A file can't be put where the outputs go.
    #[error("cannot write `{}`", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something came out other than locked.
    #[error("`{output}` came out different from what `{path}` locks")]
    Different {
        /// The output file or container.
        output: String,
        /// Path of the lockfile.
        path: String,
        /// Locked digest.
        expected: String,
        /// Digest now.
        found: String,
        /// The first step in plan order whose tree is another, and its files that differ, as far as they are known.
        first: Option<(String, Vec<String>)>,
    },
    /// A file that belongs into a bundle isn't in the store.
    #[error("`{title}` (sha256 {}) isn't in the store", sha256.short())]
    NotVendored {
        /// Its name.
        title: String,
        /// Its digest.
        sha256: Sha256,
    },
    /// A bundle has something else than it says.
    #[error("`blobs/sha256/{expected}` in `{}` has the digest {found}", path.display())]
    VendoredOther {
        /// The bundle.
        path: PathBuf,
        /// The digest that names the file.
        expected: Sha256,
        /// The digest of what is there.
        found: Sha256,
    },
}

fn no_sandbox(title: &str, source: &SandboxError) -> String {
    match source {
        SandboxError::HelperLost { .. } => format!("the sandbox of `{title}` is gone"),
        _ => format!("the sandbox for `{title}` can't be made"),
    }
}

fn parts(contradictions: &[Contradiction]) -> String {
    contradictions.first().map_or_else(String::new, |c| format!("`{}` and `{}`", c.first.0, c.second.0))
}

fn items(findings: &[Finding]) -> String {
    findings.iter().map(|finding| finding.item.to_string()).collect::<Vec<_>>().join(", ")
}

fn list(changes: &[Change]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<crate::upstream::UpstreamError> for BuildError {
    fn from(error: crate::upstream::UpstreamError) -> Self {
        Self::Upstream { error, place: None }
    }
}

impl From<ImageError> for BuildError {
    fn from(error: ImageError) -> Self {
        Self::Image { error, place: None }
    }
}

impl BuildError {
    /// Finds the store's error that is behind this one: a disk that was full when something was to be kept, say.
    pub fn store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self {
            return Some(error);
        }
        let chain = std::iter::successors(Some(self as &dyn Error), |error| (*error).source());
        let mut inside = chain.filter_map(|error| {
            error.downcast_ref::<io::Error>().and_then(StoreError::inside).or_else(|| error.downcast_ref())
        });
        inside.next()
    }

    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        if let Some(error) = self.store_error() {
            return error.code();
        }
        match self {
            Self::Plan(_) => "kit::plan::problems",
            Self::Several { failures, .. } => failures.first().map_or("kit::build::failed", Self::code),
            Self::Store(error) => error.code(),
            Self::Damaged { .. } => "kit::store::corrupt",
            Self::Sandbox { .. } => "kit::sandbox::failed",
            Self::Script { failure, .. } => failure.code(),
            Self::Import { source, .. } => source.code(),
            Self::Io { .. } => "kit::build::io",
            Self::Resolve(error) => error.code(),
            Self::Unavailable(error) => error.code(),
            Self::Crates(error) => error.code(),
            Self::Upstream { error, .. } => error.code(),
            Self::Image { error, .. } => error.code(),
            Self::NoCargoHome => "kit::crates::no_home",
            Self::FileName { .. } => "kit::fetch::file_name",
            Self::Unpack { source, .. } if is_no_archive(source.as_ref()) => "kit::source::no_archive",
            Self::Unpack { .. } => "kit::unpack::archive",
            Self::Write { .. } => "kit::format::write",
            Self::Extension { .. } => "kit::image::extension",
            Self::Compose { .. } => "kit::compose::impossible",
            Self::Conflict { .. } => "kit::compose::file_conflict",
            Self::GlobMatchesNothing { .. } => "kit::compose::glob_matches_nothing",
            Self::NoInit { .. } => "kit::image::no_init",
            Self::NoKernel { .. } => "kit::image::no_kernel",
            Self::Microcode { .. } => "kit::image::microcode",
            Self::DeviceTree { .. } => "kit::image::device_tree",
            Self::InitrdCompression { .. } => "kit::image::initrd_compression",
            Self::NoLocal { .. } => "kit::recipe::no_local_file",
            Self::BadLocal { .. } => "kit::recipe::bad_local_file",
            Self::CargoLock { .. } => "kit::recipe::cargo_lock",
            Self::NoTool { .. } => "kit::tools::missing",
            Self::NoLock { .. } => "kit::lock::missing",
            Self::LockProblems { .. } => "kit::lock::problems",
            Self::Stale { .. } => "kit::lock::stale",
            Self::Output { .. } => "kit::build::output",
            Self::Different { .. } => "kit::lock::different_output",
            Self::NotVendored { .. } => "kit::vendor::missing",
            Self::VendoredOther { .. } => "kit::vendor::other_file",
        }
    }

    /// Returns the places in recipes that it is about, the main one first.
    pub fn labels(&self) -> Vec<(&Place, &str)> {
        match self {
            Self::NoLocal { place, .. }
            | Self::BadLocal { place, .. }
            | Self::Image { place: Some(place), .. }
            | Self::Upstream { place: Some(place), .. } => vec![(&**place, "named here")],
            Self::Conflict { labels, .. } | Self::GlobMatchesNothing { labels, .. } => {
                labels.iter().map(|(place, label)| (place, label.as_str())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Adds the end of the log to the failure of a script.
    pub(crate) fn with_log(self, log: &[u8]) -> Self {
        const LINES: usize = 20;
        const BYTES: usize = 4096;
        match self {
            Self::Script { title, failure, .. } => {
                let text = String::from_utf8_lossy(&log[log.len().saturating_sub(BYTES)..]);
                let mut lines: Vec<_> = text.lines().collect();
                if log.len() > BYTES && lines.len() > 1 {
                    // Its beginning is missing.
                    lines.remove(0);
                }
                let tail = lines[lines.len().saturating_sub(LINES)..].join("\n");
                Self::Script { title, failure, log_tail: tail }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
