//! What is audited: an image of the project, with all its files; or a lockfile, of which only the pins are known.

use std::path::Path;

use kit_audit::Inventory;
use kit_audit::report::Depth;
use kit_build::BuildError;
use kit_build::load::lock_path;
use kit_hash::PinId;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use kit_tree::Tree;

use super::Args;
use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::project::read_file;
use crate::workbench::parse_name;

/// The longest lockfile that is read, in bytes.
const LONGEST_LOCK: u64 = 64 << 20;

/// What is audited.
pub(super) struct Audited {
    /// What people call it.
    pub(super) name: String,
    /// Its lockfile.
    pub(super) path: Option<String>,
    pub(super) pin: Option<PinId>,
    pub(super) depth: Depth,
    /// What it is made of, where its recipes aren't known.
    inventory: Option<Inventory>,
    pub(super) lock: Option<Lockfile>,
    /// The image, where the project has its recipes.
    pub(super) built: Option<Built>,
    /// Its root file system.
    pub(super) root: Option<Tree>,
}

impl Audited {
    /// Returns what it is made of.
    pub(super) fn inventory(&self) -> Option<&Inventory> {
        self.built.as_ref().map(|built| &built.inventory).or(self.inventory.as_ref())
    }
}

pub(super) fn read(args: &Args, context: &Context, store: &Store) -> Result<Audited, Failure> {
    let path = Path::new(&args.subject);
    if path.extension().is_some_and(|extension| extension == "lock") {
        return lockfile(path);
    }
    image(&args.subject, context, store)
}

fn image(text: &str, context: &Context, store: &Store) -> Result<Audited, Failure> {
    let subject = Subject::Image(parse_name(text, "an image or a lockfile")?);
    let built = Built::prepare(context, store, &subject, Wanted::Shipped)?;
    let root = built.root(store)?;
    let lock = built.piece.lock.clone();
    Ok(Audited {
        name: text.to_owned(),
        path: Some(lock_path(&subject)),
        pin: Some(built.inventory.pin),
        depth: Depth::Files,
        inventory: None,
        lock: Some(lock),
        built: Some(built),
        root: Some(root),
    })
}

fn lockfile(path: &Path) -> Result<Audited, Failure> {
    let shown = path.display().to_string();
    let bytes = read_file(path, LONGEST_LOCK)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::NotText { path: shown.clone() })?;
    let lock = match Lockfile::parse(&text) {
        Ok(lock) => lock,
        Err(problems) => return Err(BuildError::LockProblems { path: shown, text, problems }.into()),
    };
    let inventory = Inventory::of_lock(&lock).map_err(|_| Failure::ToolsAudited { path: shown.clone() })?;
    Ok(Audited {
        name: inventory.image.clone(),
        path: Some(shown),
        pin: Some(inventory.pin),
        depth: Depth::Lock,
        inventory: Some(inventory),
        lock: Some(lock),
        built: None,
        root: None,
    })
}
