//! What is open at a place of a text: looser than TOML, since it looks at texts that are none.

use std::ops::Range;

/// What is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// The innermost `[` or `{`, and where it is.
    pub(super) bracket: Option<(u8, usize)>,
    /// The opening quotes of the string around the place.
    pub(super) string: Option<Range<usize>>,
}

/// Finds what is open at a place.
pub(super) fn open_at(text: &str, place: usize) -> Open {
    let bytes = &text.as_bytes()[..place.min(text.len())];
    let mut brackets: Vec<(u8, usize)> = Vec::new();
    let (mut at, mut header, mut line_start) = (0, false, true);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => {
                at = find(bytes, at, b"\n").unwrap_or(bytes.len());
                continue;
            }
            b'"' | b'\'' => match string_end(bytes, at) {
                Ok(end) => {
                    (at, line_start) = (end, false);
                    continue;
                }
                Err(quotes) => {
                    return Open { bracket: brackets.last().copied(), string: Some(quotes) };
                }
            },
            b'[' | b'{' => {
                header |= line_start && brackets.is_empty();
                brackets.push((byte, at));
            }
            b']' | b'}' => _ = brackets.pop(),
            b'\n' => {
                // A section's header ends with its line, closed or not.
                if std::mem::take(&mut header) {
                    brackets.clear();
                }
                line_start = true;
            }
            _ => {}
        }
        line_start = byte == b'\n' || line_start && matches!(byte, b' ' | b'\t' | b'\r');
        at += 1;
    }
    Open { bracket: brackets.last().copied(), string: None }
}

/// Where the string ends that starts at a quote, or its opening quotes. One of a single line ends with its line.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, Range<usize>> {
    let quote = bytes[start];
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let quotes = start..start + if triple { 3 } else { 1 };
    let mut at = quotes.end;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !triple => return Ok(at),
            _ if !triple && byte == quote => return Ok(at + 1),
            _ if triple && bytes[at..].starts_with(&[quote; 3]) => return Ok(at + 3),
            _ => {}
        }
        at += 1;
    }
    Err(quotes)
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes[from..].windows(what.len()).position(|window| window == what).map(|n| from + n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_open() {
        for (text, bracket, string) in [
            ("a = 1\n", None, None),
            ("a = [", Some((b'[', 4)), None),
            ("a = [{ b = ']' ", Some((b'{', 5)), None),
            ("a = [] # [\n", None, None),
            ("a = \"[", None, Some(4..5)),
            ("a = \"\\\"[", None, Some(4..5)),
            ("a = \"[\nb = [", Some((b'[', 11)), None),
            ("a = \"\"\"x\n\"\"", None, Some(4..7)),
            ("a = '''x\n''' [", Some((b'[', 13)), None),
            ("[a\nb = {", Some((b'{', 7)), None),
            ("a = [\n  [1],\n", Some((b'[', 4)), None),
            ("]]}", None, None),
        ] {
            assert_eq!(open_at(text, text.len()), Open { bracket, string }, "{text:?}");
        }
    }
}
