//! What a build would do, without doing it.

use kit_hash::DerivationId;
use kit_plan::Plan;
use kit_plan::derivation::Input;

use super::Engine;
use crate::BuildError;

/// A step whose result isn't known under its own identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreseen {
    /// The step.
    pub step: DerivationId,
    /// What will become of it.
    pub expected: Expected,
    /// What the store knows of it.
    pub known: Known,
}

/// What will become of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is done.
    Runs,
    /// It was done before with the same inputs, so that it is not done again.
    Reused,
    /// It is done unless what it takes comes out as it did before.
    Depends,
}

/// What the store knows of a step that isn't there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it was never done, or that was collected.
    Nothing,
    /// It was done, and its result isn't there any more, or not all of it.
    ResultGone,
}

impl Engine<'_> {
    /// Returns the steps that a build of `targets` would look at beyond what is there, in order.
    pub fn foresee(&self, plan: &Plan, targets: &[DerivationId]) -> Result<Vec<Foreseen>, BuildError> {
        let (mut trees, todo) = self.survey(plan, targets)?;
        let mut foreseen = Vec::new();
        for derivation in todo {
            let inputs = derivation.action().inputs();
            let is_known = |input: &Input| match input {
                Input::Derivation(id) => trees.contains_key(id),
                Input::Tree(_) => true,
            };
            let expected = if inputs.iter().all(is_known) {
                let resolved = derivation.resolved(&|id| trees[id]);
                match self.store.record(&resolved)? {
                    Some(record) if self.store.has_tree_complete(&record.tree)? => {
                        trees.insert(derivation.id(), record.tree);
                        Expected::Reused
                    }
                    _ => Expected::Runs,
                }
            } else {
                Expected::Depends
            };
            let is_remembered = self.remembered(&derivation.id())?.is_some();
            let known = if is_remembered { Known::ResultGone } else { Known::Nothing };
            foreseen.push(Foreseen { step: derivation.id(), expected, known });
        }
        Ok(foreseen)
    }
}
