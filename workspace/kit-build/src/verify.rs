//! Rebuilding from sources in other surroundings, and comparing every step.
//!
//! ```text
//! first store (what the lockfile pins, built as always)      second store (empty, elsewhere)
//!     │ sources, by digest ───────────────────────────────────▶ │ every step done again, varied
//!     ▼                                                         ▼
//!   tree of each step ◀────────────── compared ──────────────▶ tree of each step
//! ```
//! A step whose inputs came out the same and whose result didn't is a *first cause*; what is made of its result only follows. For a
//! script, [`cause`] finds the fewest variations that still make the difference.

pub mod cause;
pub mod remedy;
mod sources;
mod variation;

use std::collections::{BTreeMap, BTreeSet};

pub use kit_format::explain::{Excerpt, Explanation, Likely, Side, What, explain, explain_files};
use kit_hash::{BlobId, DerivationId, TreeId};
use kit_plan::derivation::{Action, Input};
use kit_plan::{Derivation, Plan};
use kit_sandbox::Sandbox;
use kit_store::Store;
use kit_tree::diff::{Difference, diff};
use kit_tree::{Blobs as _, Entry};

pub use self::cause::Cause;
pub use self::variation::Variation;
use crate::engine::{OnFailure, Order, Trees};
use crate::error::ScriptFailure;
use crate::local::LocalSandbox;
use crate::processors::Pool;
use crate::surroundings::Surroundings;
use crate::{BuildError, Engine};
use sources::Sources;

/// How many files of a step are looked into.
const EXPLAINED: usize = 20;
/// The largest file that is looked into, in bytes.
const EXPLAINED_BYTES: u64 = 256 << 20;

/// How far a rebuild goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What was fetched is unpacked again.
    Sources,
    /// Every package is made again, too.
    Packages,
    /// Every container and output is written again, too.
    Outputs,
}

impl Depth {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Sources, Self::Packages, Self::Outputs];

    /// Returns the word that the command line uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Packages => "packages",
            Self::Outputs => "outputs",
        }
    }

    fn includes(self, derivation: &Derivation) -> bool {
        match derivation.action() {
            Action::Fetch(_) | Action::Unpack(_) => true,
            Action::Run(_) | Action::Compose(_) => self != Self::Sources,
            Action::Image(_) => self == Self::Outputs,
        }
    }
}

/// Returns the steps of a plan that are to be rebuilt: of everything, or of what `only` is made from.
pub fn steps(plan: &Plan, depth: Depth, only: Option<DerivationId>) -> Vec<&Derivation> {
    let wanted = only.map(|id| {
        let mut wanted = BTreeSet::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            if wanted.insert(id) {
                stack.extend(inputs(plan.get(&id).expect("because inputs are of the same plan")));
            }
        }
        wanted
    });
    let all = plan.derivations().iter().filter(|derivation| depth.includes(derivation));
    all.filter(|derivation| wanted.as_ref().is_none_or(|wanted| wanted.contains(&derivation.id()))).collect()
}

fn inputs(derivation: &Derivation) -> impl Iterator<Item = DerivationId> + use<> {
    derivation.action().inputs().into_iter().filter_map(|input| match input {
        Input::Derivation(id) => Some(id),
        Input::Tree(_) => None,
    })
}

/// A rebuild.
#[derive(Debug)]
pub struct Rebuild<'a> {
    /// Builds as always, with the store that everything is compared with.
    pub first: Engine<'a>,
    /// An empty store with the project's own files.
    pub second: &'a Store,
    /// Starts jobs.
    pub sandbox: Sandbox,
    /// Memory that a script may use, in bytes.
    pub memory: Option<u64>,
    /// What is other than in the first build.
    pub variations: BTreeSet<Variation>,
}

/// What came of a rebuild.
#[derive(Debug)]
pub struct Comparison {
    /// Steps that came out the same, in plan order.
    pub same: Vec<Step>,
    /// Steps that came out different although their inputs didn't, in plan order.
    pub first_causes: Vec<FirstCause>,
    /// Steps that came out different because an input did, in plan order.
    pub follow: Vec<Step>,
    /// Steps that weren't done, because one failed, in plan order.
    pub not_done: Vec<Step>,
}

/// A step that was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub derivation: DerivationId,
    /// What people call it.
    pub title: String,
    /// The tree of the first build.
    pub tree: TreeId,
    /// The tree of the rebuild; none where it wasn't done.
    pub rebuilt: Option<TreeId>,
}

/// A step that came out different although its inputs didn't.
#[derive(Debug)]
pub struct FirstCause {
    /// The step.
    pub step: Step,
    /// What came out.
    pub how: How,
    /// What made the difference.
    pub cause: Cause,
}

/// How a step differs.
#[derive(Debug)]
pub enum How {
    /// Another tree.
    Tree {
        /// What differs, in path order.
        files: Vec<FileDifference>,
    },
    /// It failed.
    Failed(ScriptFailure),
}

/// A path at which a rebuild differs.
#[derive(Debug)]
pub struct FileDifference {
    /// What stands there; `before` is the first build's.
    pub entries: Difference,
    /// Where both have a file: what its content differs in. Only of the first few files, and none of very large ones.
    pub explanations: Vec<Explanation>,
}

impl Comparison {
    /// Whether everything came out the same.
    pub fn is_same(&self) -> bool {
        self.first_causes.is_empty()
    }
}

impl Rebuild<'_> {
    /// Builds `steps` in the first store where that is not done yet, does all of them again in the second one, and compares.
    pub fn compare(&self, plan: &Plan, steps: &[&Derivation]) -> Result<Comparison, BuildError> {
        let ids: Vec<_> = steps.iter().map(|derivation| derivation.id()).collect();
        let expected = self.first.build(plan, &ids)?;
        let execute = self.execute(self.second, &self.variations);
        let sources = Sources { first: self.first.store, then: self.first.fetch };
        let varies = |variation| self.variations.contains(&variation);
        let again = Engine {
            store: self.second,
            fetch: &sources,
            execute: &execute,
            events: self.first.events,
            jobs: if varies(Variation::Jobs) { other_jobs(self.first.jobs) } else { self.first.jobs },
            room: self.first.room,
            on_failure: OnFailure::Stop,
            order: if varies(Variation::Finish) { Order::ShortestFirst } else { Order::LongestFirst },
        };
        let (found, failed) = match again.build(plan, &ids) {
            Ok(found) => (found, None),
            Err(BuildError::Script { title, failure, .. }) => {
                (crate::check::complete(&again, plan)?, Some((title, failure)))
            }
            Err(error) => return Err(error),
        };
        self.sort(steps, &expected, &found, failed.as_ref())
    }

    /// Sorts steps by what came out; finds causes.
    fn sort(
        &self,
        steps: &[&Derivation],
        expected: &Trees,
        found: &Trees,
        failed: Option<&(String, ScriptFailure)>,
    ) -> Result<Comparison, BuildError> {
        let mut comparison = Comparison {
            same: Vec::new(),
            first_causes: Vec::new(),
            follow: Vec::new(),
            not_done: Vec::new(),
        };
        for derivation in steps {
            let id = derivation.id();
            let (tree, rebuilt) = (expected[&id], found.get(&id).copied());
            let step = Step { derivation: id, title: derivation.title().to_owned(), tree, rebuilt };
            let inputs_differ = inputs(derivation).any(|input| expected.get(&input) != found.get(&input));
            match (rebuilt, failed) {
                (Some(rebuilt), _) if rebuilt == tree => comparison.same.push(step),
                (Some(_), _) if inputs_differ => comparison.follow.push(step),
                (Some(rebuilt), _) => {
                    let how = How::Tree { files: self.differences(tree, rebuilt)? };
                    let cause = self.cause(derivation, expected, tree)?;
                    comparison.first_causes.push(FirstCause { step, how, cause });
                }
                (None, Some((title, failure))) if *title == step.title && !inputs_differ => {
                    let cause = self.cause(derivation, expected, tree)?;
                    let how = How::Failed(failure.clone());
                    comparison.first_causes.push(FirstCause { step, how, cause });
                }
                (None, _) => comparison.not_done.push(step),
            }
        }
        Ok(comparison)
    }

    /// Returns what differs between a tree of the first store and one of the second.
    fn differences(&self, expected: TreeId, found: TreeId) -> Result<Vec<FileDifference>, BuildError> {
        let all = diff(&self.first.store.tree(&expected)?, &self.second.tree(&found)?);
        let mut differences = Vec::with_capacity(all.len());
        for (number, entries) in all.into_iter().enumerate() {
            let explanations = match (&entries.before, &entries.after) {
                (Some(Entry::File { blob: before, .. }), Some(Entry::File { blob: after, .. }))
                    if number < EXPLAINED && before != after =>
                {
                    match (read(self.first.store, before)?, read(self.second, after)?) {
                        (Some(before), Some(after)) => explain(&before, &after),
                        _ => Vec::new(),
                    }
                }
                _ => Vec::new(),
            };
            differences.push(FileDifference { entries, explanations });
        }
        Ok(differences)
    }

    /// Runs scripts as they are when these vary.
    fn execute<'s>(&self, store: &'s Store, variations: &BTreeSet<Variation>) -> LocalSandbox<'s> {
        LocalSandbox {
            store,
            sandbox: self.sandbox.clone(),
            surroundings: Surroundings::varied(variations),
            processors: Pool::of_this_machine(),
            memory: self.memory,
        }
    }
}

/// Reads a file, unless it is too large to be looked into.
fn read(store: &Store, blob: &BlobId) -> Result<Option<Vec<u8>>, BuildError> {
    let io = |source| BuildError::Io { what: format!("read {blob}"), source };
    match store.blob_size(blob)? {
        Some(size) if size <= EXPLAINED_BYTES => store.read(blob, EXPLAINED_BYTES).map(Some).map_err(io),
        _ => Ok(None),
    }
}

/// Another number of steps at the same time, and of threads that compress: of one, two and seven each leads to the next.
fn other_jobs(jobs: usize) -> usize {
    match jobs {
        1 => 2,
        2 => 7,
        _ => 1,
    }
}

/// Returns the trees of the inputs of a step.
pub(crate) fn input_trees(derivation: &Derivation, trees: &Trees) -> BTreeMap<DerivationId, TreeId> {
    inputs(derivation).map(|id| (id, trees[&id])).collect()
}
