//! Whether a lockfile is up to date, without network and without building.

use std::process::ExitCode;

use kit_build::check::step_title;
use kit_build::load::{Loaded, lock_path, word};
use kit_plan::{PlanError, plan, stale};
use kit_recipe::Lockfile;
use kit_recipe::lockfile::{SourceFile, Subject};
use serde_json::json;

use super::load_subject;
use crate::Failure;
use crate::context::Context;
use crate::failure::Outdated;
use crate::project::Project;

/// How many steps that are others now are named.
const NAMED: usize = 5;

pub(super) fn run(project: &Project, subjects: &[Subject], context: &Context) -> Result<ExitCode, Failure> {
    let mut outdated = Vec::new();
    for subject in subjects {
        let path = lock_path(subject);
        let loaded = load_subject(project, subject)?;
        let reasons = match project.find_lock(subject)? {
            None => vec![format!("`{path}` is not there")],
            Some(lock) => {
                let changes = stale(&lock, &loaded.recipes, &loaded.locals);
                if changes.is_empty() {
                    reasons(&loaded, &lock, &lock)
                } else {
                    changes.iter().map(ToString::to_string).collect()
                }
            }
        };
        if reasons.is_empty() {
            context.output.say(&format!("{path} is up to date\n"));
        } else {
            outdated.push(Outdated { path, subject: word(subject), reasons });
        }
    }
    if outdated.is_empty() {
        context.output.result(&json!({ "stale": [] })).map_err(Failure::Output)?;
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::Outdated { lockfiles: outdated })
    }
}

/// Returns why a lockfile doesn't hold for what is pinned now: other pins, or steps that this program does in another way.
pub(super) fn reasons(loaded: &Loaded, lock: &Lockfile, now: &Lockfile) -> Vec<String> {
    if lock.pin_id() != now.pin_id() {
        return vec!["other sources are pinned now".to_owned()];
    }
    let plan = match plan(loaded.plan_inputs(now, &[])) {
        Ok(plan) => plan,
        // What is wrong with the recipes themselves is said when they are planned in earnest.
        Err(problems) => return problems.iter().map(PlanError::to_string).collect(),
    };
    let steps: Vec<_> = plan.derivations().iter().filter_map(|d| Some((step_title(d)?, d.id()))).collect();
    let differs = |(title, id): &&(&str, _)| lock.steps.get(*title).is_none_or(|step| step.derivation != *id);
    let mut reasons: Vec<_> = steps
        .iter()
        .filter(differs)
        .take(NAMED)
        .map(|(title, _)| format!("step `{title}` is another one"))
        .collect();
    let results = plan.containers.keys().all(|name| lock.containers.contains_key(name))
        && plan.outputs.keys().all(|format| lock.outputs.values().any(|output| output.format == *format))
        && lock.debs.values().all(|deb| deb.tree.is_some())
        && source_files(lock).all(|file| file.tree.is_some() || !file.part.is_archive())
        && lock.crates.values().all(|krate| krate.tree.is_some())
        && lock.files.values().all(|file| file.tree.is_some())
        && lock.images.values().flat_map(|image| &image.layers).all(|layer| layer.tree.is_some());
    if !results {
        reasons.push("it doesn't say what everything came out as".to_owned());
    }
    reasons
}

/// Returns the files of all Debian source packages.
fn source_files(lock: &Lockfile) -> impl Iterator<Item = &SourceFile> {
    lock.debian_sources.values().flat_map(|source| &source.files)
}
