//! `kit verify FILE`: finds the lockfile that a file carries the digest of, or that has its own, builds it, and compares.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kit_build::engine::Trees;
use kit_build::verify::Depth;
use kit_hash::{BlobHasher, Sha256};
use kit_recipe::image::Format;
use kit_source::history::History;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::Args;
use super::beside::Layout;
use super::carried::carried;
use super::files::{self, DirFiles, Files};
use super::rebuild::{Artifact, Job, Verified, verify};
use crate::Failure;
use crate::context::Context;
use crate::locks::{self, Found, Sought};
use crate::opened::kind::{Kind, words_of};
use crate::unsigned::Unsigned;
use crate::workbench::Workpiece;

/// Whether a path is that of something.
pub(super) fn is_there(path: &Path) -> bool {
    path.exists()
}

/// Verifies a file.
pub(super) fn file(args: &Args, context: &Context, path: &Path) -> Result<Verified, Failure> {
    if args.depth != Depth::Outputs || args.only.is_some() {
        return Err(Failure::WholeFile);
    }
    let carried = carried(path, context);
    let project = context.project()?;
    let history = History { program: "git", path: project.path() };
    let lock = args.lock.as_deref();
    let kind = carried.as_ref().ok().map(|(kind, _)| *kind);
    let digest = digest(path, kind)?;
    let found = match (carried, digest) {
        (Ok((kind, pin)), file) => {
            locks::find(project, &history, lock, &pin, Sought { kind: Some(kind), file, called: None })?
        }
        // What carries nothing is told by what it is.
        (Err(failure @ (Failure::NoPin { .. } | Failure::UnknownArtifact { .. })), Some(digest)) => {
            locks::find_output(project, &history, lock, (path, &digest))?.ok_or(failure)?
        }
        (Err(failure), _) => return Err(failure),
    };
    let words = kind.map_or_else(|| words_of(&found.output, found.format), Kind::words);
    let Found { output, format, place, .. } = found;
    let subject = Subject { path, kind, words, output, format, place };
    context.output.say(&format!("{}: {words}, lockfile {}\n", path.display(), subject.place));
    let look =
        |piece: &Workpiece, store: &Store, trees: &Trees| subject.compare(piece, store, trees).map(Some);
    let job = Job {
        piece: found.piece,
        image: found.image,
        files: found.files.as_ref(),
        lock_path: found.path,
        lock_sha256: found.sha256,
        depth: args.depth,
        look: &look,
    };
    verify(args, context, job)
}

/// Returns the digest of a file, of a program without its signatures; none of a directory.
fn digest(path: &Path, kind: Option<Kind>) -> Result<Option<Sha256>, Failure> {
    let Files::File(file) = files::open(path)? else { return Ok(None) };
    let whole = unsigned(&file, path, kind)?;
    let digest = whole.stream(&file).and_then(|mut content| sha256(&mut content));
    digest.map(Some).map_err(|source| Failure::File { action: "read", path: path.to_owned(), source })
}

/// A file, and what it should be.
struct Subject<'a> {
    path: &'a Path,
    /// None of what carries nothing.
    kind: Option<Kind>,
    words: &'static str,
    output: String,
    format: Format,
    place: String,
}

impl Subject<'_> {
    fn compare(&self, piece: &Workpiece, store: &Store, trees: &Trees) -> Result<Artifact, Failure> {
        let missing = || Failure::NotBuilt { what: self.output.clone(), subject: piece.lock_word() };
        let output = piece.plan.outputs.get(&self.format).ok_or_else(missing)?;
        let tree = store.tree(&trees[output])?;
        let failed = |source| Failure::File { action: "read", path: PathBuf::from(self.path), source };
        let mut besides = None;
        let (explanations, digests) = match files::open(self.path)? {
            Files::Directory(dir) => {
                let found = DirFiles::read(&dir).map_err(failed)?;
                let top = self.output.split('/').next().unwrap_or_default();
                let expected = below(&tree, top);
                let found = Layout::without_signatures((found.tree(), &found), (&expected, store));
                let explanations = files::trees((&expected, store), (&found.tree, &found)).map_err(failed)?;
                let digest = |name: &str| -> Result<_, Failure> {
                    let path = TreePath::new(name).expect("because it is a constant path");
                    let Some(Entry::File { blob, .. }) = found.tree.get(&path) else {
                        return Err(failed(io::ErrorKind::NotFound.into()));
                    };
                    let sha256 = sha256(&mut found.open(blob).map_err(failed)?).map_err(failed)?;
                    Ok((format!("{top}/{name}"), sha256))
                };
                // An index has the digests of all else.
                let names: Vec<_> = match self.format {
                    Format::Oci => ["index.json", "oci-layout"].map(str::to_owned).into(),
                    _ => files::names(&found.tree),
                };
                (explanations, names.iter().map(|name| digest(name)).collect::<Result<_, _>>()?)
            }
            Files::File(file) => {
                let place = TreePath::new(&self.output).map_err(|_| missing())?;
                let Some(Entry::File { blob, .. }) = tree.get(&place) else { return Err(missing()) };
                let whole = unsigned(&file, self.path, self.kind)?;
                besides = whole.is_signed().then_some("its signatures");
                let given = store.open_blob_file(blob)?;
                // A program that was signed before it came onto the disk has none of its signatures here either.
                let bare = if whole.is_signed() {
                    unsigned(&given, self.path, self.kind)?
                } else {
                    Unsigned::whole(&given).map_err(failed)?
                };
                let mut expected = if bare.is_signed() {
                    bare.stream(&given).map_err(failed)?
                } else {
                    store.open(blob).map_err(failed)?
                };
                let found = &mut whole.stream(&file).map_err(failed)?;
                let explanations =
                    files::streams((&mut expected, bare.length), (found, whole.length)).map_err(failed)?;
                let digest = if bare.is_signed() && explanations.is_empty() {
                    sha256(&mut store.open(blob).map_err(failed)?).map_err(failed)?
                } else {
                    sha256(&mut whole.stream(&file).map_err(failed)?).map_err(failed)?
                };
                (explanations, [(self.output.clone(), digest)].into())
            }
        };
        Ok(Artifact {
            path: PathBuf::from(self.path),
            kind: self.words,
            output: self.output.clone(),
            found: self.place.clone(),
            digests,
            is_same: explanations.is_empty(),
            besides,
            explanations,
        })
    }
}

/// Returns what of a file is compared: all of it, but signatures that are declared to be no part of what was built.
fn unsigned(file: &File, path: &Path, kind: Option<Kind>) -> Result<Unsigned, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let Some(kind) = kind else { return Unsigned::whole(file).map_err(failed) };
    Unsigned::of(kind, file)
        .map_err(|source| Failure::UnreadableArtifact { path: path.to_owned(), source: Box::new(source) })
}

fn sha256(content: &mut dyn Read) -> io::Result<Sha256> {
    let mut hasher = BlobHasher::new();
    io::copy(content, &mut hasher)?;
    Ok(hasher.finish().sha256)
}

/// Returns what is in a directory of a tree.
fn below(tree: &Tree, name: &str) -> Tree {
    let mut inner = Tree::new();
    let Ok(top) = TreePath::new(name) else { return inner };
    for (path, entry) in tree.entries() {
        if let Some(path) = path.strip_prefix(&top).filter(|path| !path.is_root()) {
            inner.insert(path, entry.clone()).expect("because it was a tree before");
        }
    }
    inner
}
