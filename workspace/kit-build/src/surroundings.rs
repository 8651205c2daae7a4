//! What a script can tell of the place where it runs, beside its inputs.
//!
//! A build has one answer to each question, on every machine. A verification asks what happens with others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kit_plan::package::FIXED_ENVIRONMENT;
use kit_sandbox::{Addresses, Host, Identity, Release};

use crate::verify::Variation;

/// Where a script begins.
pub(crate) const BUILD: &str = "/build";
/// A long place at which the same directory is when the path varies.
const ELSEWHERE: &str = "/elsewhere/longer-than-the-usual-path-of-a-build";
/// Processors that a script which asks for one is given when their number varies, if the machine has them.
const PROCESSORS: u32 = 3;

/// Seconds that the clock is ahead when it is by a day: seven hours and 13 minutes more, so that the time of day is another one, too.
const DAY: u32 = (24 + 7) * 60 * 60 + 13 * 60;
/// Seconds that the clock is ahead when it is by years: 1135 days, after which the year, the month, the day of the month and of the week
/// are all other ones, whatever they are now.
const YEARS: u32 = (3 * 365 + 40) * 24 * 60 * 60;

/// What a script finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// User and group.
    pub identity: Identity,
    /// Host name.
    pub host_name: String,
    /// NIS domain name.
    pub domain_name: String,
    /// Permission bits, kernel release, addresses and clock.
    pub host: Host,
    /// Processors.
    pub processors: Processors,
    /// Working directory, which is [`BUILD`] or shows the same.
    pub cwd: PathBuf,
    /// Environment variables that have other values, where the recipe itself sets none.
    env: BTreeMap<&'static str, &'static str>,
}

/// How many processors scripts are given, as far as the machine has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processors {
    /// As many as their recipes ask for.
    AsAsked,
    /// Another number.
    Others,
}

impl Processors {
    /// Returns how many a script that asks for `asked` is given.
    pub(crate) fn given(self, asked: u32) -> u32 {
        match (self, asked) {
            (Self::AsAsked, asked) => asked,
            (Self::Others, 1) => PROCESSORS,
            (Self::Others, _) => 1,
        }
    }
}

impl Surroundings {
    /// What every build finds.
    pub fn standard() -> Self {
        Self {
            identity: Identity { uid: 1000, gid: 1000 },
            host_name: "kit".to_owned(),
            domain_name: "(none)".to_owned(),
            host: Host::USUAL,
            processors: Processors::AsAsked,
            cwd: PathBuf::from(BUILD),
            env: BTreeMap::new(),
        }
    }

    /// What a script finds when these vary.
    pub fn varied(variations: &BTreeSet<Variation>) -> Self {
        let mut surroundings = Self::standard();
        for variation in variations {
            surroundings.vary(*variation);
        }
        surroundings
    }

    fn vary(&mut self, variation: Variation) {
        match variation {
            Variation::User => self.identity = Identity { uid: 4321, gid: 1234 },
            Variation::Umask => self.host.umask = 0o077,
            Variation::HostName => "another-host".clone_into(&mut self.host_name),
            Variation::DomainName => "another.domain".clone_into(&mut self.domain_name),
            Variation::Processors => self.processors = Processors::Others,
            // Needs no data base of time zones.
            Variation::TimeZone => _ = self.env.insert("TZ", "VAR-13:37"),
            Variation::Locale => self.env.extend([("LANG", "tr_TR.ISO-8859-9"), ("LC_ALL", "C")]),
            Variation::Home => _ = self.env.insert("HOME", "/var/tmp"),
            Variation::Environment => {
                self.env.extend([("VARIED_VARIABLE", "of another environment"), ("USER", "another-user")]);
            }
            Variation::BuildPath => self.cwd = PathBuf::from(ELSEWHERE),
            Variation::Kernel => self.host.release = Release::Old,
            Variation::Addresses => self.host.addresses = Addresses::Fixed,
            Variation::ClockDay => self.host.clock = self.host.clock.later(DAY),
            Variation::ClockYears => self.host.clock = self.host.clock.later(YEARS),
            // These are of the rebuild as a whole.
            Variation::Order | Variation::FileSystem | Variation::Jobs | Variation::Finish => {}
        }
    }

    /// Returns the environment of a script whose plan says `planned`.
    pub(crate) fn env(&self, planned: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut env = planned.clone();
        for (name, value) in &self.env {
            let fixed = FIXED_ENVIRONMENT.iter().find(|(fixed, _)| fixed == name).map(|(_, value)| *value);
            // What the recipe sets itself is one of its inputs, and stays.
            if planned.get(*name).map(String::as_str) == fixed {
                env.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        env
    }

    /// Returns the place beside [`BUILD`] where the working directory is shown too, and the directory in which that place is made.
    pub(crate) fn elsewhere(&self) -> Option<(&Path, &Path)> {
        let top = self.cwd.ancestors().filter(|path| path.parent().is_some()).last()?;
        (self.cwd != Path::new(BUILD)).then_some((self.cwd.as_path(), top))
    }
}
