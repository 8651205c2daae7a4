//! A table of the document, whose keys are asked for one by one.

use std::ops::Range;

use toml::de::{DeArray, DeTable, DeValue};

use super::value::Value;
use super::{Faults, closest};
use crate::problem::{Fault, Shape};

/// A table; the keys that were asked for are the known ones.
#[derive(Debug)]
pub(crate) struct Section<'d> {
    /// As people write it: `[image]`, `[[service]]`; empty for the whole file.
    pub(crate) title: String,
    /// The header.
    pub(crate) span: Range<usize>,
    table: &'d DeTable<'d>,
    known: Vec<&'static str>,
    /// Faults of keys that must be there and aren't; a misspelt one isn't reported twice.
    missing: Vec<(&'static str, Fault)>,
}

/// The brackets that a section has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brackets {
    Single,
    Double,
}

impl<'d> Section<'d> {
    /// Wraps the whole file.
    pub(crate) fn root(table: &'d DeTable<'d>) -> Self {
        Self { title: String::new(), span: 0..0, table, known: Vec::new(), missing: Vec::new() }
    }

    /// Looks for a section without asking for it.
    pub(crate) fn peek(&self, key: &str) -> Option<Value<'d>> {
        self.table.get_key_value(key).map(|(key, node)| Value::new(key, node))
    }

    /// Asks for a key.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<Value<'d>> {
        self.knows(&[key]);
        self.peek(key)
    }

    /// Makes keys known without asking for them.
    pub(crate) fn knows(&mut self, keys: &[&'static str]) {
        for key in keys {
            if !self.known.contains(key) {
                self.known.push(key);
            }
        }
    }

    /// Asks for a key that must be there; `example` is a line that has it.
    pub(crate) fn required(&mut self, key: &'static str, example: &'static str) -> Option<Value<'d>> {
        let value = self.value(key);
        if value.is_none() {
            self.missing.push((key, Fault::MissingKey { key, section: self.title.clone(), example }));
        }
        value
    }

    /// The fault of a key that can't be one.
    pub(crate) fn invalid_key(&self, value: &Value<'d>, why: &'static str) -> Fault {
        Fault::InvalidKey { key: value.key.to_owned(), section: self.title.clone(), why }
    }

    /// Asks for a table, `[key]` or `key = {…}`.
    pub(crate) fn section(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<Section<'d>> {
        let value = self.value(key)?;
        self.table_of(&value, faults)
    }

    /// Asks for a table that must be there, whose header as written is `header`.
    pub(crate) fn required_section(
        &mut self,
        key: &'static str,
        header: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<Section<'d>> {
        if self.peek(key).is_none() {
            self.missing.push((key, Fault::MissingSection { section: header }));
        }
        self.section(key, faults)
    }

    /// Takes a value of this section that must be a table.
    pub(crate) fn table_of(&self, value: &Value<'d>, faults: &mut Faults<'_>) -> Option<Section<'d>> {
        Self::open(&self.title, value, faults)
    }

    /// Takes a value, in the section called `above`, that must be a table.
    pub(crate) fn open(above: &str, value: &Value<'d>, faults: &mut Faults<'_>) -> Option<Section<'d>> {
        match value.node {
            DeValue::Table(table) => {
                Some(child(Brackets::Single, above, value.key, value.section_span(), table))
            }
            DeValue::Array(items) if are_tables(items) => {
                faults.add(value.span.clone(), Fault::DoubleBrackets { section: path(above, value.key) });
                None
            }
            _ => value.wrong_type(Shape::Table, faults),
        }
    }

    /// Asks for a list of tables, `[[key]]`.
    pub(crate) fn sections(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Vec<Section<'d>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let items = match value.node {
            DeValue::Array(items) => items,
            DeValue::Table(_) => {
                faults.add(value.section_span(), Fault::SingleBrackets { section: path(&self.title, key) });
                return Vec::new();
            }
            _ => {
                value.wrong_type::<()>(Shape::Array, faults);
                return Vec::new();
            }
        };
        let mut sections = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => {
                    sections.push(child(Brackets::Double, &self.title, key, item.span(), table));
                }
                _ => _ = Value::item(value.key, item).wrong_type::<()>(Shape::Table, faults),
            }
        }
        sections
    }

    /// Returns every key and value, where the keys are the user's own.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        self.table.iter().map(|(key, node)| Value::new(key, node))
    }

    /// Says that two keys can't stand together, when they do.
    pub(crate) fn contradiction(
        &self,
        key: &'static str,
        other: &'static str,
        why: &'static str,
        faults: &mut Faults<'_>,
    ) {
        if let (Some(a), Some(b)) = (self.peek(key), self.peek(other)) {
            let ((key, a), (other, b)) = if a.key_span.start > b.key_span.start {
                ((key, a), (other, b))
            } else {
                ((other, b), (key, a))
            };
            faults.add_both(a.key_span, b.key_span, Fault::Contradiction { key, other, why });
        }
    }

    /// Notes every key that nobody asked for, and every one that is missing.
    pub(crate) fn finish(self, faults: &mut Faults<'_>) {
        let mut misspelt = Vec::new();
        for value in self.entries().filter(|value| !self.known.contains(&value.key)) {
            let (at, fault) = if self.title.is_empty() {
                (value.section_span(), self.unknown_section(&value))
            } else {
                (value.key_span.clone(), self.unknown_key(&value))
            };
            misspelt.extend(closest(value.key, self.known.iter().copied()));
            faults.add(at, fault);
        }
        for (key, fault) in self.missing {
            if !misspelt.iter().any(|word| word == key) {
                faults.add(self.span.clone(), fault);
            }
        }
    }

    fn unknown_key(&self, value: &Value<'d>) -> Fault {
        Fault::UnknownKey {
            key: value.key.to_owned(),
            section: self.title.clone(),
            suggestion: closest(value.key, self.known.iter().copied()),
            known: self.known.clone(),
        }
    }

    fn unknown_section(&self, value: &Value<'d>) -> Fault {
        let key = value.key.to_owned();
        let known = self.known.clone();
        let header = match value.node {
            DeValue::Table(_) => format!("[{key}]"),
            DeValue::Array(items) if are_tables(items) => {
                format!("[[{key}]]")
            }
            _ => return Fault::KeyOutsideSection { key, known },
        };
        Fault::UnknownSection { section: header, suggestion: closest(&key, known.iter().copied()), known }
    }
}

fn child<'d>(
    brackets: Brackets,
    above: &str,
    key: &str,
    span: Range<usize>,
    table: &'d DeTable<'d>,
) -> Section<'d> {
    let path = path(above, key);
    let title = match brackets {
        Brackets::Single => format!("[{path}]"),
        Brackets::Double => format!("[[{path}]]"),
    };
    Section { title, span, table, known: Vec::new(), missing: Vec::new() }
}

/// The dotted path of a key of a section.
fn path(above: &str, key: &str) -> String {
    let above = above.trim_matches(['[', ']']);
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

fn are_tables(items: &DeArray<'_>) -> bool {
    !items.is_empty() && items.iter().all(|item| item.get_ref().is_table())
}
