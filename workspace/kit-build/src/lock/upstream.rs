//! Pins of sources as their authors publish them, and what there is to say about new ones.

use std::time::Instant;

use kit_plan::upstream::{Asked, UpstreamFile, Voucher};
use kit_recipe::Name;
use kit_recipe::git::{CommitId, Revision};
use kit_recipe::lockfile::{FilePin, Lockfile};
use kit_store::Store;

use super::{Previous, Update};
use crate::load::Loaded;
use crate::network::Resolver;
use crate::seams::{Event, Finished};
use crate::upstream::{Contents, difference};
use crate::{BuildError, Events};

/// Pins all files. What is pinned stays pinned as long as the same is asked for: by another build script or another file of the
/// same recipe, no pin is lost.
pub(super) fn pin_files(
    loaded: &Loaded,
    before: &Previous,
    update: &Update,
    resolver: &dyn Resolver,
    events: &dyn Events,
    lock: &mut Lockfile,
) -> Result<(), BuildError> {
    for file in &loaded.requirements.files {
        let key = (file.package.clone(), file.source.clone());
        let known = before.lock().and_then(|lock| lock.files.get(&key)).filter(|pin| pin.source == file.id);
        let holds = matches!(before, Previous::Sound(_)) && !update.gives_up(&file.package);
        let pin = match known.filter(|_| holds) {
            Some(pin) => pin.clone(),
            None => watched(events, &file.name, |progress| resolver.file(file, known, progress))
                .map_err(|error| asked_at(file, error))?,
        };
        lock.files.insert(key, pin);
    }
    Ok(())
}

/// Adds where a source is asked for.
fn asked_at(file: &UpstreamFile, error: BuildError) -> BuildError {
    match error {
        BuildError::Upstream { error, .. } => {
            BuildError::Upstream { error, place: Some(Box::new(file.place.clone())) }
        }
        other => other,
    }
}

/// Lets people see that something is fetched before there is a plan.
pub fn watched<T>(
    events: &dyn Events,
    name: &str,
    fetch: impl FnOnce(&mut dyn FnMut(u64)) -> Result<T, BuildError>,
) -> Result<T, BuildError> {
    let (title, started) = (format!("pin {name}"), Instant::now());
    events.event(Event::Started { title: &title, bytes: None });
    let result = fetch(&mut |bytes| events.event(Event::Fetched { title: &title, bytes }));
    let how = if result.is_ok() { Finished::Done } else { Finished::Failed };
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    events.event(Event::Finished { title: &title, how, millis });
    result
}

/// What is new about a file's pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Nothing in the recipe says what must come: what came was taken.
    Unproven {
        /// The package.
        package: Name,
        /// Its source.
        source: Name,
        /// What came.
        pin: FilePin,
    },
    /// Another commit than before is pinned.
    Moved {
        /// The package.
        package: Name,
        /// Its source.
        source: Name,
        /// What the recipe asks for.
        revision: Revision,
        /// The commit before.
        before: CommitId,
        /// The commit now.
        after: CommitId,
        /// What is another one in it.
        contents: Contents,
    },
    /// Another file than before is pinned.
    Changed {
        /// The package.
        package: Name,
        /// Its source.
        source: Name,
        /// The file before.
        before: String,
        /// The file now.
        after: String,
        /// What is another one in it.
        contents: Contents,
    },
}

/// Returns what is new in a lockfile.
pub fn news(store: &Store, loaded: &Loaded, previous: Option<&Lockfile>, lock: &Lockfile) -> Vec<News> {
    let mut news = Vec::new();
    for file in &loaded.requirements.files {
        let (package, source) = (file.package.clone(), file.source.clone());
        let key = (package.clone(), source.clone());
        let Some(pin) = lock.files.get(&key) else { continue };
        let before = previous.and_then(|lock| lock.files.get(&key));
        if before.is_some_and(|before| (&before.sha256, &before.commit) == (&pin.sha256, &pin.commit)) {
            continue;
        }
        if let Some(before) = before {
            news.push(difference_of(store, file, before, pin));
        }
        if file.asked.vouched_by() == Voucher::Lock {
            news.push(News::Unproven { package, source, pin: pin.clone() });
        }
    }
    news
}

/// Says what is another one.
fn difference_of(store: &Store, file: &UpstreamFile, before: &FilePin, after: &FilePin) -> News {
    let (package, source) = (file.package.clone(), file.source.clone());
    let contents = changed(store, before, after);
    if let (Asked::Commit { revision, .. }, Some(before), Some(after)) =
        (&file.asked, &before.commit, &after.commit)
    {
        let (revision, before, after) = (revision.clone(), before.clone(), after.clone());
        return News::Moved { package, source, revision, before, after, contents };
    }
    let (before, after) = (before.name.clone(), after.name.clone());
    News::Changed { package, source, before, after, contents }
}

fn changed(store: &Store, before: &FilePin, after: &FilePin) -> Contents {
    match (before.tree, after.tree) {
        (Some(before), Some(after)) if before == after => Contents::Same,
        (Some(before), Some(after)) => match store.tree(&after) {
            Ok(after) => difference(store, before, &after),
            Err(_) => Contents::Other,
        },
        _ => Contents::Unknown,
    }
}
