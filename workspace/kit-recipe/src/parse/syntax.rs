//! The TOML parser's errors in plain words, and the few things that TOML 1.0 refuses and the parser doesn't.

use std::ops::Range;

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue, Error};

use super::Faults;
use crate::problem::Fault;

/// Notes what is no TOML. One slip often has several errors: the first on each line counts, and none after a string or
/// bracket that isn't closed.
pub(crate) fn translate(root: &TomlSpanned<DeTable<'_>>, errors: &[Error], faults: &mut Faults<'_>) {
    let text = faults.text;
    let mut errors: Vec<_> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message())).collect();
    errors.sort_by_key(|(span, _)| span.start);
    if !errors.is_empty() && conflict_markers(faults) {
        return;
    }
    let mut last_line = None;
    for (span, message) in errors {
        let line = text.as_bytes().iter().take(span.start).filter(|b| **b == b'\n').count();
        if last_line.replace(line) == Some(line) {
            continue;
        }
        let (at, also, fault) = plain(message, span, text, root.get_ref());
        let stop = matches!(fault, Fault::UnclosedString | Fault::UnclosedBracket { .. } | Fault::TooDeep);
        match also {
            Some(also) => faults.add_both(at, also, fault),
            None => faults.add(at, fault),
        }
        if stop {
            break;
        }
    }
    for (_, value) in root.get_ref() {
        multiline_tables(value, faults);
    }
}

/// Notes each unresolved merge conflict; whether there is one.
fn conflict_markers(faults: &mut Faults<'_>) -> bool {
    let mut lines =
        lines(faults.text).filter(|(_, line)| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>"));
    let mut any = false;
    while let Some((at, line)) = lines.next() {
        if line.starts_with('<') {
            any = true;
            match lines.next() {
                Some((also, _)) => faults.add_both(at, also, Fault::ConflictMarker),
                None => faults.add(at, Fault::ConflictMarker),
            }
        }
    }
    any
}

/// The lines of a text without their ends, and where they are.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let plain = line.trim_end_matches(['\n', '\r']);
        let at = start..start + plain.len();
        start += line.len();
        (at, plain)
    })
}

/// The line around a place.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let end = text[at..].find('\n').map_or(text.len(), |n| at + n);
    start..end
}

type Place = Option<Range<usize>>;

/// Says one error of the parser in plain words.
fn plain(message: &str, span: Range<usize>, text: &str, root: &DeTable<'_>) -> (Range<usize>, Place, Fault) {
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let written = text.get(span.clone()).unwrap_or_default().to_owned();
    let fault = match what {
        "duplicate key" => {
            let also = first_key(root, text, &written, span.start).or_else(|| first_header(text, span.start));
            return (span, also, Fault::DuplicateKey { key: written });
        }
        "unclosed array" | "unclosed inline table" => {
            let missing = if what == "unclosed array" { "]" } else { "}" };
            let open = root.iter().filter_map(|(_, value)| open_bracket(value, text)).next_back();
            return (span, open, Fault::UnclosedBracket { missing });
        }
        "unclosed table" => Fault::UnclosedBracket { missing: "]" },
        "unclosed array table" => Fault::UnclosedBracket { missing: "]]" },
        "key with no value" | "missing value for key" => Fault::MissingEquals { key: written },
        "missing value" => Fault::MissingValue,
        "missing comma between array elements" | "missing comma between key-value pairs" => {
            return (after(text, span.start), None, Fault::MissingComma);
        }
        "string values must be quoted" => Fault::UnquotedString { word: written },
        "unexpected leading zero" => {
            let at = word_at(text, span.start);
            let number = text.get(at.clone()).unwrap_or_default().to_owned();
            return (at, None, Fault::LeadingZero { number });
        }
        "unexpected key or value" => return (after(text, span.start), None, Fault::TrailingText),
        _ if what.contains("recursion depth") => Fault::TooDeep,
        _ if what.starts_with("missing escaped value") => Fault::UnknownEscape,
        _ if is_unclosed_string(what, expected) => {
            let line = line_at(text, span.start);
            return (string_start(text, span.start, &line)..span.start, None, Fault::UnclosedString);
        }
        _ if what.contains("unquoted key") => {
            let at = word_at(text, span.start);
            let key = text.get(at.clone()).unwrap_or_default().to_owned();
            return (at, None, Fault::UnquotedKey { key });
        }
        _ => Fault::Syntax { words: message.to_owned() },
    };
    (span, None, fault)
}

fn is_unclosed_string(what: &str, expected: &str) -> bool {
    what.starts_with("invalid")
        && what.contains("string")
        && (expected.contains('"') || expected.contains('\''))
}

/// Where the string that isn't closed begins: its opening quote, on the line where the error is.
fn string_start(text: &str, at: usize, line: &Range<usize>) -> usize {
    let before = text.get(line.start..at).unwrap_or_default();
    before.find(['"', '\'']).map_or(line.start, |n| line.start + n)
}

/// The first character at or after a place that isn't a blank, on its line.
fn after(text: &str, at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    let start = at + blanks;
    start..start + text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

/// The run of characters around a place that a key or number could have.
fn word_at(text: &str, at: usize) -> Range<usize> {
    let ends = |c: char| c.is_whitespace() || "=[]{},\"'#".contains(c);
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind(ends).map_or(0, |n| n + text[n..].chars().next().map_or(1, char::len_utf8));
    let end = text[at..].find(ends).map_or(text.len(), |n| at + n);
    start..end
}

/// The last key of that name before a place; keys of inline tables count only inside of these.
fn first_key(table: &DeTable<'_>, text: &str, name: &str, at: usize) -> Place {
    let name = name.trim_matches(['"', '\'']);
    let mut best = None::<Range<usize>>;
    let mut note = |found: Place| {
        best = best.take().into_iter().chain(found).max_by_key(|span| span.start);
    };
    for (key, value) in table {
        if key.get_ref() == name && key.span().start < at {
            note(Some(key.span()));
        }
        let inline = text.as_bytes().get(value.span().start) == Some(&b'{');
        match value.get_ref() {
            DeValue::Table(inner) if !inline || value.span().contains(&at) => {
                note(first_key(inner, text, name, at));
            }
            DeValue::Array(items) => {
                let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                tables.for_each(|inner| note(first_key(inner, text, name, at)));
            }
            _ => {}
        }
    }
    best
}

/// An earlier line with the same `[header]` as the one at a place.
fn first_header(text: &str, at: usize) -> Place {
    let line = line_at(text, at);
    let header = text[line.clone()].split(']').next()?.trim();
    lines(text)
        .take_while(|(place, _)| place.start < line.start)
        .filter(|(_, other)| header.starts_with('[') && other.trim().starts_with(&format!("{header}]")))
        .map(|(place, _)| place)
        .last()
}

/// The opening bracket of an array or inline table that isn't closed.
fn open_bracket(value: &TomlSpanned<DeValue<'_>>, text: &str) -> Place {
    let span = value.span();
    let first = text.as_bytes().get(span.start);
    let last = text.get(span.clone()).and_then(|written| written.bytes().last());
    let inner = match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| open_bracket(item, text)).next_back(),
        DeValue::Table(table) => table.iter().filter_map(|(_, value)| open_bracket(value, text)).next_back(),
        _ => return None,
    };
    let open = match first {
        Some(b'[') if value.get_ref().is_array() => last != Some(b']'),
        Some(b'{') => last != Some(b'}'),
        _ => false,
    };
    inner.or_else(|| open.then(|| span.start..span.start + 1))
}

/// Notes inline tables of more than one line: TOML 1.1 has them, most other tools don't.
fn multiline_tables(value: &TomlSpanned<DeValue<'_>>, faults: &mut Faults<'_>) {
    let breaks =
        |span: &Range<usize>| faults.text.get(span.clone()).unwrap_or_default().matches('\n').count();
    match value.get_ref() {
        DeValue::Table(table) => {
            let span = value.span();
            if faults.text.as_bytes().get(span.start) == Some(&b'{') {
                let inside: usize = table.iter().map(|(_, value)| breaks(&value.span())).sum();
                if breaks(&span) > inside {
                    let (open, close) = (span.start..span.start + 1, span.end.saturating_sub(1)..span.end);
                    faults.add_both(open, close, Fault::MultilineTable);
                    return;
                }
            }
            table.iter().for_each(|(_, value)| multiline_tables(value, faults));
        }
        DeValue::Array(items) => items.iter().for_each(|item| multiline_tables(item, faults)),
        _ => {}
    }
}
