//! Follows a path from the tree that has it to the step that brought it.

use kit_build::{BuildError, Engine};
use kit_hash::{DerivationId, TreeId};
use kit_plan::derivation::{Action, Added, Archive, Compose, Input, Part, Run};
use kit_plan::{Derivation, Plan};
use kit_tree::{Entry, TreePath};

use crate::Failure;

/// How many parts of a source are named.
const NAMED: usize = 4;

/// One step on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) derivation: DerivationId,
    pub(super) title: String,
    /// The path in the step's result.
    pub(super) path: TreePath,
    /// What the step has to do with it.
    pub(super) what: String,
}

/// Follows `path` from the result of `start`; the last step is the one that brought it.
pub(super) fn trace(
    engine: &Engine<'_>,
    plan: &Plan,
    start: DerivationId,
    path: &TreePath,
) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut next = Some((start, path.clone()));
    while let Some((id, path)) = next.take() {
        let Some(derivation) = plan.get(&id) else { break };
        let (what, from) = match derivation.action() {
            Action::Compose(compose) => composed(engine, derivation, compose, &path)?,
            Action::Unpack(unpack) => {
                let what = match &unpack.archive {
                    Archive::Deb => "is in this Debian package",
                    Archive::Crate { .. } => "is in this crate",
                    Archive::Sources => "is in this archive",
                    Archive::Layer { .. } => "is in this layer",
                };
                (what.to_owned(), None)
            }
            Action::Run(run) => (scripted(plan, run), None),
            Action::Fetch(_) => ("was fetched".to_owned(), None),
            Action::Image(_) => ("was written".to_owned(), None),
        };
        steps.push(Step { derivation: id, title: derivation.title().to_owned(), path, what });
        match from {
            Some((Input::Derivation(id), path)) => next = Some((id, path)),
            Some((Input::Tree(_), _)) | None => {}
        }
    }
    Ok(steps)
}

/// Says what a build script was given: a file can't be followed further than that.
fn scripted(plan: &Plan, run: &Run) -> String {
    let sources: Vec<_> =
        run.sources.iter().map(|(name, input)| format!("{name} ({})", contents(plan, input))).collect();
    match sources.as_slice() {
        [] => "was left by this build script".to_owned(),
        sources => format!("was left by this build script, from {}", sources.join(", ")),
    }
}

/// Names what a source is made of: the archives themselves, as far as they are few.
fn contents(plan: &Plan, input: &Input) -> String {
    let Input::Derivation(id) = input else { return "the project's files".to_owned() };
    let Some(derivation) = plan.get(id) else { return id.short() };
    let Action::Compose(compose) = derivation.action() else { return derivation.title().to_owned() };
    let part = |part: &Part| match part.input {
        Input::Derivation(id) => plan.get(&id).map_or_else(|| id.short(), |d| d.title().to_owned()),
        Input::Tree(_) => "the project's files".to_owned(),
    };
    let named = compose.parts.iter().take(NAMED).map(part);
    let mut text = named.map(|title| title.replace("unpack ", "")).collect::<Vec<_>>().join(", ");
    if compose.parts.len() > NAMED {
        text = format!("{text} and {} more", compose.parts.len() - NAMED);
    }
    text
}

type From = Option<(Input, TreePath)>;

/// Finds out where a composition has a path from.
fn composed(
    engine: &Engine<'_>,
    derivation: &Derivation,
    compose: &Compose,
    path: &TreePath,
) -> Result<(String, From), Failure> {
    if compose.additions.iter().any(|Added { path: added, .. }| added == path) {
        return Ok(("is added by the recipe".to_owned(), None));
    }
    let wanted = match engine.remembered(&derivation.id())? {
        Some(tree) => entry(engine, &tree, path)?,
        None => None,
    };
    let mut owners = Vec::new();
    for part in &compose.parts {
        let Some((inner, found)) = part_entry(engine, part, path)? else { continue };
        // A directory is shared by all that have it; anything else belongs to the one whose entry won.
        if wanted.is_none() || wanted.as_ref() == Some(&found) || found.is_directory() {
            owners.push((part, inner));
        }
    }
    match owners.as_slice() {
        [] => Ok(("is made by the composition itself".to_owned(), None)),
        [(part, inner), rest @ ..] => {
            let mut what = match part.input {
                Input::Derivation(_) => format!("has it from {}", part.owner),
                Input::Tree(_) => format!("has it from the project's files ({})", part.owner),
            };
            if !rest.is_empty() {
                let also: Vec<_> = rest.iter().map(|(part, _)| part.owner.as_str()).collect();
                what = format!("{what}, the same in {}", also.join(", "));
            }
            Ok((what, Some((part.input, inner.clone()))))
        }
    }
}

/// Returns the entry that a part provides at a path, and where in the part it is.
fn part_entry(
    engine: &Engine<'_>,
    part: &Part,
    path: &TreePath,
) -> Result<Option<(TreePath, Entry)>, BuildError> {
    let Some(inner) = path.strip_prefix(&part.at) else { return Ok(None) };
    let tree = match part.input {
        Input::Derivation(id) => engine.remembered(&id)?,
        Input::Tree(id) => Some(id),
    };
    let Some(tree) = tree else { return Ok(None) };
    Ok(entry(engine, &tree, &inner)?.map(|entry| (inner, entry)))
}

/// Returns an entry of a tree; none when the tree isn't in the store any more.
fn entry(engine: &Engine<'_>, tree: &TreeId, path: &TreePath) -> Result<Option<Entry>, BuildError> {
    if !engine.store.has_tree(tree)? {
        return Ok(None);
    }
    Ok(engine.store.tree(tree)?.get(path).cloned())
}
