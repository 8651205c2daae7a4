//! Which step is next.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};

use kit_hash::{DerivationId, TreeId};
use kit_plan::Derivation;
use kit_plan::derivation::{Action, Input};

use super::{Order, Trees};
use crate::BuildError;

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
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    trees: Trees,
    /// Positions that nobody has taken, in the order in which they are.
    waiting: Vec<usize>,
    failures: BTreeMap<usize, BuildError>,
}

impl<'a> Queue<'a> {
    pub(super) fn new(todo: &'a [&'a Derivation], trees: Trees, order: Order) -> Self {
        let mut waiting = longest_first(todo);
        match order {
            Order::LongestFirst => {}
            Order::ShortestFirst => waiting.reverse(),
        }
        let state = Mutex::new(State { trees, waiting, failures: BTreeMap::new() });
        Self { todo, state, changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("because no holder panics")
    }

    /// Waits for a step of this lane whose inputs are known; none when nothing is left for it.
    pub(super) fn take(&self, wanted: Lane) -> Option<(usize, &'a Derivation, Trees)> {
        let mut state = self.lock();
        loop {
            if !state.failures.is_empty() {
                return None;
            }
            let mut left = false;
            let mut ready = None;
            for at in state.waiting.iter().copied().filter(|at| lane(self.todo[*at]) == wanted) {
                left = true;
                if let Some(inputs) = known_inputs(self.todo[at], &state.trees) {
                    ready = Some((at, inputs));
                    break;
                }
            }
            if let Some((at, inputs)) = ready {
                state.waiting.retain(|other| *other != at);
                return Some((at, self.todo[at], inputs));
            }
            if !left {
                return None;
            }
            state = self.changed.wait(state).expect("because no holder panics");
        }
    }

    pub(super) fn put(&self, at: usize, id: DerivationId, outcome: Result<TreeId, BuildError>) {
        let mut state = self.lock();
        match outcome {
            Ok(tree) => _ = state.trees.insert(id, tree),
            Err(error) => _ = state.failures.insert(at, error),
        }
        self.changed.notify_all();
    }

    pub(super) fn into_result(self) -> Result<Trees, BuildError> {
        let state = self.state.into_inner().expect("because no holder panics");
        match state.failures.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(state.trees),
        }
    }
}

fn known_inputs(derivation: &Derivation, trees: &Trees) -> Option<Trees> {
    let inputs = derivation.action().inputs().into_iter().filter_map(|input| match input {
        Input::Derivation(id) => Some(id),
        Input::Tree(_) => None,
    });
    inputs.map(|id| trees.get(&id).map(|tree| (id, *tree))).collect()
}

/// Orders steps so that all threads are busy to the end: first what others wait for, which is everything but fetching and
/// unpacking, then what has the most bytes.
fn longest_first(todo: &[&Derivation]) -> Vec<usize> {
    let size = |derivation: &Derivation| match derivation.action() {
        Action::Fetch(fetch) => Some((derivation.id(), fetch.size?)),
        _ => None,
    };
    let sizes: BTreeMap<_, _> = todo.iter().filter_map(|derivation| size(derivation)).collect();
    let weight = |derivation: &Derivation| match derivation.action() {
        Action::Run(_) | Action::Compose(_) | Action::Image(_) => u64::MAX,
        Action::Fetch(fetch) => fetch.size.unwrap_or(0),
        Action::Unpack(unpack) => match &unpack.input {
            Input::Derivation(id) => sizes.get(id).copied().unwrap_or(0),
            Input::Tree(_) => 0,
        },
    };
    let mut order: Vec<_> = (0..todo.len()).collect();
    order.sort_by_key(|at| Reverse(weight(todo[*at])));
    order
}
