//! The configuration of all files together, as `metadata` wants it written.

use std::fmt::Write as _;

use super::fault::Found;
use super::toml::quoted;
use super::yaml::{Key, Kind, Node, Scalar};

/// Joins files by LinuxKit's rules: keys of the kernel replace those before, lists are joined.
pub(super) fn merge(roots: &[Node]) -> Vec<(String, Node)> {
    let mut merged: Vec<(String, Node)> = Vec::new();
    for root in roots {
        let Kind::Mapping(entries) = &root.kind else { continue };
        for (Key { text, .. }, node) in
            entries.iter().filter(|(key, node)| key.text != "trust" && !is_nothing(node))
        {
            match merged.iter_mut().find(|(known, _)| known == text) {
                None => merged.push((text.clone(), node.clone())),
                Some((_, old)) => match (&mut old.kind, &node.kind) {
                    (Kind::List(items), Kind::List(more)) => items.extend(more.iter().cloned()),
                    (Kind::Mapping(entries), Kind::Mapping(more)) => {
                        for (key, value) in more {
                            entries.retain(|(known, _)| known.text != key.text);
                            entries.push((key.clone(), value.clone()));
                        }
                    }
                    _ => *old = node.clone(),
                },
            }
        }
    }
    merged
}

/// Whether it is a section without anything in it.
fn is_nothing(node: &Node) -> bool {
    matches!(&node.kind, Kind::Scalar(scalar) if scalar.found() == Found::Nothing)
}

/// Writes it as JSON.
pub(super) fn json(merged: &[(String, Node)]) -> String {
    let entries: Vec<_> =
        merged.iter().map(|(key, node)| format!("  {}: {}", json_text(key), json_value(node, 1))).collect();
    format!("{{\n{}\n}}\n", entries.join(",\n"))
}

fn json_value(node: &Node, depth: usize) -> String {
    let (inside, outside) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match &node.kind {
        Kind::Scalar(scalar) => match word(scalar) {
            Some(word) => word,
            None => json_text(&scalar.text),
        },
        Kind::List(items) if items.is_empty() => "[]".to_owned(),
        Kind::List(items) => {
            let items: Vec<_> =
                items.iter().map(|item| format!("{inside}{}", json_value(item, depth + 1))).collect();
            format!("[\n{}\n{outside}]", items.join(",\n"))
        }
        Kind::Mapping(entries) if entries.is_empty() => "{}".to_owned(),
        Kind::Mapping(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, node)| {
                    format!("{inside}{}: {}", json_text(&key.text), json_value(node, depth + 1))
                })
                .collect();
            format!("{{\n{}\n{outside}}}", entries.join(",\n"))
        }
    }
}

/// Strings of TOML and JSON are escaped alike, but for what TOML allows to be longer.
fn json_text(text: &str) -> String {
    quoted(text)
}

/// Writes it as YAML.
pub(super) fn yaml(merged: &[(String, Node)]) -> String {
    let mut text = String::new();
    for (key, node) in merged {
        text.push_str(&plain(key));
        text.push(':');
        yaml_value(node, 0, &mut text);
    }
    text
}

/// Writes what follows `key:` or `-`, with the end of its line.
fn yaml_value(node: &Node, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match &node.kind {
        Kind::Scalar(scalar) => {
            text.push(' ');
            text.push_str(&word(scalar).unwrap_or_else(|| plain(&scalar.text)));
            text.push('\n');
        }
        Kind::List(items) if items.is_empty() => text.push_str(" []\n"),
        Kind::List(items) => {
            text.push('\n');
            for item in items {
                let _ = write!(text, "{indent}  -");
                match &item.kind {
                    Kind::Mapping(entries) if !entries.is_empty() => {
                        text.push(' ');
                        yaml_entries(entries, depth + 2, text, true);
                    }
                    _ => yaml_value(item, depth + 1, text),
                }
            }
        }
        Kind::Mapping(entries) if entries.is_empty() => text.push_str(" {}\n"),
        Kind::Mapping(entries) => {
            text.push('\n');
            yaml_entries(entries, depth + 1, text, false);
        }
    }
}

/// Writes keys and values; the first one may stand behind a `-`.
fn yaml_entries(entries: &[(Key, Node)], depth: usize, text: &mut String, behind: bool) {
    for (place, (key, node)) in entries.iter().enumerate() {
        if place > 0 || !behind {
            text.push_str(&"  ".repeat(depth));
        }
        text.push_str(&plain(&key.text));
        text.push(':');
        yaml_value(node, depth, text);
    }
}

/// Returns what isn't a string as both languages write it.
fn word(scalar: &Scalar) -> Option<String> {
    match scalar.found() {
        Found::Integer => scalar.integer().map(|number| number.to_string()),
        Found::Boolean => Some(scalar.text.to_lowercase()),
        Found::Nothing => Some("null".to_owned()),
        Found::Text | Found::Float | Found::List | Found::Mapping => None,
    }
}

/// Returns a string without quotes where it can't be anything else.
fn plain(text: &str) -> String {
    let tame = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let scalar = Scalar { text: text.to_owned(), quoted: false };
    let inside = |c: char| tame(c) || " =,:+@".contains(c);
    let is_text = scalar.found() == Found::Text
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(inside)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !matches!(text.to_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off");
    if is_text { text.to_owned() } else { quoted(text) }
}
