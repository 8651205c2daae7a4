//! Signatures of images: made of the manifest, and put beside it in the registry or the layout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kit_audit::attestation::about_image;
use kit_audit::dsse::Envelope;
use kit_audit::statement::Statement;
use kit_build::attached::{About, Piece, images_of_layout};
use kit_format::oci::cosign::{self, Tagged};
use kit_format::oci::graph::{self, Link};
use kit_format::oci::index::with_document;
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_hash::Sha256;
use kit_recipe::Reference;
use kit_tree::{Blobs as _, Entry};

use super::Args;
use super::signer::Signer;
use crate::Failure;
use crate::context::Context;
use crate::layouts;
use crate::progress::Progress;
use crate::project::{open_dir, read_file, write_file};
use crate::workbench::with_engine;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An image that is signed.
struct Image<'a> {
    /// What it is called.
    name: String,
    link: Link,
    manifest: Vec<u8>,
    /// What a failure names.
    shown: &'a Path,
}

/// Returns what a tag has, to which something is added.
type Before<'b> = &'b dyn Fn(&str) -> Result<Option<Vec<u8>>, Failure>;

impl Image<'_> {
    fn failed(&self, source: impl Into<Cause>) -> Failure {
        Failure::Sign { path: self.shown.to_owned(), source: source.into() }
    }

    /// Signs it, or a statement about it; returns what is put beside it.
    fn pieces(&self, args: &Args, signer: &Signer<'_>, before: Before<'_>) -> Result<Vec<Piece>, Failure> {
        match &args.attest {
            Some(document) => self.attested(signer, document, before),
            None => self.signed(signer, before),
        }
    }

    fn signed(&self, signer: &Signer<'_>, before: Before<'_>) -> Result<Vec<Piece>, Failure> {
        let comment = format!("image:{}", self.link.sha256.oci());
        let signature = signer.sign(&mut self.manifest.as_slice(), &comment, self.shown)?;
        let title = format!("manifest.json{}", signature.file_suffix());
        let piece = Piece::signature(&self.link, &title, signature.to_text().into_bytes());
        let mut pieces = vec![piece.map_err(|source| self.failed(source))?];
        if signer.is_pem() {
            let payload =
                cosign::payload(&self.name, &self.link.sha256).map_err(|source| self.failed(source))?;
            let signature = signer.sign(&mut payload.as_slice(), "", self.shown)?.to_text();
            let before = before(&Tagged::Signatures.tag(&self.link.sha256))?;
            let piece =
                Piece::cosign_signature(&self.link, before.as_deref(), payload, signature.trim_ascii());
            pieces.extend(piece.map_err(|source| self.failed(source))?);
        }
        Ok(pieces)
    }

    fn attested(
        &self,
        signer: &Signer<'_>,
        document: &Path,
        before: Before<'_>,
    ) -> Result<Vec<Piece>, Failure> {
        let bytes = read_file(document, Statement::LIMIT)?;
        let attested = about_image(&self.name, &self.link.sha256, &bytes)
            .map_err(|source| Failure::Sign { path: document.to_owned(), source: Box::new(source) })?;
        let text = signer.sign_envelope(Envelope::new(attested.statement), document)?;
        let piece = Piece::attestation(&self.link, &attested.predicate, text.clone());
        let mut pieces = vec![piece.map_err(|source| self.failed(source))?];
        if signer.is_pem() {
            let before = before(&Tagged::Attestations.tag(&self.link.sha256))?;
            let piece = Piece::cosign_attestation(&self.link, before.as_deref(), &attested.predicate, text);
            pieces.extend(piece.map_err(|source| self.failed(source))?);
        }
        Ok(pieces)
    }
}

/// Signs an image of a registry; returns the references of what is beside it then.
pub(super) fn in_registry(
    args: &Args,
    context: &Context,
    signer: &Signer<'_>,
    reference: &Reference,
) -> Result<Vec<String>, Failure> {
    let store = context.store()?;
    let progress = Progress::new(&context.output);
    let shown = PathBuf::from(reference.to_string());
    let repository = format!("{}/{}", reference.registry(), reference.repository());
    let pushed = with_engine(context, &store, &progress, |_, network| {
        let (link, manifest) = network.top_itself(reference)?;
        let image = Image { name: repository.clone(), link, manifest, shown: &shown };
        let before = |tag: &str| Ok(network.tagged(reference, tag)?);
        let mut all = Vec::new();
        for piece in image.pieces(args, signer, &before)? {
            let pushed = network.push_piece(reference, &piece, &progress)?;
            let tag = piece.tag.map(|tag| format!(":{tag}")).unwrap_or_default();
            all.push(format!("{repository}{tag}@{}", pushed.top.oci()));
        }
        Ok(all)
    });
    progress.finish();
    pushed
}

/// Signs every image of a layout; returns the digests of what is beside them then.
pub(super) fn in_layout(
    args: &Args,
    context: &Context,
    signer: &Signer<'_>,
    path: &Path,
) -> Result<Vec<String>, Failure> {
    let odd = |source: Cause| Failure::UnreadableArtifact { path: path.to_owned(), source };
    let store = context.store()?;
    let layout = layouts::take(&store, path)?;
    let found = images_of_layout(&layout, &store).map_err(|source| odd(source.into()))?;
    if found.images.is_empty() {
        return Err(Failure::WhichOfLayout { path: path.to_owned(), names: Vec::new() });
    }
    let read = |sha256: &Sha256| match layout.inode(&graph::place(sha256)) {
        Some(Entry::File { blob, .. }) => {
            store.read(blob, LARGEST_DOCUMENT).map_err(|source| odd(source.into()))
        }
        _ => Err(odd(format!("the layout hasn't got {}", sha256.oci()).into())),
    };
    let index_path = path.join("index.json");
    let mut index = read_file(&index_path, LARGEST_DOCUMENT)?;
    let (mut all, mut kept, mut replaced) = (Vec::new(), BTreeSet::new(), Vec::new());
    for link in found.images {
        let manifest = read(&link.sha256)?;
        let name = link.image_name.clone().or_else(|| link.ref_name.clone()).unwrap_or_default();
        let image = Image { name, link, manifest, shown: path };
        let before = |tag: &str| {
            let there = found.about.iter().find(|about| about.tag.as_deref() == Some(tag));
            there.map(|about| read(&about.document.sha256)).transpose()
        };
        for piece in image.pieces(args, signer, &before)? {
            let under = |about: &&About| piece.tag.is_some() && about.tag == piece.tag;
            replaced.extend(found.about.iter().find(under).map(|about| about.document.sha256));
            for bytes in &piece.blobs {
                let sha256 = Sha256::of(bytes);
                kept.insert(sha256);
                let at = path.join("blobs/sha256").join(sha256.to_string());
                if !at.is_file() {
                    write_file(&at, bytes)?;
                }
            }
            index = with_document(&index, &piece.document, piece.artifact_type)
                .map_err(|source| image.failed(source))?;
            all.push(format!("{}@{}", path.display(), piece.document.sha256.oci()));
        }
    }
    // What the index names is there by now.
    write_file(&index_path, &index)?;
    for document in replaced {
        let config = config_of(&read(&document)?);
        for sha256 in config.into_iter().chain([document]).filter(|sha256| !kept.contains(sha256)) {
            remove(&path.join("blobs/sha256"), &sha256.to_string())?;
        }
    }
    Ok(all)
}

/// Returns what a document names as its configuration: the one of a list of signatures is its own.
fn config_of(manifest: &[u8]) -> Option<Sha256> {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    Sha256::from_oci(manifest["config"]["digest"].as_str()?).ok()
}

/// Takes a file away that nothing names any more.
fn remove(directory: &Path, name: &str) -> Result<(), Failure> {
    let failed = |source| Failure::File { action: "remove", path: directory.join(name), source };
    open_dir(directory)?.remove_file(name).map_err(failed)
}
