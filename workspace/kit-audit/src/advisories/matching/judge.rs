//! What all that is said about a vulnerability comes to for one package.

use super::about::{Missed, Verdict};
use super::ranges::{affects, fix};
use super::{Installed, Match, State};
use crate::advisories::fold::{Group, groups};
use crate::advisories::score::{Score, best};
use crate::advisories::{
    Advisory, Ecosystem, Event, Informational, Moment, Package, Rating, Snapshot, Status, Tracked,
};
use crate::finding::Severity;

/// Returns the vulnerabilities of one package, by their names.
pub(super) fn judge(
    snapshot: &Snapshot,
    package: &Package,
    installed: &Installed,
    as_of: Option<Moment>,
) -> Vec<Match> {
    let (_, version) = installed.known_as();
    let asked =
        Asked { snapshot, installed, version: &version, ecosystem: installed.origin.ecosystem(), as_of };
    let mut matches: Vec<_> = groups(package)
        .into_iter()
        .filter_map(|group| asked.known(group))
        .filter_map(|group| asked.one(&group))
        .collect();
    matches.sort_by(|a, b| a.id.cmp(&b.id));
    matches
}

/// Returns what one vulnerability comes to for a package that it was published for.
pub(super) fn verdict(snapshot: &Snapshot, group: &Group<'_>, installed: &Installed) -> Verdict {
    let (_, version) = installed.known_as();
    let ecosystem = installed.origin.ecosystem();
    let asked = Asked { snapshot, installed, version: &version, ecosystem, as_of: None };
    match asked.known(group.clone()) {
        Some(known) => match asked.one(&known) {
            Some(found) => Verdict::Hit(Box::new(found)),
            None => Verdict::Missed(asked.missed(&known)),
        },
        None => Verdict::Missed(Missed::Withdrawn),
    }
}

struct Asked<'a> {
    snapshot: &'a Snapshot,
    installed: &'a Installed,
    version: &'a str,
    ecosystem: Ecosystem,
    as_of: Option<Moment>,
}

impl Asked<'_> {
    /// Leaves what was known and not taken back; nothing where nothing of it was known.
    fn known<'g>(&self, mut group: Group<'g>) -> Option<Group<'g>> {
        let had_records = !group.own.is_empty() || !group.shared.is_empty();
        let later = |moment: Moment| self.as_of.is_some_and(|as_of| moment > as_of);
        let is_known = |advisory: &Advisory| {
            let is_withdrawn = advisory.withdrawn.is_some_and(|withdrawn| !later(withdrawn));
            !is_withdrawn && !advisory.published.is_some_and(later)
        };
        group.own.retain(|_, advisory| is_known(advisory));
        group.shared.retain(|_, advisory| is_known(advisory));
        let has_records = !group.own.is_empty() || !group.shared.is_empty();
        // What only the tracker lists has no date; but a CVE isn't published before its year.
        let year = group.id().strip_prefix("CVE-").and_then(|id| id.split('-').next()?.parse::<u32>().ok());
        let is_of_later_year = self.as_of.is_some_and(|as_of| year.is_some_and(|year| year > as_of.year()));
        let is_known = has_records || (!had_records && !group.tracked.is_empty() && !is_of_later_year);
        is_known.then_some(group)
    }

    fn one(&self, group: &Group<'_>) -> Option<Match> {
        let tracked = group.tracked.iter().copied();
        let (state, fixed, tracked) = if group.tracked.is_empty() {
            let (state, fixed) = self.by_records(group)?;
            (state, fixed, None)
        } else {
            let (tracked, (state, fixed)) = tracked
                .filter_map(|t| Some((t, self.by_tracker(t)?)))
                .min_by_key(|(_, (state, _))| *state)?;
            (state, fixed, Some(tracked))
        };
        let records = || group.own.iter().chain(&group.shared);
        let score = best(records().flat_map(|(_, advisory)| advisory.vectors.iter().map(String::as_str)));
        let rating =
            tracked.map_or_else(|| records().find_map(|(_, advisory)| advisory.rating), |t| t.rating);
        let no_dsa = tracked.and_then(|t| t.no_dsa.clone());
        let informational = records().find_map(|(_, advisory)| advisory.informational);
        let id = group.id().to_owned();
        let own = group.own.values().map(|advisory| &advisory.summary);
        let summaries =
            own.chain(tracked.map(|t| &t.summary)).chain(group.shared.values().map(|a| &a.summary));
        Some(Match {
            severity: severity(state, score.as_ref(), rating, no_dsa.is_some(), informational),
            aliases: group.names.iter().filter(|name| **name != id).map(|name| (*name).to_owned()).collect(),
            installed: self.installed.clone(),
            state,
            fixed,
            score,
            rating,
            no_dsa,
            informational,
            summary: summaries.into_iter().find(|line| !line.is_empty()).cloned().unwrap_or_default(),
            published: records().filter_map(|(_, advisory)| advisory.published).min(),
            advisories: records()
                .map(|(id, _)| (*id).to_owned())
                .chain(tracked.map(|_| Match::TRACKER.to_owned()))
                .collect(),
            unknown: self.unknown(group, tracked),
            id,
        })
    }

    /// What the tracker says: whether it is affected, and what fixes it.
    fn by_tracker(&self, tracked: &Tracked) -> Option<(State, Option<String>)> {
        let is_before = |version: &str| self.ecosystem.compare(self.version, version).is_lt();
        // What is newer than the release's own, from backports for instance, can have the fix that unstable has.
        let is_fixed_in_unstable = tracked.unstable.as_deref().is_some_and(|version| !is_before(version));
        match &tracked.status {
            Status::NotAffected => None,
            Status::Resolved(version) => is_before(version).then(|| (State::Affected, Some(version.clone()))),
            Status::Open | Status::Undetermined if is_fixed_in_unstable => None,
            Status::Open => Some((State::Affected, None)),
            Status::Undetermined => Some((State::Undetermined, None)),
        }
    }

    /// What OSV says: whether it is affected, and what fixes it. A record about one vulnerability knows more than one about many.
    fn by_records(&self, group: &Group<'_>) -> Option<(State, Option<String>)> {
        let records = if group.own.is_empty() { &group.shared } else { &group.own };
        let version = self.version;
        let affecting: Vec<_> =
            records.values().filter(|advisory| affects(self.ecosystem, advisory, version)).collect();
        let fixes = affecting.iter().filter_map(|advisory| fix(self.ecosystem, advisory, version));
        let fixed = fixes.max_by(|a, b| self.ecosystem.compare(a, b)).map(str::to_owned);
        (!affecting.is_empty()).then_some((State::Affected, fixed))
    }

    /// Why it doesn't concern the package, where it doesn't.
    fn missed(&self, group: &Group<'_>) -> Missed {
        let is_reached = |version: &&str| self.ecosystem.compare(self.version, version).is_ge();
        let by_tracker = |tracked: &&Tracked| match &tracked.status {
            Status::NotAffected => Missed::NeverAffected,
            Status::Resolved(version) => Missed::Fixed(version.clone()),
            Status::Open | Status::Undetermined => match &tracked.unstable {
                Some(version) => Missed::FixedInUnstable(version.clone()),
                None => Missed::OtherVersions,
            },
        };
        if let Some(missed) = group.tracked.first().map(by_tracker) {
            return missed;
        }
        let records = if group.own.is_empty() { &group.shared } else { &group.own };
        let events = records.values().flat_map(|advisory| &advisory.ranges).flat_map(|range| &range.events);
        let fixes = events.filter_map(|event| match event {
            Event::Fixed(version) => Some(version.as_str()),
            Event::Introduced(_) | Event::LastAffected(_) => None,
        });
        let fixed = fixes.filter(is_reached).max_by(|a, b| self.ecosystem.compare(a, b));
        fixed.map_or(Missed::OtherVersions, |version| Missed::Fixed(version.to_owned()))
    }

    /// What can't be told.
    fn unknown(&self, group: &Group<'_>, tracked: Option<&Tracked>) -> Vec<String> {
        let mut unknown = Vec::new();
        if tracked.is_none() && self.ecosystem == Ecosystem::Debian && self.snapshot.has_tracker() {
            unknown.push("Debian's security tracker doesn't list it for this package".to_owned());
        }
        let Some(as_of) = self.as_of else { return unknown };
        for (id, advisory) in group.own.iter().chain(&group.shared) {
            if advisory.published.is_none() {
                unknown.push(format!("`{id}` doesn't say when it was published"));
            }
            if advisory.modified > as_of {
                let when = advisory.modified.date();
                unknown.push(format!("`{id}` was changed on {when}; what it said before isn't known"));
            }
        }
        if tracked.is_some() {
            match self.snapshot.tracker_date() {
                Some(date) if date <= as_of => {}
                Some(date) => unknown.push(format!(
                    "Debian's security tracker was read on {}; what it said before isn't known",
                    date.date()
                )),
                None => unknown.push("when Debian's security tracker was read isn't known".to_owned()),
            }
        }
        unknown
    }
}

/// Returns how bad it is: by its vector, else in its publisher's words; what Debian takes for no risk, or for unknown, is a note.
fn severity(
    state: State,
    score: Option<&Score>,
    rating: Option<Rating>,
    has_no_dsa: bool,
    informational: Option<Informational>,
) -> Severity {
    if state == State::Undetermined || rating == Some(Rating::Unimportant) {
        return Severity::Note;
    }
    match informational {
        Some(Informational::Unmaintained | Informational::Notice) => return Severity::Note,
        Some(Informational::Unsound) | None => {}
    }
    let worded = rating.and_then(Option::<Severity>::from);
    let guessed = if has_no_dsa || informational.is_some() { Severity::Low } else { Severity::Medium };
    score.map(|score| score.severity).or(worded).unwrap_or(guessed)
}
