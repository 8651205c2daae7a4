//! The comments of a YAML text, each with the line that it is about.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

/// A comment: its text after `#`, without blanks around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) text: String,
    /// Whether something else stands before it on its line.
    pub(super) trailing: bool,
}

/// Comments by the line that they are about, in the text of all files, from 0.
#[derive(Debug, Default)]
pub(super) struct Comments {
    lines: BTreeMap<usize, Vec<Comment>>,
    /// The first line of each file that has more than comments.
    firsts: Vec<usize>,
}

impl Comments {
    /// Finds the comments of a text whose first line has the number `first`; `scalars` are the places of its scalars in bytes of
    /// the text, in order: nothing in them is a comment.
    pub(super) fn add(&mut self, text: &str, first: usize, scalars: &[Range<usize>]) {
        let mut waiting: Vec<(usize, Comment)> = Vec::new();
        let mut last_content: Option<usize> = None;
        let mut scalar = scalars.iter().peekable();
        let mut start = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let number = first + number;
            let (at, end) = (start, start + line.len());
            start = end;
            let hash = comment_in(text, at..end, &mut scalar);
            let content = text[at..hash.unwrap_or(end)].trim();
            let is_content = !content.is_empty() && content != "---" && content != "...";
            if is_content {
                let indent = line.len() - line.trim_start().len();
                for (column, comment) in waiting.drain(..) {
                    // What is indented more than what follows belongs to what stands before.
                    let about = last_content.filter(|_| column > indent).unwrap_or(number);
                    self.lines.entry(about).or_default().push(comment);
                }
                if last_content.is_none() {
                    self.firsts.push(number);
                }
                last_content = Some(number);
            }
            let Some(hash) = hash else { continue };
            let text = text[hash..end].trim_start_matches('#').trim();
            if text.is_empty() {
                continue;
            }
            let comment = Comment { text: plain(text), trailing: is_content };
            if is_content {
                self.lines.entry(number).or_default().push(comment);
            } else {
                waiting.push((hash - at, comment));
            }
        }
        let end = last_content.unwrap_or(first);
        self.lines.entry(end).or_default().extend(waiting.into_iter().map(|(_, comment)| comment));
    }

    /// Takes what is about these lines.
    pub(super) fn take(&mut self, lines: RangeInclusive<usize>) -> Vec<Comment> {
        if lines.is_empty() {
            return Vec::new();
        }
        let numbers: Vec<_> = self.lines.range(lines).map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.lines.remove(&number)).flatten().collect()
    }

    /// Takes what stands at the head of each file, which is about the whole of it.
    pub(super) fn heads(&mut self) -> Vec<Comment> {
        let mut heads = Vec::new();
        for first in &self.firsts {
            let Some(comments) = self.lines.get_mut(first) else { continue };
            heads.extend(comments.extract_if(.., |comment| !comment.trailing));
        }
        heads
    }

    /// Takes what nothing took, in the order of the text.
    pub(super) fn rest(&mut self) -> Vec<Comment> {
        std::mem::take(&mut self.lines).into_values().flatten().collect()
    }
}

/// Returns where a comment begins on a line.
fn comment_in<'r>(
    text: &str,
    line: Range<usize>,
    scalars: &mut std::iter::Peekable<impl Iterator<Item = &'r Range<usize>>>,
) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = line.start;
    while at < line.end {
        while scalars.peek().is_some_and(|scalar| scalar.end <= at) {
            scalars.next();
        }
        if let Some(scalar) = scalars.peek()
            && scalar.contains(&at)
        {
            at = scalar.end;
            continue;
        }
        let before = at.checked_sub(1).map(|before| bytes[before]);
        if bytes[at] == b'#' && before.is_none_or(|before| before.is_ascii_whitespace()) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Comments of TOML have no control characters but the tab.
fn plain(text: &str) -> String {
    text.chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}
