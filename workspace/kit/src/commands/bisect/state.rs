//! Builds an image as it was at a state, and has the user's command judge it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;
use std::process::{Command, ExitStatus, Stdio};

use kit_build::outputs::write_outputs;
use kit_hash::DerivationId;
use kit_recipe::Name;
use kit_source::history::Commit;
use kit_store::Store;

use super::BisectError;
use super::search::Verdict;
use crate::Failure;
use crate::context::Context;
use crate::places::now;
use crate::progress::Progress;
use crate::render::Kind;
use crate::render::failure::kind;
use crate::revision::{RevisionError, Then, read};
use crate::workbench::with_engine;

/// The exit code that says that nobody can tell, as `git bisect run` has it.
const NEITHER: i32 = 125;
/// The last exit code that says that it is bad.
const LAST: i32 = 127;

/// Builds and judges; the same image is judged once.
pub(super) struct Judge<'a> {
    context: &'a Context,
    store: Store,
    image: &'a Name,
    command: &'a str,
    known: BTreeMap<Vec<DerivationId>, Verdict>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(context: &'a Context, image: &'a Name, command: &'a str) -> Result<Self, Failure> {
        Ok(Self { context, store: context.store()?, image, command, known: BTreeMap::new() })
    }

    /// Returns how many images were judged.
    pub(super) fn judged(&self) -> usize {
        self.known.len()
    }

    /// Judges a state that the user named: it has to be there, and to be built.
    pub(super) fn end(&mut self, revision: &str, commit: &Commit) -> Result<Verdict, Failure> {
        self.context.output.say(&format!("{revision}: {}\n", commit.short()));
        let project = self.context.project()?;
        let then = read(project, self.image, commit.as_str())?;
        self.judge(&then)
    }

    /// Judges a state in between: one at which there was no such image, or none that can be built, is neither good nor bad.
    pub(super) fn state(&mut self, commit: &Commit) -> Result<Verdict, Failure> {
        let project = self.context.project()?;
        let judged = read(project, self.image, commit.as_str()).and_then(|then| self.judge(&then));
        match judged {
            Err(failure) if is_of_state(&failure) => {
                self.context.output.say(&format!("{}: can't be judged: {failure}\n", commit.short()));
                Ok(Verdict::Neither)
            }
            judged => judged,
        }
    }

    fn judge(&mut self, then: &Then<'_>) -> Result<Verdict, Failure> {
        let plan = &then.piece.plan;
        let outputs: Vec<_> = plan.outputs.values().copied().collect();
        if let Some(verdict) = self.known.get(&outputs) {
            self.context.output.say(&format!(
                "{}: {}, as it is the same image as before\n",
                then.commit.short(),
                word(*verdict)
            ));
            return Ok(*verdict);
        }
        let progress = Progress::new(&self.context.output);
        let store = &self.store;
        let trees = with_engine(self.context, store, &progress, |engine, _| {
            engine.repairing(Failure::damage, || {
                then.piece.loaded.store_locals(then.files.as_ref(), store)?;
                engine.build(plan, &outputs).map_err(|error| then.piece.loaded.locate(error).into())
            })
        });
        progress.finish();
        let trees = trees?;
        // It goes away with all in it, whatever happens.
        let work = store.scratch()?;
        for output in &outputs {
            write_outputs(store, &store.tree(&trees[output])?, work.dir(), work.path(), now())?;
        }
        let verdict = self.ask(then, &work)?;
        drop(work);
        self.context.output.say(&format!("{}: {}\n", then.commit.short(), word(verdict)));
        self.known.insert(outputs, verdict);
        Ok(verdict)
    }

    /// Runs the command: what it prints is talk.
    #[expect(clippy::disallowed_methods, reason = "the command is the user's own, from the command line")]
    fn ask(&self, then: &Then<'_>, work: &kit_store::Scratch) -> Result<Verdict, Failure> {
        let failed = |source| BisectError::Command { command: self.command.to_owned(), source };
        let talk = io::stderr().as_fd().try_clone_to_owned().map_err(failed)?;
        let status = Command::new("sh")
            .args(["-c", self.command])
            .env("KIT_IMAGE", self.image.as_str())
            .env("KIT_OUT", work.path())
            .env("KIT_COMMIT", then.commit.as_str())
            .stdin(Stdio::null())
            .stdout(talk)
            .status()
            .map_err(failed)?;
        verdict(status).ok_or_else(|| {
            let command = self.command.to_owned();
            BisectError::Ended { command, commit: then.commit.short().to_owned(), status: status.to_string() }
                .into()
        })
    }
}

/// Returns what an exit code says; none where it says nothing.
fn verdict(status: ExitStatus) -> Option<Verdict> {
    match status.code()? {
        0 => Some(Verdict::Good),
        NEITHER => Some(Verdict::Neither),
        1..=LAST => Some(Verdict::Bad),
        _ => None,
    }
}

pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Neither => "neither good nor bad",
    }
}

/// Whether a failure comes of the state of the project, and not of the machine that it is built on.
fn is_of_state(failure: &Failure) -> bool {
    match failure {
        Failure::Revision(error) => !matches!(error, RevisionError::Unreadable { .. }),
        Failure::Recipes(_) => true,
        Failure::Build(_) => kind(failure) == Kind::User,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn exit_codes_are_those_of_git() {
        let of = |code: i32| verdict(ExitStatus::from_raw(code << 8));
        assert_eq!(of(0), Some(Verdict::Good));
        for code in [1, 2, 124, 126, 127] {
            assert_eq!(of(code), Some(Verdict::Bad), "{code}");
        }
        assert_eq!(of(125), Some(Verdict::Neither));
        for code in [128, 130, 255] {
            assert_eq!(of(code), None, "{code}");
        }
        assert_eq!(verdict(ExitStatus::from_raw(9)), None, "killed");
    }
}
