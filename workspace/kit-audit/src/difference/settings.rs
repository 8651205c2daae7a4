//! Options of the kernel, and the words that it is started with.

use std::collections::{BTreeMap, BTreeSet};

use crate::hardening::kernel::{Value, is_as_recommended};

/// An option of the kernel that isn't set as it was. Its name is without `CONFIG_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionChange {
    /// Which.
    pub option: String,
    /// What it was; none where it wasn't set.
    pub before: Option<Value>,
    /// What it is; none where it isn't set.
    pub after: Option<Value>,
    /// Whether it now is as recommended; none where nobody recommends anything.
    pub is_recommended: Option<bool>,
}

/// Compares options, those with a recommendation first.
pub(super) fn options(
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) -> Vec<OptionChange> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let mut changes: Vec<_> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| OptionChange {
            option: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
            is_recommended: is_as_recommended(name, after.get(name)),
        })
        .collect();
    changes.sort_by_key(|change| change.is_recommended.is_none());
    changes
}

/// The words of a command line that only one of both has, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// Those that are gone.
    pub removed: Vec<String>,
    /// Those that are new.
    pub added: Vec<String>,
    /// Whether the same words stand in another order, which decides where one is said twice.
    pub is_reordered: bool,
}

impl CommandLine {
    pub(super) fn between(before: &[String], after: &[String]) -> Self {
        let only = |one: &[String], other: &[String]| {
            let mut left: Vec<_> = other.iter().collect();
            let mut only = Vec::new();
            for word in one {
                match left.iter().position(|there| *there == word) {
                    Some(at) => _ = left.remove(at),
                    None => only.push(word.clone()),
                }
            }
            only
        };
        let (removed, added) = (only(before, after), only(after, before));
        let is_reordered = removed.is_empty() && added.is_empty() && before != after;
        Self { removed, added, is_reordered }
    }

    /// Whether it is the same.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty() && !self.is_reordered
    }
}
