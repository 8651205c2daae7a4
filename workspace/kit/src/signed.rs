//! Who signed something: a file with signatures beside it, an image in a registry or in a layout, as the project's trusted keys tell.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use kit_audit::dsse::Envelope;
use kit_audit::signature::attached::{Attestation, Signed, judge_attached};
use kit_audit::signature::trust::{Found, Judgement, Quorum, Trusted, judge, judge_envelope};
use kit_audit::signature::{PublicKey, Signature};
use kit_build::attached::{attached_in_layout, images_of_layout};
use kit_format::oci::graph;
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_recipe::{ImageReference, Reference};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry};

use crate::Failure;
use crate::context::Context;
use crate::layouts;
use crate::progress::Progress;
use crate::project::{Project, absolute, open_dir, open_file, read_file};
use crate::workbench::with_engine;

/// How the names of signatures end.
const SUFFIXES: [&str; 2] = [".sig", ".minisig"];

/// Something that is, or is to be, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// A file.
    File(PathBuf),
    /// A directory with a layout.
    Layout(PathBuf),
    /// An image in a registry.
    Registry(Reference),
}

impl Named {
    /// Tells what people mean: what is there on this machine comes first, and a reference names its registry.
    pub(crate) fn read(text: &str) -> Self {
        let path = PathBuf::from(text);
        if path.is_dir() {
            return Self::Layout(path);
        }
        match reference(text) {
            Some(reference) if !path.exists() => Self::Registry(reference),
            _ => Self::File(path),
        }
    }
}

fn reference(text: &str) -> Option<Reference> {
    let (host, _) = text.split_once('/')?;
    let is_host = host == "localhost" || host.contains(['.', ':']);
    if !is_host || !host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[') {
        return None;
    }
    match text.parse() {
        Ok(ImageReference::Registry(reference)) => Some(reference),
        Ok(_) | Err(_) => None,
    }
}

/// The keys that a project trusts, and how many of them have to sign.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) keys: Vec<Trusted>,
    pub(crate) quorum: Quorum,
}

/// Who signed one thing.
#[derive(Debug, Clone)]
pub(crate) struct Of {
    /// What people call it; an image with its digest.
    pub(crate) name: String,
    pub(crate) judgement: Judgement,
    /// What is said about it, where it is an image.
    pub(crate) attestations: Vec<Attestation>,
}

impl Trust {
    /// Returns the keys that a project trusts; none where it trusts nobody.
    pub(crate) fn of(project: &Project) -> Result<Option<Self>, Failure> {
        let settings = &project.settings().signatures;
        let mut keys = Vec::new();
        for (name, written) in &settings.keys {
            let path = project.path().join(written);
            let text = if path.is_file() {
                String::from_utf8(read_file(&path, PublicKey::LIMIT as u64)?)
                    .map_err(|_| Failure::NotText { path: written.clone() })?
            } else {
                written.clone()
            };
            let key =
                PublicKey::parse(&text).map_err(|source| Failure::Key { path: written.into(), source })?;
            keys.push(Trusted { name: name.clone(), key });
        }
        let needed = usize::try_from(settings.needed.unwrap_or(1)).unwrap_or(usize::MAX);
        Ok((!keys.is_empty()).then_some(Self { keys, quorum: Quorum { needed } }))
    }

    /// Judges what people name: a layout may have several images.
    pub(crate) fn judge(&self, text: &str, context: &Context) -> Result<Vec<Of>, Failure> {
        match Named::read(text) {
            Named::File(path) => {
                let judgement = self.file(&path)?;
                Ok(vec![Of { name: text.to_owned(), judgement, attestations: Vec::new() }])
            }
            Named::Layout(path) => self.layout(&path, &context.store()?),
            Named::Registry(reference) => Ok(vec![self.registry(&reference, context)?]),
        }
    }

    /// Judges the signatures beside a file; an envelope has its own.
    pub(crate) fn file(&self, path: &Path) -> Result<Judgement, Failure> {
        let io = |source| Failure::File { action: "read", path: path.to_owned(), source };
        let found = beside(path)?;
        if found.is_empty() && path.extension().is_some_and(|extension| extension == "dsse") {
            let text = read_file(path, Envelope::LIMIT as u64)?;
            let envelope = Envelope::parse(&text)
                .map_err(|source| Failure::Envelope { path: path.to_owned(), source: Box::new(source) })?;
            return Ok(judge_envelope(&envelope, &self.keys, self.quorum));
        }
        judge(&mut BufReader::new(open_file(path)?), &found, &self.keys, self.quorum).map_err(io)
    }

    /// Judges every image of a layout by what the layout has about it.
    pub(crate) fn layout(&self, path: &Path, store: &Store) -> Result<Vec<Of>, Failure> {
        let odd = |source: Box<dyn std::error::Error + Send + Sync>| Failure::UnreadableArtifact {
            path: path.to_owned(),
            source,
        };
        let layout = layouts::take(store, path)?;
        let found = images_of_layout(&layout, store).map_err(|source| odd(Box::new(source)))?;
        if found.images.is_empty() {
            return Err(Failure::WhichOfLayout { path: path.to_owned(), names: Vec::new() });
        }
        let mut all = Vec::new();
        for image in &found.images {
            let gone = || odd(format!("the layout hasn't got {}", image.sha256.oci()).into());
            let Some(Entry::File { blob, .. }) = layout.inode(&graph::place(&image.sha256)) else {
                return Err(gone());
            };
            let manifest = store.read(blob, LARGEST_DOCUMENT).map_err(|error| odd(Box::new(error)))?;
            let attached = attached_in_layout(&layout, store, &found.about, &image.sha256)?;
            let Signed { image: judgement, attestations } =
                judge_attached(&manifest, &attached, &self.keys, self.quorum);
            let name = image.ref_name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            let name = format!("{}{name}@{}", path.display(), image.sha256.oci());
            all.push(Of { name, judgement, attestations });
        }
        Ok(all)
    }

    /// Judges an image of a registry by what the registry has about it.
    pub(crate) fn registry(&self, reference: &Reference, context: &Context) -> Result<Of, Failure> {
        let store = context.store()?;
        let progress = Progress::new(&context.output);
        let found = with_engine(context, &store, &progress, |_, network| {
            let (image, manifest) = network.manifest(reference)?;
            Ok((image, manifest, network.attached(reference, &image)?))
        });
        progress.finish();
        let (image, manifest, attached) = found?;
        let Signed { image: judgement, attestations } =
            judge_attached(&manifest, &attached, &self.keys, self.quorum);
        let name = match reference.digest() {
            Some(_) => reference.to_string(),
            None => format!("{reference}@{}", image.oci()),
        };
        Ok(Of { name, judgement, attestations })
    }
}

impl Of {
    /// Returns the trusted keys with a good signature, by all names of each.
    pub(crate) fn signers(&self) -> BTreeSet<String> {
        signers(&self.judgement)
    }
}

/// Returns the trusted keys with a good signature, by all names of each: a key with two names is one.
pub(crate) fn signers(judgement: &Judgement) -> BTreeSet<String> {
    let named = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    judgement.signers.values().map(named).collect()
}

/// Finds the signatures beside a file: all whose names begin with its name.
fn beside(path: &Path) -> Result<Vec<Found>, Failure> {
    let full = absolute(path)?;
    let (Some(parent), Some(name)) = (full.parent(), full.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let io = |source| Failure::File { action: "list", path: parent.to_owned(), source };
    let begin = format!("{name}.");
    let mut names = Vec::new();
    for entry in open_dir(parent)?.entries().map_err(io)? {
        let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
        if name.starts_with(&begin) && SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            names.push(name);
        }
    }
    names.sort();
    let read = |name: String| {
        let bytes = read_file(&parent.join(&name), Signature::LIMIT as u64)?;
        Ok(Found { signature: Signature::parse(&bytes), at: name })
    };
    names.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_its_registry() {
        for text in ["registry.example/web:1", "localhost/web", "127.0.0.1:5000/team/web@sha256:0"] {
            let is_reference = matches!(Named::read(text), Named::Registry(_));
            assert_eq!(is_reference, !text.contains('@'), "{text}");
        }
        for text in
            ["out/web.tar", "./out/web.tar", "../web.tar", "web.tar", "oci:out/web", "/web.tar", "web:1"]
        {
            assert_eq!(Named::read(text), Named::File(text.into()), "{text}");
        }
        assert_eq!(Named::read("/"), Named::Layout("/".into()));
    }
}
