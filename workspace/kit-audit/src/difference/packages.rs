//! Packages that came, went, or have another version.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::kind::Named;
use super::state::Package;
use crate::inventory::Role;

/// What became of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Move {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has a later version.
    Upgraded,
    /// It has an earlier version.
    Downgraded,
    /// It has another version, and none of both is the later one; or other content.
    Changed,
    /// It takes part in another way.
    Role,
}

impl Move {
    /// All of them, in the order of summaries.
    pub const ALL: [Self; 6] =
        [Self::Added, Self::Removed, Self::Upgraded, Self::Downgraded, Self::Changed, Self::Role];

    /// Returns the word for it, also in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Upgraded => "upgraded",
            Self::Downgraded => "downgraded",
            Self::Changed => "changed",
            Self::Role => "role changed",
        }
    }
}

/// A package that isn't what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// Which.
    pub package: Named,
    /// What became of it.
    pub change: Move,
    /// Its versions before.
    pub before: Vec<String>,
    /// Its versions now.
    pub after: Vec<String>,
    /// How it took part before, where that is known.
    pub role_before: Option<Role>,
    /// How it takes part now, where that is known.
    pub role_after: Option<Role>,
}

impl PackageChange {
    /// Whether nothing of it is in either image, as far as is known.
    pub fn is_of_tools(&self) -> bool {
        let mut roles = self.role_before.iter().chain(&self.role_after).peekable();
        roles.peek().is_some() && roles.all(|role| *role == Role::Tool)
    }
}

type Packages = BTreeMap<Named, BTreeMap<String, Package>>;

/// Compares packages: first what is in the images, then what was only used to make them.
pub(super) fn packages(before: &Packages, after: &Packages) -> Vec<PackageChange> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let none = BTreeMap::new();
    let mut changes: Vec<_> = names
        .into_iter()
        .filter_map(|name| compare(name, before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none)))
        .collect();
    changes.sort_by_key(|change| {
        let role = change.role_after.max(change.role_before);
        (role, change.package.clone())
    });
    changes
}

fn compare(
    name: &Named,
    before: &BTreeMap<String, Package>,
    after: &BTreeMap<String, Package>,
) -> Option<PackageChange> {
    // The strongest way in which any version takes part.
    let role = |side: &BTreeMap<String, Package>| side.values().filter_map(|package| package.role).min();
    let (role_before, role_after) = (role(before), role(after));
    let change = if before.is_empty() {
        Move::Added
    } else if after.is_empty() {
        Move::Removed
    } else if let Some(change) = versions(name, before, after) {
        change
    } else if role_before.zip(role_after).is_some_and(|(before, after)| before != after) {
        Move::Role
    } else {
        return None;
    };
    Some(PackageChange {
        package: name.clone(),
        change,
        before: before.keys().cloned().collect(),
        after: after.keys().cloned().collect(),
        role_before,
        role_after,
    })
}

/// Compares the versions that only one side has; none where both have the same.
fn versions(
    name: &Named,
    before: &BTreeMap<String, Package>,
    after: &BTreeMap<String, Package>,
) -> Option<Move> {
    let only = |one: &BTreeMap<String, Package>, other: &BTreeMap<String, Package>| -> Vec<String> {
        let same = |version: &String, package: &Package| {
            other.get(version).is_some_and(|there| there.sha256 == package.sha256)
        };
        one.iter().filter(|(version, package)| !same(version, package)).map(|(v, _)| v.clone()).collect()
    };
    match (only(before, after).as_slice(), only(after, before).as_slice()) {
        ([], []) => None,
        ([before], [after]) => Some(match name.kind.compare(before, after) {
            Some(Ordering::Less) => Move::Upgraded,
            Some(Ordering::Greater) => Move::Downgraded,
            Some(Ordering::Equal) | None => Move::Changed,
        }),
        _ => Some(Move::Changed),
    }
}
