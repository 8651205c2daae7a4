//! Why no bad state can be looked for, or found.

use std::io;
use std::path::PathBuf;

use kit_source::git::GitError;

use crate::render::Kind;

/// Why a search can't begin, or doesn't end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BisectError {
    /// The project is in no repository.
    #[error("`{}` is in no git repository, so there is nothing to search", path.display())]
    NoRepository { path: PathBuf },
    /// Nothing has this name.
    #[error("the project's history has no revision `{revision}`")]
    NoRevision { revision: String },
    /// The history can't be read.
    #[error("the project's history can't be read")]
    History(#[source] GitError),
    /// The first isn't one that came before the second.
    #[error("`{good}` isn't a state before `{bad}`")]
    NotBefore { good: String, bad: String },
    /// Between both, nothing changed that the image is made by.
    #[error("neither the lockfile of `{image}` nor a recipe changed between `{good}` and `{bad}`")]
    NothingChanged { good: String, bad: String, image: String },
    /// What should be good isn't.
    #[error("the image of `{revision}` isn't good")]
    NotGood { revision: String },
    /// What should be bad isn't.
    #[error("the image of `{revision}` isn't bad")]
    NotBad { revision: String },
    /// The command can't be run.
    #[error("`{command}` can't be run")]
    Command {
        command: String,
        #[source]
        source: io::Error,
    },
    /// The command ended as none does that judges.
    #[error("`{command}` judged nothing at commit {commit}: {status}")]
    Ended { command: String, commit: String, status: String },
}

impl BisectError {
    /// Returns its code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoRepository { .. } => "kit::bisect::no_repository",
            Self::NoRevision { .. } => "kit::bisect::no_revision",
            Self::History(_) => "kit::bisect::history",
            Self::NotBefore { .. } => "kit::bisect::not_before",
            Self::NothingChanged { .. } => "kit::bisect::nothing_changed",
            Self::NotGood { .. } => "kit::bisect::not_good",
            Self::NotBad { .. } => "kit::bisect::not_bad",
            Self::Command { .. } => "kit::bisect::command",
            Self::Ended { .. } => "kit::bisect::ended",
        }
    }

    /// Returns whose fault it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::History(_) | Self::Command { .. } => Kind::Environment,
            Self::NoRepository { .. }
            | Self::NoRevision { .. }
            | Self::NotBefore { .. }
            | Self::NothingChanged { .. }
            | Self::NotGood { .. }
            | Self::NotBad { .. }
            | Self::Ended { .. } => Kind::User,
        }
    }

    /// Returns the next thing to do.
    pub(crate) fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoRepository { .. } => "commit the project to git first".to_owned(),
            Self::NoRevision { .. } => {
                "`git log --oneline` lists commits; a branch, a tag or `HEAD~3` will do, too".to_owned()
            }
            Self::History(_) | Self::Command { .. } => return None,
            Self::NotBefore { good, bad } => {
                format!("name the good one first: `git log --oneline {good}..{bad}` has to list something")
            }
            Self::NothingChanged { .. } => {
                "what makes it bad isn't in the image: look at what it is run with".to_owned()
            }
            Self::NotGood { .. } => {
                "name an earlier revision, or see whether the command says good by exit code 0: 126 and 127 are those of a command that `sh` can't run".to_owned()
            }
            Self::NotBad { .. } => {
                "name a later revision, or see whether the command says bad by an exit code from 1 to 127 other than 125"
                    .to_owned()
            }
            Self::Ended { .. } => {
                "it has to end by an exit code: 0 for good, 125 for neither, any other up to 127 for bad".to_owned()
            }
        })
    }
}
