//! A file of a source that isn't the one that is pinned: what is another one in it, in words.

use std::fmt;
use std::fs::File;

use kit_format::limits::Limits;
use kit_format::sources::read_sources;
use kit_hash::{Sha256, TreeId};
use kit_plan::upstream::Voucher;
use kit_recipe::Name;
use kit_source::repository::RepositoryError;
use kit_source::upstream::Gone;
use kit_store::Store;
use kit_tree::diff::{Difference, diff};
use kit_tree::{Entry, Tree, TreePath};

use crate::load::Hashing;

/// How many of the files that differ are named.
const NAMED: usize = 5;

/// Why a file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No address has it.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// A commit can't be had, or not whole.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The addresses that answer have another one.
    #[error("`{}` is not the file that {}{}", .0.name, .0.expected_by(), .0.difference)]
    Changed(Box<Changed>),
}

/// Another file than the one that is wanted.
#[derive(Debug)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// The package that it is a source of.
    pub package: Name,
    /// Who says what must come.
    pub vouched_by: Voucher,
    /// What must come.
    pub expected: Sha256,
    /// What came.
    pub found: Sha256,
    /// From where, without user and password.
    pub address: String,
    /// What is another one.
    pub difference: Contents,
}

/// What is another one in a file with another digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Nothing is known of the contents of the one that is wanted, or it is no archive.
    Unknown,
    /// Nothing: the unpacked files are the same.
    Same,
    /// The unpacked files are others; the store doesn't have the wanted ones, so it isn't known which.
    Other,
    /// These, of so many.
    Files {
        /// How many.
        count: usize,
        /// The first ones, a line each.
        named: Vec<String>,
    },
    /// What came can't be unpacked.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Contents {
    /// Goes on after the statement that a file isn't the right one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::Same => f.write_str(": only the compression changed"),
            Self::Other => f.write_str(": files in it differ"),
            Self::Files { count: 1, .. } => f.write_str(": 1 file in it differs"),
            Self::Files { count, .. } => write!(f, ": {count} files in it differ"),
            Self::Unreadable { .. } => f.write_str(", and it can't be unpacked"),
        }
    }
}

impl Changed {
    fn expected_by(&self) -> &'static str {
        match self.vouched_by {
            Voucher::Recipe => "its recipe names",
            Voucher::Lock => "the lockfile pins",
        }
    }
}

impl Changed {
    fn help(&self) -> String {
        let Self { package, found, .. } = self;
        match (&self.difference, self.vouched_by) {
            (Contents::Same, Voucher::Lock) => {
                format!("the unpacked files are the same: `kit lock --update {package}` takes the new archive")
            }
            (Contents::Same, Voucher::Recipe) => {
                format!("the unpacked files are the same: to take the new archive, write `sha256 = \"{found}\"`")
            }
            (_, Voucher::Lock) => format!(
                "nothing was stored; if its authors mean the new one, `kit lock --update {package}` takes it"
            ),
            (_, Voucher::Recipe) => {
                "nothing was stored; correct `sha256` in the recipe, or name a place that has the right file by \
                 `mirrors`"
                    .to_owned()
            }
        }
    }
}

impl UpstreamError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gone(gone) => gone.code(),
            Self::Repository(error) => error.code(),
            Self::Changed(changed) => match &changed.difference {
                Contents::Same => "kit::source::recompressed",
                Contents::Other | Contents::Files { .. } | Contents::Unreadable { .. } => {
                    "kit::source::changed"
                }
                Contents::Unknown => "kit::source::digest_mismatch",
            },
        }
    }

    /// Returns the next thing to do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Gone(gone) => Some(gone.help()),
            Self::Repository(error) => error.help(),
            Self::Changed(changed) => Some(changed.help()),
        }
    }

    /// Returns what else is to be said.
    pub fn notes(&self) -> Vec<String> {
        let Self::Changed(changed) = self else { return Vec::new() };
        let Changed { expected, found, address, .. } = &**changed;
        let mut notes =
            vec![format!("expected sha256 {expected}\n     got sha256 {found}\n    from {address}")];
        match &changed.difference {
            Contents::Files { named, .. } => notes.push(named.join("\n")),
            Contents::Unreadable { reason } => notes.push(reason.clone()),
            Contents::Unknown | Contents::Same | Contents::Other => {}
        }
        notes
    }
}

/// Unpacks a file, keeping nothing of it, and compares it with the tree that the wanted one was unpacked to.
pub(crate) fn compare(store: &Store, wanted: Option<TreeId>, name: &str, file: &File) -> Contents {
    let (Some(wanted), Ok(name)) = (wanted, TreePath::new(name)) else { return Contents::Unknown };
    let found = match read_sources(file, &name, &Hashing, &Limits::standard()) {
        Ok(found) => found,
        Err(error) => {
            let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
            let reasons: Vec<_> =
                std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect();
            return Contents::Unreadable { reason: reasons.join(": ") };
        }
    };
    if found.id() == wanted {
        return Contents::Same;
    }
    if is_alone(&found, &name) {
        return Contents::Unknown;
    }
    difference(store, wanted, &found)
}

/// Compares the trees of two archives.
pub(crate) fn difference(store: &Store, before: TreeId, after: &Tree) -> Contents {
    let Ok(before) = store.tree(&before) else { return Contents::Other };
    let differences = diff(&before, after);
    let mut named: Vec<_> = differences.iter().take(NAMED).map(line).collect();
    if differences.len() > NAMED {
        named.push(format!("and {} more", differences.len() - NAMED));
    }
    Contents::Files { count: differences.len(), named }
}

fn line(difference: &Difference) -> String {
    let Difference { path, before, after } = difference;
    let kind = |entry: &Option<Entry>| entry.as_ref().map(std::mem::discriminant);
    let what = match (before, after) {
        (None, _) => "is new",
        (_, None) => "is gone",
        (Some(Entry::File { blob: a, .. }), Some(Entry::File { blob: b, .. })) if a == b => {
            "has another mode"
        }
        _ if kind(before) == kind(after) => "differs",
        _ => "is of another kind",
    };
    format!("`{path}` {what}")
}

/// Whether a tree is a file that was no archive.
fn is_alone(tree: &Tree, name: &TreePath) -> bool {
    tree.entries().skip(1).map(|(path, _)| path).eq([name])
}
