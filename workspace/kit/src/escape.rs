//! Text from elsewhere, made harmless for a terminal: scripts, file names and recipes can hold control characters.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal could take a character for more than a character: controls, and those that turn the direction of
/// text around.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}')
}

/// Shows dangerous characters as `\x1b` or `\u{202e}`; line ends and tabs stay.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    let keeps = |c: char| matches!(c, '\n' | '\t') || !is_dangerous(c);
    if text.chars().all(keeps) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if keeps(c) {
            shown.push(c);
        } else if c.is_ascii() {
            write!(shown, "\\x{:02x}", u32::from(c)).expect("because a string takes all");
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    Cow::Owned(shown)
}

/// Like [`text`] for one line: line ends are shown, too.
pub(crate) fn line(line: &str) -> String {
    text(line).replace('\n', "\\n")
}

/// Replaces dangerous characters by harmless ones of the same length, so that byte positions still hold.
pub(crate) fn same_length(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' => c,
        _ if !is_dangerous(c) => c,
        _ => match c.len_utf8() {
            1 => '?',
            2 => '·',
            _ => '\u{fffd}',
        },
    };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_is_dangerous() {
        assert_eq!(text("plain\ttext\n"), "plain\ttext\n");
        assert_eq!(text("\x1b]0;title\x07\r"), "\\x1b]0;title\\x07\\x0d");
        assert_eq!(text("a\u{202e}b\u{9b}c"), "a\\u{202e}b\\u{9b}c");
        assert_eq!(line("a\nb"), "a\\nb");
    }

    #[test]
    fn keeps_positions() {
        for dangerous in ["a\x1bb", "a\u{9b}b", "a\u{202e}b", "a\r\nb"] {
            let shown = same_length(dangerous);
            assert_eq!(shown.len(), dangerous.len());
            assert!(!shown.chars().any(|c| c != '\n' && is_dangerous(c)), "{shown:?}");
        }
    }
}
