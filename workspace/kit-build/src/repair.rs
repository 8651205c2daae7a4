//! What happens when the store turns out to be damaged in the middle of the work: what is damaged is discarded, and the
//! work is done again, which fetches or makes it anew.

use kit_hash::TreeId;
use kit_plan::Derivation;
use kit_plan::derivation::Action;
use kit_store::verify::{Finding, Problem};
use kit_store::{Damage, Item, StoreError};

use crate::actions::Done;
use crate::engine::Engine;
use crate::seams::Event;
use crate::{BuildError, Events};

/// How often work is done again. Each time less is damaged; a disk that damages more than it keeps is given up.
const REPAIRS: usize = 16;

impl Engine<'_> {
    /// Does `work` until it succeeds, or fails for another reason than things in the store that are damaged or gone;
    /// `damage` tells these from other failures.
    pub fn repairing<T, E: From<BuildError>>(
        &self,
        damage: impl Fn(&E) -> Vec<Finding>,
        mut work: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut last = Vec::new();
        for _ in 0..REPAIRS {
            let failure = match work() {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let findings = damage(&failure);
            let is_hopeless = findings.is_empty()
                // Nothing has changed since the last time.
                || findings == last
                || findings.iter().any(|finding| !can_be_made_again(&finding.item));
            if is_hopeless {
                return Err(failure);
            }
            for finding in &findings {
                tell(self.events, finding);
            }
            self.store.repair(&findings).map_err(|error| E::from(error.into()))?;
            last = findings;
        }
        work()
    }

    /// Passes on what a step came out as, unless it may have been misled: a script reads files that nobody checks meanwhile, so
    /// they are checked afterwards. All else that steps read is checked while it is read.
    pub(crate) fn vouch(
        &self,
        derivation: &Derivation,
        done: Done,
        inputs: &[TreeId],
    ) -> Result<Done, BuildError> {
        let Action::Run(_) = derivation.action() else { return Ok(done) };
        let findings = self.verify_all(inputs)?;
        if findings.is_empty() {
            return Ok(done);
        }
        Err(BuildError::Damaged { title: derivation.title().to_owned(), findings })
    }

    fn verify_all(&self, trees: &[TreeId]) -> Result<Vec<Finding>, BuildError> {
        let mut findings = Vec::new();
        for tree in trees {
            for finding in self.store.verify_tree(tree)? {
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        Ok(findings)
    }

    /// Returns why a step failed: its own failure, or all the damage of what it worked on.
    pub(crate) fn blame(&self, title: &str, failure: BuildError, inputs: &[TreeId]) -> BuildError {
        let mut findings = failure.damage();
        if findings.is_empty() && !may_come_from_damage(&failure) {
            return failure;
        }
        match self.verify_all(inputs) {
            Ok(found) => {
                let is_new = |finding: &Finding| !findings.contains(finding);
                let new: Vec<_> = found.into_iter().filter(is_new).collect();
                findings.extend(new);
            }
            Err(error) => return error,
        }
        if findings.is_empty() {
            return failure;
        }
        BuildError::Damaged { title: title.to_owned(), findings }
    }
}

/// Whether what a store lost comes back by building. Names of roots are the user's.
fn can_be_made_again(item: &Item) -> bool {
    match item {
        Item::Blob(_)
        | Item::Program(_)
        | Item::Tree(_)
        | Item::Record(_)
        | Item::Memo(_)
        | Item::Sha256(_)
        | Item::Materialised(_) => true,
        Item::Root(_) | Item::Temporary(_) | Item::Stranger(_) => false,
    }
}

/// Whether a failure can be the consequence of wrong bytes that nobody noticed while they were read.
fn may_come_from_damage(failure: &BuildError) -> bool {
    use crate::error::ScriptFailure;
    match failure {
        BuildError::Script { failure, .. } => {
            matches!(
                failure,
                ScriptFailure::Exit(_)
                    | ScriptFailure::Signal(_)
                    | ScriptFailure::NoShell
                    | ScriptFailure::Empty
                    | ScriptFailure::Result(_)
            )
        }
        BuildError::Unpack { .. } | BuildError::Write { .. } | BuildError::Sandbox { .. } => true,
        _ => false,
    }
}

fn tell(events: &dyn Events, finding: &Finding) {
    let (item, problem) = (finding.item.to_string(), finding.problem.to_string());
    events.event(Event::Repaired { item: &item, problem: &problem });
}

impl BuildError {
    /// Returns what of the store is damaged or gone, when that is why it failed.
    pub fn damage(&self) -> Vec<Finding> {
        match self {
            Self::Damaged { findings, .. } => findings.clone(),
            Self::Several { failures, .. } => failures.iter().flat_map(Self::damage).collect(),
            _ => self.store_error().and_then(finding).into_iter().collect(),
        }
    }
}

/// Returns what of the store is damaged or gone, when that is what an error says.
pub fn finding(error: &StoreError) -> Option<Finding> {
    match error {
        StoreError::Corrupt { item, source, .. } => {
            let problem = Problem::Damaged(Damage::clone(source));
            Some(Finding { item: item.clone(), problem })
        }
        StoreError::Missing { item, .. } => Some(Finding { item: item.clone(), problem: Problem::Missing }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
