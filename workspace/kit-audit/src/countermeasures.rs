//! The countermeasures of NIST SP 800-190 ("Application Container Security Guide", September 2017), section 4, as a checklist: those for
//! images, containers and the host's system, as far as an image, its lockfile and its findings can answer them.
//!
//! What registries and orchestrators do isn't in an image, so their countermeasures (4.2 and 4.3) are left out. Every answer names what
//! it was drawn from; where nobody looked, the answer is that it isn't known.

mod container;
mod host;
mod image;

use std::collections::BTreeSet;
use std::fmt;

use crate::finding::{Area, Finding, Severity};
use crate::inventory::Inventory;
use crate::privileges::Privileges;

/// One countermeasure, and how far an image follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countermeasure {
    /// Its section, such as `4.1.1`.
    pub number: &'static str,
    /// What is asked for, in kit's words.
    pub title: &'static str,
    /// How far the image follows it.
    pub status: Status,
    /// What that was drawn from, a sentence each.
    pub evidence: Vec<String>,
    /// The findings that stand against it, by their identifiers.
    pub findings: Vec<String>,
}

/// How far an image follows a countermeasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All of it.
    Met,
    /// Some of it.
    Partly,
    /// None of it, or not where it matters.
    NotMet,
    /// There is nothing that it could be about.
    NotApplicable,
    /// Nobody looked.
    Unknown,
}

impl Status {
    /// Returns the word that outputs use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Partly => "partly",
            Self::NotMet => "not-met",
            Self::NotApplicable => "not-applicable",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What answers are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// All that was found.
    pub findings: &'a [Finding],
    /// The areas that were looked at: without findings in them, there is nothing to find.
    pub looked_at: &'a BTreeSet<Area>,
    /// What the containers may do; none where their configurations weren't read.
    pub privileges: Option<&'a Privileges>,
    /// What the image is made of; none where nobody knows.
    pub inventory: Option<&'a Inventory>,
    /// The advisories that were asked, in a few words, such as `Debian and crates.io of 2026-11-01`.
    pub advisories: Option<&'a str>,
    /// What is known of signatures of the image itself.
    pub signatures: &'a Signatures,
}

/// What is known of signatures of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signatures {
    /// Nobody looked.
    Unknown,
    /// There is none by a trusted key.
    Missing,
    /// These signed it, and they are trusted.
    Verified(BTreeSet<String>),
}

/// Answers all countermeasures, in the order of their numbers.
pub fn countermeasures(audited: Audited<'_>) -> Vec<Countermeasure> {
    let mut all = image::all(audited);
    all.extend(container::all(audited));
    all.extend(host::all(audited));
    all
}

impl<'a> Audited<'a> {
    /// Returns the findings of an area.
    fn of(self, area: Area) -> Vec<&'a Finding> {
        self.findings.iter().filter(|finding| finding.kind.area == area).collect()
    }

    /// Returns the findings whose kinds begin with one of these.
    fn with(self, beginnings: &[&str]) -> Vec<&'a Finding> {
        let is_one = |finding: &&Finding| beginnings.iter().any(|start| finding.kind.id.starts_with(start));
        self.findings.iter().filter(is_one).collect()
    }

    fn looked_at(self, area: Area) -> bool {
        self.looked_at.contains(&area)
    }

    /// Says which advisories were asked.
    fn asked(self) -> Option<String> {
        let advisories = self.advisories.filter(|_| self.looked_at(Area::Vulnerabilities))?;
        Some(format!("the advisories that were asked: {advisories}"))
    }
}

/// How bad the worst of some findings is: nothing is at most a note, something is in between, and much is high or critical.
fn by_worst(findings: &[&Finding]) -> Status {
    match findings.iter().map(|finding| finding.severity).max() {
        None | Some(Severity::Note) => Status::Met,
        Some(Severity::Low | Severity::Medium) => Status::Partly,
        Some(Severity::High | Severity::Critical) => Status::NotMet,
    }
}

/// Returns the identifiers of findings that stand against something, sorted, each once.
fn against(findings: &[&Finding]) -> Vec<String> {
    let worse = findings.iter().filter(|finding| finding.severity > Severity::Note);
    worse.map(|finding| finding.id()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Answers by the worst of some findings, with what was looked at.
fn answer(
    number: &'static str,
    title: &'static str,
    findings: &[&Finding],
    evidence: Vec<String>,
) -> Countermeasure {
    Countermeasure { number, title, status: by_worst(findings), evidence, findings: against(findings) }
}

/// Answers that nobody looked, with what would have to be done.
fn unknown(number: &'static str, title: &'static str, missing: &str) -> Countermeasure {
    let evidence = vec![missing.to_owned()];
    Countermeasure { number, title, status: Status::Unknown, evidence, findings: Vec::new() }
}

impl Countermeasure {
    /// Says that it is met no better than this.
    fn at_best(mut self, status: Status, why: &str) -> Self {
        if self.status < status {
            self.status = status;
            self.evidence.push(why.to_owned());
        }
        self
    }
}

/// Sums findings up: how many there are, by severity.
fn summed_up(what: &str, findings: &[&Finding]) -> String {
    let counts = Severity::ALL.into_iter().rev().filter_map(|severity| {
        let number = findings.iter().filter(|finding| finding.severity == severity).count();
        (number > 0).then(|| format!("{number} {severity}"))
    });
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() { format!("{what}: none") } else { format!("{what}: {}", counts.join(", ")) }
}

#[cfg(test)]
mod tests;
