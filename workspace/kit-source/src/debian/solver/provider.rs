//! Packages as clauses for the SAT solver.
//!
//! A solvable is a stanza of the index, a name is a package name. A relation becomes a choice of version sets, one
//! for each package name that has a satisfying version, in apt's order; what a package conflicts with becomes the
//! complement. Clauses are made when the solver first looks at a package.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;

use resolvo::{
    Candidates as Found, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider,
    Interner, KnownDependencies, NameId, Requirement, SolvableId, SolverCache, StringId, VersionSetId,
    VersionSetUnionId,
};

use super::candidates::Candidates;
use crate::debian::packages::EntryId;
use crate::debian::relation::{Relation, RelationError};

pub(super) struct Provider<'a> {
    candidates: &'a Candidates<'a>,
    interned: RefCell<Interned>,
    error: RefCell<Option<(String, RelationError)>>,
}

/// Everything that has got a number.
#[derive(Default)]
struct Interned {
    names: Vec<String>,
    name_ids: BTreeMap<String, NameId>,
    sets: Vec<VersionSet>,
    set_ids: BTreeMap<VersionSet, VersionSetId>,
    unions: Vec<Vec<VersionSetId>>,
    strings: Vec<String>,
}

/// Some versions of one package.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct VersionSet {
    name: u32,
    members: Vec<EntryId>,
    /// What people read behind the package's name.
    label: String,
}

impl Interned {
    fn name(&mut self, name: &str) -> NameId {
        if let Some(id) = self.name_ids.get(name) {
            return *id;
        }
        let id = NameId::from_raw(narrow(self.names.len()));
        self.names.push(name.to_owned());
        self.name_ids.insert(name.to_owned(), id);
        id
    }

    fn set(&mut self, name: &str, members: Vec<EntryId>, label: String) -> VersionSetId {
        let set = VersionSet { name: self.name(name).into_raw(), members, label };
        if let Some(id) = self.set_ids.get(&set) {
            return *id;
        }
        let id = VersionSetId(narrow(self.sets.len()));
        self.sets.push(set.clone());
        self.set_ids.insert(set, id);
        id
    }

    fn union(&mut self, sets: Vec<VersionSetId>) -> Requirement {
        if let [set] = sets[..] {
            return Requirement::Single(set);
        }
        let id = VersionSetUnionId(narrow(self.unions.len()));
        self.unions.push(sets);
        Requirement::Union(id)
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("because there are fewer than 2^32 stanzas")
}

impl<'a> Provider<'a> {
    pub(super) fn new(candidates: &'a Candidates<'a>) -> Self {
        Self { candidates, interned: RefCell::default(), error: RefCell::default() }
    }

    /// Returns the first unreadable dependency that the solver came across.
    pub(super) fn take_error(&self) -> Option<(String, RelationError)> {
        self.error.take()
    }

    /// Makes the requirement that one of `versions` is taken.
    pub(super) fn require(&self, wanted: &str, versions: &[EntryId]) -> ConditionalRequirement {
        let sets = self.sets(versions, wanted, "");
        self.interned.borrow_mut().union(sets).into()
    }

    fn name_of(&self, id: EntryId) -> &'a str {
        self.candidates.packages.entry(id).name()
    }

    /// Splits versions by their package, in order of first mention.
    fn by_name(&self, versions: &[EntryId]) -> Vec<(&'a str, Vec<EntryId>)> {
        let mut groups: Vec<(&str, Vec<EntryId>)> = Vec::new();
        for version in versions {
            let name = self.name_of(*version);
            match groups.iter_mut().find(|(other, _)| *other == name) {
                Some((_, members)) => members.push(*version),
                None => groups.push((name, vec![*version])),
            }
        }
        groups
    }

    /// Makes a version set for each package of `versions`, which satisfy the relation `asked` with `constraint`.
    fn sets(&self, versions: &[EntryId], asked: &str, constraint: &str) -> Vec<VersionSetId> {
        let groups = self.by_name(versions);
        let mut interned = self.interned.borrow_mut();
        let label = |name: &str| {
            if name == asked {
                constraint.to_owned()
            } else {
                format!("[for {}]", format!("{asked} {constraint}").trim_end())
            }
        };
        groups.into_iter().map(|(name, members)| interned.set(name, members, label(name))).collect()
    }

    /// Makes the requirement of one group of alternatives.
    fn requirement(&self, group: &[Relation<'_>]) -> ConditionalRequirement {
        let mut sets = Vec::new();
        for relation in group {
            let versions = self.candidates.satisfying(relation);
            for set in self.sets(&versions, relation.name, &constraint(relation)) {
                if !sets.contains(&set) {
                    sets.push(set);
                }
            }
        }
        let mut interned = self.interned.borrow_mut();
        if sets.is_empty() {
            // A name without candidates can't be taken: the solver reports what asked for it.
            let nothing =
                |relation: &Relation<'_>| interned.set(relation.name, Vec::new(), constraint(relation));
            sets = group.iter().map(nothing).collect();
        }
        interned.union(sets).into()
    }

    /// Makes the constraints of one negative relation: what remains of each package that it hits.
    fn constraints(&self, owner: EntryId, field: &str, relation: &Relation<'_>) -> Vec<VersionSetId> {
        let owner = self.name_of(owner);
        let mut sets = Vec::new();
        for (name, hit) in self.by_name(&self.candidates.satisfying(relation)) {
            if name != owner {
                let mut members = self.candidates.versions(name);
                members.retain(|version| !hit.contains(version));
                sets.push(self.interned.borrow_mut().set(name, members, format!("[{field}: {relation}]")));
            }
        }
        sets
    }

    fn known(&self, id: EntryId) -> Result<KnownDependencies, RelationError> {
        let entry = self.candidates.packages.entry(id);
        let mut known = KnownDependencies::default();
        for field in ["Pre-Depends", "Depends"] {
            for group in self.candidates.relations(entry, field)? {
                known.requirements.push(self.requirement(&group));
            }
        }
        for field in ["Conflicts", "Breaks"] {
            for relation in self.candidates.relations(entry, field)?.iter().flatten() {
                known.constrains.extend(self.constraints(id, field, relation));
            }
        }
        Ok(known)
    }
}

impl Interner for Provider<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        let entry = self.candidates.packages.entry(EntryId(solvable.into_raw()));
        format!("{} {}", entry.name(), entry.version())
    }

    fn display_merged_solvables(&self, solvables: &[SolvableId]) -> impl Display + '_ {
        let names: Vec<String> = solvables.iter().map(|id| self.display_solvable(*id).to_string()).collect();
        names.join(" | ")
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        self.interned.borrow().names[name.into_raw() as usize].clone()
    }

    fn display_version_set(&self, version_set: VersionSetId) -> impl Display + '_ {
        self.interned.borrow().sets[version_set.0 as usize].label.clone()
    }

    fn display_string(&self, string_id: StringId) -> impl Display + '_ {
        self.interned.borrow().strings[string_id.0 as usize].clone()
    }

    fn version_set_name(&self, version_set: VersionSetId) -> NameId {
        NameId::from_raw(self.interned.borrow().sets[version_set.0 as usize].name)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        self.interned.borrow_mut().name(self.name_of(EntryId(solvable.into_raw())))
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.interned.borrow().unions[union.0 as usize].clone().into_iter()
    }

    fn resolve_condition(&self, _: ConditionId) -> Condition {
        unreachable!("because no requirement has a condition")
    }
}

/// Returns the text of a relation's constraint, empty without one.
fn constraint(relation: &Relation<'_>) -> String {
    relation
        .constraint
        .map_or_else(String::new, |constraint| format!("({} {})", constraint.operator, constraint.version))
}

impl DependencyProvider for Provider<'_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let interned = self.interned.borrow();
        let members = &interned.sets[set.0 as usize].members;
        let is_kept = |id: &SolvableId| members.contains(&EntryId(id.into_raw())) != inverse;
        candidates.iter().copied().filter(is_kept).collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Found<SolvableId>> {
        let name = self.interned.borrow().names[name.into_raw() as usize].clone();
        let versions = self.candidates.versions(&name);
        let candidates = versions.into_iter().map(|id| SolvableId::from_raw(id.0)).collect();
        Some(Found { candidates, ..Found::default() })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        solvables.sort_by_cached_key(|id| {
            let entry = self.candidates.packages.entry(EntryId(id.into_raw()));
            (std::cmp::Reverse(entry.version()), *id)
        });
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let id = EntryId(solvable.into_raw());
        match self.known(id) {
            Ok(known) => Dependencies::Known(known),
            Err(error) => {
                let mut interned = self.interned.borrow_mut();
                let reason = StringId(narrow(interned.strings.len()));
                interned.strings.push(error.to_string());
                self.error.borrow_mut().get_or_insert_with(|| (self.name_of(id).to_owned(), error));
                Dependencies::Unknown(reason)
            }
        }
    }
}
