//! Fills templates; their language is described in the module above.

use super::Parameters;

/// Fills a template.
pub(super) fn fill(template: &str, parameters: &Parameters) -> String {
    let mut script = String::new();
    for line in template.lines() {
        if let Some(line) = kept(line, parameters) {
            script.push_str(&fill_line(line, parameters));
            script.push('\n');
        }
    }
    script
}

/// Returns what a line has behind its conditions, unless one of them doesn't hold.
fn kept<'t>(mut line: &'t str, parameters: &Parameters) -> Option<&'t str> {
    while let Some((key, wanted, rest)) = condition(line) {
        if parameters.contains_key(key) != wanted {
            return None;
        }
        line = rest;
    }
    Some(line)
}

/// Returns the key of a line's first condition, whether it must be set, and what follows.
pub(super) fn condition(line: &str) -> Option<(&str, bool, &str)> {
    let wanted = match line.as_bytes().first()? {
        b'?' => true,
        b'!' => false,
        _ => return None,
    };
    let (key, rest) = line[1..].split_once(' ')?;
    is_key(key).then_some((key, wanted, rest))
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase())
}

/// A place of a line that words are put into.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hole<'t> {
    /// What stands before it.
    pub(super) before: &'t str,
    /// What comes before each word.
    pub(super) option: Option<&'t str>,
    /// Whose words.
    pub(super) key: &'t str,
    /// What follows.
    pub(super) rest: &'t str,
}

/// Finds the first hole of a line.
pub(super) fn hole(line: &str) -> Option<Hole<'_>> {
    let mut from = 0;
    while let Some(at) = line[from..].find('@').map(|at| from + at) {
        let inside = &line[at + 1..];
        if let Some(end) = inside.find('@') {
            let (option, key) = match inside[..end].split_once(' ') {
                Some((option, key)) if option.starts_with("--") => (Some(option), key),
                Some(_) => (None, ""),
                None => (None, &inside[..end]),
            };
            if is_key(key) {
                return Some(Hole { before: &line[..at], option, key, rest: &inside[end + 1..] });
            }
        }
        from = at + 1;
    }
    None
}

fn fill_line(mut line: &str, parameters: &Parameters) -> String {
    let mut filled = String::new();
    while let Some(Hole { before, option, key, rest }) = hole(line) {
        let words = parameters.get(key).map_or(&[][..], Vec::as_slice);
        let words: Vec<_> = words
            .iter()
            .map(|word| option.map_or_else(|| quoted(word), |option| format!("{option} {}", quoted(word))))
            .collect();
        filled.push_str(if words.is_empty() { before.strip_suffix(' ').unwrap_or(before) } else { before });
        filled.push_str(&words.join(" "));
        line = rest;
    }
    filled + line
}

/// Quotes a word for the shell, if it has to be.
pub(super) fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./=+,:%-".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
