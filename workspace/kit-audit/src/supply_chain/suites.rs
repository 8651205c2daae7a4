//! Debian suites: whose signatures their packages hang on, and how old they are.

use kit_format::date::rfc3339;
use kit_recipe::lockfile::Suite;
use kit_recipe::policy::Day;

use super::{Known, Outside, counted, kind};
use crate::finding::{Evidence, Finding, Kind, Severity};

pub(super) const KEY: Kind = kind(
    "suite-key",
    Severity::Note,
    "whose signature the packages of a suite hang on",
    "compare the fingerprint with the one that the archive publishes",
);
pub(super) const OLD_KEY: Kind = kind(
    "key-old",
    Severity::Low,
    "a key that signed a suite is old",
    "see whether the archive signs with a newer key, and run `kit lock --update`",
);
pub(super) const OLD: Kind = kind(
    "suite-old",
    Severity::Low,
    "the state of a suite is old: what was repaired since isn't in it",
    "run `kit lock --update`",
);

const DAY: u64 = 86_400;

pub(super) fn findings(known: Known<'_>) -> Vec<Finding> {
    known.lock.suites.iter().flat_map(|(name, suite)| of_suite(name, suite, known.outside)).collect()
}

fn of_suite(name: &str, suite: &Suite, outside: &Outside) -> Vec<Finding> {
    let lock = || Evidence::Lock(format!("suites {name} {}", suite.in_release));
    let mut findings = vec![keys(name, suite, outside).because(lock())];
    let age = |of: u64| outside.now.and_then(|now| now.checked_sub(of)).map(|seconds| seconds / DAY);
    for key in &suite.signed_by {
        let Some(days) = outside.keys.get(key).and_then(|made| age(*made)) else { continue };
        if days > outside.key_days {
            let message = format!("the key `{key}` that signed `{name}` is {} old", counted_days(days));
            let finding = Finding::new(&OLD_KEY, format!("{name} {key}"), message).because(lock());
            findings.push(finding);
        }
    }
    for key in &suite.signed_by {
        let Some(days) = outside.key_ends.get(key).and_then(|ends| age(*ends)) else { continue };
        let message = format!("the key `{key}` that signed `{name}` ran out {} ago", counted_days(days));
        let finding = Finding::new(&OLD_KEY, format!("{name} {key} ran out"), message);
        findings.push(finding.as_bad_as(Severity::Medium).because(lock()));
    }
    if let Some(days) = age(suite.date).filter(|days| *days > outside.suite_days) {
        let date = u32::try_from(suite.date).map_or_else(|_| suite.date.to_string(), rfc3339);
        let message = format!("the state of `{name}` is of {date}, {} ago", counted_days(days));
        findings.push(Finding::new(&OLD, name, message).because(lock()));
    }
    findings
}

fn keys(name: &str, suite: &Suite, outside: &Outside) -> Finding {
    if suite.signed_by.is_empty() {
        let message = format!("nobody signed the state of `{name}`");
        return Finding::new(&KEY, name, message).as_bad_as(Severity::High);
    }
    let message = format!("`{name}` is signed by {}", counted(suite.signed_by.len(), "key"));
    let facts = suite.signed_by.iter().map(|key| Evidence::Fact(signed_by(key, outside)));
    facts.fold(Finding::new(&KEY, name, message), Finding::because)
}

/// Says which key signed, and from when to when it counts, as far as that is known.
fn signed_by(key: &str, outside: &Outside) -> String {
    let mut text = format!("signed by {key}");
    let times = [("made on", outside.keys.get(key)), ("good until", outside.key_ends.get(key))];
    for (words, time) in times {
        if let Some(time) = time {
            text = format!("{text}, {words} {}", Day::of_seconds(*time));
        }
    }
    text
}

fn counted_days(days: u64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}
