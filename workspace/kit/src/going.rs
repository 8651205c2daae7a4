//! Going on after failures.

use kit_build::BuildError;
use kit_build::engine::OnFailure;

use crate::Failure;

/// Returns what `--keep-going` means to an engine.
pub(crate) fn on_failure(keep_going: bool) -> OnFailure {
    if keep_going { OnFailure::KeepGoing } else { OnFailure::Stop }
}

/// The failed builds of several subjects, and those that a policy denies.
#[derive(Debug)]
pub(crate) struct Failures {
    then: OnFailure,
    kept: Vec<BuildError>,
    not_done: usize,
    /// The first that a policy denies. What it denies was shown.
    denied: Option<Failure>,
}

impl Failures {
    /// Begins without any.
    pub(crate) fn new(keep_going: bool) -> Self {
        Self { then: on_failure(keep_going), kept: Vec::new(), not_done: 0, denied: None }
    }

    /// Returns what came out; keeps a failure, unless it is to be told at once.
    pub(crate) fn keep<T>(&mut self, outcome: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match (outcome, self.then) {
            (Ok(value), _) => return Ok(Some(value)),
            (Err(Failure::Build(BuildError::Several { failures, not_done })), _) => {
                self.kept.extend(failures);
                self.not_done += not_done;
            }
            (Err(Failure::Build(error)), OnFailure::KeepGoing) => self.kept.push(error),
            (Err(failure @ Failure::Denied { .. }), OnFailure::KeepGoing) => {
                self.denied.get_or_insert(failure);
            }
            (Err(failure), _) => return Err(failure),
        }
        Ok(None)
    }

    /// Tells all failures that were kept.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        match (self.kept.len(), self.not_done) {
            (0, _) => self.denied.map_or(Ok(()), Err),
            (1, 0) => Err(self.kept.swap_remove(0).into()),
            (_, not_done) => Err(BuildError::Several { failures: self.kept, not_done }.into()),
        }
    }
}
