//! Texts of others, as far as they are kept.

/// Bytes of a summary that are kept.
const SUMMARY: usize = 300;
/// What descriptions of Linux's own vulnerabilities start with.
const LINUX: &str = "In the Linux kernel, the following vulnerability has been resolved:";

/// Makes one line of a text: no control characters, single spaces, shortened at a word.
///
/// What all descriptions of Linux's own vulnerabilities start with is left out, so that the line starts with what is special.
pub(super) fn summary(text: &str) -> String {
    let text = text.trim_start();
    let text = text.strip_prefix(LINUX).unwrap_or(text);
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let space = usize::from(!line.is_empty());
        if line.len() + space + word.len() > SUMMARY {
            let room = SUMMARY.saturating_sub(line.len() + space);
            if line.is_empty() {
                line.push_str(start(word, room));
            }
            line.push('…');
            break;
        }
        if space == 1 {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Returns the first bytes of a text, at most `length`.
pub(super) fn start(text: &str, length: usize) -> &str {
    let end = (0..=length.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Returns a text of others as errors show it.
pub(super) fn shown(text: &str) -> String {
    let cut = start(text, 60);
    let mut shown: String = cut.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if cut.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Returns whether a text can be an id, a name or a version: short, printable ASCII without spaces.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_one_short_line() {
        for (text, expected) in [
            ("", ""),
            (" a\tb\n\nc\u{1b}[31m ", "a b c [31m"),
            (
                "In the Linux kernel, the following vulnerability has been resolved:\n\nbtrfs: fix it\n\nMore.",
                "btrfs: fix it More.",
            ),
        ] {
            assert_eq!(summary(text), expected);
        }
        assert_eq!(summary(&"ä".repeat(400)), format!("{}…", "ä".repeat(150)));
        let long = summary(&"word ".repeat(100));
        assert!(long.ends_with("word…") && long.len() <= SUMMARY + "…".len(), "{long}");
    }
}
