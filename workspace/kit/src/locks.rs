//! Finds the lockfile that a file is from, and recipes that it holds for: in the project as it is, or as it was.
//!
//! A file carries the digest of the pins, or has itself the digest of one of the outputs: kernels and initrds that only find a root carry nothing.

use std::path::Path;

use kit_build::load::load;
use kit_build::{BuildError, ProjectFiles};
use kit_hash::{PinId, Sha256};
use kit_plan::Change;
use kit_recipe::image::Format;
use kit_recipe::lockfile::{Output, Subject};
use kit_recipe::{Lockfile, Name};
use kit_source::git::GitError;
use kit_source::history::{Commit, History};

use crate::Failure;
use crate::embedded::Embedded;
use crate::opened::kind::Kind;
use crate::project::{Layered, Past, Project, read_file};
use crate::workbench::Workpiece;

/// The most that a lockfile may have, in bytes.
const LOCK_LIMIT: u64 = 16 << 20;

/// A lockfile with the recipes that it was made from.
pub(crate) struct Found<'a> {
    pub(crate) piece: Workpiece,
    pub(crate) image: Name,
    /// Which of the lockfile's outputs the file is, or should be.
    pub(crate) output: String,
    /// The format of that.
    pub(crate) format: Format,
    pub(crate) files: Box<dyn ProjectFiles + 'a>,
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    /// Where it was found, in words.
    pub(crate) place: String,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sought<'a> {
    /// What it is, where that is known.
    pub(crate) kind: Option<Kind>,
    /// Its digest, without signatures; none of a directory.
    pub(crate) file: Option<Sha256>,
    /// What it is called, by which one is taken of several outputs that are the same.
    pub(crate) called: Option<&'a str>,
}

impl Sought<'_> {
    /// Whether a lockfile has the file under its name.
    fn has_name(self, lock: &Lockfile) -> bool {
        let is_so =
            |(name, output): (&String, &Output)| Some(output.sha256) == self.file && self.is_name(name);
        lock.outputs.iter().any(is_so)
    }

    fn is_name(self, output: &str) -> bool {
        let last = output.rsplit('/').next();
        self.called.is_some() && (self.called == Some(output) || self.called == last)
    }

    /// Returns which output of a lockfile it is; where it is none of them, which one it should be.
    fn output_of(&self, lock: &Lockfile, image: &Name) -> Option<(String, Format)> {
        let named = |kind: Kind| (kind.output(image.as_str()), kind.format());
        let own: Vec<_> =
            [self.kind, self.kind.and_then(Kind::alike)].into_iter().flatten().map(named).collect();
        let is_it = |name: &String| {
            let sha256 = lock.outputs.get(name).map(|output| output.sha256);
            sha256.is_some() && sha256 == self.file
        };
        let exact = own.iter().find(|(name, _)| is_it(name)).cloned();
        let any = || {
            let mut same = lock.outputs.iter().filter(|(name, _)| is_it(name));
            let first = same.clone().next();
            let (name, output) = same.find(|(name, _)| self.is_name(name)).or(first)?;
            Some((name.clone(), output.format))
        };
        let locked = || own.iter().find(|(name, _)| lock.outputs.contains_key(name)).cloned();
        exact.or_else(any).or_else(locked).or_else(|| own.first().cloned())
    }
}

/// By what a lockfile is told.
#[derive(Debug, Clone, Copy)]
enum Mark {
    /// The digest of its pins.
    Pins(PinId),
    /// The digest of one of its outputs.
    Output(Sha256),
}

impl Mark {
    fn is_of(self, lock: &Lockfile) -> bool {
        match self {
            Self::Pins(pin) => lock.pin_id() == pin,
            Self::Output(sha256) => lock.outputs.values().any(|output| output.sha256 == sha256),
        }
    }

    /// Returns what stands in the text of such a lockfile.
    fn text(self) -> String {
        match self {
            Self::Pins(pin) => pin.to_string(),
            Self::Output(sha256) => sha256.to_string(),
        }
    }
}

/// A lockfile that is the right one.
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

/// Looks for the lockfile with given pins: in the one that is given, or else in the project; and then in its history, for the recipes too.
pub(crate) fn find<'a>(
    project: &'a Project,
    history: &'a History<'a>,
    given: Option<&Path>,
    pin: &PinId,
    sought: Sought<'_>,
) -> Result<Found<'a>, Failure> {
    let mut tried = Tried::default();
    let found = search((project, history), given, Mark::Pins(*pin), sought, &mut tried)?;
    found.ok_or(Failure::NoLockFor { pin: *pin, locks: tried.locks, changes: tried.changes })
}

/// Looks in the same way for a lockfile that has a file with this digest among its outputs; none where no one has it, or no longer its recipes.
/// Where several have it, the name of the file says which.
pub(crate) fn find_output<'a>(
    project: &'a Project,
    history: &'a History<'a>,
    given: Option<&Path>,
    (path, sha256): (&Path, &Sha256),
) -> Result<Option<Found<'a>>, Failure> {
    let called = path.file_name().and_then(|name| name.to_str());
    let sought = Sought { kind: None, file: Some(*sha256), called };
    search((project, history), given, Mark::Output(*sha256), sought, &mut Tried::default())
}

fn search<'a>(
    (project, history): (&'a Project, &'a History<'a>),
    given: Option<&Path>,
    mark: Mark,
    sought: Sought<'_>,
    tried: &mut Tried,
) -> Result<Option<Found<'a>>, Failure> {
    let now = match given {
        Some(path) => given_lock(path, mark)?,
        None => in_project(project, mark, sought, tried)?,
    };
    if let Some(candidate) = now {
        let place = format!("`{}`", candidate.path);
        let files = Box::new(project.files());
        if let Some(found) = fits(candidate, files, place, sought, tried)? {
            return Ok(Some(found));
        }
    }
    for commit in commits(history, mark, tried) {
        let past = || Past { history: *history, commit: commit.clone() };
        for candidate in in_past(&past(), mark)? {
            let place = format!("`{}` of commit {}", candidate.path, commit.short());
            let files = Box::new(Layered { upper: past(), lower: Embedded });
            if let Some(found) = fits(candidate, files, place, sought, tried)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

fn given_lock(path: &Path, mark: Mark) -> Result<Option<Candidate>, Failure> {
    let shown = path.display().to_string();
    let bytes = read_file(path, LOCK_LIMIT)?;
    let sha256 = Sha256::of(&bytes);
    let text = String::from_utf8(bytes).map_err(|_| Failure::NotText { path: shown.clone() })?;
    let lock = Lockfile::parse(&text).map_err(|problems| BuildError::LockProblems {
        path: shown.clone(),
        text,
        problems,
    })?;
    match mark {
        _ if mark.is_of(&lock) => Ok(Some(Candidate { lock, path: shown, sha256 })),
        Mark::Pins(pin) => Err(Failure::OtherLock { path: shown, expected: pin, found: lock.pin_id() }),
        Mark::Output(_) => Ok(None),
    }
}

fn in_project(
    project: &Project,
    mark: Mark,
    sought: Sought<'_>,
    tried: &mut Tried,
) -> Result<Option<Candidate>, Failure> {
    let mut first = None;
    for (path, text) in project.lock_texts()? {
        match Lockfile::parse(&text) {
            Ok(lock) if mark.is_of(&lock) => {
                let has_name = sought.has_name(&lock);
                let candidate = Candidate { lock, path, sha256: Sha256::of(text.as_bytes()) };
                if has_name {
                    return Ok(Some(candidate));
                }
                first.get_or_insert(candidate);
            }
            Ok(lock) => tried.locks.push(format!("`{path}` pins {}", lock.pin_id())),
            // It is the right one by what it says: then it has to be read.
            Err(problems) if text.contains(&mark.text()) => {
                return Err(BuildError::LockProblems { path, text, problems }.into());
            }
            Err(_) => tried.locks.push(format!("`{path}` can't be read by this kit")),
        }
    }
    Ok(first)
}

/// Returns the states at which the pins stood in a lockfile, and notes where there are none.
fn commits(history: &History<'_>, mark: Mark, tried: &mut Tried) -> Vec<Commit> {
    let found = history.commits_with(&mark.text(), "lockfiles");
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

fn in_past(past: &Past<'_>, mark: Mark) -> Result<Vec<Candidate>, Failure> {
    let mut found = Vec::new();
    for (path, text) in past.texts("lockfiles").map_err(Failure::History)? {
        if !text.contains(&mark.text()) {
            continue;
        }
        let sha256 = Sha256::of(text.as_bytes());
        match Lockfile::parse(&text) {
            Ok(lock) if mark.is_of(&lock) => found.push(Candidate { lock, path, sha256 }),
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
    sought: Sought<'_>,
    tried: &mut Tried,
) -> Result<Option<Found<'a>>, Failure> {
    let Candidate { lock, path, sha256 } = candidate;
    let Subject::Image(image) = lock.subject.clone() else { return Ok(None) };
    let Some((output, format)) = sought.output_of(&lock, &image) else { return Ok(None) };
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
        Ok(piece) => Ok(Some(Found { piece, image, output, format, files, path, sha256, place })),
        Err(Failure::Build(BuildError::Stale { changes, .. })) => {
            tried.changes.extend(stale(&changes));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
