//! What containers print, cut into lines that are safe to show.

use std::fmt::Write as _;

/// The longest line in bytes; a longer one is shown as several.
pub(crate) const LINE_LIMIT: usize = 4096;

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The beginning of a line whose end has not come yet; shorter than [`LINE_LIMIT`].
    rest: Vec<u8>,
}

impl Lines {
    /// Takes more bytes and gives the lines that are complete now.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            if *byte == b'\n' {
                lines.push(self.cut());
            } else {
                if self.rest.len() == LINE_LIMIT {
                    lines.push(self.cut());
                }
                self.rest.push(*byte);
            }
        }
        lines
    }

    /// The last line, if the stream ended without a line feed.
    pub(crate) fn finish(&mut self) -> Option<String> {
        (!self.rest.is_empty()).then(|| self.cut())
    }

    fn cut(&mut self) -> String {
        let line = std::mem::take(&mut self.rest);
        escape(line.strip_suffix(b"\r").unwrap_or(&line))
    }
}

/// Makes a line harmless: what is not UTF-8 becomes `\xHH`; characters that control a terminal, break lines or
/// change the direction of text become `\u{HHHH}`. Tabs stay.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_harmless(character) {
                text.push(character);
            } else {
                let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn is_harmless(character: char) -> bool {
    let direction =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let separator = matches!(character, '\u{2028}' | '\u{2029}');
    character == '\t' || !(character.is_control() || direction || separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_line_feeds_however_the_bytes_arrive() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\ntw"), ["one"]);
        assert_eq!(lines.push(b"o\r\n\nthree"), ["two", ""]);
        assert_eq!(lines.finish().as_deref(), Some("three"));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn long_lines_are_split() {
        let mut lines = Lines::default();
        let got = lines.push(&[b'x'; 2 * LINE_LIMIT + 1]);
        assert_eq!(got.iter().map(String::len).collect::<Vec<_>>(), [LINE_LIMIT, LINE_LIMIT]);
        assert_eq!(lines.push(b"\n"), ["x"]);
        let mut exact = Lines::default();
        assert!(exact.push(&[b'x'; LINE_LIMIT]).is_empty());
        assert_eq!(exact.push(b"\n").len(), 1);
    }

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let cases: [(&[u8], &str); 7] = [
            (b"a\tb \xc3\xbc", "a\tb \u{fc}"),
            (b"\x1b[2Jx", "\\u{1b}[2Jx"),
            (b"a\rkit-init: up", "a\\u{d}kit-init: up"),
            (b"\xff\xfe\x00", "\\xff\\xfe\\u{0}"),
            (b"\xc2\x9b", "\\u{9b}"),       // C1: control sequence introducer
            (b"\xe2\x80\xae", "\\u{202e}"), // right-to-left override
            (b"cut \xe2\x82", "cut \\xe2\\x82"),
        ];
        for (bytes, text) in cases {
            assert_eq!(escape(bytes), text);
        }
    }

    #[test]
    fn every_byte_is_shown_as_printable_text() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let shown = escape(&[first, second]);
                assert!(shown.chars().all(is_harmless), "{first:#x} {second:#x}");
            }
        }
    }
}
