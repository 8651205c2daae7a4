//! A difference for a pull request: Markdown as GitHub, GitLab and Forgejo have it.
//!
//! Names are foreign. Cells with them are code where that takes the text as it is; else, and in notes, everything that could be markup is
//! written as a character reference, which none of them takes for markup. A comment after `@` and `#` keeps people and issues from being
//! mentioned.

use std::fmt::Write as _;

use super::Difference;
use super::table::{Detail, Row, Table, Weight, tables};
use crate::report::shown;

/// How many rows stay open; more are folded.
const OPEN: usize = 15;
/// How many rows are written of one part: a comment of a pull request takes some 65,000 characters.
const MOST: usize = 200;

/// Writes a difference.
pub fn write(difference: &Difference) -> String {
    let mut out = String::new();
    let (before, after) = (&difference.before, &difference.after);
    put(&mut out, format_args!("### {} → {}\n", code(&before.name), code(&after.name)));
    let pin = |side: &super::Side| side.pin.map(|pin| code(&pin.short()));
    if let (Some(before), Some(after)) = (pin(before), pin(after)) {
        put(&mut out, format_args!("lockfile {before} → {after}\n"));
    }
    let tables = tables(difference, Detail::Folded);
    put(&mut out, format_args!("| part | what changed |\n|---|---|"));
    for table in &tables {
        put(&mut out, format_args!("| {} | {} |", table.title, plain(&table.summary)));
    }
    for table in tables.iter().filter(|table| !table.rows.is_empty()) {
        part(&mut out, table);
    }
    out
}

fn part(out: &mut String, table: &Table) {
    let is_long = table.rows.len() > OPEN;
    put(out, format_args!("\n#### {}\n", table.title));
    if is_long {
        put(out, format_args!("<details><summary>{}</summary>\n", plain(&table.summary)));
    }
    put(out, format_args!("| | what | before | after | note |\n|---|---|---|---|---|"));
    for row in table.rows.iter().take(MOST) {
        put(out, format_args!("{}", line(row)));
    }
    if let Some(left @ 1..) = table.rows.len().checked_sub(MOST) {
        put(out, format_args!("\n… and {left} more"));
    }
    if is_long {
        put(out, format_args!("\n</details>"));
    }
}

fn line(row: &Row) -> String {
    let word = match row.weight {
        Weight::Worse => format!("**{}**", row.word),
        Weight::Better | Weight::Plain => row.word.to_owned(),
    };
    let cells = [code(&row.what), code(&row.before), code(&row.after), plain(&row.note)];
    format!("| {word} | {} |", cells.join(" | "))
}

/// Writes a text as code, unless parts of it want to be.
fn code(text: &str) -> String {
    let text = shown::line(text);
    let is_odd = |c: char| matches!(c, '|' | '\\');
    if text.is_empty() {
        String::new()
    } else if text.contains('`') {
        // A sentence of kit's, as a rule.
        plain(&text)
    } else if text.contains(is_odd) || text.starts_with(' ') || text.ends_with(' ') {
        format!("<code>{}</code>", references(&text))
    } else {
        format!("`{text}`")
    }
}

/// Writes a text as text, whatever is in it. What kit itself wants to be code, between backticks, is.
fn plain(text: &str) -> String {
    let text = shown::line(text);
    let parts: Vec<_> = text.split('`').collect();
    if parts.len() % 2 == 0 {
        return references(&text);
    }
    let one = |(at, part): (usize, &&str)| if at % 2 == 0 { references(part) } else { code(part) };
    parts.iter().enumerate().map(one).collect()
}

/// Writes everything as a reference but letters, digits, spaces, and what is no markup where it stands.
fn references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        let is_harmless = match c {
            ' ' | ',' | ';' | '(' | ')' | '/' | '%' | '+' | '-' | '=' | '\'' => true,
            // No address, and no picture by a name between colons.
            ':' => after == ' ',
            '>' => before == '-',
            '.' => before.is_ascii_digit() && after.is_ascii_digit(),
            c => c.is_ascii_alphanumeric() || !c.is_ascii(),
        };
        if is_harmless {
            out.push(c);
        } else {
            _ = write!(out, "&#{};", u32::from(c));
        }
        if matches!(c, '@' | '#') {
            out.push_str("<!-- -->");
        }
        before = c;
    }
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    out.write_fmt(line).expect("because a string takes all");
    out.push('\n');
}
