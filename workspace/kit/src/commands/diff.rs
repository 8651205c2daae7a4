//! `kit diff`: what is another one between two images.

use std::path::Path;
use std::process::ExitCode;

use kit_audit::difference::{Change, Contents, Difference, Moved, difference};
use kit_build::BuildError;
use kit_format::oci::graph::{Link, follow, place, tops};
use kit_format::oci::pull::{DocumentError, LARGEST_DOCUMENT};
use kit_recipe::lockfile::Subject;
use kit_recipe::{Lockfile, Name};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry};
use serde_json::{Value, json};

use super::pull::parse_reference;
use crate::Failure;
use crate::context::Context;
use crate::layouts;
use crate::progress::Progress;
use crate::project::read_file;
use crate::text::Text;
use crate::units::{Bytes, count};
use crate::workbench::with_engine;

const EXAMPLES: &str = "\
Examples:
  kit diff lockfiles/minimal.lock server                   two lockfiles, one by the name of its image
  kit diff before/minimal.oci out/minimal.oci              two layouts, and how much an update moves
  kit diff registry.example/team/web:1 registry.example/team/web:2";

/// The longest lockfile that is read, in bytes.
const LONGEST_LOCK: u64 = 64 << 20;

/// Show what differs between two images: packages, containers, and how many bytes an update moves
///
/// Each of both is the name of an image (its lockfile), a lockfile, the directory of an OCI image layout, or a reference. Layers have sizes in
/// layouts and registries; lockfiles say what is pinned, and how much of that has to be downloaded to build the second one.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Compare this
    #[arg(value_name = "BEFORE")]
    before: String,
    /// Compare it with this
    #[arg(value_name = "AFTER")]
    after: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let before = contents(&args.before, context)?;
    let after = contents(&args.after, context)?;
    let found = difference(&before, &after);
    context.output.data(text(&found).as_str()).map_err(Failure::Output)?;
    context.output.result(&object(&found)).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn contents(text: &str, context: &Context) -> Result<Contents, Failure> {
    let path = Path::new(text);
    if path.extension().is_some_and(|extension| extension == "lock") {
        let bytes = read_file(path, LONGEST_LOCK)?;
        let content = String::from_utf8(bytes).map_err(|_| Failure::NotText { path: text.to_owned() })?;
        let lock = Lockfile::parse(&content).map_err(|problems| BuildError::LockProblems {
            path: text.to_owned(),
            text: content.clone(),
            problems,
        })?;
        return Ok(Contents::of_lock(&lock));
    }
    if path.is_dir() {
        return of_layout(path, &context.store()?);
    }
    if let Ok(name) = text.parse::<Name>() {
        let lock = context.project()?.read_lock(&Subject::Image(name))?;
        return Ok(Contents::of_lock(&lock));
    }
    of_reference(text, context)
}

fn of_layout(path: &Path, store: &Store) -> Result<Contents, Failure> {
    let odd = |source: Box<dyn std::error::Error + Send + Sync>| Failure::UnreadableArtifact {
        path: path.to_owned(),
        source,
    };
    let layout = layouts::take(store, path)?;
    let mut contents = Contents::default();
    for top in tops(&layout, store).map_err(|error| odd(Box::new(error)))? {
        let name = top.ref_name.clone().unwrap_or_else(|| "image".to_owned());
        contents.images.insert(name, top.sha256);
        let mut read = |link: &Link| {
            let missing = || DocumentError::Kind { kind: format!("layout without {}", link.sha256.oci()) };
            let Some(Entry::File { blob, .. }) = layout.inode(&place(&link.sha256)) else {
                return Err(missing());
            };
            store.read(blob, LARGEST_DOCUMENT).map_err(|_| missing())
        };
        let graph = follow(&top, &mut read).map_err(|error| odd(Box::new(error)))?;
        contents.blobs.extend(graph.blobs.values().map(|link| (link.sha256, Some(link.size))));
    }
    Ok(contents)
}

fn of_reference(text: &str, context: &Context) -> Result<Contents, Failure> {
    let reference = parse_reference(text)
        .map_err(|_| Failure::BadName { text: text.to_owned(), what: "an image, a lockfile or a layout" })?;
    let store = context.store()?;
    let progress = Progress::new(&context.output);
    let graph = with_engine(context, &store, &progress, |_, network| {
        let top = network.named(&reference, None)?;
        let graph = network.leads_to(&reference, &top)?;
        Ok((top, graph))
    });
    progress.finish();
    let (top, graph) = graph?;
    let mut contents = Contents::default();
    contents.images.insert("image".to_owned(), top.sha256);
    contents.blobs.extend(graph.blobs.values().map(|link| (link.sha256, Some(link.size))));
    Ok(contents)
}

fn text(found: &Difference) -> Text {
    let mut text = Text::default();
    for change in &found.pins {
        let (kind, name) = &change.key;
        text.line(line(&format!("{} {name}", kind.word()), change));
    }
    for change in &found.images {
        let short = |digests: &[String]| -> Vec<String> {
            digests.iter().map(|digest| digest.chars().take("sha256:".len() + 12).collect()).collect()
        };
        let what = format!("image {}", change.key);
        let change = Change { key: (), before: short(&change.before), after: short(&change.after) };
        text.line(line(&what, &change));
    }
    if found.sources.all > 0 {
        text.line(moved(&found.sources, "source", "to download"));
    }
    text.line(moved(&found.blobs, "blob", "new"));
    text
}

/// Returns such as `2 of 7 blobs new, 1.2 MB`.
fn moved(moved: &Moved, what: &str, word: &str) -> String {
    let bytes = Bytes(moved.known_bytes);
    let bytes = match moved.unknown {
        0 => bytes.to_string(),
        unknown if unknown == moved.new => "sizes unknown".to_owned(),
        unknown => format!("{bytes} and {unknown} of unknown size"),
    };
    format!("{} of {} {word}, {bytes}", moved.new, count(moved.all, what))
}

fn line<K>(what: &str, change: &Change<K>) -> String {
    let (before, after) = (change.before.join(", "), change.after.join(", "));
    match (change.before.is_empty(), change.after.is_empty()) {
        (true, _) => format!("+ {what}  {after}"),
        (_, true) => format!("- {what}  {before}"),
        (false, false) => format!("~ {what}  {before} -> {after}"),
    }
}

fn object(found: &Difference) -> Value {
    let pin = |change: &Change<(kit_audit::difference::Kind, String)>| {
        let (kind, name) = &change.key;
        json!({ "kind": kind.word(), "name": name, "before": change.before, "after": change.after })
    };
    let image = |change: &Change<String>| json!({ "name": change.key, "before": change.before.first(), "after": change.after.first() });
    json!({
        "pins": found.pins.iter().map(pin).collect::<Vec<_>>(),
        "images": found.images.iter().map(image).collect::<Vec<_>>(),
        "blobs": found.blobs.all,
        "new_blobs": found.blobs.new,
        "new_bytes": found.blobs.bytes(),
        "sources": found.sources.all,
        "new_sources": found.sources.new,
        "new_sources_without_size": found.sources.unknown,
        "new_source_bytes": found.sources.known_bytes,
    })
}
