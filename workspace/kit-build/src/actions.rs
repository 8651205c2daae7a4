//! How each of the five actions is done.

use std::io::{Seek as _, SeekFrom};

use cap_std::fs::OpenOptions;
use kit_hash::{BlobId, Sha256, TreeId};
use kit_plan::Derivation;
use kit_plan::derivation::{Action, Fetch, Input, Run};
use kit_store::{Measured, Store, StoreError};
use kit_tree::{Mode, Tree, TreePath};

use crate::BuildError;
use crate::engine::{Engine, Trees};
use crate::seams::{Event, Executed, Script};
use crate::workers::Threads;

mod compose;
mod image;
mod unpack;

/// What a step came out as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    /// The result.
    pub(crate) tree: TreeId,
    /// What it had to say.
    pub(crate) log: Option<BlobId>,
    /// What its script took, with its wall time still open.
    pub(crate) took: Measured,
}

impl Done {
    /// Of a step that has nothing to say.
    pub(crate) fn of(tree: TreeId) -> Self {
        Self { tree, log: None, took: Measured::default() }
    }
}

/// Does a step whose inputs are in the store.
pub(crate) fn perform(
    engine: &Engine<'_>,
    derivation: &Derivation,
    inputs: &Trees,
) -> Result<Done, BuildError> {
    let tree_of = |input: &Input| match input {
        Input::Derivation(id) => inputs[id],
        Input::Tree(id) => *id,
    };
    let title = derivation.title();
    match derivation.action() {
        Action::Fetch(fetch) => self::fetch(engine, title, fetch),
        Action::Unpack(unpack) => unpack::unpack(engine.store, title, unpack, tree_of(&unpack.input)),
        Action::Run(run) => self::run(engine, derivation, run, &tree_of),
        Action::Compose(compose) => compose::compose(engine.store, title, compose, &tree_of),
        Action::Image(image) => {
            image::write(engine.store, Threads::of_jobs(engine.jobs), title, image, &tree_of)
        }
    }
}

/// Whether the store has a file of this digest.
pub(crate) fn is_downloaded(store: &Store, sha256: &Sha256) -> bool {
    store.blob_of_sha256(sha256).is_ok_and(|blob| blob.is_some())
}

fn fetch(engine: &Engine<'_>, title: &str, fetch: &Fetch) -> Result<Done, BuildError> {
    let store = engine.store;
    let known = match store.blob_of_sha256(&fetch.sha256)? {
        Some(blob) => store.blob_size(&blob)?.map(|size| (blob, size)),
        None => None,
    };
    let (blob, size) = if let Some(known) = known {
        known
    } else {
        let scratch = store.scratch()?;
        let mut progress = |bytes| engine.events.event(Event::Fetched { title, bytes });
        let path = scratch.path().join("download");
        let io = |source| StoreError::io_sized("write", &path, fetch.size.unwrap_or(0), source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let mut file = scratch.dir().open_with("download", &options).map_err(io)?.into_std();
        engine.fetch.fetch(fetch, &mut file, &mut progress).map_err(|error| match error {
            BuildError::Io { source, .. } => io(source).into(),
            error => error,
        })?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let (blob, size) = store.put_stream(&mut file)?;
        store.put_sha256(&fetch.sha256, &blob)?;
        (blob, size)
    };
    let mut tree = Tree::new();
    let path = TreePath::new(&fetch.file_name)
        .map_err(|source| BuildError::FileName { name: fetch.file_name.clone(), source })?;
    tree.insert_file(path, Mode::FILE, blob, size).expect("because the tree is empty");
    Ok(Done::of(store.put_tree(&tree)?))
}

fn run(
    engine: &Engine<'_>,
    derivation: &Derivation,
    run: &Run,
    tree_of: &dyn Fn(&Input) -> TreeId,
) -> Result<Done, BuildError> {
    let title = derivation.title();
    let script = script(derivation, run, tree_of);
    let mut log = Vec::new();
    let result = engine.execute.execute(&script, &mut |bytes| {
        log.extend_from_slice(bytes);
        engine.events.event(Event::Printed { title, bytes });
    });
    let Executed { tree, cpu_millis, peak_memory_bytes } = result.map_err(|error| error.with_log(&log))?;
    let took = Measured { wall_millis: 0, cpu_millis, peak_memory_bytes };
    Ok(Done { tree, log: Some(engine.store.put_bytes(&log)?), took })
}

/// Returns the script of a step whose inputs are known.
pub fn script<'a>(
    derivation: &'a Derivation,
    run: &'a Run,
    tree_of: &dyn Fn(&Input) -> TreeId,
) -> Script<'a> {
    Script {
        title: derivation.title(),
        derivation: derivation.id(),
        root: tree_of(&run.root),
        sources: run.sources.iter().map(|(name, input)| (name.clone(), tree_of(input))).collect(),
        script: &run.script,
        env: &run.env,
        timeout: run.timeout,
        processors: run.processors,
    }
}

/// The one regular file of a tree, as a fetch leaves it.
pub(crate) fn only_file(tree: &Tree) -> Option<(&TreePath, BlobId)> {
    tree.entries().find_map(|(path, entry)| match entry {
        kit_tree::Entry::File { blob, .. } => Some((path, *blob)),
        _ => None,
    })
}
