//! The licences of a document that SPDX doesn't list. In a document each name has one text, while components come each with their own
//! public domain: where a name has several texts, the start of the text's digest is added to it.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::Sha256;

use crate::licence::{Licence, references, with_references};

/// The references of a document.
#[derive(Debug, Default)]
pub(super) struct References<'a> {
    texts: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> References<'a> {
    /// Takes the references of a licence.
    pub(super) fn add(&mut self, licence: &'a Licence) {
        let expressions = licence.declared().into_iter().chain(licence.concluded());
        for name in expressions.flat_map(references) {
            self.texts.entry(name).or_default().insert(licence.text(name).unwrap_or_default());
        }
    }

    /// Returns an expression of a licence, with the names that its references have in the document.
    pub(super) fn named(&self, licence: &Licence, expression: &str) -> String {
        with_references(expression, |name| self.name(name, licence.text(name).unwrap_or_default()))
    }

    fn name(&self, name: &str, text: &str) -> String {
        match self.texts.get(name) {
            Some(texts) if texts.len() > 1 => {
                format!("{name}-{}", &Sha256::of(text.as_bytes()).short()[..8])
            }
            Some(_) | None => name.to_owned(),
        }
    }

    /// Returns all references with their texts.
    pub(super) fn all(&self) -> BTreeMap<String, &'a str> {
        let named = |(name, texts): (&&'a str, &BTreeSet<&'a str>)| {
            texts.iter().map(|text| (self.name(name, text), *text)).collect::<Vec<_>>()
        };
        self.texts.iter().flat_map(named).collect()
    }
}
