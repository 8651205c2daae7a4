//! Does what of a plan isn't done yet, in parallel; the same result whatever the number of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use kit_hash::{DerivationId, TreeId};
use kit_plan::derivation::{Action, Input};
use kit_plan::{Derivation, Plan};
use kit_store::{Cost, Measured, Record, Store};

use self::queue::{Lane, Queue};
use crate::parallel::each;
use crate::seams::{Event, Finished};
use crate::{BuildError, Events, Execute, Fetch, actions};

mod estimate;
mod foresee;
mod queue;

pub use self::foresee::{Expected, Foreseen, Known};

/// Fetches that go on at the same time: they wait for the network, not for a processor.
const FETCHES: usize = 6;

/// Milliseconds of a step that decides something about the order of steps.
const WORTH_MEASURING: u64 = 100;

/// What a build works with.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// Where everything is kept.
    pub store: &'a Store,
    /// Where files come from.
    pub fetch: &'a dyn Fetch,
    /// Where scripts run.
    pub execute: &'a dyn Execute,
    /// Who hears of it.
    pub events: &'a dyn Events,
    /// Steps other than fetches that go on at the same time, and threads that compress one output.
    pub jobs: usize,
    /// Which of the steps that can be done comes first.
    pub order: Order,
    /// What scripts that run at the same time have together.
    pub room: Room,
    /// What happens when a step fails.
    pub on_failure: OnFailure,
}

/// What scripts that run at the same time have together. A script alone may ask for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Processors.
    pub processors: u32,
    /// Memory; none where the machine doesn't say.
    pub memory_bytes: Option<u64>,
}

/// What happens when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// No other is begun.
    Stop,
    /// Everything is done that doesn't need it.
    KeepGoing,
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

/// Which of several steps that can be done comes first; the results are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What keeps all threads busy to the end.
    LongestFirst,
    /// The opposite, to see whether the order makes a difference.
    ShortestFirst,
}

/// The trees that derivations turned out to be.
pub type Trees = BTreeMap<DerivationId, TreeId>;

impl Engine<'_> {
    /// Makes `targets` and returns at least their trees. When steps fail, the first failure in plan order is the one that is returned, or,
    /// if it kept going, all of them are.
    pub fn build(&self, plan: &Plan, targets: &[DerivationId]) -> Result<Trees, BuildError> {
        let (known, todo) = self.survey(plan, targets)?;
        if todo.is_empty() {
            return Ok(known);
        }
        let fetches: Vec<_> = todo
            .iter()
            .filter_map(|derivation| match derivation.action() {
                Action::Fetch(fetch) => Some(fetch),
                _ => None,
            })
            .filter(|fetch| !actions::is_downloaded(self.store, &fetch.sha256))
            .collect();
        self.events.event(Event::Planned {
            steps: todo.len(),
            reused: known.len(),
            fetch_bytes: fetches.iter().filter_map(|fetch| fetch.size).sum(),
        });
        self.fetch.announce(&fetches)?;
        self.walk(&todo, known).map_err(|error| self.name_missed(plan, error))
    }

    /// Returns the tree that a derivation came out as when it was last built, whether or not it is still there.
    pub fn remembered(&self, id: &DerivationId) -> Result<Option<TreeId>, BuildError> {
        let Some(resolved) = self.store.memo(id)? else { return Ok(None) };
        Ok(self.store.record(&resolved)?.map(|record| record.tree))
    }

    /// Returns the tree of a derivation that was built before, when all of it is still there.
    fn present(&self, id: &DerivationId) -> Result<Option<TreeId>, BuildError> {
        match self.remembered(id)? {
            Some(tree) if self.store.has_tree_complete(&tree)? => Ok(Some(tree)),
            _ => Ok(None),
        }
    }

    /// Goes from the targets up to what is known, level by level: what lies above that isn't even looked at.
    fn survey<'p>(
        &self,
        plan: &'p Plan,
        targets: &[DerivationId],
    ) -> Result<(Trees, Vec<&'p Derivation>), BuildError> {
        let mut known = Trees::new();
        let mut missing = BTreeSet::new();
        let mut level: BTreeSet<_> = targets.iter().copied().collect();
        while !level.is_empty() {
            let ids: Vec<_> = level.into_iter().collect();
            let present = each(&ids, self.jobs, &|id| self.present(id))?;
            level = BTreeSet::new();
            for (id, tree) in ids.into_iter().zip(present) {
                if let Some(tree) = tree {
                    known.insert(id, tree);
                    continue;
                }
                missing.insert(id);
                let derivation = plan.get(&id).expect("because targets and inputs are of this plan");
                level.extend(derivation.action().inputs().into_iter().filter_map(|input| match input {
                    Input::Derivation(id) => Some(id),
                    Input::Tree(_) => None,
                }));
            }
            level.retain(|id| !known.contains_key(id) && !missing.contains(id));
        }
        let todo = plan.derivations().iter().filter(|d| missing.contains(&d.id())).collect();
        Ok((known, todo))
    }

    fn walk(&self, todo: &[&Derivation], known: Trees) -> Result<Trees, BuildError> {
        let estimates = estimate::estimates(self.store, todo);
        let queue = Queue::new(todo, known, estimates, (self.order, self.room, self.on_failure));
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| self.work(&queue, Lane::Work));
            }
            for _ in 0..FETCHES {
                scope.spawn(|| self.work(&queue, Lane::Fetch));
            }
        });
        queue.into_result()
    }

    fn work(&self, queue: &Queue<'_>, lane: Lane) {
        while let Some((at, derivation, inputs)) = queue.take(lane) {
            let outcome = self.step(derivation, &inputs);
            queue.put(at, derivation.id(), outcome);
        }
    }

    /// Does one step whose inputs are known, unless its resolved form was done before.
    fn step(&self, derivation: &Derivation, inputs: &Trees) -> Result<TreeId, BuildError> {
        let started = Instant::now();
        let title = derivation.title();
        let resolved = derivation.resolved(&|id| inputs[id]);
        let finished = |how| {
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.events.event(Event::Finished { title, how, millis });
        };
        if let Some(tree) = self.recorded(derivation, &resolved)? {
            finished(Finished::Reused);
            return Ok(tree);
        }
        let mut waiting = || self.events.event(Event::Waiting { title });
        let _lock = self.store.build_lock(&derivation.id(), &mut waiting)?;
        if let Some(tree) = self.recorded(derivation, &resolved)? {
            finished(Finished::Reused);
            return Ok(tree);
        }
        let bytes = if let Action::Fetch(fetch) = derivation.action() { fetch.size } else { None };
        self.events.event(Event::Started { title, bytes });
        let done = actions::perform(self, derivation, inputs)
            .and_then(|done| self.vouch(derivation, done, &input_trees(derivation, inputs)));
        let done = match done {
            Ok(done) => done,
            Err(failure) => {
                finished(Finished::Failed);
                return Err(self.blame(title, failure, &input_trees(derivation, inputs)));
            }
        };
        let wall_millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let cost = Cost { wall_millis, cpu_millis: done.took.cpu_millis, ..Cost::default() };
        self.store.put_record(&resolved, &Record { tree: done.tree, log: done.log, cost })?;
        self.store.put_memo(&derivation.id(), &resolved)?;
        if wall_millis >= WORTH_MEASURING {
            self.store.put_measured(title, &Measured { wall_millis, ..done.took })?;
        }
        // Whoever hears of it can rely on its being recorded.
        finished(Finished::Done);
        Ok(done.tree)
    }

    fn recorded(
        &self,
        derivation: &Derivation,
        resolved: &kit_hash::ResolvedId,
    ) -> Result<Option<TreeId>, BuildError> {
        let Some(record) = self.store.record(resolved)? else { return Ok(None) };
        if !self.store.has_tree_complete(&record.tree)? {
            return Ok(None);
        }
        self.store.put_memo(&derivation.id(), resolved)?;
        Ok(Some(record.tree))
    }
}

/// The trees of a step whose inputs are known.
fn input_trees(derivation: &Derivation, known: &Trees) -> Vec<TreeId> {
    let tree = |input| match input {
        Input::Derivation(id) => known[&id],
        Input::Tree(id) => id,
    };
    derivation.action().inputs().into_iter().map(tree).collect()
}
