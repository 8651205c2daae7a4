//! The words of a text: in lower case, without punctuation, marks of comments and the kind of white space.

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Its line, from 1.
    pub(super) line: usize,
    /// Whether a sentence or a paragraph starts with it.
    pub(super) starts: bool,
}

/// Returns the words of a text. Periods, hyphens and pluses within a word, and pluses at its end, belong to it.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut starts = true;
    for (at, line) in text.lines().enumerate() {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '+');
        starts |= !line.contains(char::is_alphanumeric);
        for part in line.split_inclusive(|c| !is_part(c)) {
            let end = part.chars().next_back().filter(|c| !is_part(*c));
            let whole = part.trim_end_matches(|c| !is_part(c));
            let word = whole.trim_start_matches(['.', '-', '+']).trim_end_matches(['.', '-']);
            if !word.is_empty() {
                words.push(Word { text: word.to_lowercase(), line: at + 1, starts });
                starts = false;
            }
            starts |= whole.ends_with('.') || end == Some(':');
        }
    }
    words
}
