//! A verification as a statement.

use kit_audit::statement::{LockFile, Method, Output, Statement, Steps};
use kit_build::verify::Step;

use super::rebuild::Verified;
use crate::Failure;

/// Returns the text of the statement about an image.
pub(super) fn statement(verified: &Verified, verifier: Option<String>) -> Result<Vec<u8>, Failure> {
    let lock = &verified.piece.lock;
    let given = verified.artifact.as_ref().map(|artifact| &artifact.digests);
    let outputs = verified.outputs.iter().map(|(name, output)| {
        // What is verified is the file, where there is one.
        let sha256 = given.and_then(|digests| digests.get(name)).copied().unwrap_or(output.sha256);
        let rebuilt = [output.rebuilt.unwrap_or(output.sha256), output.sha256];
        (name.clone(), Output { sha256, rebuilt: rebuilt.into_iter().find(|rebuilt| *rebuilt != sha256) })
    });
    let statement = Statement {
        image: verified.image.to_string(),
        lock: LockFile {
            path: verified.lock_path.clone(),
            sha256: verified.lock_sha256,
            pin: lock.pin_id(),
            epoch: lock.epoch,
            architecture: lock.architecture.clone(),
        },
        method: Method {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            depth: verified.depth.word().to_owned(),
            only: verified.only.clone(),
            rounds: u32::try_from(verified.rounds.len()).unwrap_or(u32::MAX),
            varied: verified.varied.iter().map(ToString::to_string).collect(),
            not_varied: verified
                .left_out
                .iter()
                .map(|(variation, why)| (variation.to_string(), why.clone()))
                .collect(),
        },
        verifier,
        outputs: outputs.collect(),
        steps: steps(verified),
    };
    statement.to_text().map_err(|source| Failure::Evidence { what: "statement", source: Box::new(source) })
}

/// Sorts steps by the worst that came of them in any round.
fn steps(verified: &Verified) -> Steps {
    let titles = |of: &dyn Fn(&kit_build::verify::Comparison) -> Vec<Step>| {
        verified
            .rounds
            .iter()
            .flat_map(of)
            .map(|step| step.derivation)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let different = titles(&|round| {
        let first = round.first_causes.iter().map(|cause| cause.step.clone());
        first.chain(round.follow.clone()).collect()
    });
    let not_done = titles(&|round| round.not_done.clone());
    let same = titles(&|round| round.same.clone());
    let mut steps = Steps::default();
    for derivation in verified.piece.plan.derivations() {
        let (id, title) = (derivation.id(), derivation.title().to_owned());
        if different.contains(&id) {
            steps.different.push(title);
        } else if not_done.contains(&id) {
            steps.not_done.push(title);
        } else if same.contains(&id) {
            steps.same.push(title);
        }
    }
    steps
}
