//! apt's own way to a closure: take the first acceptable choice, depth first.
//!
//! apt marks the wanted packages, then walks each one's dependencies in order; a group that a marked package satisfies is
//! passed over, otherwise its best candidate is marked and walked at once. What a group is satisfied by therefore depends
//! on this order, and a solver that looks at everything at once finds other, equally valid sets. Where the walk ends in a
//! contradiction it gives up, and the SAT solver decides.

use std::collections::BTreeSet;

use super::candidates::Candidates;
use crate::debian::packages::EntryId;
use crate::debian::relation::{Relation, RelationError};

/// Walks from `wanted`; returns `None` where apt's first choices contradict each other.
pub(super) fn mark(
    candidates: &Candidates<'_>,
    wanted: &[EntryId],
) -> Result<Option<BTreeSet<EntryId>>, (EntryId, RelationError)> {
    let mut marking = Marking { candidates, marked: wanted.iter().copied().collect() };
    for id in wanted {
        if !marking.walk(*id)? {
            return Ok(None);
        }
    }
    Ok(if marking.is_peaceful()? { Some(marking.marked) } else { None })
}

struct Marking<'a> {
    candidates: &'a Candidates<'a>,
    marked: BTreeSet<EntryId>,
}

/// A package whose dependencies are being walked: those that are left, last first.
struct Walk<'a> {
    id: EntryId,
    left: Vec<Vec<Relation<'a>>>,
}

impl<'a> Marking<'a> {
    /// Marks what `id` needs, and what that needs; tells whether there was a candidate for everything.
    fn walk(&mut self, id: EntryId) -> Result<bool, (EntryId, RelationError)> {
        let mut stack = vec![self.unsatisfied(id)?];
        while let Some(walk) = stack.last_mut() {
            let Some(group) = walk.left.pop() else {
                self.marked.insert(walk.id);
                stack.pop();
                continue;
            };
            if self.is_satisfied(&group) {
                continue;
            }
            let Some(choice) = self.choose(&group) else { return Ok(false) };
            // Collected before it is marked: a package doesn't satisfy its own dependency.
            let next = self.unsatisfied(choice)?;
            self.marked.insert(choice);
            stack.push(next);
        }
        Ok(true)
    }

    /// Returns the groups of `Pre-Depends` and `Depends` that no marked package satisfies.
    fn unsatisfied(&self, id: EntryId) -> Result<Walk<'a>, (EntryId, RelationError)> {
        let mut left = self.relations(id, &["Pre-Depends", "Depends"])?;
        left.retain(|group| !self.is_satisfied(group));
        left.reverse();
        Ok(Walk { id, left })
    }

    fn relations(
        &self,
        id: EntryId,
        fields: &[&str],
    ) -> Result<Vec<Vec<Relation<'a>>>, (EntryId, RelationError)> {
        let entry = self.candidates.packages.entry(id);
        let mut groups = Vec::new();
        for field in fields {
            groups.extend(self.candidates.relations(entry, field).map_err(|error| (id, error))?);
        }
        Ok(groups)
    }

    fn is_satisfied(&self, group: &[Relation<'_>]) -> bool {
        group
            .iter()
            .any(|relation| self.candidates.satisfying(relation).iter().any(|id| self.marked.contains(id)))
    }

    /// Returns the best candidate: like apt, only the version that stands for its package is one.
    fn choose(&self, group: &[Relation<'_>]) -> Option<EntryId> {
        let satisfying = group.iter().flat_map(|relation| self.candidates.satisfying(relation));
        satisfying.into_iter().find(|id| self.standing_for(*id) == Some(*id))
    }

    /// Returns the version of the package that is taken if the package is: the marked or the highest one.
    fn standing_for(&self, id: EntryId) -> Option<EntryId> {
        let versions = self.candidates.versions(self.candidates.packages.entry(id).name());
        versions.iter().find(|version| self.marked.contains(version)).or(versions.first()).copied()
    }

    /// Tells whether no marked package conflicts with or breaks another one.
    fn is_peaceful(&self) -> Result<bool, (EntryId, RelationError)> {
        for id in &self.marked {
            let name = self.candidates.packages.entry(*id).name();
            for relation in self.relations(*id, &["Conflicts", "Breaks"])?.iter().flatten() {
                let mut hit = self.candidates.satisfying(relation).into_iter();
                if hit.any(|other| {
                    self.marked.contains(&other) && self.candidates.packages.entry(other).name() != name
                }) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
