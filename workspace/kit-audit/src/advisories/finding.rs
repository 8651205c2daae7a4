//! Findings of matches.

use super::matching::{Match, Origin, State};
use super::vex::{Judged, Verdict};
use super::{Informational, Rating};
use crate::finding::{Area, Evidence, Finding, Kind, Severity};

/// The kinds of findings about known vulnerabilities.
pub const KINDS: &[Kind] = &[VULNERABILITY, DISMISSED, CRATE_NOTICE];

const VULNERABILITY: Kind = Kind {
    id: "vulnerability",
    area: Area::Vulnerabilities,
    severity: Severity::Medium,
    title: "a known vulnerability",
    help: "take a version that has the fix, or say in a VEX document why it doesn't matter",
};

const DISMISSED: Kind = Kind {
    id: "vulnerability-dismissed",
    area: Area::Vulnerabilities,
    severity: Severity::Note,
    title: "a known vulnerability that a VEX document dismisses",
    help: "nothing, as long as what the document says holds",
};

const CRATE_NOTICE: Kind = Kind {
    id: "crate-notice",
    area: Area::Vulnerabilities,
    severity: Severity::Note,
    title: "a notice about a crate, such as that nobody maintains it",
    help: "look for a crate that takes its place",
};

/// Returns the findings of what was found and judged: one for each, in the same order.
pub fn findings(judged: &[Judged]) -> Vec<Finding> {
    judged.iter().map(finding).collect()
}

fn finding(judged: &Judged) -> Finding {
    let found = &judged.found;
    let key = format!("{} {}", found.id, found.installed.name);
    let mut finding = match (&judged.verdict, found.informational) {
        (Verdict::Dismissed(why), _) => {
            let message = format!("{}, which is dismissed: {why}", message(found));
            Finding::new(&DISMISSED, key, message)
        }
        (Verdict::Stands | Verdict::Noted(_), Some(Informational::Unmaintained | Informational::Notice)) => {
            Finding::new(&CRATE_NOTICE, key, message(found))
        }
        (Verdict::Stands | Verdict::Noted(_), Some(Informational::Unsound) | None) => {
            Finding::new(&VULNERABILITY, key, message(found)).as_bad_as(found.severity).with_help(help(found))
        }
    };
    finding.evidence = evidence(judged);
    finding
}

/// Says what is wrong.
fn message(found: &Match) -> String {
    let installed = &found.installed;
    let what = format!("`{}` {}", installed.name, installed.version);
    let has = match (found.informational, found.state) {
        (Some(Informational::Unmaintained), _) => "isn't maintained, by",
        (Some(Informational::Notice), _) => "has the notice",
        (Some(Informational::Unsound), _) => "is unsound, by",
        (None, State::Affected) => "has",
        (None, State::Undetermined) => "may have",
    };
    let mut facts = Vec::new();
    facts.extend(found.score.as_ref().map(|score| format!("CVSS {}", score.value)));
    facts.extend(found.rating.map(|rating| rating.word().to_owned()));
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    let fixed = found.fixed.as_ref().map(|fixed| format!(", fixed in {fixed}")).unwrap_or_default();
    let summary = if found.summary.is_empty() { String::new() } else { format!(": {}", found.summary) };
    format!("{what} {has} {}{facts}{fixed}{}", found.id, summary.trim_end_matches('.'))
}

/// Says what to do.
fn help(found: &Match) -> String {
    let installed = &found.installed;
    if found.fixed.is_some() {
        return match installed.update.as_slice() {
            [] => "run `kit lock --update`".to_owned(),
            names => format!("run `kit lock --update {}`", names.join(" ")),
        };
    }
    if found.rating == Some(Rating::EndOfLife) {
        return "the release doesn't support the package any more: use another release, or another package"
            .to_owned();
    }
    if found.rating == Some(Rating::Unimportant) {
        return "Debian takes it for no risk in what it ships: nothing has to be done".to_owned();
    }
    if let Some(no_dsa) = &found.no_dsa {
        let reason = if no_dsa.reason.is_empty() { String::new() } else { format!(": {}", no_dsa.reason) };
        return format!("Debian makes no advisory for it (`{}`){reason}", no_dsa.decision.word());
    }
    match (found.state, &installed.origin) {
        (State::Undetermined, _) => {
            "Debian hasn't determined whether it is affected: look at it, and say so in a VEX document"
                .to_owned()
        }
        (State::Affected, Origin::Debian(release)) => {
            format!("nothing fixes it in {} yet; see whether a VEX document can dismiss it", release.codename)
        }
        (State::Affected, Origin::CratesIo) => "no version fixes it; look for another crate".to_owned(),
    }
}

fn evidence(judged: &Judged) -> Vec<Evidence> {
    let found = &judged.found;
    let mut evidence: Vec<_> =
        found.advisories.iter().filter(|id| *id != Match::TRACKER).cloned().map(Evidence::Advisory).collect();
    if found.advisories.contains(Match::TRACKER) {
        let (id, name) = (&found.id, &found.installed.name);
        evidence.push(Evidence::Fact(format!("Debian's security tracker lists {id} for `{name}`")));
    }
    evidence.extend(found.score.iter().map(|score| Evidence::Fact(score.vector.clone())));
    if !found.installed.binaries.is_empty() {
        let binaries = found.installed.binaries.join("`, `");
        evidence.push(Evidence::Fact(format!("the image has `{binaries}` of it")));
    }
    evidence.extend(found.installed.evidence.iter().cloned());
    evidence.extend(found.unknown.iter().cloned().map(Evidence::Fact));
    if let Verdict::Noted(said) = &judged.verdict {
        evidence.push(Evidence::Fact(said.clone()));
    }
    evidence
}

#[cfg(test)]
mod tests;
