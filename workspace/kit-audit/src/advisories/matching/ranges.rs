//! Ranges of versions, as the specification of OSV evaluates them.

use std::cmp::Ordering;

use crate::advisories::{Advisory, Ecosystem, Event, Range};

/// The version before all.
const FIRST: &str = "0";
/// The limit behind all.
const NO_LIMIT: &str = "*";

/// Sorts events by version; those at one version stay in the order that they are written in.
pub(in crate::advisories) fn sort(ecosystem: Ecosystem, events: &mut [Event]) {
    events.sort_by(|a, b| compare(ecosystem, a.version(), b.version()));
}

fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Ordering {
    match (a == FIRST, b == FIRST) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => ecosystem.compare(a, b),
    }
}

/// Returns whether a version is in a range.
pub(in crate::advisories) fn holds(ecosystem: Ecosystem, range: &Range, version: &str) -> bool {
    let is_before_limit = |limit: &String| limit == NO_LIMIT || ecosystem.compare(version, limit).is_lt();
    if !range.limits.is_empty() && !range.limits.iter().any(is_before_limit) {
        return false;
    }
    let mut is_affected = false;
    for event in &range.events {
        let reached = event.version() == FIRST || ecosystem.compare(version, event.version()).is_ge();
        match event {
            Event::Introduced(_) if reached => is_affected = true,
            Event::Fixed(_) if reached => is_affected = false,
            Event::LastAffected(last) if ecosystem.compare(version, last).is_gt() => is_affected = false,
            Event::Introduced(_) | Event::Fixed(_) | Event::LastAffected(_) => {}
        }
    }
    is_affected
}

/// Returns whether an advisory is about a version.
pub(super) fn affects(ecosystem: Ecosystem, advisory: &Advisory, version: &str) -> bool {
    advisory.versions.iter().any(|listed| ecosystem.compare(listed, version).is_eq())
        || advisory.ranges.iter().any(|range| holds(ecosystem, range, version))
}

/// Returns the first version behind a given one that fixes the ranges that the latter is in.
pub(super) fn fix<'a>(ecosystem: Ecosystem, advisory: &'a Advisory, version: &str) -> Option<&'a str> {
    let ranges = advisory.ranges.iter().filter(|range| holds(ecosystem, range, version));
    let first = |range: &'a Range| {
        range.events.iter().find_map(|event| match event {
            Event::Fixed(fixed) if ecosystem.compare(fixed, version).is_gt() => Some(fixed.as_str()),
            Event::Introduced(_) | Event::Fixed(_) | Event::LastAffected(_) => None,
        })
    };
    ranges.filter_map(first).max_by(|a, b| ecosystem.compare(a, b))
}
