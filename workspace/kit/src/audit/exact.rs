//! Whether an opened image is what its lockfile gives, digest for digest, and what of it differs beside its root.
//!
//! Who signed the lockfile signed what it gives, and nothing that is merely alike: a file has its digest, a layout its index, and what a
//! registry has its manifest.

use std::collections::BTreeMap;
use std::io;

use kit_audit::{Finding, supply_chain};
use kit_build::attached::images_of_layout;
use kit_format::Limits;
use kit_format::oci::choose::read_saved;
use kit_format::oci::graph::{place, tops};
use kit_format::oci::index::without_documents;
use kit_format::oci::pull::{DocumentError, LARGEST_DOCUMENT, read_manifest};
use kit_format::tar::{TarOptions, read_tar};
use kit_hash::{BlobId, Sha256, Sha256Reader};
use kit_recipe::Name;
use kit_recipe::image::Format;
use kit_store::Store;
use kit_tree::resolve::Resolved;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use crate::Failure;
use crate::context::Context;
use crate::evidence::Built;
use crate::opened::error::OpenError;
use crate::opened::kind::Kind;
use crate::opened::{Configured, Opened};
use crate::progress::Progress;
use crate::workbench::with_engine;

/// How an opened image compares with what its lockfile gives.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Whether it is the very same, so that who signed the lockfile signed it.
    pub(super) is_exact: bool,
    /// What differs beside the root.
    pub(super) findings: Vec<Finding>,
}

/// What a lockfile gives: by its digests, and built where it has none.
pub(super) struct Given<'a> {
    pub(super) context: &'a Context,
    pub(super) store: &'a Store,
    pub(super) built: &'a Built,
    pub(super) image: &'a Name,
    /// Which output the opened image should be.
    pub(super) output: &'a str,
    /// The format of that.
    pub(super) format: Format,
}

/// The digests of the manifest and of the configuration of an image.
struct Digests {
    manifest: Sha256,
    config: Sha256,
}

/// Compares all of an opened image but its root.
pub(super) fn compare(opened: &Opened, given: &Given<'_>) -> Result<Compared, Failure> {
    let mut compared = Compared::default();
    let output = given.output;
    // Without its signatures, it is what was built.
    match opened.unsigned.or(opened.file) {
        Some(_) if opened.file.is_some() && given.locked(output) == opened.file => compared.is_exact = true,
        Some(found) if given.locked(output) == Some(found) => compared.is_exact = true,
        // Its parts are unpacked one after the other, whatever they are: nothing but the whole tells.
        Some(found) if opened.kind.is_whole() => {
            compared.findings.extend(given.differs(output, &found)?);
            compared.is_exact = compared.findings.is_empty();
        }
        _ => {}
    }
    for (end, found) in &opened.beside {
        compared.findings.extend(given.differs(&format!("{}{end}", given.image), found)?);
    }
    if let (false, Some(layout), Some(configured)) = (compared.is_exact, &opened.layout, &opened.configured) {
        let failed = |source| Failure::Open { name: opened.name.clone(), source };
        let index = format!("{output}/index.json");
        if opened.kind == Kind::Oci
            && let Some(locked) = given.locked(&index)
            && own_index(layout, given.store).map_err(failed)? == locked
        {
            compared.is_exact = true;
            return Ok(compared);
        }
        let known = images(&given.layout()?, given.store).map_err(failed)?;
        let whole = known.get(given.image.as_str());
        compared.is_exact =
            opened.kind == Kind::Registry && whole.is_some_and(|whole| whole.manifest == configured.manifest);
        let found = differences((opened.kind, layout, configured), (whole, &known), given.store);
        compared.findings.extend(found.map_err(failed)?);
    }
    Ok(compared)
}

/// Returns what an image, and what lies beside it in the same layout or archive, has that the lockfile doesn't give.
fn differences(
    (kind, layout, configured): (Kind, &Tree, &Configured),
    (whole, known): (Option<&Digests>, &BTreeMap<String, Digests>),
    store: &Store,
) -> Result<Vec<Finding>, OpenError> {
    let mut findings = Vec::new();
    let config = whole.map(|whole| whole.config);
    if config != Some(configured.config) {
        findings.push(supply_chain::altered_part("configuration", config.as_ref(), &configured.config));
    }
    // What a registry has beside it wasn't asked for.
    if kind != Kind::Registry && layout.inode(&constant("index.json")).is_some() {
        for top in tops(layout, store)? {
            let name = top.ref_name.as_deref().unwrap_or_default();
            if top.sha256 != configured.manifest && !known.values().any(|one| one.manifest == top.sha256) {
                let locked = known.get(name).map(|one| &one.manifest);
                findings.push(supply_chain::altered_part(&format!("image {name}"), locked, &top.sha256));
            }
        }
    }
    // What `docker load` goes by, whatever the index says.
    if layout.inode(&constant("manifest.json")).is_some() {
        for saved in read_saved(&read(layout, "manifest.json", store)?)? {
            let config = Sha256::of(&read(layout, &saved.config, store)?);
            if config != configured.config && !known.values().any(|one| one.config == config) {
                findings.push(supply_chain::altered_part("image of manifest.json", None, &config));
            }
        }
    }
    Ok(findings)
}

impl Given<'_> {
    /// Returns the digest that the lockfile has of an output.
    fn locked(&self, output: &str) -> Option<Sha256> {
        self.built.piece.lock.outputs.get(output).map(|output| output.sha256)
    }

    /// Returns what is to be said of a file of the outputs for a kernel that isn't the one that the lockfile gives.
    fn differs(&self, output: &str, found: &Sha256) -> Result<Option<Finding>, Failure> {
        if let Some(locked) = self.locked(output) {
            return Ok((locked != *found).then(|| supply_chain::altered_output(output, &locked, found)));
        }
        let tree = self.output()?;
        let planned = match tree.inode(&TreePath::new(output).map_err(|_| self.missing())?) {
            Some(Entry::File { blob, .. }) => Some(self.sha256(blob)?),
            _ => None,
        };
        let part = format!("file {output}");
        Ok((planned != Some(*found)).then(|| supply_chain::altered_part(&part, planned.as_ref(), found)))
    }

    fn sha256(&self, blob: &BlobId) -> Result<Sha256, Failure> {
        let failed =
            |source: io::Error| Failure::Open { name: self.image.to_string(), source: source.into() };
        let mut reader = Sha256Reader::new(self.store.open(blob).map_err(failed)?);
        io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
        Ok(reader.finish())
    }

    /// Builds the outputs of the format that something is of.
    fn output(&self) -> Result<Tree, Failure> {
        let plan = &self.built.piece.plan;
        let step = *plan.outputs.get(&self.format).ok_or_else(|| self.missing())?;
        let progress = Progress::new(&self.context.output);
        let trees = with_engine(self.context, self.store, &progress, |engine, _| {
            engine.build(plan, &[step]).map_err(|error| self.built.piece.loaded.locate(error).into())
        });
        progress.finish();
        let trees = trees?;
        Ok(self.store.tree(&trees[&step])?)
    }

    /// Returns the layout that the lockfile gives.
    fn layout(&self) -> Result<Tree, Failure> {
        let tree = self.output()?;
        let top = TreePath::new(self.output).map_err(|_| self.missing())?;
        if let Some(Entry::File { blob, .. }) = tree.get(&top) {
            let failed = |source| Failure::Open { name: self.image.to_string(), source };
            let file = self.store.open(blob).map_err(|error| failed(error.into()))?;
            let inner = read_tar(file, self.store, &Limits::standard(), TarOptions::own());
            return inner.map_err(|error| failed(error.into()));
        }
        let mut inner = Tree::new();
        for (path, entry) in tree.entries() {
            if let Some(path) = path.strip_prefix(&top).filter(|path| !path.is_root()) {
                inner.insert(path, entry.clone()).expect("because it was a tree before");
            }
        }
        Ok(inner)
    }

    fn missing(&self) -> Failure {
        let what = self.output.to_owned();
        Failure::NotBuilt { what, subject: self.built.piece.lock_word() }
    }
}

/// Returns the digests of all images of a layout that kit made, by name.
fn images(layout: &Tree, store: &Store) -> Result<BTreeMap<String, Digests>, OpenError> {
    let mut images = BTreeMap::new();
    for top in tops(layout, store)? {
        let manifest = read(layout, &place(&top.sha256).to_string(), store)?;
        let digests = Digests { manifest: top.sha256, config: read_manifest(&manifest)?.config.sha256 };
        images.insert(top.ref_name.unwrap_or_default(), digests);
    }
    Ok(images)
}

/// Returns the digest of the index of a layout, without what was put beside its images.
fn own_index(layout: &Tree, store: &Store) -> Result<Sha256, OpenError> {
    let index = read(layout, "index.json", store)?;
    let found = images_of_layout(layout, store)?;
    if found.about.is_empty() {
        return Ok(Sha256::of(&index));
    }
    let about: Vec<_> = found.about.iter().map(|about| about.document.sha256).collect();
    let own = without_documents(&index, &about)
        .map_err(|error| DocumentError::Kind { kind: format!("index that can't be read: {error}") })?;
    Ok(Sha256::of(&own))
}

fn read(layout: &Tree, path: &str, store: &Store) -> Result<Vec<u8>, OpenError> {
    let missing = || OpenError::Missing { path: path.trim_start_matches('/').to_owned() };
    let place = TreePath::new(path).map_err(|_| missing())?;
    let Resolved::There(place, _) = layout.resolve(&place) else { return Err(missing()) };
    match layout.inode(&place) {
        Some(Entry::File { blob, .. }) => Ok(store.read(blob, LARGEST_DOCUMENT)?),
        _ => Err(missing()),
    }
}

fn constant(path: &str) -> TreePath {
    TreePath::new(path).expect("because it is a constant path")
}
