//! What a verification varies.

use std::collections::BTreeSet;
use std::fmt;

/// Something that may differ between two machines, and must not show in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variation {
    /// The order in which directories list what is in them.
    Order,
    /// The file system that is worked on.
    FileSystem,
    /// How many steps go on at the same time, and how many threads each output is compressed by.
    Jobs,
    /// Which of several steps that can be done comes first.
    Finish,
    /// How many processors a script is given.
    Processors,
    /// User and group that a script runs as.
    User,
    /// Permission bits that new files don't get.
    Umask,
    /// Host name.
    HostName,
    /// NIS domain name.
    DomainName,
    /// `TZ`.
    TimeZone,
    /// `LANG` and `LC_ALL`.
    Locale,
    /// `HOME`.
    Home,
    /// `USER`, and a variable that no build has.
    Environment,
    /// The path that a script works at.
    BuildPath,
    /// The kernel's release.
    Kernel,
    /// Where programs lie in memory.
    Addresses,
    /// The clock is a day and some hours ahead.
    ClockDay,
    /// The clock is three years ahead.
    ClockYears,
}

impl Variation {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 18] = [
        Self::Order,
        Self::FileSystem,
        Self::Jobs,
        Self::Finish,
        Self::Processors,
        Self::User,
        Self::Umask,
        Self::HostName,
        Self::DomainName,
        Self::TimeZone,
        Self::Locale,
        Self::Home,
        Self::Environment,
        Self::BuildPath,
        Self::Kernel,
        Self::Addresses,
        Self::ClockDay,
        Self::ClockYears,
    ];

    /// Returns the word that the command line and reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::FileSystem => "file-system",
            Self::Jobs => "jobs",
            Self::Finish => "finish",
            Self::Processors => "processors",
            Self::User => "user",
            Self::Umask => "umask",
            Self::HostName => "host-name",
            Self::DomainName => "domain-name",
            Self::TimeZone => "time-zone",
            Self::Locale => "locale",
            Self::Home => "home",
            Self::Environment => "environment",
            Self::BuildPath => "build-path",
            Self::Kernel => "kernel",
            Self::Addresses => "addresses",
            Self::ClockDay => "clock-day",
            Self::ClockYears => "clock-years",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variation| variation.word() == word)
    }

    /// Returns all of them as a set.
    pub fn all() -> BTreeSet<Self> {
        Self::ALL.into_iter().collect()
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
