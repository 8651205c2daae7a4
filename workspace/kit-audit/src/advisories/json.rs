//! What every JSON file of others has to hold to before it is read.

use super::AdvisoryError;

/// How deep objects and lists may be within each other.
const DEPTH: u32 = 64;

/// Checks the length and the depth of a text, so that reading it can't cost too much.
pub(super) fn check(file: &str, text: &[u8], limit: u64) -> Result<(), AdvisoryError> {
    let length = text.len() as u64;
    if length > limit {
        return Err(AdvisoryError::TooLong { file: file.to_owned(), length, limit });
    }
    match too_deep(text) {
        None => Ok(()),
        Some(offset) => {
            Err(AdvisoryError::TooDeep { file: file.to_owned(), offset: offset as u64, limit: DEPTH })
        }
    }
}

/// Returns where a text goes deeper than allowed.
fn too_deep(text: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
    for (offset, byte) in text.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH {
                    return Some(offset);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_texts_dont_count() {
        let texts = format!(r#"{{"a\\":"\"{}"}}"#, "[".repeat(100));
        check("a.json", texts.as_bytes(), 1000).unwrap();
        check("a.json", "[]".repeat(100).as_bytes(), 1000).unwrap();
        check("a.json", "[".repeat(64).as_bytes(), 1000).unwrap();
        let deep = check("a.json", "[".repeat(65).as_bytes(), 1000).unwrap_err();
        assert_eq!(deep.to_string(), "`a.json` is nested deeper than 64 levels at byte 64");
        let long = check("a.json", b"[1,2]", 4).unwrap_err();
        assert_eq!(long.to_string(), "`a.json` has 5 bytes, more than 4");
    }
}
