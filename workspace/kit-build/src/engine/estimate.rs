//! What a step will take: what it took when it was last done here, or a guess by what it does.

use std::collections::BTreeMap;

use kit_hash::DerivationId;
use kit_plan::Derivation;
use kit_plan::derivation::{Action, Input};
use kit_store::Store;

/// What a step will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Estimate {
    /// Milliseconds.
    pub(super) millis: u64,
    /// Memory of a script; 0 where nothing is known.
    pub(super) memory_bytes: u64,
}

/// Milliseconds of a script that was never measured.
const SCRIPT: u64 = 10_000;
/// Milliseconds of a composition, or of a format written, that was never measured.
const OTHER: u64 = 200;
/// Bytes that are fetched, and unpacked, in a millisecond.
const FETCHED: u64 = 5_000;
const UNPACKED: u64 = 20_000;

/// Estimates each of some steps.
pub(super) fn estimates(store: &Store, todo: &[&Derivation]) -> Vec<Estimate> {
    let size = |derivation: &Derivation| match derivation.action() {
        Action::Fetch(fetch) => Some((derivation.id(), fetch.size?)),
        _ => None,
    };
    let sizes: BTreeMap<_, _> = todo.iter().filter_map(|derivation| size(derivation)).collect();
    let estimate = |derivation: &&Derivation| match derivation.action() {
        Action::Fetch(fetch) => Estimate { millis: 1 + fetch.size.unwrap_or(0) / FETCHED, memory_bytes: 0 },
        Action::Unpack(unpack) => {
            let size = match &unpack.input {
                Input::Derivation(id) => sizes.get(id).copied().unwrap_or(0),
                Input::Tree(_) => 0,
            };
            Estimate { millis: 1 + size / UNPACKED, memory_bytes: 0 }
        }
        action @ (Action::Run(_) | Action::Compose(_) | Action::Image(_)) => {
            let guess = if let Action::Run(_) = action { SCRIPT } else { OTHER };
            store.measured(derivation.title()).map_or(
                Estimate { millis: guess, memory_bytes: 0 },
                |measured| Estimate {
                    millis: measured.wall_millis.max(1),
                    memory_bytes: measured.peak_memory_bytes,
                },
            )
        }
    };
    todo.iter().map(estimate).collect()
}

/// Returns of each step, in plan order, how long it is from its beginning to the end of everything that needs it: of what waits, the one
/// with the longest way decides when all is done.
pub(super) fn longest_ways(todo: &[&Derivation], estimates: &[Estimate]) -> Vec<u64> {
    let places: BTreeMap<DerivationId, usize> = todo.iter().enumerate().map(|(at, d)| (d.id(), at)).collect();
    let mut ways = vec![0_u64; todo.len()];
    for (at, derivation) in todo.iter().enumerate().rev() {
        // What needs it was looked at before.
        ways[at] = ways[at].saturating_add(estimates[at].millis);
        for input in derivation.action().inputs() {
            if let Input::Derivation(id) = input
                && let Some(place) = places.get(&id)
            {
                ways[*place] = ways[*place].max(ways[at]);
            }
        }
    }
    ways
}
