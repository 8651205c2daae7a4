//! Which records are about the same vulnerability, so that it is found once.
//!
//! The names of a vulnerability are the record's id (without Debian's prefix), its aliases, and the one CVE that it is made from. Records
//! that share a name are about the same. Advisories of Debian, and records that are made from several CVEs, are about each of these.

use std::collections::{BTreeMap, BTreeSet};

use super::{Advisory, Package, Tracked};

/// All that is said about one vulnerability of a package.
#[derive(Debug, Clone, Default)]
pub(super) struct Group<'a> {
    /// Its names.
    pub(super) names: BTreeSet<&'a str>,
    /// Records about it alone.
    pub(super) own: BTreeMap<&'a str, &'a Advisory>,
    /// Records about it and others.
    pub(super) shared: BTreeMap<&'a str, &'a Advisory>,
    /// What Debian's tracker says.
    pub(super) tracked: Vec<&'a Tracked>,
}

impl Group<'_> {
    /// Returns the name that it is known by: a CVE, else what comes closest.
    pub(super) fn id(&self) -> &str {
        self.names.iter().min_by_key(|name| rank(name)).copied().unwrap_or_default()
    }

    /// Returns whether a name, in whatever case it is written, is one of its names or that of a record about it.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let records = self.own.keys().chain(self.shared.keys());
        self.names.iter().chain(records).any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Returns whether an id is one of Debian's advisories, which are about several vulnerabilities.
pub(super) fn is_bundle(id: &str) -> bool {
    ["DSA-", "DLA-", "DTSA-", "ELA-"].iter().any(|prefix| id.starts_with(prefix))
}

/// Puts together what is about the same.
pub(super) fn groups(package: &Package) -> Vec<Group<'_>> {
    let mut groups = Groups::default();
    for (id, advisory) in &package.advisories {
        match about(id, advisory) {
            About::One(names) => {
                groups.one(&names).own.insert(id, advisory);
            }
            About::Many(names) => {
                for name in names {
                    groups.one(&[name]).shared.insert(id, advisory);
                }
            }
        }
    }
    for (name, tracked) in &package.tracked {
        groups.one(&[name]).tracked.push(tracked);
    }
    groups.groups.into_iter().flatten().collect()
}

enum About<'a> {
    One(Vec<&'a str>),
    Many(Vec<&'a str>),
}

fn about<'a>(id: &'a str, advisory: &'a Advisory) -> About<'a> {
    let made_from: Vec<&str> =
        advisory.upstream.iter().map(String::as_str).filter(|name| is_cve(name)).collect();
    let aliases = advisory.aliases.iter().map(String::as_str);
    if is_bundle(id) {
        let mut names: BTreeSet<&str> = aliases.filter(|name| is_cve(name)).collect();
        names.extend(made_from);
        if names.is_empty() {
            return About::One(vec![id]);
        }
        return About::Many(names.into_iter().collect());
    }
    if made_from.len() > 1 {
        return About::Many(made_from);
    }
    let own = id.strip_prefix("DEBIAN-").unwrap_or(id);
    About::One([own].into_iter().chain(aliases).chain(made_from).collect())
}

fn is_cve(name: &str) -> bool {
    name.starts_with("CVE-")
}

/// Sorts names: CVEs by year and number, then other databases by how well they are known.
fn rank(name: &str) -> (usize, u64, u64, &str) {
    let kinds = ["CVE-", "RUSTSEC-", "GHSA-", "DSA-", "DLA-", "TEMP-"];
    let kind = kinds.iter().position(|kind| name.starts_with(kind)).unwrap_or(kinds.len());
    let mut numbers = name.split('-').skip(1).map(|part| part.parse().unwrap_or(u64::MAX));
    (kind, numbers.next().unwrap_or(u64::MAX), numbers.next().unwrap_or(u64::MAX), name)
}

/// Groups, found by any of their names.
#[derive(Default)]
struct Groups<'a> {
    by_name: BTreeMap<&'a str, usize>,
    /// None where a group became part of another.
    groups: Vec<Option<Group<'a>>>,
}

impl<'a> Groups<'a> {
    /// Returns the group that has any of the names, after making it of all that have one.
    fn one(&mut self, names: &[&'a str]) -> &mut Group<'a> {
        let found: BTreeSet<usize> =
            names.iter().filter_map(|name| self.by_name.get(name).copied()).collect();
        let target = found.first().copied().unwrap_or(self.groups.len());
        let mut merged = Group::default();
        for index in found {
            if let Some(group) = self.groups[index].take() {
                merged.names.extend(group.names);
                merged.own.extend(group.own);
                merged.shared.extend(group.shared);
                merged.tracked.extend(group.tracked);
            }
        }
        merged.names.extend(names.iter().copied());
        for name in &merged.names {
            self.by_name.insert(name, target);
        }
        if target == self.groups.len() {
            self.groups.push(None);
        }
        self.groups[target].insert(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisories::tests::advisory;

    fn names(package: &Package) -> Vec<(String, Vec<&str>, Vec<&str>)> {
        let groups = groups(package);
        groups
            .iter()
            .map(|g| (g.id().to_owned(), g.own.keys().copied().collect(), g.shared.keys().copied().collect()))
            .collect()
    }

    #[test]
    fn names_that_meet_are_one_vulnerability() {
        let mut package = Package::default();
        let mut add = |id: &str, aliases: &[&str], upstream: &[&str]| {
            let advisory = advisory(aliases, upstream);
            package.advisories.insert(id.to_owned(), advisory);
        };
        add("RUSTSEC-2024-0001", &["GHSA-aaaa-bbbb-cccc"], &[]);
        add("GHSA-aaaa-bbbb-cccc", &["CVE-2024-10"], &[]);
        add("DEBIAN-CVE-2024-9", &[], &["CVE-2024-9"]);
        add("DSA-1-1", &[], &["CVE-2024-9", "CVE-2024-11"]);
        add("DSA-2-1", &[], &[]);
        let one = |id: &str, own: &[&'static str], shared: &[&'static str]| {
            (id.to_owned(), own.to_vec(), shared.to_vec())
        };
        let mut found = names(&package);
        found.sort();
        assert_eq!(
            found,
            [
                one("CVE-2024-10", &["GHSA-aaaa-bbbb-cccc", "RUSTSEC-2024-0001"], &[]),
                one("CVE-2024-11", &[], &["DSA-1-1"]),
                one("CVE-2024-9", &["DEBIAN-CVE-2024-9"], &["DSA-1-1"]),
                one("DSA-2-1", &["DSA-2-1"], &[]),
            ]
        );
    }

    #[test]
    fn a_vulnerability_goes_by_its_first_cve() {
        let ids = ["GHSA-x", "CVE-2024-10", "CVE-2024-9", "CVE-2023-99999", "RUSTSEC-2020-1", "other"];
        let mut sorted = ids;
        sorted.sort_by_key(|name| rank(name));
        assert_eq!(
            sorted,
            ["CVE-2023-99999", "CVE-2024-9", "CVE-2024-10", "RUSTSEC-2020-1", "GHSA-x", "other"]
        );
    }
}
