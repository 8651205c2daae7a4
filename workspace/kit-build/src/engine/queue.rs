//! Which step is next, and whether there is room for it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard};

use kit_hash::{DerivationId, TreeId};
use kit_plan::Derivation;
use kit_plan::derivation::{Action, Input};

use super::{OnFailure, Order, Room, Trees};
use crate::BuildError;
use crate::engine::estimate::{Estimate, longest_ways};

/// Which threads take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Fetch,
    Work,
}

fn lane(derivation: &Derivation) -> Lane {
    if let Action::Fetch(_) = derivation.action() { Lane::Fetch } else { Lane::Work }
}

/// The steps of a walk and how far it is.
pub(super) struct Queue<'a> {
    todo: &'a [&'a Derivation],
    estimates: Vec<Estimate>,
    room: Room,
    on_failure: OnFailure,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    trees: Trees,
    /// Positions that nobody has taken, in the order in which they are.
    waiting: Vec<usize>,
    /// Positions of scripts that run.
    scripts: BTreeSet<usize>,
    failures: BTreeMap<usize, BuildError>,
    /// Steps that failed, and steps that can't be done since they need one of them.
    lost: BTreeSet<DerivationId>,
}

/// A step to do, with its position and its inputs.
type Taken<'a> = (usize, &'a Derivation, Trees);

/// What there is to do now.
enum Next<'a> {
    Step(Taken<'a>),
    /// What is left can't be done yet.
    Wait,
    /// Nothing is left.
    End,
}

impl<'a> Queue<'a> {
    /// Makes a queue of steps in plan order, with an estimate of each.
    pub(super) fn new(
        todo: &'a [&'a Derivation],
        trees: Trees,
        estimates: Vec<Estimate>,
        (order, room, on_failure): (Order, Room, OnFailure),
    ) -> Self {
        let ways = longest_ways(todo, &estimates);
        let mut waiting: Vec<_> = (0..todo.len()).collect();
        waiting.sort_by_key(|at| Reverse(ways[*at]));
        match order {
            Order::LongestFirst => {}
            Order::ShortestFirst => waiting.reverse(),
        }
        let (scripts, failures, lost) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        let state = Mutex::new(State { trees, waiting, scripts, failures, lost });
        Self { todo, estimates, room, on_failure, state, changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("because no holder panics")
    }

    /// Waits for a step of this lane whose inputs are known and for which there is room; none when nothing is left for it.
    pub(super) fn take(&self, wanted: Lane) -> Option<Taken<'a>> {
        let mut state = self.lock();
        loop {
            match self.next(&mut state, wanted) {
                Next::Step(taken) => return Some(taken),
                Next::End => return None,
                Next::Wait => state = self.changed.wait(state).expect("because no holder panics"),
            }
        }
    }

    fn next(&self, state: &mut State, wanted: Lane) -> Next<'a> {
        if self.on_failure == OnFailure::Stop && !state.failures.is_empty() {
            return Next::End;
        }
        let mut left = false;
        // No script overtakes one that waits for room, or that might wait for ever.
        let mut is_full = false;
        let mut ready = None;
        for at in state.waiting.iter().copied().filter(|at| lane(self.todo[*at]) == wanted) {
            left = true;
            let Some(inputs) = known_inputs(self.todo[at], &state.trees) else { continue };
            if asked(self.todo[at]).is_some() {
                is_full = is_full || !self.has_room(&state.scripts, at);
                if is_full {
                    continue;
                }
            }
            ready = Some((at, inputs));
            break;
        }
        let Some((at, inputs)) = ready else { return if left { Next::Wait } else { Next::End } };
        state.waiting.retain(|other| *other != at);
        if asked(self.todo[at]).is_some() {
            state.scripts.insert(at);
        }
        Next::Step((at, self.todo[at], inputs))
    }

    /// Whether a script can run beside those that do. One alone always can.
    fn has_room(&self, running: &BTreeSet<usize>, at: usize) -> bool {
        if running.is_empty() {
            return true;
        }
        let all = || running.iter().copied().chain([at]);
        let of_machine = |at: usize| asked(self.todo[at]).unwrap_or(0).min(self.room.processors);
        let processors: u32 = all().map(of_machine).fold(0, u32::saturating_add);
        let memory = all().map(|at| self.estimates[at].memory_bytes).fold(0, u64::saturating_add);
        processors <= self.room.processors && self.room.memory_bytes.is_none_or(|there| memory <= there)
    }

    pub(super) fn put(&self, at: usize, id: DerivationId, outcome: Result<TreeId, BuildError>) {
        let mut state = self.lock();
        state.scripts.remove(&at);
        match outcome {
            Ok(tree) => _ = state.trees.insert(id, tree),
            Err(error) => {
                state.failures.insert(at, error);
                state.lost.insert(id);
                self.give_up(&mut state);
            }
        }
        self.changed.notify_all();
    }

    /// Takes those steps away that need one that is lost.
    fn give_up(&self, state: &mut State) {
        let mut waiting = state.waiting.clone();
        // In plan order, so that what needs a step is looked at after it.
        waiting.sort_unstable();
        for at in waiting {
            if derived(self.todo[at]).any(|input| state.lost.contains(&input)) {
                state.lost.insert(self.todo[at].id());
                state.waiting.retain(|other| *other != at);
            }
        }
    }

    pub(super) fn into_result(self) -> Result<Trees, BuildError> {
        let state = self.state.into_inner().expect("because no holder panics");
        let not_done = state.lost.len() - state.failures.len();
        let mut failures: Vec<_> = state.failures.into_values().collect();
        match (failures.len(), self.on_failure) {
            (0, _) => Ok(state.trees),
            (_, OnFailure::Stop) => Err(failures.swap_remove(0)),
            (1, OnFailure::KeepGoing) if not_done == 0 => Err(failures.swap_remove(0)),
            (_, OnFailure::KeepGoing) => Err(BuildError::Several { failures, not_done }),
        }
    }
}

/// Returns the processors that a script asks for; none of what is no script.
fn asked(derivation: &Derivation) -> Option<u32> {
    if let Action::Run(run) = derivation.action() { Some(run.processors) } else { None }
}

fn derived(derivation: &Derivation) -> impl Iterator<Item = DerivationId> + use<> {
    derivation.action().inputs().into_iter().filter_map(|input| match input {
        Input::Derivation(id) => Some(id),
        Input::Tree(_) => None,
    })
}

fn known_inputs(derivation: &Derivation, trees: &Trees) -> Option<Trees> {
    derived(derivation).map(|id| trees.get(&id).map(|tree| (id, *tree))).collect()
}

#[cfg(test)]
mod tests;
