//! Files as rows. What is below a directory that is new or gone can be counted in the row of the directory.

use std::collections::{BTreeMap, BTreeSet};

use kit_tree::{Entry, TreePath};

use super::super::{Detail, Row, Sign, Weight};
use super::{Rows, TURNED, counts, turned};
use crate::difference::files::{Aspect, FileChange, describe};
use crate::difference::state::Owned;
use crate::inventory::Place;
use crate::report::shown;

pub(in super::super) fn files(changes: &[FileChange], detail: Detail) -> Rows {
    let words = changes.iter().map(|change| turned(change.before.as_ref(), change.after.as_ref()).1);
    let mut summary = counts(TURNED, words);
    let mut aspects: BTreeMap<&Aspect, usize> = BTreeMap::new();
    for aspect in changes.iter().flat_map(|change| change.aspects.keys()) {
        *aspects.entry(aspect).or_default() += 1;
    }
    if !aspects.is_empty() {
        let words: Vec<_> = aspects
            .iter()
            .map(|(aspect, number)| format!("{} of {number}", shown::line(aspect.word())))
            .collect();
        summary = format!("{summary} ({})", words.join(", "));
    }
    let mut folds = if detail == Detail::Folded { Folds::of(changes) } else { Folds::default() };
    let rows = changes.iter().filter_map(|change| match folds.top(change) {
        None => Some(file(change)),
        Some(top) => folds.counted.remove(&top).map(|count| directory(change, &top, &count)),
    });
    Rows { rows: rows.collect(), summary }
}

/// A path, and whether what is there is new.
type Key = (Place, TreePath, bool);

/// Directories that are new or gone as a whole.
#[derive(Default)]
struct Folds {
    directories: BTreeSet<Key>,
    /// How much is in each of the outermost ones.
    counted: BTreeMap<Key, Count>,
}

#[derive(Default)]
struct Count {
    paths: usize,
    bytes: u64,
}

impl Folds {
    fn of(changes: &[FileChange]) -> Self {
        let directories = changes.iter().filter_map(|change| {
            let (owned, is_new) = whole(change)?;
            owned.entry.is_directory().then(|| (change.place, change.path.clone(), is_new))
        });
        let mut folds = Self { directories: directories.collect(), counted: BTreeMap::new() };
        for change in changes {
            let Some((top, (owned, _))) = folds.top(change).zip(whole(change)) else { continue };
            let count = folds.counted.entry(top).or_default();
            count.paths += 1;
            if let Entry::File { size, .. } = &owned.entry {
                count.bytes = count.bytes.saturating_add(*size);
            }
        }
        folds
    }

    /// Returns the outermost directory that is new or gone with a path; none for what has to be told by itself.
    fn top(&self, change: &FileChange) -> Option<Key> {
        let (_, is_new) = whole(change).filter(|_| !change.is_about_rights())?;
        let mut key = (change.place, change.path.clone(), is_new);
        let mut top = self.directories.contains(&key).then(|| key.clone());
        while let Some(parent) = key.1.parent() {
            key.1 = parent;
            if !self.directories.contains(&key) {
                break;
            }
            top = Some(key.clone());
        }
        top
    }
}

/// Returns what came or went, and whether it came.
fn whole(change: &FileChange) -> Option<(&Owned, bool)> {
    match (&change.before, &change.after) {
        (None, Some(owned)) => Some((owned, true)),
        (Some(owned), None) => Some((owned, false)),
        _ => None,
    }
}

fn directory(change: &FileChange, (place, path, is_new): &Key, count: &Count) -> Row {
    let (sign, word) = if *is_new { (Sign::More, "added") } else { (Sign::Less, "removed") };
    let is_alone = count.paths == 1 && change.path == *path;
    if is_alone {
        return file(change);
    }
    let inside = format!("{}, {}", shown::count(count.paths, "path"), shown::bytes(count.bytes));
    let row = Row::new(sign, word, format!("{}{path}/", prefix(*place)));
    if *is_new { row.between("", inside) } else { row.between(inside, "") }
}

/// Says where paths are that aren't in the root.
fn prefix(place: Place) -> &'static str {
    match place {
        Place::Root => "",
        Place::Boot => "boot: ",
    }
}

fn file(change: &FileChange) -> Row {
    let (sign, word) = turned(change.before.as_ref(), change.after.as_ref());
    let owner = change.after.as_ref().or(change.before.as_ref()).and_then(|owned| owned.owner.as_ref());
    let row = Row::new(sign, word, format!("{}{}", prefix(change.place), change.path))
        .with_note(owner.map(|owner| format!("of {owner}")).unwrap_or_default());
    let weight = match (change.is_about_rights(), sign) {
        (false, _) | (true, Sign::Less) => Weight::Plain,
        (true, Sign::More | Sign::Other) => Weight::Worse,
    };
    if change.aspects.is_empty() {
        let entry =
            |side: &Option<Owned>| side.as_ref().map(|owned| describe(&owned.entry)).unwrap_or_default();
        return row.between(entry(&change.before), entry(&change.after)).weighing(weight);
    }
    let side = |which: fn(&(String, String)) -> &String| -> String {
        let words = change.aspects.iter().map(|(aspect, both)| match aspect {
            // What it is says so itself.
            Aspect::Kind => which(both).clone(),
            aspect => format!("{} {}", aspect.word(), which(both)),
        });
        words.collect::<Vec<_>>().join(", ")
    };
    row.between(side(|both| &both.0), side(|both| &both.1)).weighing(weight)
}
