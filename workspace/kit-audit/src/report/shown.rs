//! Foreign text on one line, and amounts, as people read them.

use std::fmt::Write as _;

use crate::finding::Evidence;

/// Whether a reader could take a character for more than a character: controls, and those that turn the direction of text around.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}' | '\u{feff}')
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Shows a text on one line: `\x1b` and `\u{202e}` stand for dangerous characters.
pub(crate) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_dangerous(c) {
            shown.push(c);
        } else if c == '\n' {
            shown.push_str("\\n");
        } else if c.is_ascii() {
            write!(shown, "\\x{:02x}", u32::from(c)).expect("because a string takes all");
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// Shows the beginning of a long text on one line.
pub(crate) fn short(text: &str, most: usize) -> String {
    let text = line(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Returns `1 step`, `2 steps`.
pub(crate) fn count(number: usize, singular: &str) -> String {
    if number == 1 { format!("1 {singular}") } else { format!("{number} {singular}s") }
}

/// Returns `512 B`, `11.2 MB`: decimal units.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes.saturating_add(50) / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Shows what proves a finding in a line.
pub(crate) fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::File { path, owner: Some(owner) } => line(&format!("{path} of {owner}")),
        Evidence::File { path, owner: None } => line(&path.to_string()),
        Evidence::Recipe(place) => super::line_of(place),
        Evidence::Lock(entry) => line(&format!("lockfile: {entry}")),
        Evidence::Advisory(id) => line(&format!("advisory {id}")),
        Evidence::Fact(fact) => line(fact),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_on_their_line() {
        assert_eq!(line("a\nb\x1b[0m\u{202e}\u{2028}c"), "a\\nb\\x1b[0m\\u{202e}\\u{2028}c");
        assert_eq!(short("abcdef", 6), "abcdef");
        assert_eq!(short("abcdefg", 6), "abcde…");
    }

    #[test]
    fn amounts_read_well() {
        let shown = [0, 999, 1000, 999_950, 11_234_567, u64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.0 MB", "11.2 MB", "18446.7 PB"]);
        assert_eq!(count(1, "finding"), "1 finding");
    }
}
