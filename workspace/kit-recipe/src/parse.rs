//! From text to checked types: a small decoder over TOML's spanned document, which notes every fault and goes on.

mod build;
pub(crate) mod check;
pub(crate) mod container;
pub(crate) mod git;
pub(crate) mod image;
pub(crate) mod package;
mod policy;
mod scan;
pub(crate) mod section;
pub(crate) mod settings;
pub(crate) mod source;
mod syntax;
pub(crate) mod tree;
pub(crate) mod upstream;
pub(crate) mod value;

use std::ops::Range;

use toml::de::DeTable;

use crate::problem::{Area, Fault, Problem, Problems};
use section::Section;

/// The faults found so far, and the text that they are in.
#[derive(Debug)]
pub(crate) struct Faults<'t> {
    area: Area,
    text: &'t str,
    list: Vec<Problem>,
}

impl<'t> Faults<'t> {
    /// Notes a fault at a place.
    pub(crate) fn add(&mut self, at: Range<usize>, fault: Fault) {
        self.list.push(Problem { area: self.area, fault, at, also: None });
    }

    /// Notes a contradiction between two places.
    pub(crate) fn add_both(&mut self, at: Range<usize>, also: Range<usize>, fault: Fault) {
        self.list.push(Problem { area: self.area, fault, at, also: Some(also) });
    }

    /// Returns how many there are.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// Returns what is written at a place.
    pub(crate) fn written(&self, at: &Range<usize>) -> &'t str {
        self.text.get(at.clone()).unwrap_or_default()
    }
}

/// Parses a document and decodes it; `decode` returns nothing only after it has noted a fault.
pub(crate) fn document<T>(
    area: Area,
    text: &str,
    decode: impl FnOnce(Section<'_>, &mut Faults<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut faults = Faults { area, text, list: Vec::new() };
    syntax::translate(&table, &errors, &mut faults);
    let broken =
        faults.list.iter().any(|p| !matches!(p.fault, Fault::DuplicateKey { .. } | Fault::MultilineTable));
    let value = if broken { None } else { decode(Section::root(table.get_ref()), &mut faults) };
    match Problems::new(faults.list) {
        Some(problems) => Err(problems),
        None => Ok(value.expect("because what can't be decoded has a fault")),
    }
}

/// Returns the word that was probably meant: the one with the fewest slips, when these are few for its length.
pub(crate) fn closest<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    if written.len() > 64 {
        return None;
    }
    words
        .into_iter()
        .map(|word| (strsim::osa_distance(written, word), word))
        .filter(|(slips, word)| *slips <= (word.chars().count() / 3).max(1) && *slips < word.chars().count())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word.to_owned())
}
