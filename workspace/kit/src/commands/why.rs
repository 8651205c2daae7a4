//! `kit why`: where a file of an image comes from.

mod trace;

use std::process::ExitCode;

use kit_build::load::word;
use kit_recipe::lockfile::Subject;
use kit_tree::dump::Line;
use kit_tree::{Tree, TreePath};
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::text::Text;
use crate::workbench::{Workpiece, parse_name, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit why minimal /etc/os-release
  kit why minimal /containers/services/000-shell/rootfs/usr/bin/busybox";

/// Show which package, source and steps a file of an image comes from
///
/// The image must be built.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Look into this image
    image: String,
    /// Explain this path of its root file system
    path: String,
}

/// How many paths that end alike are named when one isn't there.
const CLOSE: usize = 3;

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let subject = Subject::Image(parse_name(&args.image, "an image")?);
    let path = TreePath::new(&args.path)
        .map_err(|_| Failure::BadName { text: args.path.clone(), what: "a path inside an image" })?;
    let piece = Workpiece::prepare(project, &subject, &[])?;
    let store = context.store()?;
    let progress = Progress::new(&context.output);
    let missing = || Failure::NotBuilt { what: format!("image {}", args.image), subject: word(&subject) };
    let (entry, steps) = with_engine(context, &store, &progress, |engine, _| {
        let root = piece.plan.root.ok_or_else(missing)?;
        let id = engine.remembered(&root)?.ok_or_else(missing)?;
        let tree = store.tree(&id)?;
        let Some(entry) = tree.get(&path) else {
            let close = close(&tree, &path);
            return Err(Failure::NoSuchPath { path: path.to_string(), image: args.image.clone(), close });
        };
        Ok((Line(&path, entry).to_string(), trace::trace(engine, &piece.plan, root, &path)?))
    })?;
    let mut text = Text::default();
    text.line(&entry);
    for step in &steps {
        text.line(format_args!("  {}  {}  {}", step.derivation.short(), step.title, step.what));
    }
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    let object = |step: &trace::Step| {
        json!({
            "derivation": step.derivation.to_string(),
            "step": step.title,
            "path": step.path.to_string(),
            "what": step.what,
        })
    };
    let result = json!({ "entry": entry, "steps": steps.iter().map(object).collect::<Vec<_>>() });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
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
