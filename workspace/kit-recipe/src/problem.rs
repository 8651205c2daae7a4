//! What is wrong with a text: facts first, words for people from them.
//!
//! A [`Problem`] is a [`Fault`] (its facts) at a place. Its message says what is wrong, its labels what stands at each
//! place, its help what to do next.
//!
//! To add a new fault: a variant with its message in `fault`, its code in `code`, its label in `label`, its help in
//! `help`, and a fixture in `tests/problems/`. The compiler asks for all but the last, a test for that.

mod code;
mod fault;
mod help;
mod label;
mod report;

pub use fault::{Fault, Shape};
pub use report::Report;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What kind of file a problem is in; the middle part of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// A recipe: `kit::recipe::…`.
    Recipe,
    /// A lockfile: `kit::lock::…`.
    Lock,
    /// `kit.toml`: `kit::settings::…`.
    Settings,
    /// `policy.toml`: `kit::policy::…`.
    Policy,
    /// LinuxKit's YAML: `kit::linuxkit::…`.
    LinuxKit,
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of file it is in.
    pub area: Area,
    /// What is wrong.
    pub fault: Fault,
    /// Where, in bytes of the file.
    pub at: Range<usize>,
    /// The other end of a contradiction.
    pub also: Option<Range<usize>>,
}

impl Problem {
    /// Returns what is wrong, in one line.
    pub fn message(&self) -> String {
        self.fault.to_string()
    }

    /// Returns what stands where, the main place first.
    pub fn labels(&self) -> Vec<(Range<usize>, String)> {
        let also = self.also.iter().map(|span| (span.clone(), self.fault.label_also().to_owned()));
        std::iter::once((self.at.clone(), self.fault.label())).chain(also).collect()
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        self.fault.help(self.area)
    }

    /// Joins the problem with the name and text of its file, to be shown.
    pub fn into_report(self, file: &str, text: &Arc<str>) -> Report {
        Report::new(self, file, text)
    }
}

/// Everything that is wrong with a file: at least one problem, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Puts problems in the order of the text; none when there are none.
    pub fn new(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by_key(|problem| problem.at.start);
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// Returns the problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Returns how many there are; never 0.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Joins each problem with the name and text of its file, to be shown one after the other.
    pub fn into_reports(self, file: &str, text: &str) -> Vec<Report> {
        let text: Arc<str> = text.into();
        self.0.into_iter().map(|problem| problem.into_report(file, &text)).collect()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.0.split_first().expect("because there is at least one problem");
        write!(f, "{}", first.fault)?;
        match rest.len() {
            0 => Ok(()),
            1 => f.write_str(" (and one more problem)"),
            more => write!(f, " (and {more} more problems)"),
        }
    }
}

impl std::error::Error for Problems {}
