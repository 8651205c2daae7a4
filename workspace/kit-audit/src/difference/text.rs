//! A difference for a terminal: all of it in a line for each part, then the changes.

use std::fmt::Write as _;

use super::Difference;
use super::table::{Detail, Row, Table, tables};
use crate::report::shown;

/// How many lines of a part are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// All.
    All,
    /// As many, and how many more there are.
    AtMost(usize),
}

/// The most characters of a value in a line, unless all is asked for.
const WIDEST: usize = 120;

/// Writes a difference.
pub fn write(difference: &Difference, lines: Lines) -> String {
    let mut out = String::new();
    put(&mut out, format_args!("{}", heading(difference)));
    let detail = if lines == Lines::All { Detail::All } else { Detail::Folded };
    let tables = tables(difference, detail);
    let width = tables.iter().map(|table| table.title.chars().count()).max().unwrap_or(0);
    for table in &tables {
        put(&mut out, format_args!("  {:width$}  {}", table.title.to_lowercase(), table.summary));
    }
    for table in tables.iter().filter(|table| !table.rows.is_empty()) {
        put(&mut out, format_args!("\n{}: {}", table.title.to_lowercase(), table.summary));
        rows(&mut out, table, lines);
    }
    out
}

/// Names both sides.
fn heading(difference: &Difference) -> String {
    format!("{} -> {}", shown::line(&difference.before.name), shown::line(&difference.after.name))
}

fn rows(out: &mut String, table: &Table, lines: Lines) {
    let most = match lines {
        Lines::All => usize::MAX,
        // One more line takes no more room than to say that there is one.
        Lines::AtMost(most) if table.rows.len() == most + 1 => most + 1,
        Lines::AtMost(most) => most,
    };
    for row in table.rows.iter().take(most) {
        put(out, format_args!("  {}", line(row, lines)));
    }
    if let Some(left @ 1..) = table.rows.len().checked_sub(most) {
        put(out, format_args!("    and {left} more; `--all` shows them"));
    }
}

/// Writes such as `~ debian zlib1g  1 -> 2  (upgraded)`.
fn line(row: &Row, lines: Lines) -> String {
    let cut = |text: &str| if lines == Lines::All { text.to_owned() } else { shown::short(text, WIDEST) };
    let Row { sign, word, what, .. } = row;
    let [before, after, note] = [&row.before, &row.after, &row.note].map(|text| cut(text));
    let mut line = format!("{} {what}", sign.character());
    match (before.as_str(), after.as_str()) {
        ("", "") => {}
        ("", value) | (value, "") if value == what => {}
        ("", value) | (value, "") => _ = write!(line, "  {value}"),
        (before, after) => _ = write!(line, "  {before} -> {after}"),
    }
    // The sign says these.
    let word = if matches!(*word, "added" | "removed" | "changed") { "" } else { word };
    match (word, note.as_str()) {
        ("", "") => {}
        ("", one) | (one, "") => _ = write!(line, "  ({one})"),
        (word, note) => _ = write!(line, "  ({word}, {note})"),
    }
    line
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    out.write_fmt(line).expect("because a string takes all");
    out.push('\n');
}
