//! Licences that a `copyright` file states in prose: verbatim texts and the usual statements, nothing that is only similar.
//!
//! ```text
//! text ─► words ─► spans: texts and statements (a licence each), and what goes along with them (none) ─► is anything about licences left?
//! ```
//! All that is found applies; two statements with "or" between them are a choice. Where anything is left that has words of licences in it,
//! nothing can be concluded: it could be anything.

mod gnu;
mod pattern;
mod table;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;

use self::gnu::Statement;
use self::pattern::Pattern;
use self::words::{Word, words};

/// What a text in prose says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prose {
    /// SPDX expressions, all of which apply.
    pub(super) licences: BTreeSet<String>,
    /// The line of the first thing about licences that isn't understood, from 1.
    pub(super) not_understood: Option<usize>,
}

/// Where Debian has the texts that many packages are under, below `/usr/share`.
const PLACE: &str = "common-licenses";

/// Reads a text.
pub(super) fn read(text: &str) -> Prose {
    let words = words(text);
    let mut reading = Reading {
        words: &words,
        licences: BTreeSet::new(),
        is_clear: vec![false; words.len()],
        mentions: Vec::new(),
        open: None,
    };
    let places = places(&words);
    reading.find(&places);
    reading.clear_mentions();
    reading.clear_places(&places);
    reading.clear_headings();
    reading.end()
}

/// What begins at a word.
enum Found {
    /// Something is under this licence.
    Stated(String),
    /// A licence is named, no more.
    Mentioned(String),
    /// What has no meaning of its own.
    Along,
}

/// What was found of a text so far.
struct Reading<'w> {
    words: &'w [Word],
    licences: BTreeSet<String>,
    /// Which words are understood.
    is_clear: Vec<bool>,
    /// Where licences are named, and which.
    mentions: Vec<(Range<usize>, String)>,
    /// The line of a choice between something known and something that isn't.
    open: Option<usize>,
}

impl Reading<'_> {
    /// Finds texts and statements outside of sentences that say where a text is.
    fn find(&mut self, places: &[Place]) {
        let patterns = Patterns::new();
        let mut is_place = vec![false; self.words.len()];
        for place in places {
            is_place[place.words.clone()].fill(true);
        }
        let mut at = 0;
        while at < self.words.len() {
            let found = if is_place[at] { None } else { patterns.find(&self.words[at..]) };
            let Some((found, length)) = found else {
                at += 1;
                continue;
            };
            match found {
                Found::Stated(licence) => {
                    self.clear_introduction(at);
                    let is_choice = at > 0 && is_or(self.words, at - 1) || is_or(self.words, at + length);
                    self.open = self.open.or(is_choice.then(|| self.words[at].line));
                    self.licences.insert(licence);
                    self.is_clear[at..at + length].fill(true);
                }
                Found::Mentioned(licence) => self.mentions.push((at..at + length, licence)),
                Found::Along => self.is_clear[at..at + length].fill(true),
            }
            at += length;
        }
    }

    /// Clears what leads to a statement: "is licensed under the terms of the".
    fn clear_introduction(&mut self, at: usize) {
        let leads =
            |word: &Word| word.text.starts_with("licen") || table::LEADING.contains(&word.text.as_str());
        let start = self.words[..at].iter().rposition(|word| !leads(word)).map_or(0, |at| at + 1);
        self.is_clear[start..at].fill(true);
    }

    /// Clears the names of licences that are stated elsewhere, with or without later versions.
    fn clear_mentions(&mut self) {
        for (words, licence) in std::mem::take(&mut self.mentions) {
            let start = licence.strip_suffix("only").unwrap_or(&licence);
            if self.each().any(|stated| stated.starts_with(start)) {
                self.clear_introduction(words.start);
                self.is_clear[words].fill(true);
            }
        }
    }

    /// Clears sentences about where a text is, where something is under its licence.
    fn clear_places(&mut self, places: &[Place]) {
        for place in places {
            if self.each().any(|licence| licence.to_lowercase().split('-').next() == Some(place.family)) {
                self.is_clear[place.words.clone()].fill(true);
            }
        }
    }

    /// Clears headings that are nothing but the word.
    fn clear_headings(&mut self) {
        for (at, word) in self.words.iter().enumerate() {
            let is_alone = word.starts && self.words.get(at + 1).is_none_or(|next| next.starts);
            if is_alone && ["license", "licence", "licenses", "licences"].contains(&word.text.as_str()) {
                self.is_clear[at] = true;
            }
        }
    }

    /// Returns each licence, also those of choices.
    fn each(&self) -> impl Iterator<Item = &str> {
        self.licences.iter().flat_map(|licence| licence.split(" OR "))
    }

    fn end(self) -> Prose {
        let left = self.words.iter().zip(&self.is_clear);
        let mut left = left.filter(|(word, is_clear)| !**is_clear && is_about(&word.text));
        let not_understood = left.next().map(|(word, _)| word.line).into_iter().chain(self.open).min();
        let nothing = self.licences.is_empty().then_some(1);
        Prose { licences: self.licences, not_understood: not_understood.or(nothing) }
    }
}

/// All patterns, ready to be looked for.
struct Patterns {
    statements: [(&'static str, Pattern); table::STATEMENTS.len()],
    along: [Pattern; table::ALONG.len()],
    /// The words that any of them begins with.
    first: BTreeSet<&'static str>,
}

impl Patterns {
    fn new() -> Self {
        let statements = table::STATEMENTS.map(|(licence, pattern)| (licence, Pattern::new(pattern)));
        let along = table::ALONG.map(Pattern::new);
        let all = statements.iter().map(|(_, pattern)| pattern).chain(&along);
        let first = all.flat_map(Pattern::first).collect();
        Self { statements, along, first }
    }

    /// Finds what some words begin with, and how many it takes.
    fn find(&self, words: &[Word]) -> Option<(Found, usize)> {
        let word = words.first()?.text.as_str();
        if !self.first.contains(word) && !gnu::begins(word) {
            return None;
        }
        let text = self.statements.iter().find_map(|(name, pattern)| Some((*name, pattern.end(words)?)));
        if let Some((name, length)) = text {
            return Some((Found::Stated(name.to_owned()), length));
        }
        if let Some(statement) = gnu::statement(words) {
            return Some(choice(statement, words));
        }
        self.along.iter().find_map(|pattern| Some((Found::Along, pattern.end(words)?)))
    }
}

/// Adds the licences that are offered besides one: `LGPLv3+ or GPLv2+`.
fn choice(first: Statement, words: &[Word]) -> (Found, usize) {
    let Statement { mut licence, mut length, is_mention } = first;
    while is_or(words, length)
        && let Some(other) = words.get(length + 1..).and_then(gnu::statement)
    {
        licence = format!("{licence} OR {}", other.licence);
        length += 1 + other.length;
    }
    (if is_mention { Found::Mentioned(licence) } else { Found::Stated(licence) }, length)
}

fn is_or(words: &[Word], at: usize) -> bool {
    words.get(at).is_some_and(|word| word.text == "or")
}

/// A sentence that says where Debian has the text of a licence.
struct Place<'w> {
    words: Range<usize>,
    /// The start of the file's name: `gpl`.
    family: &'w str,
}

fn places(words: &[Word]) -> Vec<Place<'_>> {
    let place = |(at, word): (usize, &Word)| {
        let file = words.get(at + 1).filter(|_| word.text == PLACE)?;
        let mut starts = (at.saturating_sub(table::SENTENCE)..=at).rev();
        let start = starts.find(|start| words[*start].starts)?;
        let is_usual = table::PLACES.into_iter().any(|one| Pattern::new(one).end(&words[start..]).is_some());
        // What is no sentence of this kind is a name at least.
        let start = if is_usual { start } else { at };
        let family = file.text.split('-').next().unwrap_or_default();
        Some(Place { words: start..at + 2, family })
    };
    words.iter().enumerate().filter_map(place).collect()
}

/// Whether a word is one that texts about licences have.
fn is_about(word: &str) -> bool {
    table::STEMS.iter().any(|stem| word.starts_with(stem)) || table::WORDS.contains(&word)
}

#[cfg(test)]
mod tests;
