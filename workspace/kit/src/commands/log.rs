//! `kit log`: what a build script printed.

use std::collections::BTreeSet;
use std::process::ExitCode;

use kit_build::failed::{FILE, FailedStep, LOG_FILE};
use kit_hash::{BlobId, DerivationId};
use kit_plan::derivation::Action;
use kit_plan::{Derivation, Plan};
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use kit_tree::Blobs as _;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::project::open_dir;
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
    let store = context.store()?;
    if let Some((title, bytes)) = last_failure(&store, &args.title)? {
        return show(context, &title, &bytes, Ended::Failed);
    }
    let project = context.project()?;
    let mut subjects: Vec<_> = project.own_images()?.into_iter().map(Subject::Image).collect();
    subjects.push(Subject::Tools);
    let mut known = BTreeSet::new();
    let mut first_failure = None;
    for subject in &subjects {
        match Workpiece::prepare(project, subject, &[]) {
            Ok(piece) => {
                if let Some((title, blob)) = find(&store, &piece.plan, &args.title)? {
                    let path = store.path().join(format!("objects (blob {blob})"));
                    let bytes = store.read(&blob, LOG_LIMIT);
                    let bytes = bytes.map_err(|source| Failure::File { action: "read", path, source })?;
                    return show(context, title, &bytes, Ended::Well);
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

/// Whether a step is what the user means: by its title, or by the package that it builds.
fn is_meant(title: &str, wanted: &str) -> bool {
    title == wanted || title == format!("build {wanted}")
}

/// Reads the log of the wanted step, when it is one of those that failed last.
fn last_failure(store: &Store, wanted: &str) -> Result<Option<(String, Vec<u8>)>, Failure> {
    for failed in store.failures()? {
        let dir = open_dir(&failed.path)?;
        let read = |name: &str| {
            let path = failed.path.join(name);
            dir.read(name).map_err(|source| Failure::File { action: "read", path, source })
        };
        match FailedStep::decode(&read(FILE)?) {
            Ok(step) if is_meant(&step.title, wanted) => return Ok(Some((step.title, read(LOG_FILE)?))),
            _ => {}
        }
    }
    Ok(None)
}

fn is_script(derivation: &Derivation) -> bool {
    matches!(derivation.action(), Action::Run(_))
}

/// Finds the log of a script that ended well, by its title or its package.
fn find<'p>(store: &Store, plan: &'p Plan, wanted: &str) -> Result<Option<(&'p str, BlobId)>, Failure> {
    for derivation in plan.derivations().iter().filter(|d| is_script(d) && is_meant(d.title(), wanted)) {
        if let Some(blob) = success(store, &derivation.id())? {
            return Ok(Some((derivation.title(), blob)));
        }
    }
    Ok(None)
}

fn success(store: &Store, id: &DerivationId) -> Result<Option<BlobId>, Failure> {
    let Some(resolved) = store.memo(id)? else { return Ok(None) };
    Ok(store.record(&resolved)?.and_then(|record| record.log))
}

fn show(context: &Context, title: &str, bytes: &[u8], ended: Ended) -> Result<ExitCode, Failure> {
    let how = if ended == Ended::Failed { "failed" } else { "ended well" };
    context.output.say(&format!("`{title}` {how}; {} bytes\n", bytes.len()));
    let result = json!({
        "step": title,
        "failed": ended == Ended::Failed,
        "log": String::from_utf8_lossy(bytes),
    });
    context.output.result(&result).map_err(Failure::Output)?;
    context.output.foreign(bytes).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
