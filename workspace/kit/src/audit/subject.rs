//! What is audited: an image of the project, with all its files; a lockfile, of which only the pins are known; or whatever can be opened.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use kit_audit::inventory::ComponentId;
use kit_audit::inventory::foreign::Foreign;
use kit_audit::licence::Licence;
use kit_audit::report::Depth;
use kit_audit::{Finding, Inventory};
use kit_build::BuildError;
use kit_build::load::lock_path;
use kit_hash::{PinId, Sha256, Sha256Reader};
use kit_recipe::lockfile::Subject;
use kit_recipe::{ImageReference, Lockfile, Name, Reference};
use kit_store::Store;
use kit_tree::Tree;

use super::opened;
use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::opened::{Choice, Configured, Opened};
use crate::project::{open_file, read_file};
use crate::signed;
use crate::workbench::parse_name;

/// The longest lockfile that is read, in bytes.
const LONGEST_LOCK: u64 = 64 << 20;

/// What is audited.
#[derive(Debug)]
pub(crate) struct Audited {
    /// What people call it.
    pub(crate) name: String,
    /// Its lockfile.
    pub(crate) path: Option<String>,
    pub(crate) pin: Option<PinId>,
    pub(crate) depth: Depth,
    /// What it is made of, where there is a lockfile alone.
    pub(super) inventory: Option<Inventory>,
    pub(crate) lock: Option<Lockfile>,
    /// The image, where the project has its recipes.
    pub(crate) built: Option<Built>,
    /// Its root file system.
    pub(crate) root: Option<Tree>,
    /// What the image says of itself, where nothing else says what it is made of.
    pub(crate) foreign: Option<Foreign>,
    /// Whose signatures count, where it was opened.
    pub(crate) opened: Option<Asked>,
    /// What was found when it was opened.
    pub(crate) found: Vec<Finding>,
    /// What it says of how it is run, where its form says that.
    pub(crate) configured: Option<Configured>,
}

/// What is asked for signatures of something that was opened.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The thing itself.
    pub(crate) named: signed::Named,
    /// The path and the digest of its lockfile, where it is exactly what that gives.
    pub(crate) lock: Option<(PathBuf, Sha256)>,
}

impl Audited {
    /// Returns the licences of all components that say them; none where there is nothing to read.
    pub(crate) fn licences(&self, store: &Store) -> Result<Option<BTreeMap<ComponentId, Licence>>, Failure> {
        let Some(root) = &self.root else { return Ok(None) };
        if let Some(built) = &self.built {
            return built.licences(store).map(Some);
        }
        let Some(foreign) = &self.foreign else { return Ok(None) };
        Ok(Some(foreign.licences(root, store)))
    }
}

/// What people name, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// The name of an image, a path, or a reference.
    pub(crate) text: &'a str,
    /// Which one, where there are several.
    pub(crate) choice: Choice<'a>,
    /// The lockfile that a file is from, where it isn't to be looked for.
    pub(crate) lock: Option<&'a Path>,
}

impl Audited {
    /// Returns what it is made of.
    pub(crate) fn inventory(&self) -> Option<&Inventory> {
        let built = self.built.as_ref().map(|built| &built.inventory);
        let foreign = || self.foreign.as_ref().map(|foreign| &foreign.inventory);
        built.or_else(foreign).or(self.inventory.as_ref())
    }

    /// Returns the name of the image that it is; what people call it where nothing says that.
    pub(crate) fn image(&self) -> &str {
        self.inventory().map_or(&self.name, |inventory| &inventory.image)
    }
}

/// Reads what people name.
pub(crate) fn read(named: Named<'_>, context: &Context, store: &Store) -> Result<Audited, Failure> {
    let Named { text, choice, lock } = named;
    let path = Path::new(text);
    if path.extension().is_some_and(|extension| extension == "lock") {
        return lockfile(path);
    }
    match what(text, context)? {
        What::Image => image(text, context, store),
        What::Path => match Opened::path(path, choice, store) {
            Ok(opened) => opened::audited(opened, lock, context, store),
            // Kernels, command lines and the like have no root, but a lockfile may have them.
            Err(failure) if is_no_image(&failure) => {
                let named = signed::Named::File(path.to_owned());
                opened::output((text, &named), &digest(path)?, lock, context, store)?.ok_or(failure)
            }
            Err(failure) => Err(failure),
        },
        What::Reference(reference) => {
            opened::audited(Opened::reference(&reference, choice, context, store)?, lock, context, store)
        }
    }
}

fn is_no_image(failure: &Failure) -> bool {
    matches!(failure, Failure::Open { source, .. } if source.is_no_image())
}

fn digest(path: &Path) -> Result<Sha256, Failure> {
    let mut reader = Sha256Reader::new(open_file(path)?);
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
    Ok(reader.finish())
}

/// What a text names.
enum What {
    Image,
    Path,
    Reference(Reference),
}

/// Tells what a text names: what the project has a recipe for is an image, what is there is a file, and the rest is in a registry where it
/// is written so.
fn what(text: &str, context: &Context) -> Result<What, Failure> {
    let own = context.project().and_then(crate::project::Project::own_images).unwrap_or_default();
    if own.iter().any(|name| name.as_str() == text) {
        return Ok(What::Image);
    }
    if Path::new(text).exists() {
        return Ok(What::Path);
    }
    // What is wrong with an image's name is said where images are looked for; one with a dot is a file that isn't there, rather.
    let name = text.split('@').next().unwrap_or_default();
    if name.parse::<Name>().is_ok() && !name.contains('.') && !text.contains("@sha256:") {
        return Ok(What::Image);
    }
    match text.parse() {
        Ok(ImageReference::Registry(reference)) if is_written_as_reference(text) => {
            Ok(What::Reference(reference))
        }
        _ => Err(Failure::NothingToAudit { text: text.to_owned() }),
    }
}

/// Whether a text is no path that was mistyped: it has a host, a tag or a digest.
fn is_written_as_reference(text: &str) -> bool {
    let (first, rest) = text.split_once('/').map_or(("", text), |(first, rest)| (first, rest));
    let has_host = first == "localhost" || first.trim_start_matches('.').contains(['.', ':']);
    has_host || rest.contains([':', '@'])
}

/// Reads an image of the project, built.
pub(crate) fn image(text: &str, context: &Context, store: &Store) -> Result<Audited, Failure> {
    let subject = Subject::Image(parse_name(text, "an image or a lockfile")?);
    built(Built::prepare(context, store, &subject, Wanted::Shipped)?, store)
}

/// Takes an image that is built, with its components.
pub(crate) fn built(built: Built, store: &Store) -> Result<Audited, Failure> {
    let root = built.root(store)?;
    Ok(Audited { depth: Depth::Files, root: Some(root), ..planned(built) })
}

/// Takes an image of which no file is known.
pub(crate) fn planned(planned: Built) -> Audited {
    let lock = planned.piece.lock.clone();
    Audited {
        name: planned.inventory.image.clone(),
        path: Some(lock_path(&lock.subject)),
        pin: planned.inventory.pin,
        depth: Depth::Plan,
        inventory: None,
        lock: Some(lock),
        built: Some(planned),
        root: None,
        foreign: None,
        opened: None,
        found: Vec::new(),
        configured: None,
    }
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
        pin: inventory.pin,
        depth: Depth::Lock,
        inventory: Some(inventory),
        lock: Some(lock),
        built: None,
        root: None,
        foreign: None,
        opened: None,
        found: Vec::new(),
        configured: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_mistyped_are_no_references() {
        for text in ["out/server.tar", "./server.tar", "../server:1/a", "server.tar", "out/server-initrd.img"]
        {
            assert!(!is_written_as_reference(text) || text.parse::<ImageReference>().is_err(), "{text}");
        }
        for text in
            ["nginx:1.27", "registry.example/team/web", "localhost/web", "127.0.0.1:5000/web:1", "team/web:1"]
        {
            assert!(is_written_as_reference(text) && text.parse::<ImageReference>().is_ok(), "{text}");
        }
    }
}
