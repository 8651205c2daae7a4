//! Which package versions satisfy a relation, in apt's order of preference.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::debian::packages::{Entry, EntryId, Packages};
use crate::debian::relation::{self, Operator, Qualifier, Relation, RelationError};
use kit_format::deb::version::Version;

/// The packages of one architecture (and of `all`), to be asked for candidates.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    pub(super) packages: &'a Packages,
    pub(super) architecture: &'a str,
    mentions: RefCell<BTreeMap<EntryId, usize>>,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(packages: &'a Packages, architecture: &'a str) -> Self {
        Self { packages, architecture, mentions: RefCell::default() }
    }

    /// Returns the versions of the package `name`, highest first.
    pub(super) fn versions(&self, name: &str) -> Vec<EntryId> {
        let mut versions: Vec<EntryId> =
            self.packages.named(name).filter(|id| self.is_installable(*id)).collect();
        versions.sort_by_key(|id| (Reverse(self.packages.entry(*id).version()), *id));
        versions
    }

    /// Returns the versions that satisfy `relation`: the package itself first, then providers as apt prefers them.
    pub(super) fn satisfying(&self, relation: &Relation<'_>) -> Vec<EntryId> {
        let mut found = self.versions(relation.name);
        found.retain(|id| is_satisfied_by_name(relation, self.packages.entry(*id)));
        let mut providers = self.providers(relation);
        providers.retain(|id| !found.contains(id));
        found.extend(providers);
        found
    }

    /// Returns the other packages that satisfy `relation` by their `Provides`, in apt's order: essential ones, important
    /// ones, then by priority, then the one that the index mentions last for the first time, the higher version first.
    fn providers(&self, relation: &Relation<'_>) -> Vec<EntryId> {
        let mut providers: Vec<EntryId> = self.packages.providers(relation.name).collect();
        providers.dedup();
        providers
            .retain(|id| self.is_installable(*id) && self.is_provided_by(relation, self.packages.entry(*id)));
        providers.sort_by(|a, b| {
            let (a_entry, b_entry) = (self.packages.entry(*a), self.packages.entry(*b));
            let rank = |entry| (!is_yes(entry, "Essential"), !is_important(entry), priority(entry));
            rank(a_entry)
                .cmp(&rank(b_entry))
                .then_with(|| self.first_mention(*b).cmp(&self.first_mention(*a)))
                .then_with(|| b_entry.version().cmp(&a_entry.version()))
        });
        providers
    }

    /// Remembers where the index mentions a package first: apt numbers packages in this order.
    fn first_mention(&self, id: EntryId) -> usize {
        let known = self.mentions.borrow().get(&id).copied();
        known.unwrap_or_else(|| {
            let place = self.packages.first_mention(self.packages.entry(id).name());
            self.mentions.borrow_mut().insert(id, place);
            place
        })
    }

    fn is_installable(&self, id: EntryId) -> bool {
        let architecture = self.packages.entry(id).field("Architecture");
        architecture.is_some_and(|of| of == "all" || of == self.architecture)
    }

    /// Tells whether a `Provides` of `entry` satisfies `relation`; a constraint needs a provided version.
    fn is_provided_by(&self, relation: &Relation<'_>, entry: Entry<'_>) -> bool {
        let Ok(provides) = self.relations(entry, "Provides") else { return false };
        is_qualified(relation, entry)
            && provides.iter().flatten().filter(|provided| provided.name == relation.name).any(|provided| {
                match (relation.constraint, provided_version(provided)) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(constraint), Some(version)) => constraint.admits(version),
                }
            })
    }

    /// Parses a dependency field; a missing one is empty.
    pub(super) fn relations<'e>(
        &self,
        entry: Entry<'e>,
        field: &str,
    ) -> Result<Vec<Vec<Relation<'e>>>, RelationError> {
        relation::parse(entry.field(field).unwrap_or_default(), self.architecture)
    }
}

fn is_satisfied_by_name(relation: &Relation<'_>, entry: Entry<'_>) -> bool {
    is_qualified(relation, entry)
        && relation.constraint.is_none_or(|constraint| constraint.admits(entry.version()))
}

fn is_qualified(relation: &Relation<'_>, entry: Entry<'_>) -> bool {
    match relation.qualifier {
        Qualifier::Native => true,
        Qualifier::Any => entry.field("Multi-Arch") == Some("allowed"),
        Qualifier::Foreign => false,
    }
}

fn provided_version<'a>(provided: &Relation<'a>) -> Option<Version<'a>> {
    provided
        .constraint
        .filter(|constraint| constraint.operator == Operator::Equal)
        .map(|constraint| constraint.version)
}

fn is_yes(entry: Entry<'_>, field: &str) -> bool {
    entry.field(field) == Some("yes")
}

fn is_important(entry: Entry<'_>) -> bool {
    is_yes(entry, "Important") || is_yes(entry, "Protected")
}

fn priority(entry: Entry<'_>) -> u8 {
    match entry.field("Priority") {
        Some("required") => 1,
        Some("important") => 2,
        Some("standard") => 3,
        Some("optional") => 4,
        Some("extra") => 5,
        _ => 6,
    }
}
