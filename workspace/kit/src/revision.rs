//! Images as they were at a state of the project's git history: `NAME@REVISION`.
//!
//! Recipes, lockfile and local files come from that state, what it hasn't got comes from the standard set, and nothing comes from the files
//! that are checked out.

use std::path::PathBuf;

use kit_build::load::{load, lock_path};
use kit_build::{BuildError, ProjectFiles};
use kit_plan::RecipeFiles as _;
use kit_recipe::lockfile::Subject;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Lockfile, Name, Problems};
use kit_source::git::GitError;
use kit_source::history::{Commit, History};

use crate::Failure;
use crate::embedded::Embedded;
use crate::project::{Layered, Past, Project};
use crate::render::Kind;
use crate::workbench::{Workpiece, closest};

/// The name of an image of the project, as it is or as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) image: Name,
    /// The revision that was written; none for the files that are checked out.
    pub(crate) revision: Option<String>,
}

/// An image as it was.
pub(crate) struct Then<'a> {
    pub(crate) piece: Workpiece,
    /// The project's files of that state.
    pub(crate) files: Box<dyn ProjectFiles + 'a>,
    pub(crate) commit: Commit,
}

/// Why an image can't be had as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevisionError {
    /// The project is in no repository.
    #[error("`{}` is in no git repository, so it has no revisions", path.display())]
    NoRepository { path: PathBuf },
    /// Nothing has this name.
    #[error("the project's history has no revision `{revision}`")]
    NoRevision { revision: String },
    /// The history can't be read.
    #[error("revision `{revision}` can't be read")]
    Unreadable {
        revision: String,
        #[source]
        source: GitError,
    },
    /// The image wasn't there.
    #[error("there is no image `{image}` in revision `{revision}`")]
    NoImage { image: String, revision: String, close: Option<String> },
    /// It wasn't locked.
    #[error("`{path}` is not there in revision `{revision}`")]
    NoLock { path: String, revision: String },
    /// Its lockfile was written by another kit, or damaged.
    #[error("`{path}` of revision `{revision}` can't be read")]
    BadLock {
        path: String,
        revision: String,
        #[source]
        source: Problems,
    },
    /// Its lockfile was made from other recipes or files.
    #[error("`{path}` was stale in revision `{revision}`: {}", changes.join(", "))]
    Stale { path: String, revision: String, changes: Vec<String> },
}

impl RevisionError {
    /// Returns its code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoRepository { .. } => "kit::revision::no_repository",
            Self::NoRevision { .. } => "kit::revision::unknown",
            Self::Unreadable { .. } => "kit::revision::unreadable",
            Self::NoImage { .. } => "kit::revision::no_image",
            Self::NoLock { .. } => "kit::revision::no_lock",
            Self::BadLock { .. } => "kit::revision::bad_lock",
            Self::Stale { .. } => "kit::revision::stale",
        }
    }

    /// Returns whose fault it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Unreadable { .. } => Kind::Environment,
            Self::NoRepository { .. }
            | Self::NoRevision { .. }
            | Self::NoImage { .. }
            | Self::NoLock { .. }
            | Self::BadLock { .. }
            | Self::Stale { .. } => Kind::User,
        }
    }

    /// Returns the next thing to do.
    pub(crate) fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoRepository { .. } => {
                "name an image, a lockfile or a file without `@`, or commit the project to git first"
                    .to_owned()
            }
            Self::NoRevision { .. } => {
                "`git log --oneline` lists commits; a branch, a tag or `HEAD~3` will do, too".to_owned()
            }
            Self::Unreadable { .. } => return None,
            Self::NoImage { close: Some(close), .. } => format!("did you mean `{close}`?"),
            Self::NoImage { revision, .. } => {
                format!("`git ls-tree {revision} recipes/images/` lists those of that state")
            }
            Self::BadLock { .. } => {
                "another kit wrote it: name a later revision, or compare with the kit of that time".to_owned()
            }
            Self::NoLock { .. } | Self::Stale { .. } => {
                "name a revision at which the image was locked: `git log -- lockfiles` lists when it was"
                    .to_owned()
            }
        })
    }
}

impl Named {
    /// Reads `NAME` or `NAME@REVISION`; none where it is neither. A digest after the `@` belongs to a reference.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (image, revision) = match text.split_once('@') {
            None => (text, None),
            Some((_, revision)) if revision.starts_with("sha256:") => return None,
            Some((image, revision)) => (image, Some(revision.to_owned())),
        };
        Some(Self { image: image.parse().ok()?, revision })
    }
}

/// Reads an image at a revision, and plans it.
pub(crate) fn read<'a>(project: &'a Project, image: &Name, revision: &str) -> Result<Then<'a>, Failure> {
    let (past, lock) = find(project, image, revision)?;
    let commit = past.commit.clone();
    let files = Layered { upper: past, lower: Embedded };
    let piece = load(&Subject::Image(image.clone()), &files)
        .map_err(Failure::from)
        .and_then(|loaded| Workpiece::from_lock(loaded, lock, &[]))
        .map_err(|failure| stale(failure, revision))?;
    Ok(Then { piece, files: Box::new(files), commit })
}

/// Reads the lockfile of an image at a revision, whether it held or not.
pub(crate) fn lockfile(project: &Project, image: &Name, revision: &str) -> Result<Lockfile, Failure> {
    find(project, image, revision).map(|(_, lock)| lock)
}

/// Returns the project at a revision, with the lockfile that an image had.
fn find<'a>(project: &'a Project, image: &Name, revision: &str) -> Result<(Past<'a>, Lockfile), Failure> {
    let history = History { program: "git", path: project.path() };
    let unreadable = |source| RevisionError::Unreadable { revision: revision.to_owned(), source };
    if !history.is_there().map_err(unreadable)? {
        return Err(RevisionError::NoRepository { path: project.path().to_owned() }.into());
    }
    let commit = history.resolve(revision).map_err(unreadable)?;
    let commit = commit.ok_or_else(|| RevisionError::NoRevision { revision: revision.to_owned() })?;
    let past = Past { history, commit };
    let files = Layered { upper: past.clone(), lower: Embedded };
    let recipe = RecipeName::Image(image.clone());
    if files.text(&recipe).map_err(|error| Failure::Recipes(vec![error]))?.is_none() {
        return Err(no_image(&files, image, revision).into());
    }
    let lock = lock(&past, &Subject::Image(image.clone()), revision)?;
    Ok((past, lock))
}

fn no_image(files: &Layered<Past<'_>, Embedded>, image: &Name, revision: &str) -> RevisionError {
    let names = files.names().unwrap_or_default().into_iter();
    let images = names.filter_map(|name| if let RecipeName::Image(name) = name { Some(name) } else { None });
    RevisionError::NoImage {
        image: image.to_string(),
        revision: revision.to_owned(),
        close: closest(image.as_str(), images.map(|name| name.to_string())),
    }
}

fn lock(past: &Past<'_>, subject: &Subject, revision: &str) -> Result<Lockfile, RevisionError> {
    let path = lock_path(subject);
    let texts = past
        .texts(&path)
        .map_err(|source| RevisionError::Unreadable { revision: revision.to_owned(), source })?;
    let text = texts.into_iter().find_map(|(found, text)| (found == path).then_some(text));
    let Some(text) = text else {
        return Err(RevisionError::NoLock { path, revision: revision.to_owned() });
    };
    Lockfile::parse(&text).map_err(|source| RevisionError::BadLock {
        path,
        revision: revision.to_owned(),
        source,
    })
}

/// Says which state it is that a lockfile didn't hold for.
fn stale(failure: Failure, revision: &str) -> Failure {
    match failure {
        Failure::Build(BuildError::Stale { path, changes, .. }) => RevisionError::Stale {
            path,
            revision: revision.to_owned(),
            changes: changes.iter().map(ToString::to_string).collect(),
        }
        .into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_revisions() {
        let named = |image: &str, revision: Option<&str>| {
            Some(Named { image: image.parse().unwrap(), revision: revision.map(str::to_owned) })
        };
        assert_eq!(Named::parse("server"), named("server", None));
        assert_eq!(Named::parse("server@HEAD~3"), named("server", Some("HEAD~3")));
        assert_eq!(Named::parse("server@v1@{2}"), named("server", Some("v1@{2}")));
        assert_eq!(Named::parse("server@--all"), named("server", Some("--all")));
        assert_eq!(Named::parse("team/web@HEAD"), None);
        assert_eq!(Named::parse("web@sha256:00"), None);
        assert_eq!(Named::parse("@HEAD"), None);
    }
}
