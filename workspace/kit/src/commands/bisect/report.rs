//! What a search came to: the change, and what it changed among the pins.

use kit_audit::difference::packages::PackageChange;
use kit_audit::difference::{State, difference};
use kit_build::load::lock_path;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Subject;
use kit_source::history::{Commit, History};
use serde_json::{Value, json};

use super::BisectError;
use super::Found;
use super::search::Outcome;
use crate::Failure;
use crate::context::Context;
use crate::escape;
use crate::project::Past;
use crate::text::Text;
use crate::units::count;

/// Names a state for people: its digits, and the line that it was described with.
pub(super) fn named(history: &History<'_>, commit: &Commit) -> String {
    let subject = history.subject(commit).unwrap_or_default();
    format!("{} {}", commit.short(), escape::line(&subject)).trim_end().to_owned()
}

pub(super) fn report(context: &Context, history: &History<'_>, found: &Found) -> Result<(), Failure> {
    let mut text = Text::default();
    let (first, before): (Vec<&Commit>, &Commit) = match &found.outcome {
        Outcome::First(at) => (vec![&found.commits[*at]], &found.commits[at - 1]),
        Outcome::OneOf(all) => {
            (all.iter().map(|at| &found.commits[*at]).collect(), &found.commits[all[0] - 1])
        }
    };
    let last = first.last().expect("because at least the last state is bad");
    match first.as_slice() {
        [only] => text.line(format_args!("{} is the first bad state", named(history, only))),
        several => {
            text.line(format_args!("one of {} is the first bad state:", count(several.len(), "state")));
            for commit in several {
                text.line(format_args!("  {}", named(history, commit)));
            }
        }
    }
    text.line(format_args!("the last good one is {}", named(history, before)));
    let changed = changed(history, found, before, last, &mut text)?;
    text.line(format_args!("{} judged", count(found.judged, "image")));
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    let commit = |commit: &Commit| json!({ "commit": commit.as_str(), "subject": history.subject(commit).unwrap_or_default() });
    let result = json!({
        "image": found.image.as_str(),
        "first_bad": first.iter().map(|one| commit(one)).collect::<Vec<_>>(),
        "last_good": commit(before),
        "judged": found.judged,
        "changed": changed,
    });
    context.output.result(&result).map_err(Failure::Output)
}

/// Says what changed among the pins, and which recipes did.
fn changed(
    history: &History<'_>,
    found: &Found,
    before: &Commit,
    after: &Commit,
    text: &mut Text,
) -> Result<Value, Failure> {
    let (one, other) = (lock(history, found, before)?, lock(history, found, after)?);
    let (Some(one), Some(other)) = (one, other) else { return Ok(Value::Null) };
    let mut recipes = Vec::new();
    for (name, id) in &other.recipes {
        match one.recipes.get(name) {
            None => recipes.push(format!("`{}` takes part now", name.path())),
            Some(earlier) if earlier != id => recipes.push(format!("`{}` was edited", name.path())),
            Some(_) => {}
        }
    }
    let gone = one.recipes.keys().filter(|name| !other.recipes.contains_key(name));
    recipes.extend(gone.map(|name| format!("`{}` takes part no more", name.path())));
    for ((recipe, label), tree) in &other.locals {
        if one.locals.get(&(recipe.clone(), label.clone())) != Some(tree) {
            recipes.push(format!("the files of `{label}` in `{}` changed", recipe.path()));
        }
    }
    for line in &recipes {
        text.line(format_args!("  {line}"));
    }
    let state = |lock: &Lockfile| {
        let mut state = State::named(found.image.as_str());
        state.take_lock(lock);
        state
    };
    let difference = difference(&state(&one), &state(&other));
    let packages = difference.packages.known().map(Vec::as_slice).unwrap_or_default();
    for change in packages {
        text.line(format_args!("  {}", line(change)));
    }
    let pin = |change: &PackageChange| {
        let kind = change.package.kind.word();
        json!({ "kind": kind, "name": change.package.name, "before": change.before, "after": change.after })
    };
    Ok(json!({ "recipes": recipes, "pins": packages.iter().map(pin).collect::<Vec<_>>() }))
}

/// Shows a change of a pin as `kit diff` does.
fn line(change: &PackageChange) -> String {
    let (before, after) = (change.before.join(", "), change.after.join(", "));
    match (change.before.is_empty(), change.after.is_empty()) {
        (true, _) => format!("+ {}  {after}", change.package),
        (_, true) => format!("- {}  {before}", change.package),
        (false, false) => format!("~ {}  {before} -> {after}", change.package),
    }
}

/// Returns the lockfile of a state; none where it can't be read.
fn lock(history: &History<'_>, found: &Found, commit: &Commit) -> Result<Option<Lockfile>, Failure> {
    let path = lock_path(&Subject::Image(found.image.clone()));
    let past = Past { history: *history, commit: commit.clone() };
    let texts = past.texts(&path).map_err(BisectError::History)?;
    let text = texts.into_iter().find_map(|(at, text)| (at == path).then_some(text));
    Ok(text.and_then(|text| Lockfile::parse(&text).ok()))
}
