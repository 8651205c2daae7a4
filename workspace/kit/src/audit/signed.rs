//! Whose keys signed what is audited.
//!
//! A trusted key counts where it signed the lockfile, which pins every output, or all outputs that are there and are what the lockfile says.
//! A file, a layout or an image of a registry has signatures of its own; those of its lockfile count where it is what that gives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kit_audit::countermeasures::Signatures;
use kit_audit::report::Depth;
use kit_format::oci::index::without_documents;
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_hash::{BlobHasher, Sha256};
use kit_recipe::Lockfile;
use kit_store::Store;

use super::subject::{Asked, Audited};
use crate::Failure;
use crate::context::Context;
use crate::project::{open_file, read_file};
use crate::signed::{Named, Trust, signers};

/// What is known of signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The trusted keys that signed it; none where there is no project that could trust any.
    pub(crate) by: Option<BTreeSet<String>>,
    /// The same, for the checklist.
    pub(crate) image: Signatures,
}

impl Looked {
    /// Returns what is known where nobody looked.
    pub(super) fn nothing() -> Self {
        Self { by: None, image: Signatures::Unknown }
    }
}

/// Looks for the signatures of what is audited.
pub(crate) fn look(context: &Context, store: &Store, subject: &Audited) -> Result<Looked, Failure> {
    let project = match context.project() {
        Ok(project) => project,
        Err(Failure::NoProject { .. }) => return Ok(Looked::nothing()),
        Err(failure) => return Err(failure),
    };
    let Some(trust) = Trust::of(project)? else {
        // A policy that asks for signatures isn't met because nobody is trusted.
        return Ok(Looked { by: Some(BTreeSet::new()), image: Signatures::Unknown });
    };
    let mut by = BTreeSet::new();
    if let Some(Asked { named, lock }) = &subject.opened {
        by.extend(of_anything(&trust, context, store, named)?);
        // Only the lockfile that gives it counts, not another at its path.
        if let Some((path, digest)) = lock
            && path.is_file()
            && sha256(path)? == *digest
        {
            by.extend(of_file(&trust, path)?);
        }
    } else if let Some(path) = &subject.path {
        match (&subject.lock, &subject.depth) {
            (Some(lock), Depth::Files | Depth::Plan) => {
                by.extend(of_file(&trust, &project.path().join(path))?);
                by.extend(of_outputs(&trust, store, &context.out_path(None)?, lock)?);
            }
            _ => by.extend(of_file(&trust, Path::new(path))?),
        }
    }
    let image = if by.is_empty() { Signatures::Missing } else { Signatures::Verified(by.clone()) };
    Ok(Looked { by: Some(by), image })
}

fn of_file(trust: &Trust, path: &Path) -> Result<BTreeSet<String>, Failure> {
    if !path.is_file() {
        return Ok(BTreeSet::new());
    }
    trust.file(path).map(|judgement| signers(&judgement))
}

/// Returns who signed something that was opened: all images of a layout.
fn of_anything(
    trust: &Trust,
    context: &Context,
    store: &Store,
    named: &Named,
) -> Result<BTreeSet<String>, Failure> {
    match named {
        Named::File(path) => of_file(trust, path),
        Named::Layout(path) => Ok(by_all(trust.layout(path, store)?.iter().map(crate::signed::Of::signers))),
        Named::Registry(reference) => trust.registry(reference, context).map(|of| of.signers()),
    }
}

/// Returns who signed all outputs that are there.
fn of_outputs(
    trust: &Trust,
    store: &Store,
    out: &Path,
    lock: &Lockfile,
) -> Result<BTreeSet<String>, Failure> {
    let mut all = Vec::new();
    for (name, output) in &lock.outputs {
        match name.split_once('/') {
            None => {
                let path = out.join(name);
                if path.is_file() && sha256(&path)? == output.sha256 {
                    all.push(of_file(trust, &path)?);
                }
            }
            Some((directory, "index.json")) => {
                let path = out.join(directory);
                if path.join("index.json").is_file() && is_layout_of(store, &path, &output.sha256)? {
                    let images = trust.layout(&path, store)?;
                    all.push(by_all(images.iter().map(crate::signed::Of::signers)));
                }
            }
            // The index names them.
            Some(_) => {}
        }
    }
    Ok(by_all(all.into_iter()))
}

/// Whether the index of a layout is the pinned one, but for what was put beside its images.
fn is_layout_of(store: &Store, path: &Path, pinned: &Sha256) -> Result<bool, Failure> {
    let odd = |source: Box<dyn std::error::Error + Send + Sync>| Failure::UnreadableArtifact {
        path: PathBuf::from(path),
        source,
    };
    let layout = crate::layouts::take(store, path)?;
    let found =
        kit_build::attached::images_of_layout(&layout, store).map_err(|error| odd(Box::new(error)))?;
    let index = read_file(&path.join("index.json"), LARGEST_DOCUMENT)?;
    if found.about.is_empty() {
        return Ok(Sha256::of(&index) == *pinned);
    }
    let about: Vec<_> = found.about.iter().map(|about| about.document.sha256).collect();
    let own = without_documents(&index, &about).map_err(|error| odd(Box::new(error)))?;
    Ok(Sha256::of(&own) == *pinned)
}

fn by_all(all: impl Iterator<Item = BTreeSet<String>>) -> BTreeSet<String> {
    all.reduce(|one, other| one.intersection(&other).cloned().collect()).unwrap_or_default()
}

fn sha256(path: &Path) -> Result<Sha256, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let mut hasher = BlobHasher::new();
    std::io::copy(&mut open_file(path)?, &mut hasher).map_err(failed)?;
    Ok(hasher.finish().sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signed_one_of_two_files_signed_not_all_of_them() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let all = [set(&["alice", "bob"]), set(&["bob", "carol"])];
        assert_eq!(by_all(all.into_iter()), set(&["bob"]));
        assert_eq!(by_all([set(&["alice"]), set(&[])].into_iter()), set(&[]));
        assert_eq!(by_all(std::iter::empty()), set(&[]));
    }
}
