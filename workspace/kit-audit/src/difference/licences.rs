//! Licences of components that changed, came or went.

use std::collections::{BTreeMap, BTreeSet};

use spdx::{Expression, ParseMode};

use super::kind::Named;

/// The licences of a component that aren't what they were; none stands for a licence that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceChange {
    /// Which component.
    pub component: Named,
    /// Its licences before; empty where it wasn't there.
    pub before: Vec<Option<String>>,
    /// Its licences now; empty where it isn't there any more.
    pub after: Vec<Option<String>>,
    /// The single licences of it that nothing in the first image had.
    pub new: BTreeSet<String>,
}

type Licences = BTreeMap<Named, BTreeSet<Option<String>>>;

/// Compares licences, those that are new to the image first.
pub(super) fn licences(before: &Licences, after: &Licences) -> Vec<LicenceChange> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let had: BTreeSet<_> = before.values().flatten().flatten().flat_map(|text| single(text)).collect();
    let of = |side: &Licences, name| -> Vec<_> { side.get(name).into_iter().flatten().cloned().collect() };
    let mut changes: Vec<_> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| LicenceChange {
            component: name.clone(),
            before: of(before, name),
            after: of(after, name),
            new: after
                .get(name)
                .into_iter()
                .flatten()
                .flatten()
                .flat_map(|text| single(text))
                .filter(|licence| !had.contains(licence))
                .collect(),
        })
        .collect();
    changes.sort_by_key(|change| change.new.is_empty());
    changes
}

/// Returns the licences that an expression is made of; what is no expression is one itself.
fn single(text: &str) -> BTreeSet<String> {
    match Expression::parse_mode(text, ParseMode::LAX) {
        Ok(expression) => expression.requirements().map(|requirement| requirement.req.to_string()).collect(),
        Err(_) => BTreeSet::from([text.to_owned()]),
    }
}
