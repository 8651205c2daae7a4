//! `policy.toml`: what a project's audits let through. Nothing in it reaches a hash.
//!
//! ```toml
//! [severities]                     # what becomes of findings of a severity: `allow`, `warn` or `deny`
//! high = "deny"
//! [levels]                         # the same for a kind of finding, or for one finding, `KIND:KEY`
//! elf-no-pie = "warn"
//! "set-uid:/usr/bin/su" = "allow"
//! [vulnerabilities]                # what is let through, by severity
//! high = { grace-days = 14 }       # for 14 days after it was published
//! medium = { allowed = 10 }        # as long as there are no more than 10
//! [size]                           # budgets
//! image = "200 MiB"
//! packages = 120
//! files = 20000
//! [licences]
//! allowed = ["MIT", "GPL-2.0-or-later"]
//! denied = ["AGPL-3.0-only"]
//! [signatures]
//! quorum = 2                       # of the trusted keys of `kit.toml`
//! [forbidden]
//! files = ["/usr/bin/gdb", "/**/*.pem"]
//! capabilities = ["CAP_SYS_ADMIN"]
//! packages = ["telnet"]
//! [[exception]]
//! finding = "vulnerability:CVE-2024-2511 openssl"
//! reason = "TLS servers are not shipped"
//! until = 2026-12-31
//! ```

mod day;

use std::collections::BTreeMap;
use std::fmt;

pub use self::day::Day;
use crate::Spanned;
use crate::container::Capability;

/// What a project's audits let through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The whole text, which every span is of.
    pub text: String,
    /// `[severities]`: what becomes of findings by severity.
    pub severities: BySeverity<Spanned<Level>>,
    /// `[levels]`: what becomes of findings by kind (`elf-no-pie`), or of one of them (`set-uid:/usr/bin/su`).
    pub levels: BTreeMap<String, Spanned<Level>>,
    /// `[vulnerabilities]`: how many vulnerabilities of a severity are let through, and for how long.
    pub vulnerabilities: BySeverity<Spanned<Allowance>>,
    /// `[size]`: budgets.
    pub size: Size,
    /// `[licences]`.
    pub licences: Licences,
    /// `[signatures]`: none asked for where it is none.
    pub signatures: Option<Spanned<Quorum>>,
    /// `[forbidden]`: what an image can't have.
    pub forbidden: Forbidden,
    /// `[[exception]]`: findings that are let through until a day, in the order of the text.
    pub exceptions: Vec<Spanned<Exception>>,
}

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is listed, no more.
    Allow,
    /// It is shown.
    Warn,
    /// It is shown, and the audit fails.
    Deny,
}

impl Level {
    /// All of them, the most lenient first.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Warn, Self::Deny];

    /// Returns the word of policies and outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Something for each severity that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BySeverity<T> {
    /// `note`: worth knowing; vulnerabilities that nobody has rated.
    pub note: Option<T>,
    /// `low`.
    pub low: Option<T>,
    /// `medium`.
    pub medium: Option<T>,
    /// `high`.
    pub high: Option<T>,
    /// `critical`.
    pub critical: Option<T>,
}

impl<T> Default for BySeverity<T> {
    fn default() -> Self {
        Self { note: None, low: None, medium: None, high: None, critical: None }
    }
}

/// What is let through of the vulnerabilities of one severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// `allowed`: how many. When there are more, none of them is let through.
    pub allowed: u64,
    /// `grace-days`: for how many days after their publication they are let through, and don't count. One whose publication nobody knows
    /// has none.
    pub grace_days: u64,
}

/// Budgets; what is none is unlimited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Size {
    /// `image`: the bytes of all files of an image, each file once: `"200 MiB"`, or a number.
    pub image: Option<Spanned<u64>>,
    /// `packages`: how many components that others made (Debian packages, crates, files, images) an image ships.
    pub packages: Option<Spanned<u64>>,
    /// `files`: how many paths of an image aren't directories.
    pub files: Option<Spanned<u64>>,
}

/// Which licences are good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Licences {
    /// `allowed`: SPDX identifiers, with `WITH` and an exception where there is one. A component must be usable under these alone; none
    /// where all but the denied ones are good.
    pub allowed: Option<Vec<Spanned<String>>>,
    /// `denied`: SPDX identifiers. A component must be usable without any of these.
    pub denied: Vec<Spanned<String>>,
}

/// How many of the trusted keys must have signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum(
    /// `quorum`; 1 where only `required = true` is written.
    pub u32,
);

/// What an image can't have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forbidden {
    /// `files`: globs of paths; what is below a directory that matches is meant, too.
    pub files: Vec<Spanned<String>>,
    /// `capabilities`: what no service may have.
    pub capabilities: Vec<Spanned<Capability>>,
    /// `packages`: names of components, such as Debian packages and crates.
    pub packages: Vec<Spanned<String>>,
}

/// Findings that are let through until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// `finding`: a kind, or `KIND:KEY`.
    pub finding: Spanned<String>,
    /// `reason`: why.
    pub reason: String,
    /// `until`: the last day that it counts on.
    pub until: Spanned<Day>,
}

impl Exception {
    /// Whether it is about a finding of this kind with this key.
    pub fn is_about(&self, kind: &str, key: &str) -> bool {
        match self.finding.split_once(':') {
            Some((about, about_key)) => about == kind && about_key == key,
            None => self.finding.value == kind,
        }
    }
}

/// The words that a policy may use, and that only its reader knows.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// The kinds of findings.
    pub kinds: &'a [&'a str],
    /// Whether a text is the identifier of a licence.
    pub is_licence: &'a dyn Fn(&str) -> bool,
    /// The identifiers of licences, for suggestions.
    pub licences: &'a [&'a str],
}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}
