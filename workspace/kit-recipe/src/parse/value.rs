//! A value of the document, read as what it should be.

use std::ops::Range;

use toml::Spanned as TomlSpanned;
use toml::de::{DeString, DeValue};

use super::{Faults, closest};
use crate::Spanned;
use crate::problem::{Fault, Shape};

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Value<'d> {
    pub(crate) key: &'d str,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: &'d DeValue<'d>,
    pub(crate) span: Range<usize>,
}

/// Whether a list may have no items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Items {
    /// An empty list means something: it replaces a default.
    Any,
    /// An empty list is a slip.
    Some,
}

fn shape(node: &DeValue<'_>) -> Shape {
    match node {
        DeValue::String(_) => Shape::String,
        DeValue::Integer(_) => Shape::Integer,
        DeValue::Float(_) => Shape::Float,
        DeValue::Boolean(_) => Shape::Boolean,
        DeValue::Datetime(_) => Shape::Datetime,
        DeValue::Array(_) => Shape::Array,
        DeValue::Table(_) => Shape::Table,
    }
}

impl<'d> Value<'d> {
    pub(crate) fn new(key: &'d TomlSpanned<DeString<'d>>, node: &'d TomlSpanned<DeValue<'d>>) -> Self {
        Self { key: key.get_ref(), key_span: key.span(), node: node.get_ref(), span: node.span() }
    }

    /// Wraps an item of the list at `key`.
    pub(crate) fn item(key: &'d str, node: &'d TomlSpanned<DeValue<'d>>) -> Self {
        Self { key, key_span: node.span(), node: node.get_ref(), span: node.span() }
    }

    /// The header of a section; the key of an inline table.
    pub(crate) fn section_span(&self) -> Range<usize> {
        if self.span.start > self.key_span.end { self.key_span.clone() } else { self.span.clone() }
    }

    /// Notes that something else stands here.
    pub(crate) fn wrong_type<T>(&self, expected: Shape, faults: &mut Faults<'_>) -> Option<T> {
        let found = shape(self.node);
        let written = faults.written(&self.span).chars().take(40).collect();
        let at = if found == Shape::Table { self.section_span() } else { self.span.clone() };
        faults.add(at, Fault::WrongType { key: self.key.to_owned(), expected, found, written });
        None
    }

    /// Notes a fault of the value.
    pub(crate) fn fault<T>(&self, fault: Fault, faults: &mut Faults<'_>) -> Option<T> {
        faults.add(self.span.clone(), fault);
        None
    }

    /// Reads a string, empty or not.
    pub(crate) fn any_text(&self, faults: &mut Faults<'_>) -> Option<&'d str> {
        match self.node {
            DeValue::String(text) => Some(text),
            _ => self.wrong_type(Shape::String, faults),
        }
    }

    /// Reads a string that isn't empty and has no NUL.
    pub(crate) fn text(&self, faults: &mut Faults<'_>) -> Option<&'d str> {
        let text = self.any_text(faults)?;
        if text.is_empty() {
            return self.fault(Fault::Empty { key: self.key.to_owned() }, faults);
        }
        self.without(&['\0'], "a NUL character", text, faults)
    }

    /// Reads a string of one line.
    pub(crate) fn line(&self, faults: &mut Faults<'_>) -> Option<&'d str> {
        let text = self.text(faults)?;
        self.without(&['\n', '\r'], "a line break", text, faults)
    }

    /// Checks that none of some characters is there.
    pub(crate) fn without(
        &self,
        characters: &[char],
        what: &'static str,
        text: &'d str,
        faults: &mut Faults<'_>,
    ) -> Option<&'d str> {
        if text.contains(characters) {
            return self.fault(Fault::InvalidText { key: self.key.to_owned(), what }, faults);
        }
        Some(text)
    }

    /// Joins what was read with the place of this value.
    pub(crate) fn spanned<T>(&self, value: T) -> Spanned<T> {
        Spanned::new(value, self.span.clone())
    }

    /// Reads a boolean.
    pub(crate) fn boolean(&self, faults: &mut Faults<'_>) -> Option<bool> {
        match self.node {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type(Shape::Boolean, faults),
        }
    }

    /// Reads an integer between two bounds, both included.
    pub(crate) fn number(&self, least: u64, most: u64, faults: &mut Faults<'_>) -> Option<u64> {
        let DeValue::Integer(integer) = self.node else {
            return self.wrong_type(Shape::Integer, faults);
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let value = faults.written(&self.span).to_owned();
            let key = self.key.to_owned();
            return self.fault(Fault::OutOfRange { key, value, least, most }, faults);
        }
        number
    }

    /// Reads a number of a user or group. The largest one means "no change" to Linux.
    pub(crate) fn owner(&self, faults: &mut Faults<'_>) -> Option<u32> {
        let number = self.number(0, u64::from(u32::MAX - 1), faults)?;
        u32::try_from(number).ok()
    }

    /// Reads a list, each item by `read`; faulty items are noted and left out.
    pub(crate) fn list<T>(
        &self,
        items: Items,
        faults: &mut Faults<'_>,
        mut read: impl FnMut(&Value<'d>, &mut Faults<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let DeValue::Array(array) = self.node else {
            return self.wrong_type(Shape::Array, faults);
        };
        if array.is_empty() && items == Items::Some {
            return self.fault(Fault::Empty { key: self.key.to_owned() }, faults);
        }
        Some(array.iter().filter_map(|item| read(&Value::item(self.key, item), faults)).collect())
    }

    /// Reads one of a few words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&'static str, T)], faults: &mut Faults<'_>) -> Option<T> {
        let word = self.any_text(faults)?;
        if let Some((_, value)) = words.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        let known: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let suggestion = closest(word, known.iter().copied());
        let key = self.key.to_owned();
        self.fault(Fault::UnknownWord { key, word: word.to_owned(), suggestion, known }, faults)
    }
}
