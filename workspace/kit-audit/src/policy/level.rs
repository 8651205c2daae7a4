//! The level of one finding.

use std::collections::BTreeMap;

use kit_recipe::Spanned;
use kit_recipe::policy::{Allowance, BySeverity, Day, Level, Policy};

use super::{ALTERED, Advised, VULNERABILITY, Why, kinds};
use crate::finding::{Area, Finding, Severity};

/// Says which level findings have.
pub(super) struct Levels<'a> {
    policy: &'a Policy,
    advised: &'a BTreeMap<String, Advised>,
    today: Day,
    /// How many vulnerabilities of each severity count against what is allowed.
    counted: BTreeMap<Severity, u64>,
}

impl<'a> Levels<'a> {
    /// Counts the vulnerabilities among findings without exception.
    pub(super) fn new<'f>(
        policy: &'a Policy,
        advised: &'a BTreeMap<String, Advised>,
        today: Day,
        findings: impl Iterator<Item = &'f Finding>,
    ) -> Self {
        let mut levels = Self { policy, advised, today, counted: BTreeMap::new() };
        let mut counted = BTreeMap::new();
        for finding in findings {
            let Some(allowance) = levels.allowance(finding) else { continue };
            if levels.grace_left(finding, &allowance.value).is_none() {
                *counted.entry(finding.severity).or_insert(0) += 1;
            }
        }
        levels.counted = counted;
        levels
    }

    /// Returns the level of a finding, and what says so.
    pub(super) fn of(&self, finding: &Finding) -> (Level, Why) {
        let policy = self.policy;
        if let Some(level) = policy.levels.get(&finding.id()) {
            return self.written(level, &format!("`{}`", finding.id()));
        }
        if let Some(allowance) = self.allowance(finding) {
            return self.of_vulnerability(finding, allowance);
        }
        if let Some(level) = policy.levels.get(finding.kind.id) {
            return self.written(level, &format!("`{}`", finding.kind.id));
        }
        let severity = of(&policy.severities, finding.severity);
        if let Some(level) = severity.filter(|_| finding.kind.area != Area::Policy) {
            return self.written(level, &format!("severity {}", finding.severity));
        }
        let (level, words) = self.without_policy(finding);
        (level, Why { line: None, words: words.to_owned() })
    }

    fn written(&self, level: &Spanned<Level>, what: &str) -> (Level, Why) {
        let line = Some(line(self.policy, level.span.start));
        (level.value, Why { line, words: format!("{what} is `{}`", level.value) })
    }

    /// Returns what is let through of the vulnerabilities like this one, where the policy says so and nothing more exact.
    fn allowance(&self, finding: &Finding) -> Option<&'a Spanned<Allowance>> {
        let is_other = finding.kind.id != VULNERABILITY || self.policy.levels.contains_key(&finding.id());
        of(&self.policy.vulnerabilities, finding.severity).filter(|_| !is_other)
    }

    /// Returns how many days of grace are left, the present one included; none where there is no grace, or no more.
    fn grace_left(&self, finding: &Finding, allowance: &Allowance) -> Option<u64> {
        let published = self.advised.get(&finding.id())?.published?;
        let age = u64::from(self.today.since(published));
        allowance.grace_days.checked_sub(age).filter(|left| *left > 0)
    }

    fn of_vulnerability(&self, finding: &Finding, allowance: &Spanned<Allowance>) -> (Level, Why) {
        let otherwise = self.policy.levels.get(VULNERABILITY).map_or(Level::Deny, |level| level.value);
        let counted = self.counted.get(&finding.severity).copied().unwrap_or_default();
        let severity = finding.severity;
        let (level, words) = if let Some(left) = self.grace_left(finding, &allowance.value) {
            let days = allowance.grace_days;
            (Level::Warn.min(otherwise), format!("{left} of {days} days of grace left for {severity} ones"))
        } else if counted <= allowance.allowed {
            (
                Level::Warn.min(otherwise),
                format!("{counted} of {} allowed {severity} ones", allowance.allowed),
            )
        } else {
            let allowed = allowance.allowed;
            (otherwise, format!("{counted} {severity} ones, {allowed} allowed, no grace left"))
        };
        (level, Why { line: Some(line(self.policy, allowance.span.start)), words })
    }

    fn without_policy(&self, finding: &Finding) -> (Level, &'static str) {
        let kind = finding.kind;
        if kind.area == Area::Policy {
            let is_of_exception =
                [kinds::EXCEPTION_EXPIRED.id, kinds::EXCEPTION_UNUSED.id].contains(&kind.id);
            return if is_of_exception {
                (Level::Warn, "exceptions are to be looked after")
            } else {
                (Level::Deny, "the policy asks for it")
            };
        }
        let has_fix = || self.advised.get(&finding.id()).is_some_and(|advised| advised.fixed.is_some());
        if kind.id == VULNERABILITY && finding.severity >= Severity::High && has_fix() {
            return (Level::Deny, "high and critical vulnerabilities that have a fix are denied");
        }
        if kind.id == ALTERED {
            return (Level::Deny, "an image that isn't what its lockfile gives is denied");
        }
        match finding.severity {
            Severity::Note => (Level::Allow, "notes are allowed"),
            Severity::Low | Severity::Medium | Severity::High | Severity::Critical => {
                (Level::Warn, "findings warn")
            }
        }
    }
}

/// Returns what there is for a severity.
fn of<T>(all: &BySeverity<T>, severity: Severity) -> Option<&T> {
    match severity {
        Severity::Note => all.note.as_ref(),
        Severity::Low => all.low.as_ref(),
        Severity::Medium => all.medium.as_ref(),
        Severity::High => all.high.as_ref(),
        Severity::Critical => all.critical.as_ref(),
    }
}

/// Returns the line, from 1, of a byte of a policy.
pub(super) fn line(policy: &Policy, at: usize) -> usize {
    policy.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
