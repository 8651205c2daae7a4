//! Values as they stand in a TOML file.

use std::fmt::{self, Write as _};

/// The longest list that stands on one line, in bytes.
const LINE: usize = 100;

/// Writes a list of strings: on one line when it is short, else an item on each.
pub(crate) fn list(to: &mut String, key: &str, items: &[String]) -> fmt::Result {
    let quoted: Vec<_> = items.iter().map(|item| Quoted(item).to_string()).collect();
    let line = quoted.join(", ");
    if key.len() + line.len() <= LINE {
        return writeln!(to, "{key} = [{line}]");
    }
    writeln!(to, "{key} = [")?;
    quoted.iter().try_for_each(|item| writeln!(to, "  {item},"))?;
    writeln!(to, "]")
}

/// A string of TOML.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.0.chars().try_for_each(|c| escaped(c, f))?;
        f.write_char('"')
    }
}

/// Writes a character of a string in double quotes.
fn escaped(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\t' => f.write_str("\\t"),
        c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c)),
        c => f.write_char(c),
    }
}

/// A key of TOML, in quotes where it needs them.
pub(crate) struct Key<'a>(pub(crate) &'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !self.0.is_empty() && self.0.bytes().all(bare) {
            f.write_str(self.0)
        } else {
            write!(f, "{}", Quoted(self.0))
        }
    }
}

/// A string of TOML that has several lines, as people write it where they can.
pub(crate) struct Lines<'a>(pub(crate) &'a str);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if !self.0.contains(strange) && !self.0.contains("'''") && !self.0.ends_with('\'') {
            return write!(f, "'''\n{}'''", self.0);
        }
        f.write_str("\"\"\"\n")?;
        for c in self.0.chars() {
            match c {
                '\n' | '\t' => f.write_char(c)?,
                c => escaped(c, f)?,
            }
        }
        f.write_str("\"\"\"")
    }
}
