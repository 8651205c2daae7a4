//! `kit log`: what a build script printed.

use std::collections::BTreeSet;
use std::process::ExitCode;

use kit_build::actions::failure_root;
use kit_hash::{BlobId, DerivationId};
use kit_plan::derivation::Action;
use kit_plan::{Derivation, Plan};
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use kit_tree::Blobs as _;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::workbench::Workpiece;

const EXAMPLES: &str = "\
Examples:
  kit log busybox           the script of package busybox: its last failure, else its last success
  kit log \"build busybox\"   the same, by the title of the step";

/// Print what a build script printed: its last failure, else its last success
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Show the log of the step with this title, or of this package's script
    #[arg(value_name = "TITLE|PACKAGE")]
    title: String,
}

/// The most that a log is read of, in bytes; scripts may print less.
const LOG_LIMIT: u64 = 1 << 30;

/// How a step whose log is kept ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Failed,
    Well,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let store = context.store()?;
    let mut subjects: Vec<_> = project.own_images()?.into_iter().map(Subject::Image).collect();
    subjects.push(Subject::Tools);
    let mut known = BTreeSet::new();
    let mut first_failure = None;
    for subject in &subjects {
        match Workpiece::prepare(project, subject, &[]) {
            Ok(piece) => {
                if let Some((derivation, blob, ended)) = find(&store, &piece.plan, &args.title)? {
                    return show(context, &store, derivation, &blob, ended);
                }
                known.extend(
                    piece.plan.derivations().iter().filter(|d| is_script(d)).map(|d| d.title().to_owned()),
                );
            }
            Err(failure) => first_failure = first_failure.or(Some(failure)),
        }
    }
    match first_failure {
        // Without one plan that can be made, that is the reason.
        Some(failure) if known.is_empty() => Err(failure),
        _ => {
            let known = known.into_iter().collect();
            Err(Failure::NoLog { title: args.title.clone(), known })
        }
    }
}

fn is_script(derivation: &Derivation) -> bool {
    matches!(derivation.action(), Action::Run(_))
}

/// Finds the log of a script by its title or its package; a failure comes first.
fn find<'p>(
    store: &Store,
    plan: &'p Plan,
    wanted: &str,
) -> Result<Option<(&'p Derivation, BlobId, Ended)>, Failure> {
    let names = |d: &&Derivation| d.title() == wanted || d.title() == format!("build {wanted}");
    let mut done = None;
    for derivation in plan.derivations().iter().filter(|d| is_script(d)).filter(names) {
        if let Some(blob) = failure(store, &derivation.id())? {
            return Ok(Some((derivation, blob, Ended::Failed)));
        }
        if let Some(blob) = success(store, &derivation.id())? {
            done = done.or(Some((derivation, blob, Ended::Well)));
        }
    }
    Ok(done)
}

fn failure(store: &Store, id: &DerivationId) -> Result<Option<BlobId>, Failure> {
    let roots = store.root(&failure_root(id))?;
    Ok(roots.and_then(|roots| roots.blobs.first().copied()))
}

fn success(store: &Store, id: &DerivationId) -> Result<Option<BlobId>, Failure> {
    let Some(resolved) = store.memo(id)? else { return Ok(None) };
    Ok(store.record(&resolved)?.and_then(|record| record.log))
}

fn show(
    context: &Context,
    store: &Store,
    derivation: &Derivation,
    blob: &BlobId,
    ended: Ended,
) -> Result<ExitCode, Failure> {
    let bytes = store.read(blob, LOG_LIMIT).map_err(|source| Failure::File {
        action: "read",
        path: store.path().join(format!("objects (blob {blob})")),
        source,
    })?;
    let how = if ended == Ended::Failed { "failed" } else { "ended well" };
    context.output.say(&format!("`{}` {how}; {} bytes\n", derivation.title(), bytes.len()));
    let result = json!({
        "step": derivation.title(),
        "failed": ended == Ended::Failed,
        "log": String::from_utf8_lossy(&bytes),
    });
    context.output.result(&result).map_err(Failure::Output)?;
    context.output.foreign(&bytes).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
