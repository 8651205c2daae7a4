//! `kit verify FILE`: finds the lockfile that a file carries the digest of, builds it, and compares.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kit_build::engine::Trees;
use kit_build::verify::Depth;
use kit_format::authenticode::Changed;
use kit_hash::{BlobHasher, Sha256};
use kit_source::history::History;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::Args;
use super::beside::Layout;
use super::carried::carried;
use super::files::{self, DirFiles, Files};
use super::program;
use super::rebuild::{Artifact, Job, Verified, verify};
use crate::Failure;
use crate::context::Context;
use crate::locks;
use crate::opened::kind::Kind;
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
    let (kind, pin) = carried(path, context)?;
    let project = context.project()?;
    let history = History { program: "git", path: project.path() };
    let found = locks::find(project, &history, args.lock.as_deref(), &pin, kind.format())?;
    let subject = Subject { path, kind, output: kind.output(found.image.as_str()), place: found.place };
    context.output.say(&format!("{}: {}, lockfile {}\n", path.display(), kind.words(), subject.place));
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

/// A file, and what it should be.
struct Subject<'a> {
    path: &'a Path,
    kind: Kind,
    output: String,
    place: String,
}

impl Subject<'_> {
    fn compare(&self, piece: &Workpiece, store: &Store, trees: &Trees) -> Result<Artifact, Failure> {
        let missing = || Failure::NotBuilt { what: self.output.clone(), subject: piece.lock_word() };
        let output = piece.plan.outputs.get(&self.kind.format()).ok_or_else(missing)?;
        let tree = store.tree(&trees[output])?;
        let failed = |source| Failure::File { action: "read", path: PathBuf::from(self.path), source };
        let mut besides = None;
        let (explanations, digests) = match files::open(self.path)? {
            Files::Directory(dir) => {
                let found = DirFiles::read(&dir).map_err(failed)?;
                let expected = below(&tree, &self.output);
                let found = Layout::without_signatures((found.tree(), &found), (&expected, store));
                let explanations = files::trees((&expected, store), (&found.tree, &found)).map_err(failed)?;
                let digest = |name: &str| -> Result<_, Failure> {
                    let path = TreePath::new(name).expect("because it is a constant path");
                    let Some(Entry::File { blob, .. }) = found.tree.get(&path) else {
                        return Err(failed(io::ErrorKind::NotFound.into()));
                    };
                    let sha256 = sha256(&mut found.open(blob).map_err(failed)?).map_err(failed)?;
                    Ok((format!("{}/{name}", self.output), sha256))
                };
                (explanations, [digest("index.json")?, digest("oci-layout")?].into())
            }
            Files::File(file) => {
                let place = TreePath::new(&self.output).map_err(|_| missing())?;
                let Some(Entry::File { blob, size, .. }) = tree.get(&place) else { return Err(missing()) };
                let whole = self.whole(&file)?;
                let length = files::length(&file, self.path)?;
                besides = (length != whole.length).then_some("its signatures");
                let mut expected = store.open(blob).map_err(failed)?;
                let found = &mut whole.stream(&file).map_err(failed)?;
                let explanations =
                    files::streams((&mut expected, *size), (found, whole.length)).map_err(failed)?;
                let digest = sha256(&mut whole.stream(&file).map_err(failed)?).map_err(failed)?;
                (explanations, [(self.output.clone(), digest)].into())
            }
        };
        Ok(Artifact {
            path: PathBuf::from(self.path),
            kind: self.kind.words(),
            output: self.output.clone(),
            found: self.place.clone(),
            digests,
            is_same: explanations.is_empty(),
            besides,
            explanations,
        })
    }
}

impl Subject<'_> {
    /// Returns what of a file is compared: all of it, but signatures that are declared to be no part of what was built.
    fn whole(&self, file: &File) -> Result<Whole, Failure> {
        let length = files::length(file, self.path)?;
        if self.kind != Kind::Uki {
            return Ok(Whole { length, unsigned: None });
        }
        let unreadable =
            |source| Failure::UnreadableArtifact { path: self.path.to_owned(), source: Box::new(source) };
        let unsigned = program::identity(file, length).map_err(unreadable)?;
        Ok(Whole { length: unsigned.length(), unsigned: Some(unsigned) })
    }
}

/// A file as it is compared.
struct Whole {
    length: u64,
    /// The program without its signatures, where it can have some.
    unsigned: Option<Changed>,
}

impl Whole {
    fn stream<'a>(&'a self, file: &'a File) -> io::Result<Box<dyn Read + 'a>> {
        let file = program::from_start(file)?;
        Ok(match &self.unsigned {
            Some(unsigned) => Box::new(unsigned.stream(file)),
            None => file,
        })
    }
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
