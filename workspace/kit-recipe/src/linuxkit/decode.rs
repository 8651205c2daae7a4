//! A small decoder over YAML nodes, which notes every fault and goes on.

use std::ops::Range;

use super::fault::{Fault, Found};
use super::hints::{self, meant};
use super::yaml::{Key, Kind, Node, Scalar};
use crate::Spanned;

/// A value where one is written. Its place is that of its key and itself.
pub(super) type Field<T> = Option<Spanned<T>>;

/// The faults found so far.
pub(super) type Faults = Vec<(Range<usize>, Fault)>;

/// A mapping whose keys are taken one by one.
#[derive(Debug)]
pub(super) struct Mapping<'n> {
    /// What people call it: `kernel`, `services`.
    pub(super) of: String,
    pub(super) span: Range<usize>,
    entries: &'n [(Key, Node)],
    known: Vec<&'static str>,
}

/// The value of a key, or an item of a list.
#[derive(Debug, Clone)]
pub(super) struct Value<'n> {
    pub(super) key: String,
    key_span: Range<usize>,
    is_item: bool,
    pub(super) node: &'n Node,
}

impl<'n> Mapping<'n> {
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'n>> {
        self.known.push(key);
        let (written, node) = self.entries.iter().find(|(written, _)| written.text == key)?;
        // A section of which everything is commented out is an empty one.
        let is_section = self.of.is_empty();
        if is_section && matches!(&node.kind, Kind::Scalar(scalar) if scalar.found() == Found::Nothing) {
            return None;
        }
        Some(Value { key: key.to_owned(), key_span: written.span.clone(), is_item: false, node })
    }

    /// Takes a key that must be there.
    pub(super) fn required(&mut self, key: &'static str, faults: &mut Faults) -> Option<Value<'n>> {
        let value = self.take(key);
        if value.is_none() {
            let first = self.entries.first().map_or(self.span.clone(), |(key, _)| key.span.clone());
            // Of a whole file there is one.
            let entry = if self.of == super::build::FILE { "" } else { "an entry of " };
            faults.push((first, Fault::MissingKey { key, of: format!("{entry}`{}`", self.of) }));
        }
        value
    }

    pub(super) fn text(&mut self, key: &'static str, faults: &mut Faults) -> Field<String> {
        self.take(key).and_then(|value| value.text(faults).map(|text| value.field(text)))
    }

    /// Takes a text of one line.
    pub(super) fn line(&mut self, key: &'static str, faults: &mut Faults) -> Field<String> {
        self.take(key).and_then(|value| value.line(faults).map(|text| value.field(text)))
    }

    pub(super) fn boolean(&mut self, key: &'static str, faults: &mut Faults) -> Field<bool> {
        self.take(key).and_then(|value| value.boolean(faults).map(|truth| value.field(truth)))
    }

    pub(super) fn integer(
        &mut self,
        key: &'static str,
        least: i64,
        most: i64,
        faults: &mut Faults,
    ) -> Field<i64> {
        self.take(key).and_then(|value| value.integer(least, most, faults).map(|number| value.field(number)))
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, key: &'static str, faults: &mut Faults) -> Field<Vec<Spanned<String>>> {
        self.list(key, faults, Value::text)
    }

    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
        read: impl Fn(&Value<'n>, &mut Faults) -> Option<T>,
    ) -> Field<Vec<Spanned<T>>> {
        let value = self.take(key)?;
        let items = value.items(faults)?;
        let items = items
            .into_iter()
            .filter_map(|item| read(&item, faults).map(|read| Spanned::new(read, item.node.span.clone())))
            .collect();
        Some(value.field(items))
    }

    /// Takes a mapping whose values are texts.
    pub(super) fn map(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Field<Vec<(String, Spanned<String>)>> {
        let value = self.take(key)?;
        let mapping = value.mapping(key, faults)?;
        let pairs = mapping.entries.iter().filter_map(|(name, node)| {
            let item = Value { key: name.text.clone(), key_span: name.span.clone(), is_item: false, node };
            item.text(faults).map(|text| (name.text.clone(), item.field(text)))
        });
        let pairs = pairs.collect();
        Some(value.field(pairs))
    }

    /// Takes a list of mappings.
    pub(super) fn mappings(&mut self, key: &'static str, faults: &mut Faults) -> Field<Vec<Mapping<'n>>> {
        let value = self.take(key)?;
        let items = value.items(faults)?;
        let items = items.into_iter().filter_map(|item| item.mapping(key, faults)).collect();
        Some(value.field(items))
    }

    /// Takes a mapping of keys that are taken one by one.
    pub(super) fn mapping(&mut self, key: &'static str, faults: &mut Faults) -> Field<Mapping<'n>> {
        let value = self.take(key)?;
        let mapping = value.mapping(key, faults)?;
        Some(value.field(mapping))
    }

    /// Tells of the keys that nothing took.
    pub(super) fn finish(self, faults: &mut Faults) {
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.known.contains(&key.text.as_str())) {
            let hint = hints::of(&key.text, &self.known);
            let (written, known) = (key.text.clone(), self.known.clone());
            let fault = if self.of.is_empty() {
                Fault::UnknownSection { key: written, hint, known }
            } else {
                Fault::UnknownKey { key: written, of: self.of.clone(), hint, known }
            };
            faults.push((key.span.clone(), fault));
        }
    }
}

impl<'n> Value<'n> {
    /// Returns a value on top of a document.
    pub(super) fn top(node: &'n Node) -> Self {
        Self { key: String::new(), key_span: node.span.start..node.span.start, is_item: false, node }
    }

    /// Joins what was read with its place.
    pub(super) fn field<T>(&self, value: T) -> Spanned<T> {
        let (key, node) = (&self.key_span, &self.node.span);
        let span = if node.start >= key.start { key.start..node.end.max(key.end) } else { key.clone() };
        Spanned::new(value, span)
    }

    fn found(&self) -> Found {
        match &self.node.kind {
            Kind::Scalar(scalar) => scalar.found(),
            Kind::List(_) => Found::List,
            Kind::Mapping(_) => Found::Mapping,
        }
    }

    /// Returns where it stands; nothing stands at its key.
    pub(super) fn place(&self) -> Range<usize> {
        if self.node.span.is_empty() { self.key_span.clone() } else { self.node.span.clone() }
    }

    pub(super) fn wrong<T>(&self, expected: &'static str, faults: &mut Faults) -> Option<T> {
        let written = match &self.node.kind {
            Kind::Scalar(_) if self.is_item && self.found() == Found::Nothing => "-".to_owned(),
            Kind::Scalar(scalar) => scalar.text.chars().take(60).collect(),
            _ => String::new(),
        };
        let (key, found) = (self.key.clone(), self.found());
        faults.push((self.place(), Fault::WrongType { key, expected, found, written }));
        None
    }

    fn scalar(&self) -> Option<&'n Scalar> {
        match &self.node.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(super) fn text(&self, faults: &mut Faults) -> Option<String> {
        match self.scalar() {
            Some(scalar) if scalar.found() == Found::Text => Some(scalar.text.clone()),
            _ => self.wrong("a string", faults),
        }
    }

    pub(super) fn line(&self, faults: &mut Faults) -> Option<String> {
        let text = self.text(faults)?;
        // A block in a file ends in a line break that nobody means.
        let line = text.trim_end_matches('\n');
        if line.contains(['\n', '\r']) {
            faults.push((self.place(), Fault::LineBreak { key: self.key.clone() }));
            return None;
        }
        Some(line.to_owned())
    }

    pub(super) fn boolean(&self, faults: &mut Faults) -> Option<bool> {
        match self.scalar() {
            Some(scalar) if scalar.found() == Found::Boolean => {
                Some(scalar.text.eq_ignore_ascii_case("true"))
            }
            // Truth values of YAML 1.1, where nothing but one can be meant.
            Some(Scalar { quoted: false, text }) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" => Some(true),
                "no" | "off" => Some(false),
                _ => self.wrong("a boolean", faults),
            },
            _ => self.wrong("a boolean", faults),
        }
    }

    pub(super) fn integer(&self, least: i64, most: i64, faults: &mut Faults) -> Option<i64> {
        let Some(number) = self.scalar().and_then(Scalar::integer) else {
            return self.wrong("an integer", faults);
        };
        if let Some(number) = i64::try_from(number).ok().filter(|number| (least..=most).contains(number)) {
            Some(number)
        } else {
            let (key, number) = (self.key.clone(), number.to_string());
            faults.push((self.place(), Fault::OutOfRange { key, number, least, most }));
            None
        }
    }

    /// Whether it is a number.
    pub(super) fn is_integer(&self) -> bool {
        self.found() == Found::Integer
    }

    pub(super) fn items(&self, faults: &mut Faults) -> Option<Vec<Value<'n>>> {
        let Kind::List(items) = &self.node.kind else { return self.wrong("a list", faults) };
        let item = |node| Value {
            key: self.key.clone(),
            key_span: Range::clone(&self.key_span),
            is_item: true,
            node,
        };
        Some(items.iter().map(item).collect())
    }

    /// Takes it as a mapping that people call `of`.
    pub(super) fn mapping(&self, of: &str, faults: &mut Faults) -> Option<Mapping<'n>> {
        let Kind::Mapping(entries) = &self.node.kind else { return self.wrong("a mapping", faults) };
        Some(Mapping { of: of.to_owned(), span: self.node.span.clone(), entries, known: Vec::new() })
    }

    /// Takes a word of a list.
    pub(super) fn word(&self, known: &[&'static str], faults: &mut Faults) -> Option<&'static str> {
        let text = self.text(faults)?;
        let found = known.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let suggestion = meant(&text, known);
            let fault =
                Fault::UnknownWord { key: self.key.clone(), word: text, suggestion, known: known.to_vec() };
            faults.push((self.place(), fault));
        }
        found
    }
}
