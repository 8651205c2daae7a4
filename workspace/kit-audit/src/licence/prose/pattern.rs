//! Patterns of words.
//!
//! ```text
//! word       this word
//! one|two    either
//! ?word      this word, or nothing
//! *7         at most seven words, as few as possible
//! ```

use super::words::Word;

/// A pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    OneOf(Vec<&'static str>),
    Perhaps(Vec<&'static str>),
    Gap(usize),
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn new(text: &'static str) -> Self {
        let part = |word: &'static str| match (word.strip_prefix('?'), word.strip_prefix('*')) {
            (Some(word), _) => Part::Perhaps(word.split('|').collect()),
            (None, Some(number)) => Part::Gap(number.parse().unwrap_or_default()),
            (None, None) => Part::OneOf(word.split('|').collect()),
        };
        Self(text.split_whitespace().map(part).collect())
    }

    /// Returns the words that it can begin with.
    pub(super) fn first(&self) -> Vec<&'static str> {
        let mut first = Vec::new();
        for part in &self.0 {
            match part {
                Part::Perhaps(names) => first.extend(names),
                Part::OneOf(names) => {
                    first.extend(names);
                    break;
                }
                Part::Gap(_) => break,
            }
        }
        first
    }

    /// Returns how many words it takes from the start of some; none where they don't begin with it.
    pub(super) fn end(&self, words: &[Word]) -> Option<usize> {
        end(&self.0, words)
    }
}

fn end(parts: &[Part], words: &[Word]) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else { return Some(0) };
    let is_one = |names: &[&str]| words.first().is_some_and(|word| names.contains(&word.text.as_str()));
    let after = |taken: usize| Some(taken + end(rest, words.get(taken..)?)?);
    match part {
        Part::OneOf(names) => is_one(names).then(|| after(1)).flatten(),
        Part::Perhaps(names) => is_one(names).then(|| after(1)).flatten().or_else(|| after(0)),
        Part::Gap(most) => (0..=*most).find_map(after),
    }
}
