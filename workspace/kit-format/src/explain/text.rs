//! Text, and bytes as text.

use std::fmt::Write as _;

/// The longest text that is compared line by line, in bytes.
const LONGEST: usize = 64 << 20;
/// Characters of a line that are shown.
const SHOWN: usize = 120;
/// Characters that are shown before the first difference.
const BEFORE: usize = 30;

/// Returns the lines of a text; none when it is none.
pub(super) fn lines(bytes: &[u8]) -> Option<Vec<String>> {
    let is_control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(byte);
    if bytes.len() > LONGEST || bytes.iter().any(is_control) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Some(text.split('\n').map(str::to_owned).collect())
}

/// Returns the part of a line in which it differs from another one.
pub(super) fn shorten(line: &str, other: &str) -> String {
    let common = line.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let skipped = if line.chars().count() > SHOWN { common.saturating_sub(BEFORE) } else { 0 };
    let mut shown: String = line.chars().skip(skipped).take(SHOWN).collect();
    if skipped > 0 {
        shown.insert(0, '…');
    }
    if line.chars().count() > skipped + SHOWN {
        shown.push('…');
    }
    shown
}

/// Shows bytes around a place: as text when a text lies there, else as hexadecimal digits from there on.
pub(super) fn show(bytes: &[u8], at: usize, count: usize) -> String {
    let is_text = |byte: &u8| (0x20..0x7f).contains(byte);
    let start =
        bytes[..at.min(bytes.len())].iter().rev().take(BEFORE).take_while(|byte| is_text(byte)).count();
    let from = at.min(bytes.len()) - start;
    let text: Vec<u8> = bytes[from..].iter().copied().take(SHOWN).take_while(is_text).collect();
    if text.len() >= 4 && text.len() > start {
        return format!("`{}`", String::from_utf8_lossy(&text));
    }
    let shown = bytes.get(at..).unwrap_or_default().iter().take(count);
    let digits = shown.fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("because a string takes all");
        digits
    });
    if digits.is_empty() { "nothing".to_owned() } else { digits }
}
