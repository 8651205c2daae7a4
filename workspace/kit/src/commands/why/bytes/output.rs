//! Finds the output that is meant: a file of an image, or a file on this machine that is one.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use kit_build::load::word;
use kit_hash::{BlobHasher, BlobId, DerivationId, Sha256};
use kit_recipe::Lockfile;
use kit_recipe::image::{Format, Packing};
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use kit_tree::{Entry, Tree};

use super::File;
use crate::Failure;
use crate::commands::why::Args;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::progress::Progress;
use crate::project::{absolute, open_dir, open_file};
use crate::workbench::{parse_name, with_engine};

/// The index of an image layout, which a lockfile has the digest of.
const INDEX: &str = "index.json";
/// What stands beside file systems, and was not laid out.
const PLAIN: [&str; 4] = ["-kernel", "-initrd.img", "-cmdline", "-roothash"];
/// How far above a file the layout is that it is of: `blobs/sha256/DIGEST`.
const ABOVE: usize = 3;

/// A file of an output.
pub(super) struct Output {
    pub(super) built: Built,
    pub(super) format: Format,
    /// The step that writes it.
    pub(super) step: DerivationId,
    /// All files of the output.
    pub(super) tree: Tree,
    /// Where it is, such as `small.oci/index.json`.
    pub(super) path: String,
    pub(super) blob: BlobId,
}

impl Output {
    /// Sees to it that what the pieces of the file are is known, if they are laid out: else it is written once more.
    pub(super) fn laid_out(&self, context: &Context, store: &Store) -> Result<(), Failure> {
        let is_plain = match self.format {
            Format::KernelInitrd
            | Format::Tar
            | Format::CompressedTar(_)
            | Format::TarKernelInitrd
            | Format::Oci
            | Format::DockerArchive
            | Format::Ipxe
            | Format::Lcow
            | Format::Update
            | Format::RaspberryPi(Packing::Archive) => true,
            _ => PLAIN.iter().any(|suffix| self.path.ends_with(suffix)),
        };
        if is_plain || kit_build::extents::of(store, &self.blob).is_some() {
            return Ok(());
        }
        let progress = Progress::new(&context.output);
        let again = with_engine(context, store, &progress, |engine, _| {
            Ok(kit_build::extents::again(engine, &self.built.piece.plan, self.step)?)
        });
        progress.finish();
        again
    }

    pub(super) fn image(&self) -> String {
        self.built.inventory.image.clone()
    }
}

/// Whether an image is named, and not a file: a name of an image goes first.
pub(super) fn is_image(args: &Args, context: &Context) -> bool {
    let path = Path::new(&args.image);
    let is_known = || {
        let images = context.project().and_then(crate::project::Project::own_images);
        images.is_ok_and(|images| images.iter().any(|image| image.as_str() == args.image))
    };
    !args.image.contains('/') && (is_known() || !path.exists())
}

/// Returns the output of an image that is meant.
pub(super) fn of_image(args: &Args, context: &Context, store: &Store) -> Result<File, Failure> {
    let subject = Subject::Image(parse_name(&args.image, "an image or a file")?);
    let files = outputs(context, store, &subject)?;
    let names: Vec<_> = files.iter().map(|(path, ..)| path.clone()).collect();
    let is_meant = |path: &str| match args.of.as_deref() {
        Some(of) => path == of || path.ends_with(&format!("/{of}")) || is_start_of_blob(path, of),
        None => true,
    };
    let meant: Vec<_> = names.iter().filter(|path| is_meant(path)).collect();
    let [path] = meant.as_slice() else {
        // Files of a layout are too many to be named, but for those that aren't told by their digest.
        let few = |names: Vec<String>| names.into_iter().filter(|name| !name.contains("/blobs/")).collect();
        let (image, of) = (args.image.clone(), args.of.clone());
        return Err(Failure::WhichOutput { image, of, outputs: few(names.clone()) });
    };
    file(context, store, &subject, files, &(*path).clone(), None)
}

fn is_start_of_blob(path: &str, of: &str) -> bool {
    const SHORTEST: usize = 6;
    let name = path.rsplit_once("/blobs/sha256/").map(|(_, name)| name);
    of.len() >= SHORTEST && name.is_some_and(|name| name.starts_with(of))
}

/// Returns a file on this machine, with the output that it is where a lockfile of the project knows it.
pub(super) fn of_file(args: &Args, context: &Context, store: Option<&Store>) -> Result<File, Failure> {
    let mut path = PathBuf::from(&args.image);
    let is_directory = absolute(&path)?.is_dir();
    match &args.of {
        Some(of) if is_directory => path = path.join(of),
        None if is_directory => {
            let outputs = names(&path)?;
            return Err(Failure::WhichOutput { image: args.image.clone(), of: None, outputs });
        }
        Some(of) => {
            let outputs = vec![args.image.clone()];
            return Err(Failure::WhichOutput { image: args.image.clone(), of: Some(of.clone()), outputs });
        }
        None => {}
    }
    let (sha256, length) = digest(&path)?;
    let shown = path.display().to_string();
    let of_none = File { shown: shown.clone(), length, path: Some(path.clone()), output: None };
    let Some(store) = store.filter(|_| context.project().is_ok()) else { return Ok(of_none) };
    let Some((subject, name)) = known(context, &path, sha256)? else { return Ok(of_none) };
    let files = outputs(context, store, &subject)?;
    if !files.iter().any(|(path, ..)| *path == name) {
        return Ok(of_none);
    }
    file(context, store, &subject, files, &name, Some(shown))
}

/// Lists the files of a directory; those of a layout are too many.
fn names(path: &Path) -> Result<Vec<String>, Failure> {
    if path.join("oci-layout").exists() {
        return Ok(vec![INDEX.to_owned(), "oci-layout".to_owned(), "blobs/sha256/DIGEST".to_owned()]);
    }
    let failed = |source| Failure::File { action: "look into", path: path.to_owned(), source };
    let mut names = BTreeSet::new();
    for entry in open_dir(path)?.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names.into_iter().collect())
}

/// Returns the image that has a file among its outputs, and under which name.
fn known(context: &Context, path: &Path, sha256: Sha256) -> Result<Option<(Subject, String)>, Failure> {
    let mut layout = None;
    for above in path.ancestors().skip(1).take(ABOVE) {
        if above.join("oci-layout").exists() && above.join(INDEX).exists() {
            let within = path.strip_prefix(above).map(|path| path.display().to_string()).unwrap_or_default();
            layout = Some((digest(&above.join(INDEX))?.0, within));
            break;
        }
    }
    for (_, text) in context.project()?.lock_texts()? {
        // A lockfile that can't be read is no reason to say nothing of a file.
        let Ok(lock) = Lockfile::parse(&text) else { continue };
        for (name, output) in &lock.outputs {
            if output.sha256 == sha256 {
                return Ok(Some((lock.subject, name.clone())));
            }
            if let Some((index, within)) = &layout
                && output.sha256 == *index
                && let Some(above) = name.strip_suffix(INDEX)
            {
                return Ok(Some((lock.subject, format!("{above}{within}"))));
            }
        }
    }
    Ok(None)
}

fn digest(path: &Path) -> Result<(Sha256, u64), Failure> {
    let mut hasher = BlobHasher::new();
    let length = io::copy(&mut open_file(path)?, &mut hasher);
    let length = length.map_err(|source| Failure::File { action: "read", path: path.to_owned(), source })?;
    Ok((hasher.finish().sha256, length))
}

/// A file of an output: its path, what it is, and which step writes it.
type Listed = (String, Format, DerivationId, BlobId, u64);

/// Lists the files of all outputs of an image; builds what of them isn't in the store.
fn outputs(context: &Context, store: &Store, subject: &Subject) -> Result<Vec<Listed>, Failure> {
    let built = Built::prepare(context, store, subject, Wanted::Outputs)?;
    let mut files = Vec::new();
    for (format, step) in &built.piece.plan.outputs {
        for (path, entry) in store.tree(&built.trees[step])?.entries() {
            if let Entry::File { blob, size, .. } = entry {
                let path = path.to_string().trim_start_matches('/').to_owned();
                files.push((path, *format, *step, *blob, *size));
            }
        }
    }
    Ok(files)
}

fn file(
    context: &Context,
    store: &Store,
    subject: &Subject,
    files: Vec<Listed>,
    name: &str,
    shown: Option<String>,
) -> Result<File, Failure> {
    let missing = || Failure::NotBuilt { what: name.to_owned(), subject: word(subject) };
    let found = files.into_iter().find(|(path, ..)| path == name);
    let (path, format, step, blob, length) = found.ok_or_else(missing)?;
    let built = Built::prepare(context, store, subject, Wanted::Shipped)?;
    let progress = Progress::new(&context.output);
    let tree = with_engine(context, store, &progress, |engine, _| {
        let tree = engine.remembered(&step)?.ok_or_else(missing)?;
        Ok(store.tree(&tree)?)
    })?;
    let output = Output { built, format, step, tree, path: path.clone(), blob };
    Ok(File { shown: shown.unwrap_or(path), length, path: None, output: Some(output) })
}
