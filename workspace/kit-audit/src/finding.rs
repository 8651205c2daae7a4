//! What an audit finds: data, not an error. The same state of an image has the same findings on every machine.

use std::fmt;

use kit_plan::error::Place;
use kit_tree::TreePath;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// CVSS below 4.0.
    Low,
    /// CVSS from 4.0.
    Medium,
    /// CVSS from 7.0.
    High,
    /// CVSS from 9.0.
    Critical,
}

impl Severity {
    /// All of them, the least bad first.
    pub const ALL: [Self; 5] = [Self::Note, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns the word that policies and outputs use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What part of an audit a finding belongs to, in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Known vulnerabilities of what is shipped.
    Vulnerabilities,
    /// Kernel, programs and files.
    Hardening,
    /// What services may do.
    Privileges,
    /// Where it all comes from.
    SupplyChain,
    /// Licences and their texts.
    Licences,
    /// Whether others came to the same bytes.
    Reproducibility,
    /// What a policy asks for besides.
    Policy,
}

impl Area {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Vulnerabilities,
        Self::Hardening,
        Self::Privileges,
        Self::SupplyChain,
        Self::Licences,
        Self::Reproducibility,
        Self::Policy,
    ];

    /// Returns the word that outputs and `kit audit --only` use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Vulnerabilities => "vulnerabilities",
            Self::Hardening => "hardening",
            Self::Privileges => "privileges",
            Self::SupplyChain => "supply-chain",
            Self::Licences => "licences",
            Self::Reproducibility => "reproducibility",
            Self::Policy => "policy",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.word() == word)
    }
}

/// A kind of finding: what policies name, and the rules of a SARIF log.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable: lower-case words with hyphens, such as `elf-no-relro`.
    pub id: &'static str,
    /// What it belongs to.
    pub area: Area,
    /// How bad it is unless a finding says otherwise.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What to do about it, in general.
    pub help: &'static str,
}

/// What proves a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A file of the image.
    File {
        /// Its path in the image.
        path: TreePath,
        /// What it belongs to, such as `openssl 3.0.15-1`.
        owner: Option<String>,
    },
    /// A line of a recipe.
    Recipe(Place),
    /// An entry of the lockfile, such as `debs openssl 3.0.15-1 amd64`.
    Lock(String),
    /// An advisory, by its identifier.
    Advisory(String),
    /// Anything else that was seen, in a sentence.
    Fact(String),
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub kind: &'static Kind,
    /// What tells it from others of its kind in one image, such as `CVE-2024-2511 openssl`, a path or a service.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a sentence without a period.
    pub message: String,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub help: String,
}

impl Finding {
    /// Makes a finding as bad as its kind, with the help of its kind.
    pub fn new(kind: &'static Kind, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            key: key.into(),
            severity: kind.severity,
            message: message.into(),
            evidence: Vec::new(),
            help: kind.help.to_owned(),
        }
    }

    /// Adds what proves it.
    #[must_use]
    pub fn because(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Says how bad this one is.
    #[must_use]
    pub fn as_bad_as(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says what to do about this one.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Returns what names it in policies, exceptions and outputs: `KIND:KEY`.
    pub fn id(&self) -> String {
        format!("{}:{}", self.kind.id, self.key)
    }
}
