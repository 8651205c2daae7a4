//! The fewest variations that make a difference.

use std::collections::BTreeSet;

use kit_hash::TreeId;
use kit_plan::Derivation;
use kit_plan::derivation::{Action, Input};

use super::{Rebuild, Variation, input_trees};
use crate::engine::Trees;
use crate::{BuildError, Execute as _, actions};

/// What makes a step come out different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Each of these by itself, at least one. Of those that are one set, none can be left out.
    Variations(Vec<BTreeSet<Variation>>),
    /// Nothing needs to vary: the clock, chance, or a race.
    Always,
    /// It came out the same when it was tried again: chance, or a race.
    Sometimes,
    /// No script takes part: the fault is kit's.
    Kit,
}

/// Variations that are tried together, since one of them brings the other along.
type Group = BTreeSet<Variation>;

impl Rebuild<'_> {
    /// Finds out why a step whose inputs are the same comes out as another tree than `expected`, or not at all.
    pub(super) fn cause(
        &self,
        derivation: &Derivation,
        trees: &Trees,
        expected: TreeId,
    ) -> Result<Cause, BuildError> {
        let Action::Run(_) = derivation.action() else { return Ok(Cause::Kit) };
        let mut differs = |groups: &[Group]| -> Result<bool, BuildError> {
            let variations = groups.iter().flatten().copied().collect();
            Ok(self.once_more(derivation, trees, &variations)? != Some(expected))
        };
        if differs(&[])? {
            return Ok(Cause::Always);
        }
        let mut groups = groups(&self.variations);
        let mut causes = Vec::new();
        // What is left without the causes that are known may have one of its own.
        while !groups.is_empty() && differs(&groups)? {
            let fewest = fewest(groups.clone(), &mut differs)?;
            groups.retain(|group| !fewest.contains(group));
            causes.push(fewest.into_iter().flatten().collect());
        }
        causes.sort();
        Ok(if causes.is_empty() { Cause::Sometimes } else { Cause::Variations(causes) })
    }

    /// Runs a script once more. None when it fails.
    fn once_more(
        &self,
        derivation: &Derivation,
        trees: &Trees,
        variations: &BTreeSet<Variation>,
    ) -> Result<Option<TreeId>, BuildError> {
        let Action::Run(run) = derivation.action() else { return Ok(None) };
        // Both stores have the inputs. The second one is elsewhere.
        let is_elsewhere = [Variation::Order, Variation::FileSystem].iter().any(|v| variations.contains(v));
        let store = if is_elsewhere { self.second } else { self.first.store };
        let inputs = input_trees(derivation, trees);
        let tree_of = |input: &Input| match input {
            Input::Derivation(id) => inputs[id],
            Input::Tree(id) => *id,
        };
        let script = actions::script(derivation, run, &tree_of);
        match self.execute(store, variations).execute(&script, &mut |_| ()) {
            Ok(executed) => Ok(Some(executed.tree)),
            Err(BuildError::Script { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Groups those variations that a single script can notice.
fn groups(variations: &BTreeSet<Variation>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut elsewhere = Group::new();
    for variation in variations {
        match variation {
            // The second store is on another file system, which lists directories in another order.
            Variation::Order | Variation::FileSystem => _ = elsewhere.insert(*variation),
            Variation::Jobs | Variation::Finish => {}
            Variation::Processors
            | Variation::User
            | Variation::Umask
            | Variation::HostName
            | Variation::DomainName
            | Variation::TimeZone
            | Variation::Locale
            | Variation::Home
            | Variation::Environment
            | Variation::BuildPath
            | Variation::Kernel
            | Variation::Addresses
            | Variation::ClockDay
            | Variation::ClockYears => groups.push(BTreeSet::from([*variation])),
        }
    }
    if !elsewhere.is_empty() {
        groups.push(elsewhere);
    }
    groups
}

/// Returns the fewest of `items` for which `differs` still holds, as it does for all of them: none can be left out.
///
/// Delta debugging (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", 2002): halves are tried first, then what is left
/// without each part, in ever smaller parts.
fn fewest<T: Clone, E>(
    mut items: Vec<T>,
    differs: &mut impl FnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut parts = 2;
    while items.len() > 1 {
        let size = items.len().div_ceil(parts);
        let chunks: Vec<Vec<T>> = items.chunks(size).map(<[T]>::to_vec).collect();
        let without = |left_out: usize| -> Vec<T> {
            let kept = chunks.iter().enumerate().filter(|(at, _)| *at != left_out);
            kept.flat_map(|(_, chunk)| chunk.iter().cloned()).collect()
        };
        // Of two halves, what is left without one is the other.
        let alone = chunks.clone().into_iter().map(|chunk| (chunk, 2));
        let rest = (0..chunks.len()).filter(|_| chunks.len() > 2).map(|at| (without(at), (parts - 1).max(2)));
        let mut smaller = None;
        for (candidate, next) in alone.chain(rest) {
            if differs(&candidate)? {
                smaller = Some((candidate, next));
                break;
            }
        }
        match smaller {
            Some((candidate, next)) => (items, parts) = (candidate, next),
            None if parts >= items.len() => break,
            None => parts = (parts * 2).min(items.len()),
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::fewest;

    /// Returns the fewest of 16 numbers that have all of `needed`, and how often it was tried.
    fn found(needed: &[u32]) -> (Vec<u32>, u32) {
        let mut tries = 0;
        let all = (0..16).collect();
        let found = fewest::<_, ()>(all, &mut |items: &[u32]| {
            tries += 1;
            Ok(needed.iter().all(|number| items.contains(number)))
        });
        (found.unwrap(), tries)
    }

    #[test]
    fn one_of_many_is_found_by_halves() {
        for number in 0..16 {
            let (items, tries) = found(&[number]);
            assert_eq!(items, [number]);
            assert!(tries <= 8, "{tries}");
        }
    }

    #[test]
    fn those_that_are_needed_together_are_found() {
        for needed in [vec![0, 15], vec![3, 4], vec![1, 7, 8], vec![0, 5, 10, 15]] {
            assert_eq!(found(&needed).0, needed);
        }
    }

    #[test]
    fn what_happens_by_itself_needs_one_at_most() {
        assert_eq!(found(&[]).0.len(), 1);
    }
}
