//! The TOML parser's errors in plain words, and the few things that TOML 1.0 refuses and the parser doesn't.

use std::ops::Range;

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue, Error};

use super::{Faults, scan};
use crate::problem::Fault;

/// How many errors of the parser are looked at: a text with more is no recipe at all.
const MOST: usize = 50;

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
    let mut done = None;
    let mut section_twice = None;
    for (span, message) in errors.into_iter().take(MOST) {
        let line = line_at(text, span.start);
        let unclosed = is_unclosed_string(message);
        if done.replace(line.end) == Some(line.end) && !unclosed {
            continue;
        }
        let Plain { at, also, fault } = plain(message, span, text, root.get_ref());
        if let Fault::DuplicateKey { what, .. } = &fault {
            // The keys of a section that is there twice are no news.
            if *what == "section" {
                section_twice = Some(at.start);
            } else if section_twice.is_some_and(|from| !text[from + 1..at.start].contains("\n[")) {
                continue;
            }
        }
        let stop = match fault {
            Fault::UnclosedString => {
                // A quote that is missing earlier on the line makes others appear first.
                faults.list.retain(|problem| line_at(text, problem.at.start) != line);
                true
            }
            Fault::UnclosedBracket { .. } => also.is_some(),
            _ => matches!(fault, Fault::TooDeep),
        };
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

/// An error of the parser in plain words.
struct Plain {
    at: Range<usize>,
    also: Place,
    fault: Fault,
}

/// Says one error of the parser in plain words.
fn plain(message: &str, span: Range<usize>, text: &str, root: &DeTable<'_>) -> Plain {
    if let Some(plain) = unclosed(message, &span, text) {
        return plain;
    }
    let what = message.split(", expected ").next().unwrap_or(message);
    let word = word_at(text, span.start);
    let word_text = text.get(word.clone()).unwrap_or_default().to_owned();
    let (at, fault) = match what {
        "duplicate key" => return duplicate_key(span, text, root),
        "unclosed table" => (span, Fault::UnclosedBracket { missing: "]" }),
        "unclosed array table" => (span, Fault::UnclosedBracket { missing: "]]" }),
        "key with no value" | "missing value for key" => {
            let at = if word.is_empty() { word_before(text, span.start) } else { word };
            let key = text.get(at.clone()).unwrap_or_default().to_owned();
            (at, Fault::MissingEquals { key })
        }
        "string values must be quoted" if span.is_empty() => (span, Fault::MissingValue),
        "missing value" => (span, Fault::MissingValue),
        "missing comma between array elements" | "missing comma between key-value pairs" => {
            (after(text, span.start), Fault::MissingComma)
        }
        "string values must be quoted" => {
            let word = text.get(span.clone()).unwrap_or_default().to_owned();
            (span, Fault::UnquotedString { word })
        }
        "unexpected leading zero" => (word, Fault::LeadingZero { number: word_text }),
        "unexpected key or value" => (after(text, span.start), Fault::TrailingText),
        _ if what.contains("recursion depth") => (span, Fault::TooDeep),
        _ if what.starts_with("missing escaped value") => {
            let start = text[..text.floor_char_boundary(span.start)].rfind('\\').unwrap_or(span.start);
            (start..after(text, span.start).end, Fault::UnknownEscape)
        }
        _ if what.contains("unquoted key") && word_text.ends_with(':') => {
            (word, Fault::MissingEquals { key: word_text.trim_end_matches(':').to_owned() })
        }
        _ if what.contains("unquoted key") => (word, Fault::UnquotedKey { key: word_text }),
        _ => (span, Fault::Syntax { words: what.to_owned() }),
    };
    Plain { at, also: None, fault }
}

fn is_unclosed_string(message: &str) -> bool {
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let quotes = expected.contains(['"', '\'']);
    quotes && (what == "missing opening quote" || what.starts_with("invalid") && what.contains("string"))
}

/// Says that a string or bracket isn't closed, when that explains the error.
fn unclosed(message: &str, span: &Range<usize>, text: &str) -> Option<Plain> {
    let line = line_at(text, span.start);
    if is_unclosed_string(message) {
        let quotes = scan::open_at(text, span.start).string;
        let at = quotes.unwrap_or_else(|| {
            let first = text[line.clone()].find(['"', '\'']).unwrap_or(0);
            line.start + first..line.end
        });
        return Some(Plain { at, also: None, fault: Fault::UnclosedString });
    }
    let (bracket, open, end) =
        if message.starts_with("unclosed array,") || message.starts_with("unclosed inline") {
            let open = scan::open_at(text, span.start).bracket?;
            (open.0, open.1, span.start)
        } else if is_key_or_header(&text[line.clone()]) {
            let open = scan::open_at(text, line.start).bracket?;
            (open.0, open.1, text[..line.start].trim_end().len())
        } else {
            return None;
        };
    let missing = if bracket == b'[' { "]" } else { "}" };
    let several_lines = text.get(open..line.start).is_some_and(|between| between.contains('\n'));
    if bracket == b'{' && several_lines && !message.starts_with("unclosed") {
        return None;
    }
    Some(Plain { at: end..end, also: Some(open..open + 1), fault: Fault::UnclosedBracket { missing } })
}

/// Whether a line looks like `key = …`, `[section]` or `[[section]]`, which never stand inside of an array.
fn is_key_or_header(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or(line).trim();
    let name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let header = line.trim_start_matches('[').trim_end_matches(']');
    line.split_once('=').is_some_and(|(key, _)| name(key.trim()))
        || line.starts_with('[') && line.ends_with(']') && name(header)
}

/// Says where a key or section stands first.
fn duplicate_key(span: Range<usize>, text: &str, root: &DeTable<'_>) -> Plain {
    let line = line_at(text, span.start);
    if text[line.clone()].trim_start().starts_with('[') {
        let at = line.start..line.start + text[line.clone()].trim_end().len();
        let key = text[at.clone()].trim().to_owned();
        let also = first_header(text, span.start);
        return Plain { at, also, fault: Fault::DuplicateKey { what: "section", key } };
    }
    let key = text.get(span.clone()).unwrap_or_default().to_owned();
    let also = first_key(root, text, &key, span.start);
    Plain { at: span, also, fault: Fault::DuplicateKey { what: "key", key } }
}

/// The word that ends before a place, behind blanks or a string.
fn word_before(text: &str, at: usize) -> Range<usize> {
    let line = line_at(text, at);
    let start = line.start + (text[line.clone()].len() - text[line.clone()].trim_start().len());
    word_at(text, start)
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

/// Notes inline tables of more than one line: TOML 1.1 has them, most other tools don't.
fn multiline_tables(value: &TomlSpanned<DeValue<'_>>, faults: &mut Faults<'_>) {
    let breaks =
        |span: &Range<usize>| faults.text.get(span.clone()).unwrap_or_default().matches('\n').count();
    match value.get_ref() {
        DeValue::Table(table) => {
            let span = value.span();
            let written = faults.text.get(span.clone()).unwrap_or_default();
            if written.starts_with('{') && written.ends_with('}') {
                let inside: usize = table.iter().map(|(_, value)| breaks(&value.span())).sum();
                if breaks(&span) > inside {
                    let (open, close) = (span.start..span.start + 1, span.end - 1..span.end);
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
