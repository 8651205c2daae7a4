//! Bytes as text between two lines that say what they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::damage::Damage;

/// Bytes and what they are called.
#[derive(Debug)]
pub(super) struct Armour {
    /// What stands in the first and the last line, such as `SSH SIGNATURE`.
    pub(super) label: String,
    /// What is between them.
    pub(super) bytes: Vec<u8>,
}

impl Armour {
    /// Reads the first one of a text and returns what follows it.
    pub(super) fn read(text: &str) -> Result<(Self, &str), Damage> {
        let missing = |line: &str| Damage::Armour { line: line.to_owned() };
        let text =
            text.trim_ascii_start().strip_prefix("-----BEGIN ").ok_or_else(|| missing("-----BEGIN"))?;
        let (label, text) =
            text.split_once("-----").filter(|(label, _)| is_label(label)).ok_or(Damage::Short)?;
        let end = format!("-----END {label}-----");
        let (body, rest) = text.split_once(end.as_str()).ok_or_else(|| missing(&end))?;
        let compact: String = body.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(compact).map_err(|_| Damage::Base64 { part: "body" })?;
        Ok((Self { label: label.to_owned(), bytes }, rest))
    }

    /// Reads the only one of a text.
    pub(super) fn read_only(text: &str) -> Result<Self, Damage> {
        let (armour, rest) = Self::read(text)?;
        if rest.trim_ascii().is_empty() { Ok(armour) } else { Err(Damage::Extra) }
    }

    /// Writes one, as wide as its readers expect.
    pub(super) fn write(label: &str, bytes: &[u8], width: usize) -> String {
        let mut text = format!("-----BEGIN {label}-----\n");
        let body = STANDARD.encode(bytes);
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(width.min(rest.len()));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END ");
        text.push_str(label);
        text.push_str("-----\n");
        text
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 64
        && label.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '))
}
