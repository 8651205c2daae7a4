//! Finds the lockfile that has given pins, and recipes that it holds for: in the project as it is, or as it was.

use std::path::Path;

use kit_build::load::load;
use kit_build::{BuildError, ProjectFiles};
use kit_hash::{PinId, Sha256};
use kit_plan::Change;
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_recipe::{Lockfile, Name};
use kit_source::git::GitError;
use kit_source::history::{Commit, History};

use crate::Failure;
use crate::embedded::Embedded;
use crate::project::{Layered, Past, Project, read_file};
use crate::workbench::Workpiece;

/// The most that a lockfile may have, in bytes.
const LOCK_LIMIT: u64 = 16 << 20;

/// A lockfile with the recipes that it was made from.
pub(crate) struct Found<'a> {
    pub(crate) piece: Workpiece,
    pub(crate) image: Name,
    pub(crate) files: Box<dyn ProjectFiles + 'a>,
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    /// Where it was found, in words.
    pub(crate) place: String,
}

/// A lockfile with the right pins.
struct Candidate {
    lock: Lockfile,
    path: String,
    sha256: Sha256,
}

/// What was looked at, for those who look on.
#[derive(Debug, Default)]
struct Tried {
    /// Lockfiles and what they pin, one line each.
    locks: Vec<String>,
    /// What changed since a lockfile with the right pins was made, one line each.
    changes: Vec<String>,
}

/// Looks in the lockfile that is given, or else in the project; and then in its history, for the recipes too.
pub(crate) fn find<'a>(
    project: &'a Project,
    history: &'a History<'a>,
    given: Option<&Path>,
    pin: &PinId,
    format: Format,
) -> Result<Found<'a>, Failure> {
    let mut tried = Tried::default();
    let now = match given {
        Some(path) => Some(given_lock(path, pin)?),
        None => in_project(project, pin, &mut tried)?,
    };
    if let Some(candidate) = now {
        let place = format!("`{}`", candidate.path);
        let files = Box::new(project.files());
        if let Some(found) = fits(candidate, files, place, format, &mut tried)? {
            return Ok(found);
        }
    }
    for commit in commits(history, pin, &mut tried) {
        let past = || Past { history: *history, commit: commit.clone() };
        for candidate in in_past(&past(), pin)? {
            let place = format!("`{}` of commit {}", candidate.path, commit.short());
            let files = Box::new(Layered { upper: past(), lower: Embedded });
            if let Some(found) = fits(candidate, files, place, format, &mut tried)? {
                return Ok(found);
            }
        }
    }
    Err(Failure::NoLockFor { pin: *pin, locks: tried.locks, changes: tried.changes })
}

fn given_lock(path: &Path, pin: &PinId) -> Result<Candidate, Failure> {
    let shown = path.display().to_string();
    let bytes = read_file(path, LOCK_LIMIT)?;
    let sha256 = Sha256::of(&bytes);
    let text = String::from_utf8(bytes).map_err(|_| Failure::NotText { path: shown.clone() })?;
    let lock = Lockfile::parse(&text).map_err(|problems| BuildError::LockProblems {
        path: shown.clone(),
        text,
        problems,
    })?;
    if lock.pin_id() != *pin {
        return Err(Failure::OtherLock { path: shown, expected: *pin, found: lock.pin_id() });
    }
    Ok(Candidate { lock, path: shown, sha256 })
}

fn in_project(project: &Project, pin: &PinId, tried: &mut Tried) -> Result<Option<Candidate>, Failure> {
    for (path, text) in project.lock_texts()? {
        match Lockfile::parse(&text) {
            Ok(lock) if lock.pin_id() == *pin => {
                return Ok(Some(Candidate { lock, path, sha256: Sha256::of(text.as_bytes()) }));
            }
            Ok(lock) => tried.locks.push(format!("`{path}` pins {}", lock.pin_id())),
            // It is the right one by what it says: then it has to be read.
            Err(problems) if text.contains(&pin.to_string()) => {
                return Err(BuildError::LockProblems { path, text, problems }.into());
            }
            Err(_) => tried.locks.push(format!("`{path}` can't be read by this kit")),
        }
    }
    Ok(None)
}

/// Returns the states at which the pins stood in a lockfile, and notes where there are none.
fn commits(history: &History<'_>, pin: &PinId, tried: &mut Tried) -> Vec<Commit> {
    let found = history.commits_with(&pin.to_string(), "lockfiles");
    let with_those_before = |commits: Vec<Commit>| -> Result<Vec<Commit>, GitError> {
        let mut all = Vec::new();
        for commit in commits.into_iter().rev() {
            // Where the pins went, they stood just before, by recipes that had changed since they came.
            let before = history.before(&commit)?;
            for commit in [Some(commit), before].into_iter().flatten() {
                if !all.contains(&commit) {
                    all.push(commit);
                }
            }
        }
        Ok(all)
    };
    match found.and_then(with_those_before) {
        Ok(commits) => {
            if commits.is_empty() {
                tried.locks.push("no state in the project's history has it".to_owned());
            }
            commits
        }
        Err(error) => {
            tried.locks.push(format!("the project's history can't be read: {error}"));
            Vec::new()
        }
    }
}

fn in_past(past: &Past<'_>, pin: &PinId) -> Result<Vec<Candidate>, Failure> {
    let mut found = Vec::new();
    for (path, text) in past.texts("lockfiles").map_err(Failure::History)? {
        if !text.contains(&pin.to_string()) {
            continue;
        }
        let sha256 = Sha256::of(text.as_bytes());
        match Lockfile::parse(&text) {
            Ok(lock) if lock.pin_id() == *pin => found.push(Candidate { lock, path, sha256 }),
            Ok(_) => {}
            Err(problems) => return Err(BuildError::LockProblems { path, text, problems }.into()),
        }
    }
    Ok(found)
}

/// Plans by a lockfile, when the recipes are those that it was made from.
fn fits<'a>(
    candidate: Candidate,
    files: Box<dyn ProjectFiles + 'a>,
    place: String,
    format: Format,
    tried: &mut Tried,
) -> Result<Option<Found<'a>>, Failure> {
    let Candidate { lock, path, sha256 } = candidate;
    let Subject::Image(image) = lock.subject.clone() else { return Ok(None) };
    let stale =
        |changes: &[Change]| changes.iter().map(|change| format!("{place}: {change}")).collect::<Vec<_>>();
    let loaded = match load(&lock.subject, files.as_ref()) {
        Ok(loaded) => loaded,
        Err(BuildError::Plan(errors)) => {
            tried.changes.extend(errors.iter().map(|error| format!("{place}: {error}")));
            return Ok(None);
        }
        Err(error @ BuildError::NoLocal { .. }) => {
            tried.changes.push(format!("{place}: {error}"));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    match Workpiece::from_lock(loaded, lock, &[format]) {
        Ok(piece) => Ok(Some(Found { piece, image, files, path, sha256, place })),
        Err(Failure::Build(BuildError::Stale { changes, .. })) => {
            tried.changes.extend(stale(&changes));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
