//! Changes as rows.

mod paths;

use std::collections::{BTreeMap, BTreeSet};

use super::{Row, Sign, Weight};
use crate::difference::Change;
use crate::difference::licences::LicenceChange;
use crate::difference::packages::{Move, PackageChange};
use crate::difference::services::{ServiceChange, Turn};
use crate::difference::settings::{CommandLine, OptionChange};
use crate::difference::sizes::{Download, Moved, Sizes};
use crate::difference::vulnerabilities::{Fate, VulnerabilityChange};
use crate::hardening::kernel::Value;
use crate::inventory::Role;
use crate::report::shown;

/// What one part of a difference shows.
pub(super) struct Rows {
    pub(super) summary: String,
    pub(super) rows: Vec<Row>,
}

/// Says how often each word is said, in their order: `2 added, 1 removed`; `same` where none is.
fn counts<'a>(order: impl IntoIterator<Item = &'a str>, words: impl IntoIterator<Item = &'a str>) -> String {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words {
        *times.entry(word).or_default() += 1;
    }
    let parts: Vec<_> = order
        .into_iter()
        .filter_map(|word| times.get(word).map(|number| format!("{number} {word}")))
        .collect();
    if parts.is_empty() { "same".to_owned() } else { parts.join(", ") }
}

pub(super) fn packages(changes: &[PackageChange]) -> Rows {
    let words = |of_tools: bool| {
        let some = changes.iter().filter(move |change| change.is_of_tools() == of_tools);
        counts(Move::ALL.map(Move::word), some.map(|change| change.change.word()))
    };
    let mut summary = words(false);
    if changes.iter().any(PackageChange::is_of_tools) {
        summary = format!("{summary}; of the tools: {}", words(true));
    }
    Rows { summary, rows: changes.iter().map(package).collect() }
}

fn package(change: &PackageChange) -> Row {
    let sign = match change.change {
        Move::Added => Sign::More,
        Move::Removed => Sign::Less,
        Move::Upgraded | Move::Downgraded | Move::Changed | Move::Role => Sign::Other,
    };
    let weight = if change.change == Move::Downgraded { Weight::Worse } else { Weight::Plain };
    let role = |role: Option<Role>| match role {
        None | Some(Role::Shipped) => None,
        Some(role) => Some(role.word()),
    };
    let note = match (change.role_before, change.role_after) {
        (Some(before), Some(after)) if before != after => format!("{}, now {}", before.word(), after.word()),
        (before, after) => role(after.or(before)).unwrap_or_default().to_owned(),
    };
    let row = Row::new(sign, change.change.word(), change.package.to_string());
    if let (Move::Role, Some(before), Some(after)) = (change.change, change.role_before, change.role_after) {
        return row
            .between(before.word(), after.word())
            .with_note(format!("version {}", change.after.join(", ")));
    }
    row.between(change.before.join(", "), change.after.join(", ")).with_note(note).weighing(weight)
}

/// Says of something that has one value before and one now what became of it.
fn turned<V>(before: Option<&V>, after: Option<&V>) -> (Sign, &'static str) {
    match (before, after) {
        (None, _) => (Sign::More, "added"),
        (_, None) => (Sign::Less, "removed"),
        _ => (Sign::Other, "changed"),
    }
}

const TURNED: [&str; 3] = ["added", "removed", "changed"];

pub(super) fn recipes(changes: &[Change]) -> Rows {
    of_changes(changes, |digest| digest.chars().take(12).collect())
}

pub(super) fn images(changes: &[Change]) -> Rows {
    of_changes(changes, |digest| digest.chars().take("sha256:".len() + 12).collect())
}

fn of_changes(changes: &[Change], show: impl Fn(&String) -> String) -> Rows {
    let one = |change: &Change| {
        let (sign, word) = turned(change.before.as_ref(), change.after.as_ref());
        let value = |side: &Option<String>| side.as_ref().map(&show).unwrap_or_default();
        Row::new(sign, word, &change.name).between(value(&change.before), value(&change.after))
    };
    let rows: Vec<_> = changes.iter().map(one).collect();
    Rows { summary: counts(TURNED, rows.iter().map(|row| row.word)), rows }
}

pub(super) use self::paths::files;

pub(super) fn services(changes: &[ServiceChange]) -> Rows {
    let summary = counts(Turn::ALL.map(Turn::word), changes.iter().map(|change| change.turn.word()));
    Rows { summary, rows: changes.iter().map(service).collect() }
}

fn service(change: &ServiceChange) -> Row {
    let (sign, weight) = match change.turn {
        Turn::Added => (Sign::More, Weight::Plain),
        Turn::Removed => (Sign::Less, Weight::Plain),
        Turn::Gained => (Sign::More, Weight::Worse),
        Turn::Lost => (Sign::Less, Weight::Better),
        Turn::Changed => (Sign::Other, Weight::Plain),
    };
    let aspect = change.aspect.as_deref().map(|aspect| aspect.strip_prefix("privilege-").unwrap_or(aspect));
    // `root-user` says already that it is root.
    let more = change.what.as_deref().filter(|what| !aspect.is_some_and(|aspect| aspect.contains(what)));
    let words = [aspect, more].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let what = if words.is_empty() { change.service.clone() } else { format!("{}: {words}", change.service) };
    let side = |side: &Option<String>| match (side, change.turn) {
        (Some(words), _) => words.clone(),
        (None, Turn::Changed) => "none".to_owned(),
        (None, _) => String::new(),
    };
    Row::new(sign, change.turn.word(), what)
        .between(side(&change.before), side(&change.after))
        .with_note(change.severity.map(|severity| severity.to_string()).unwrap_or_default())
        .weighing(weight)
}

pub(super) fn options(changes: &[OptionChange]) -> Rows {
    let rows: Vec<_> = changes.iter().map(option).collect();
    let mut summary = counts(["changed"], rows.iter().map(|row| row.word));
    let worse = rows.iter().filter(|row| row.weight == Weight::Worse).count();
    if worse > 0 {
        summary = format!("{summary}, {worse} of them not as recommended");
    }
    Rows { summary, rows }
}

fn option(change: &OptionChange) -> Row {
    let value = |value: &Option<Value>| value.as_ref().map_or("not set".to_owned(), Value::to_string);
    let sign = match (&change.before, &change.after) {
        (None, _) => Sign::More,
        (_, None) => Sign::Less,
        _ => Sign::Other,
    };
    let (note, weight) = match change.is_recommended {
        None => ("", Weight::Plain),
        Some(true) => ("as recommended", Weight::Better),
        Some(false) => ("not as recommended", Weight::Worse),
    };
    Row::new(sign, "changed", format!("CONFIG_{}", change.option))
        .between(value(&change.before), value(&change.after))
        .with_note(note)
        .weighing(weight)
}

pub(super) fn command_line(change: &CommandLine) -> Rows {
    let removed = change.removed.iter().map(|word| Row::new(Sign::Less, "removed", word).between(word, ""));
    let added = change.added.iter().map(|word| Row::new(Sign::More, "added", word).between("", word));
    let rows: Vec<_> = removed.chain(added).collect();
    let summary = if change.is_reordered {
        "the same words in another order".to_owned()
    } else {
        counts(TURNED, rows.iter().map(|row| row.word))
    };
    Rows { summary, rows }
}

pub(super) fn licences(changes: &[LicenceChange]) -> Rows {
    let words = |side: &[Option<String>]| {
        let words: Vec<_> = side.iter().map(|one| one.as_deref().unwrap_or("not known")).collect();
        words.join("; ")
    };
    let one = |change: &LicenceChange| {
        let some = |side: &[Option<String>]| (!side.is_empty()).then_some(());
        let (sign, word) = turned(some(&change.before).as_ref(), some(&change.after).as_ref());
        Row::new(sign, word, change.component.to_string())
            .between(words(&change.before), words(&change.after))
            .with_note(match change.new.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [] => String::new(),
                new => format!("new to the image: {}", new.join(", ")),
            })
    };
    let rows: Vec<_> = changes.iter().map(one).collect();
    let mut summary = counts(TURNED, rows.iter().map(|row| row.word));
    let new: BTreeSet<_> = changes.iter().flat_map(|change| &change.new).collect();
    if !new.is_empty() {
        summary = format!("{summary}; {} new to the image", shown::count(new.len(), "licence"));
    }
    Rows { summary, rows }
}

pub(super) fn vulnerabilities(changes: &[VulnerabilityChange]) -> Rows {
    let one = |change: &VulnerabilityChange| {
        let found = &change.vulnerability;
        let (sign, weight) = match change.fate {
            Fate::Introduced => (Sign::More, Weight::Worse),
            Fate::Fixed | Fate::Left => (Sign::Less, Weight::Better),
        };
        let undetermined = if found.is_undetermined { ", undetermined" } else { "" };
        let state = format!("{}{undetermined}", found.severity);
        let (before, after) =
            if change.fate == Fate::Introduced { (String::new(), state) } else { (state, String::new()) };
        let fixed = match (&found.fixed, change.fate) {
            (Some(version), Fate::Introduced) => format!("fixed in {version}: "),
            (None, Fate::Introduced) => "no fixed version: ".to_owned(),
            (_, Fate::Fixed | Fate::Left) => String::new(),
        };
        Row::new(sign, change.fate.word(), format!("{} {} {}", change.id, change.component, found.version))
            .between(before, after)
            .with_note(format!("{fixed}{}", found.summary))
            .weighing(weight)
    };
    let summary = counts(Fate::ALL.map(Fate::word), changes.iter().map(|change| change.fate.word()));
    Rows { summary, rows: changes.iter().map(one).collect() }
}

pub(super) fn sizes(sizes: &Sizes) -> Rows {
    let grown = |before: u64, after: u64| {
        let sign = if after < before { '-' } else { '+' };
        format!("{sign}{}", shown::bytes(before.abs_diff(after)))
    };
    let rows = sizes.components.iter().map(|change| {
        let (sign, word) = turned(change.before.as_ref(), change.after.as_ref());
        let bytes = |side: Option<u64>| side.map(shown::bytes).unwrap_or_default();
        Row::new(sign, word, change.component.to_string())
            .between(bytes(change.before), bytes(change.after))
            .with_note(grown(change.before.unwrap_or(0), change.after.unwrap_or(0)))
    });
    let summary = if sizes.before == sizes.after {
        format!("{} as before", shown::bytes(sizes.after))
    } else {
        let (before, after) = (shown::bytes(sizes.before), shown::bytes(sizes.after));
        format!("{before} -> {after} ({})", grown(sizes.before, sizes.after))
    };
    Rows { summary, rows: rows.collect() }
}

pub(super) fn downloads(downloads: &[Download]) -> Rows {
    let one = |download: &Download| {
        let (sign, word) = turned(download.was_there.then_some(&()), download.moved.as_ref().map(|_| &()));
        let bytes = |side: Option<u64>| side.map(shown::bytes).unwrap_or_default();
        let note = match &download.moved {
            None => String::new(),
            Some(Moved { all: 1, unknown: 0, known_bytes, .. }) => {
                format!("{} to download", shown::bytes(*known_bytes))
            }
            Some(of) => moved(of, "file", "to download"),
        };
        Row::new(sign, word, &download.name)
            .between(bytes(download.before), bytes(download.after))
            .with_note(note)
    };
    let rows: Vec<_> = downloads.iter().map(one).collect();
    let summary = match downloads.iter().filter(|download| download.moved.is_some()).count() {
        0 => "same".to_owned(),
        number => {
            let bytes = downloads.iter().filter_map(|download| download.moved);
            let bytes = bytes.fold(0_u64, |sum, moved| sum.saturating_add(moved.known_bytes));
            format!("{} to download for {}", shown::bytes(bytes), shown::count(number, "output"))
        }
    };
    Rows { summary, rows }
}

/// Returns such as `2 of 7 blobs new, 1.2 MB`.
pub(super) fn moved(moved: &Moved, what: &str, word: &str) -> String {
    let bytes = shown::bytes(moved.known_bytes);
    let bytes = match moved.unknown {
        0 => bytes,
        unknown if unknown == moved.new => "sizes unknown".to_owned(),
        unknown => format!("{bytes} and {unknown} of unknown size"),
    };
    format!("{} of {} {word}, {bytes}", moved.new, shown::count(moved.all, what))
}
