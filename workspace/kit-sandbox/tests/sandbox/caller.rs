//! A program that runs a job and is killed meanwhile.

use std::path::Path;

use crate::fixture::{Fixture, run};
use crate::lifetime::HOLD;

/// Runs a job that doesn't end, in the directories of a test.
pub(crate) fn call(directory: &Path) {
    let fixture = Fixture::at(directory);
    let outcome = run(&fixture.job(HOLD));
    panic!("the job has ended: {outcome:?}");
}
