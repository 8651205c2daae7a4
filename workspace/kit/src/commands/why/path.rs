//! Where a path of an image comes from.

use kit_tree::dump::Line;
use kit_tree::{Tree, TreePath};
use serde_json::{Value, json};

use super::trace;
use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::text::Text;
use crate::workbench::{Workpiece, with_engine};

/// How many paths that end alike are named when one isn't there.
const CLOSE: usize = 3;

/// Follows a path from the image to the step that brought it.
pub(super) fn explain(
    context: &Context,
    piece: &Workpiece,
    text: &str,
    not_built: &dyn Fn() -> Failure,
) -> Result<(Text, Value), Failure> {
    let path = TreePath::new(text)
        .map_err(|_| Failure::BadName { text: text.to_owned(), what: "a path inside an image" })?;
    let store = context.store()?;
    let progress = Progress::new(&context.output);
    let (entry, steps) = with_engine(context, &store, &progress, |engine, _| {
        let root = piece.plan.root.ok_or_else(not_built)?;
        let id = engine.remembered(&root)?.ok_or_else(not_built)?;
        let tree = store.tree(&id)?;
        let Some(entry) = tree.get(&path) else {
            let close = close(&tree, &path);
            let image = piece.lock_word();
            return Err(Failure::NoSuchPath { path: path.to_string(), image, close });
        };
        Ok((Line(&path, entry).to_string(), trace::trace(engine, &piece.plan, root, &path)?))
    })?;
    let mut text = Text::default();
    text.line(&entry);
    for step in &steps {
        text.line(format_args!("  {}  {}  {}", step.derivation.short(), step.title, step.what));
    }
    let object = |step: &trace::Step| {
        json!({
            "derivation": step.derivation.to_string(),
            "step": step.title,
            "path": step.path.to_string(),
            "what": step.what,
        })
    };
    let result = json!({ "entry": entry, "steps": steps.iter().map(object).collect::<Vec<_>>() });
    Ok((text, result))
}

/// Returns paths that end as the wanted one does, or at least have its last name.
fn close(tree: &Tree, path: &TreePath) -> Vec<String> {
    let whole = [b"/".as_slice(), path.as_bytes()].concat();
    let last = path.file_name().map(|name| [b"/".as_slice(), name.as_bytes()].concat()).unwrap_or_default();
    for end in [whole, last] {
        let ends = tree.entries().map(|(path, _)| path).filter(|p| p.as_bytes().ends_with(&end));
        let found: Vec<_> = ends.take(CLOSE).map(ToString::to_string).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}
