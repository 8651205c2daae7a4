//! `policy.toml`.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::section::Section;
use super::value::{Items, Value};
use super::{Faults, check, closest, document};
use crate::Spanned;
use crate::container::{CAPABILITIES, Capability};
use crate::policy::{
    Allowance, BySeverity, Day, Exception, Forbidden, Level, Licences, Policy, Quorum, Size, Words,
};
use crate::problem::{Area, Fault, Problems};

/// More than an audit ever finds.
const MOST: u64 = 1_000_000_000;
/// More years than a vulnerability can wait.
const MOST_DAYS: u64 = 36_525;
const LEVELS: [(&str, Level); 3] = [("allow", Level::Allow), ("warn", Level::Warn), ("deny", Level::Deny)];
const AMOUNT: &str = "an amount such as `\"200 MiB\"`, or a number of bytes";

impl Policy {
    /// Reads `policy.toml`.
    pub fn parse(text: &str, words: Words<'_>) -> Result<Self, Problems> {
        document(Area::Policy, text, |root, faults| Some(policy(root, words, text, faults)))
    }
}

fn policy(mut root: Section<'_>, words: Words<'_>, text: &str, faults: &mut Faults<'_>) -> Policy {
    let policy = Policy {
        text: text.to_owned(),
        severities: root
            .section("severities", faults)
            .map(|section| by_severity(section, faults, level))
            .unwrap_or_default(),
        levels: root
            .section("levels", faults)
            .map(|section| levels(&section, words, faults))
            .unwrap_or_default(),
        vulnerabilities: root
            .section("vulnerabilities", faults)
            .map(|section| {
                let title = section.title.clone();
                by_severity(section, faults, |value, faults| allowance(&title, value, faults))
            })
            .unwrap_or_default(),
        size: root.section("size", faults).map(|section| size(section, faults)).unwrap_or_default(),
        licences: root
            .section("licences", faults)
            .map(|section| licences(section, words, faults))
            .unwrap_or_default(),
        signatures: root.section("signatures", faults).and_then(|section| signatures(section, faults)),
        forbidden: root
            .section("forbidden", faults)
            .map(|section| forbidden(section, faults))
            .unwrap_or_default(),
        exceptions: exceptions(&mut root, words, faults),
    };
    root.finish(faults);
    policy
}

fn level(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Level>> {
    value.word(&LEVELS, faults).map(|level| value.spanned(level))
}

fn by_severity<T>(
    mut section: Section<'_>,
    faults: &mut Faults<'_>,
    read: impl Fn(&Value<'_>, &mut Faults<'_>) -> Option<T>,
) -> BySeverity<T> {
    let mut of = |key, faults: &mut Faults<'_>| section.value(key).and_then(|value| read(&value, faults));
    let found = BySeverity {
        critical: of("critical", faults),
        high: of("high", faults),
        medium: of("medium", faults),
        low: of("low", faults),
        note: of("note", faults),
    };
    section.finish(faults);
    found
}

fn levels(
    section: &Section<'_>,
    words: Words<'_>,
    faults: &mut Faults<'_>,
) -> BTreeMap<String, Spanned<Level>> {
    let mut levels = BTreeMap::new();
    for value in section.entries() {
        if let Some(fault) = unknown_finding(value.key, words) {
            faults.add(value.key_span.clone(), fault);
        }
        if let Some(level) = value.word(&LEVELS, faults) {
            // The line of a level is where its key stands.
            levels.insert(value.key.to_owned(), Spanned::new(level, value.key_span.clone()));
        }
    }
    levels
}

/// Returns what is wrong with the name of a kind of finding, or of one finding.
fn unknown_finding(finding: &str, words: Words<'_>) -> Option<Fault> {
    let (kind, key) = match finding.split_once(':') {
        Some((kind, key)) => (kind, Some(key)),
        None => (finding, None),
    };
    if !words.kinds.contains(&kind) {
        let suggestion = closest(kind, words.kinds.iter().copied());
        let finding = finding.chars().take(60).collect();
        return Some(Fault::UnknownFinding { finding, suggestion });
    }
    (key == Some("")).then(|| {
        Fault::malformed("finding", finding, "has nothing after its colon", "a kind alone, or `KIND:KEY`")
    })
}

fn allowance(above: &str, value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Allowance>> {
    let mut section = Section::open(above, value, faults)?;
    let allowed = section.value("allowed").map(|value| value.number(0, MOST, faults));
    let grace = section.value("grace-days").map(|value| value.number(0, MOST_DAYS, faults));
    section.finish(faults);
    let allowance = Allowance { allowed: allowed.unwrap_or(Some(0))?, grace_days: grace.unwrap_or(Some(0))? };
    Some(Spanned::new(allowance, value.key_span.clone()))
}

fn size(mut section: Section<'_>, faults: &mut Faults<'_>) -> Size {
    let count = |value: Value<'_>, faults: &mut Faults<'_>| {
        value.number(0, MOST, faults).map(|number| value.spanned(number))
    };
    let image = section.value("image").and_then(|value| bytes(&value, faults));
    let packages = section.value("packages").and_then(|value| count(value, faults));
    let files = section.value("files").and_then(|value| count(value, faults));
    section.finish(faults);
    Size { image, packages, files }
}

/// Reads an amount of bytes with a unit.
fn bytes(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<u64>> {
    const UNITS: [(&str, u64); 9] = [
        ("", 1),
        ("B", 1),
        ("kB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("kiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    let DeValue::String(text) = value.node else {
        return value.number(0, i64::MAX as u64, faults).map(|number| value.spanned(number));
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let Some((_, factor)) = UNITS.iter().find(|(word, _)| *word == unit.trim_start()) else {
        let why = "has none of the units `B`, `kB`, `MB`, `GB`, `KiB`, `MiB` and `GiB` after a whole number";
        return value.fault(Fault::malformed(value.key, text, why, AMOUNT), faults);
    };
    if let Some(bytes) = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor)) {
        return Some(value.spanned(bytes));
    }
    let why = "has no number, or one that is too large";
    value.fault(Fault::malformed(value.key, text, why, AMOUNT), faults)
}

fn licences(mut section: Section<'_>, words: Words<'_>, faults: &mut Faults<'_>) -> Licences {
    let allowed = section.value("allowed").and_then(|value| licence_list(&value, words, faults));
    let denied = section.value("denied").and_then(|value| licence_list(&value, words, faults));
    for licence in denied.iter().flatten() {
        if let Some(also) = allowed.iter().flatten().find(|allowed| *allowed == licence) {
            let why = "the same licence in both";
            let fault = Fault::Contradiction { key: "denied", other: "allowed", why };
            faults.add_both(licence.span.clone(), also.span.clone(), fault);
        }
    }
    section.finish(faults);
    Licences { allowed, denied: denied.unwrap_or_default() }
}

fn licence_list(
    value: &Value<'_>,
    words: Words<'_>,
    faults: &mut Faults<'_>,
) -> Option<Vec<Spanned<String>>> {
    let list = value.list(Items::Any, faults, |item, faults| {
        let text = item.line(faults)?;
        if (words.is_licence)(text) {
            return Some(item.spanned(text.to_owned()));
        }
        let same = |known: &&&str| known.eq_ignore_ascii_case(text);
        let suggestion = words.licences.iter().find(same).map(|known| (*known).to_owned());
        let suggestion = suggestion.or_else(|| closest(text, words.licences.iter().copied()));
        item.fault(Fault::UnknownLicence { licence: text.chars().take(60).collect(), suggestion }, faults)
    })?;
    check::no_item_twice(value.key, &list, Clone::clone, faults);
    Some(list)
}

fn signatures(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Quorum>> {
    let span = section.span.clone();
    let required = section.value("required");
    let quorum = section.value("quorum");
    let is_required = required.as_ref().map(|value| value.boolean(faults));
    let number = quorum.as_ref().map(|value| value.number(1, 1000, faults));
    if let (Some(required), Some(Some(false)), Some(quorum)) = (&required, is_required, &quorum) {
        let why = "no signature is asked for";
        let fault = Fault::Contradiction { key: "quorum", other: "required", why };
        faults.add_both(quorum.key_span.clone(), required.key_span.clone(), fault);
    }
    section.finish(faults);
    let number = match (is_required, number) {
        (_, Some(number)) => u32::try_from(number?).ok()?,
        (Some(Some(true)), None) => 1,
        (_, None) => return None,
    };
    let at = quorum.or(required).map_or(span, |value| value.key_span.clone());
    Some(Spanned::new(Quorum(number), at))
}

fn forbidden(mut section: Section<'_>, faults: &mut Faults<'_>) -> Forbidden {
    let files = section.value("files").and_then(|value| check::globs(&value, faults));
    let capabilities = section.value("capabilities").and_then(|value| capabilities(&value, faults));
    let packages = section.value("packages").and_then(|value| {
        let list = value.list(Items::Some, faults, |item, faults| {
            item.line(faults).map(|text| item.spanned(text.to_owned()))
        })?;
        check::no_item_twice(value.key, &list, Clone::clone, faults);
        Some(list)
    });
    section.finish(faults);
    Forbidden {
        files: files.unwrap_or_default(),
        capabilities: capabilities.unwrap_or_default(),
        packages: packages.unwrap_or_default(),
    }
}

fn capabilities(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<Spanned<Capability>>> {
    let list = value.list(Items::Some, faults, |item, faults| {
        let name = item.any_text(faults)?;
        if let Some(capability) = Capability::new(name) {
            return Some(item.spanned(capability));
        }
        let upper = name.to_ascii_uppercase();
        let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
        let suggestion = closest(&full, CAPABILITIES);
        item.fault(Fault::UnknownCapability { name: name.to_owned(), suggestion }, faults)
    })?;
    check::no_item_twice(value.key, &list, |one| one.as_str().to_owned(), faults);
    Some(list)
}

fn exceptions(root: &mut Section<'_>, words: Words<'_>, faults: &mut Faults<'_>) -> Vec<Spanned<Exception>> {
    let sections = root.sections("exception", faults);
    let exceptions: Vec<_> =
        sections.into_iter().filter_map(|section| exception(section, words, faults)).collect();
    check::twice(
        &exceptions.iter().map(|one| one.finding.clone()).collect::<Vec<_>>(),
        Clone::clone,
        |item, first| {
            let fault = Fault::DuplicateItem { key: "exception".to_owned(), item: item.value.clone() };
            faults.add_both(item.span.clone(), first.span.clone(), fault);
        },
    );
    exceptions
}

fn exception(
    mut section: Section<'_>,
    words: Words<'_>,
    faults: &mut Faults<'_>,
) -> Option<Spanned<Exception>> {
    let span = section.span.clone();
    let finding = section.required("finding", "finding = \"elf-no-pie:/usr/bin/tool\"").and_then(|value| {
        let text = value.line(faults)?;
        match unknown_finding(text, words) {
            Some(fault) => value.fault(fault, faults),
            None => Some(value.spanned(text.to_owned())),
        }
    });
    let reason = section.required("reason", "reason = \"…\"").and_then(|value| {
        let text = value.line(faults)?;
        if text.trim().is_empty() {
            return value.fault(Fault::Empty { key: value.key.to_owned() }, faults);
        }
        Some(text.to_owned())
    });
    let until = section.required("until", "until = 2026-12-31").and_then(|value| day(&value, faults));
    section.finish(faults);
    Some(Spanned::new(Exception { finding: finding?, reason: reason?, until: until? }, span))
}

/// Reads a day without a time.
fn day(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Day>> {
    let (found, why) = match value.node {
        DeValue::Datetime(date) if date.time.is_none() => (
            date.date.and_then(|date| Day::of_date(date.year, date.month, date.day)),
            "is before 1970, or not in the calendar",
        ),
        DeValue::Datetime(_) => (None, "has a time"),
        DeValue::String(_) => (None, "is in quotes"),
        _ => (None, "is no day"),
    };
    if let Some(day) = found {
        return Some(value.spanned(day));
    }
    let written = faults.written(&value.span).to_owned();
    value.fault(
        Fault::malformed(value.key, &written, why, "a day such as `2026-12-31`, without quotes"),
        faults,
    )
}
