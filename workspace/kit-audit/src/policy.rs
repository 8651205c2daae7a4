//! What becomes of findings: a policy, or the rule without one, applied to an audit on a given day.
//!
//! Without a policy, what is worth knowing is allowed, everything else warns, and two things deny: a vulnerability that is high or critical
//! and has a fixed version, and an image that isn't what its lockfile gives. The more exact line of a policy wins:
//!
//! 1. `[[exception]]`, up to its day: the finding is allowed, and listed with the reason;
//! 2. `[levels] "KIND:KEY"`;
//! 3. `[vulnerabilities]`, by severity: what is let through warns at most; what isn't has the level of `[levels] vulnerability`, or denies;
//! 4. `[levels] KIND`;
//! 5. `[severities]`, but for what the policy itself asks for;
//! 6. the rule without a policy. What `[size]`, `[licences]`, `[signatures]` and `[forbidden]` ask for denies; an exception that is over, or
//!    about nothing, warns.
//!
//! | module | what |
//! |---|---|
//! | [`kinds`] | the kinds of findings that a policy itself makes |
//! | `asked` | what the policy asks for: budgets, licences, signatures, what is forbidden |
//! | `level` | the level of one finding |

mod asked;
pub mod kinds;
mod level;

use std::collections::{BTreeMap, BTreeSet};

use kit_plan::error::Place;
pub use kit_recipe::policy::{Day, Level, Policy};
use kit_recipe::policy::{Exception, Words};

use self::level::Levels;
use crate::finding::{Area, Evidence, Finding, Kind, Severity};
use crate::inventory::{ComponentId, Inventory};

/// The identifier of the kind that `[vulnerabilities]` is about.
pub const VULNERABILITY: &str = "vulnerability";
/// The identifier of the kind for images that were tampered with.
const ALTERED: &str = "image-altered";

/// What a policy is applied to.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What was found.
    pub findings: &'a [Finding],
    /// The areas that were looked at: an exception about another one isn't called unused.
    pub areas: &'a BTreeSet<Area>,
    /// All kinds of findings.
    pub kinds: &'a [&'static Kind],
    /// What the image is made of; without files where they aren't known.
    pub inventory: Option<&'a Inventory>,
    /// The SPDX expressions of components.
    pub licences: &'a BTreeMap<ComponentId, String>,
    /// What is known of vulnerabilities, by the [`Finding::id`] of each.
    pub advised: &'a BTreeMap<String, Advised>,
    /// The capabilities that services have; none where nobody looked.
    pub capabilities: Option<&'a [Held]>,
    /// The trusted keys with a good signature; none where nobody looked.
    pub signed_by: Option<&'a BTreeSet<String>>,
    /// The day on which it is judged.
    pub today: Day,
}

/// What advisories say of a vulnerability.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advised {
    /// The day on which it was published.
    pub published: Option<Day>,
    /// The version that has it no more.
    pub fixed: Option<String>,
}

/// A capability that something has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What has it, such as a service.
    pub by: String,
    /// Which one, `CAP_…`.
    pub capability: String,
    /// Where a recipe says so.
    pub place: Option<Place>,
}

/// What became of the findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// All findings, those of the policy included, the worst first.
    pub judged: Vec<Judged>,
    /// All exceptions, in the order of the policy.
    pub exceptions: Vec<Listed>,
    /// What the policy asks for and couldn't be judged, in sentences.
    pub left_out: Vec<String>,
}

impl Judgement {
    /// Whether the audit passes: it does when nothing is denied.
    pub fn outcome(&self) -> Outcome {
        if self.judged.iter().any(|one| one.level == Level::Deny) { Outcome::Failed } else { Outcome::Passed }
    }
}

/// Whether an audit passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is denied.
    Passed,
    /// Something is.
    Failed,
}

impl Outcome {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// A finding and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What was found.
    pub finding: Finding,
    /// What becomes of it.
    pub level: Level,
    /// Why.
    pub why: Why,
    /// The exception that lets it through: which of [`Judgement::exceptions`].
    pub exception: Option<usize>,
}

/// Why a finding has its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The line of the policy that says so; none without one.
    pub line: Option<usize>,
    /// What it says.
    pub words: String,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "policy.toml:{line}: {}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

/// An exception of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// A kind of finding, or one finding.
    pub finding: String,
    /// Why it is let through.
    pub reason: String,
    /// The last day that it counts on.
    pub until: Day,
    /// Its line of the policy.
    pub line: usize,
    /// What became of it.
    pub state: State,
}

/// What became of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It let this many findings through.
    Used(usize),
    /// There was nothing to let through.
    Unused,
    /// Its last day has passed.
    Expired,
    /// What it is about wasn't looked at.
    NotLookedAt,
}

impl State {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Used(_) => "used",
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::NotLookedAt => "not looked at",
        }
    }
}

/// Returns the words that policies may use: kinds of findings, and licences of `licences`, which [`licence_ids`] gives.
pub fn words<'a>(kinds: &'a [&'a str], licences: &'a [&'a str]) -> Words<'a> {
    Words { kinds, is_licence: &asked::is_licence, licences }
}

/// Returns the identifiers of all licences that SPDX lists.
pub fn licence_ids() -> Vec<&'static str> {
    spdx::identifiers::LICENSES.iter().map(|licence| licence.name).collect()
}

/// Says what becomes of each finding, and adds what the policy itself finds.
pub fn judge(policy: Option<&Policy>, subject: Subject<'_>) -> Judgement {
    let nothing = Policy::default();
    let policy = policy.unwrap_or(&nothing);
    let mut findings = subject.findings.to_vec();
    let left_out = asked::ask(policy, subject, &mut findings);
    let mut exceptions = listed(policy, subject, &findings);
    let about: Vec<_> = findings.iter().map(|finding| exception_of(policy, &exceptions, finding)).collect();
    findings.extend(of_exceptions(&exceptions));
    let levels = Levels::new(policy, subject.advised, subject.today, {
        findings.iter().zip(&about).filter(|(_, exception)| exception.is_none()).map(|(finding, _)| finding)
    });
    let mut judged: Vec<_> = findings
        .into_iter()
        .zip(about.into_iter().chain(std::iter::repeat(None)))
        .map(|(finding, exception)| match exception {
            None => {
                let (level, why) = levels.of(&finding);
                Judged { finding, level, why, exception }
            }
            Some(at) => {
                let exception: &mut Listed = &mut exceptions[at];
                if let State::Used(findings) = &mut exception.state {
                    *findings += 1;
                }
                let words = format!("let through until {}: {}", exception.until, exception.reason);
                let why = Why { line: Some(exception.line), words };
                Judged { finding, level: Level::Allow, why, exception: Some(at) }
            }
        })
        .collect();
    judged.sort_by(|a, b| worst_first(a).cmp(&worst_first(b)));
    Judgement { judged, exceptions, left_out }
}

/// What findings are put in order by.
fn worst_first(judged: &Judged) -> impl Ord + '_ {
    use std::cmp::Reverse;

    let finding = &judged.finding;
    let badness: (Reverse<Level>, Reverse<Severity>) = (Reverse(judged.level), Reverse(finding.severity));
    (badness, finding.kind.area, finding.kind.id, &finding.key)
}

/// Lists the exceptions with what becomes of them; one that is used hasn't let anything through yet.
fn listed(policy: &Policy, subject: Subject<'_>, findings: &[Finding]) -> Vec<Listed> {
    let state = |exception: &Exception| {
        let is_about = |finding: &Finding| exception.is_about(finding.kind.id, &finding.key);
        let kind = exception.finding.split(':').next().unwrap_or_default();
        let is_looked_at = |kind: &&&'static Kind| subject.areas.contains(&kind.area);
        if subject.today > exception.until.value {
            State::Expired
        } else if findings.iter().any(is_about) {
            State::Used(0)
        } else if subject.kinds.iter().filter(|known| known.id == kind).any(|known| is_looked_at(&known)) {
            State::Unused
        } else {
            State::NotLookedAt
        }
    };
    let listed = policy.exceptions.iter().map(|exception| Listed {
        finding: exception.finding.value.clone(),
        reason: exception.reason.clone(),
        until: exception.until.value,
        line: level::line(policy, exception.finding.span.start),
        state: state(exception),
    });
    listed.collect()
}

/// Returns which exception lets a finding through: the one about it alone before the one about its kind.
fn exception_of(policy: &Policy, listed: &[Listed], finding: &Finding) -> Option<usize> {
    let fits = |at: &usize| {
        matches!(listed[*at].state, State::Used(_))
            && policy.exceptions[*at].is_about(finding.kind.id, &finding.key)
    };
    (0..listed.len()).filter(fits).max_by_key(|at| listed[*at].finding.contains(':'))
}

/// Finds exceptions that are over, or about nothing.
fn of_exceptions(listed: &[Listed]) -> impl Iterator<Item = Finding> + '_ {
    listed.iter().filter_map(|exception| {
        let named = format!("the exception of `{}`", exception.finding);
        let (kind, message) = match exception.state {
            State::Expired => {
                (&kinds::EXCEPTION_EXPIRED, format!("{named} counted until {}", exception.until))
            }
            State::Unused => (&kinds::EXCEPTION_UNUSED, format!("{named} lets nothing through")),
            State::Used(_) | State::NotLookedAt => return None,
        };
        let fact = Evidence::Fact(format!("policy.toml:{}: {}", exception.line, exception.reason));
        Some(Finding::new(kind, &exception.finding, message).because(fact))
    })
}

#[cfg(test)]
mod tests;
