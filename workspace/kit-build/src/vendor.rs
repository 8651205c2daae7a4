//! Bundles: everything that lockfiles need to build and to be verified, in one directory that needs no network.
//!
//! A bundle is an OCI image layout, so that a registry takes it as it is: its one manifest is an artifact whose layers are the files. What
//! reads it needs no document, since each file is where its digest says.
//!
//! ```text
//! oci-layout              {"imageLayoutVersion":"1.0.0"}
//! index.json              the manifest, by the name `vendor`
//! blobs/sha256/<digest>   the manifest, its empty configuration, and the files: packages, archives, crates, layers, `InRelease` and the
//!                         indexes that it lists, lockfiles, and the project's own files as one archive
//! ```

mod chain;
pub mod project;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use cap_std::fs::Dir;
use kit_format::oci::artifact::{ArtifactFile, EMPTY, artifact_manifest};
use kit_format::oci::graph::{Link, layout_files, link_to, place};
use kit_hash::{BlobId, Sha256, Sha256Reader};
use kit_plan::{Action, Plan};
use kit_recipe::Lockfile;
use kit_store::Store;
use kit_tree::{Mode, Tree, TreePath};

pub use self::chain::{Chain, chains};
use crate::BuildError;

/// The kind of artifact that a bundle is.
pub const ARTIFACT_TYPE: &str = "application/vnd.kit.vendor.v1";
/// The media type of what has no other one.
const BYTES: &str = "application/octet-stream";
/// The name of the manifest in the layout.
const NAME: &str = "vendor";

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendoredFile {
    /// Its name, for people.
    pub title: String,
    /// Bytes; none where the lockfile doesn't say.
    pub size: Option<u64>,
}

/// Files by their digest.
pub type VendoredFiles = BTreeMap<Sha256, VendoredFile>;

/// Returns the files that the steps of a plan fetch.
pub fn fetched(plan: &Plan) -> VendoredFiles {
    let fetches = plan.derivations().iter().filter_map(|derivation| match derivation.action() {
        Action::Fetch(fetch) => Some(fetch),
        Action::Unpack(_) | Action::Run(_) | Action::Compose(_) | Action::Image(_) => None,
    });
    fetches
        .map(|fetch| (fetch.sha256, VendoredFile { title: fetch.file_name.clone(), size: fetch.size }))
        .collect()
}

/// Returns the advisories that a lockfile names, as far as the store has them.
pub fn advisories(store: &Store, lock: &Lockfile) -> Result<VendoredFiles, BuildError> {
    let mut proofs = VendoredFiles::new();
    if let Some(pin) = &lock.advisories
        && let Some(blob) = store.blob_of_sha256(&pin.sha256)?
    {
        let file = VendoredFile { title: "advisories".to_owned(), size: store.blob_size(&blob)? };
        proofs.insert(pin.sha256, file);
    }
    Ok(proofs)
}

/// Puts a text into the store as a file of bundles.
pub fn text_file(store: &Store, title: &str, text: &[u8]) -> Result<(Sha256, VendoredFile), BuildError> {
    let (blob, sha256) = (store.put_bytes(text)?, Sha256::of(text));
    store.put_sha256(&sha256, &blob)?;
    Ok((sha256, VendoredFile { title: title.to_owned(), size: Some(text.len() as u64) }))
}

/// Returns the layout of a bundle; its files are in the store.
pub fn layout(store: &Store, files: &VendoredFiles) -> Result<Tree, BuildError> {
    let mut tree = Tree::new();
    let mut layers = Vec::new();
    for (sha256, file) in files {
        let Some(blob) = store.blob_of_sha256(sha256)? else {
            return Err(BuildError::NotVendored { title: file.title.clone(), sha256: *sha256 });
        };
        let size = store.blob_size(&blob)?.unwrap_or_default();
        put(&mut tree, place(sha256), blob, size);
        let media_type = if file.title == project::TITLE { project::MEDIA_TYPE } else { BYTES };
        let (title, media_type) = (file.title.clone(), media_type.to_owned());
        layers.push(ArtifactFile { title, media_type, sha256: *sha256, size });
    }
    layers.sort();
    let mut add = |path, bytes: &[u8]| -> Result<(), BuildError> {
        put(&mut tree, path, store.put_bytes(bytes)?, bytes.len() as u64);
        Ok(())
    };
    let written = |error| BuildError::Io {
        what: "write the bundle's manifest".to_owned(),
        source: io::Error::other(error),
    };
    let manifest = artifact_manifest(ARTIFACT_TYPE, &layers).map_err(written)?;
    let link = link_to(&manifest).expect("because the manifest is ours");
    add(place(&Sha256::of(EMPTY)), EMPTY)?;
    add(place(&link.sha256), &manifest)?;
    for (name, bytes) in layout_files(&Link { ref_name: Some(NAME.to_owned()), ..link }).map_err(written)? {
        add(TreePath::new(name).expect("because the layout's names are ours"), &bytes)?;
    }
    Ok(tree)
}

fn put(tree: &mut Tree, path: TreePath, blob: BlobId, size: u64) {
    tree.insert_file(path, Mode::FILE, blob, size).expect("because directories are above files alone");
}

/// A bundle that files are taken from.
#[derive(Debug)]
pub struct Bundle {
    /// The directory of the layout.
    pub dir: Dir,
    /// Its path, for messages.
    pub path: PathBuf,
}

/// What a bundle says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It is there, and as it should be.
    Whole,
    /// It isn't there.
    Missing,
    /// Something else is there.
    Other {
        /// Its digest.
        sha256: Sha256,
    },
}

impl Bundle {
    fn open(&self, sha256: &Sha256) -> io::Result<Option<File>> {
        match self.dir.open(format!("blobs/sha256/{sha256}")) {
            Ok(file) => Ok(Some(file.into_std())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether there is a file of this digest; it isn't read.
    pub fn has(&self, sha256: &Sha256) -> bool {
        self.dir.metadata(format!("blobs/sha256/{sha256}")).is_ok_and(|metadata| metadata.is_file())
    }

    /// Reads a file of at most `limit` bytes; one with another digest is an error.
    pub fn read(&self, sha256: &Sha256, limit: u64) -> Result<Option<Vec<u8>>, BuildError> {
        let io = |source| BuildError::Io { what: format!("read `{}`", self.path.display()), source };
        let Some(file) = self.open(sha256).map_err(io)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > limit {
            return Err(io(io::Error::other(format!("{sha256} has more than {limit} bytes"))));
        }
        let found = Sha256::of(&bytes);
        if found != *sha256 {
            return Err(BuildError::VendoredOther { path: self.path.clone(), expected: *sha256, found });
        }
        Ok(Some(bytes))
    }

    /// Takes a file into the store; tells whether it is there.
    pub fn take(&self, store: &Store, sha256: &Sha256) -> Result<bool, BuildError> {
        let scratch = store.scratch()?;
        let io = |source| BuildError::Io { what: "write a file of the bundle".to_owned(), source };
        let mut file = scratch.dir().create("file").map_err(io)?.into_std();
        if !self.copy(sha256, &mut file, &mut |_| ())? {
            return Ok(false);
        }
        let (blob, _) = store.put_stream(&mut scratch.dir().open("file").map_err(io)?)?;
        store.put_sha256(sha256, &blob)?;
        Ok(true)
    }

    /// Copies a file; tells whether it is there. One with another digest is an error.
    pub(crate) fn copy(
        &self,
        sha256: &Sha256,
        to: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<bool, BuildError> {
        let io = |source| BuildError::Io { what: format!("read `{}`", self.path.display()), source };
        let Some(file) = self.open(sha256).map_err(io)? else { return Ok(false) };
        let mut reader = Sha256Reader::new(file);
        let (mut buffer, mut done) = (vec![0; 1 << 16], 0);
        loop {
            let length = reader.read(&mut buffer).map_err(io)?;
            if length == 0 {
                break;
            }
            to.write_all(&buffer[..length]).map_err(io)?;
            done += length as u64;
            progress(done);
        }
        let found = reader.finish();
        if found == *sha256 {
            return Ok(true);
        }
        Err(BuildError::VendoredOther { path: self.path.clone(), expected: *sha256, found })
    }

    /// Reads a file and holds it against its digest.
    pub fn check(&self, sha256: &Sha256) -> Result<Held, BuildError> {
        let io = |source| BuildError::Io { what: format!("read `{}`", self.path.display()), source };
        let Some(file) = self.open(sha256).map_err(io)? else { return Ok(Held::Missing) };
        let mut reader = Sha256Reader::new(file);
        io::copy(&mut reader, &mut io::sink()).map_err(io)?;
        let found = reader.finish();
        Ok(if found == *sha256 { Held::Whole } else { Held::Other { sha256: found } })
    }
}
