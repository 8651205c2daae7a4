//! An image into a tree, strictly: for reading back what was written, by us or by others.
//!
//! Plain files, inlined tails, chunks on the same device, both kinds of index, inlined last clusters, LZ4 and zstd are read; other codecs,
//! fragments, several devices and blocks of another size than 4096 bytes aren't.

mod content;
mod extents;
mod image;
mod names;
mod xattrs;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use kit_tree::draft::{Draft, File, Node};
use kit_tree::{BlobSink, DeviceKind, Entry, FileName, Meta, Mode, PathError, Tree, TreeError, TreePath};

use self::content::ContentReader;
use self::image::{Found, Image};
use super::TARGET_MAX;
use super::inodes;
use crate::limits::{Budget, LimitError, Limits};

/// Why an image is refused.
#[derive(Debug, thiserror::Error)]
pub enum ErofsReadError {
    /// The bytes can't be had.
    #[error("can't read the image")]
    Read(#[from] io::Error),
    /// It ends too early.
    #[error("the image ends before byte {offset}")]
    Truncated {
        /// What was to be read up to here.
        offset: u64,
    },
    /// It is something else.
    #[error("there is no superblock of EROFS")]
    Superblock,
    /// The first block isn't what it was.
    #[error("the checksum of the superblock is {found:08x}, not {expected:08x}")]
    Checksum {
        /// What it says.
        expected: u32,
        /// What the bytes have.
        found: u32,
    },
    /// It uses what isn't read here.
    #[error("the image has {what}, which aren't read")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// It contradicts itself.
    #[error("`{path}` is damaged: {what}")]
    Damaged {
        /// The entry.
        path: TreePath,
        /// What is wrong.
        what: &'static str,
    },
    /// It goes over a limit.
    #[error("`{path}` is too much")]
    Limit {
        /// The entry.
        path: TreePath,
        /// Which limit.
        source: LimitError,
    },
    /// A name isn't one that may stand in a tree.
    #[error("a name in `{path}` is refused")]
    Name {
        /// The directory.
        path: TreePath,
        /// Why.
        source: PathError,
    },
    /// A socket, or no type at all.
    #[error("`{path}` has the mode {mode:o}, which is refused")]
    Kind {
        /// The entry.
        path: TreePath,
        /// Its mode with the type bits.
        mode: u16,
    },
    /// The content can't be kept.
    #[error("can't keep the content of `{path}`")]
    Keep {
        /// The file.
        path: TreePath,
        /// What the store said.
        source: io::Error,
    },
    /// The entries are no tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Reads an image; its contents go to `sink`.
pub fn read<R: Read + Seek>(source: R, limits: &Limits, sink: &dyn BlobSink) -> Result<Tree, ErofsReadError> {
    let image = Image::open(source)?;
    let mut walk = Walk {
        image,
        budget: Budget::new(limits),
        limits,
        sink,
        files: BTreeMap::new(),
        directories: BTreeSet::new(),
        draft: Draft::default(),
    };
    walk.all()?;
    Ok(walk.draft.finish()?)
}

struct Walk<'a, R> {
    image: Image<R>,
    limits: &'a Limits,
    sink: &'a dyn BlobSink,
    budget: Budget<'a>,
    files: BTreeMap<u64, Node>,
    directories: BTreeSet<u64>,
    draft: Draft,
}

/// Says which entry went over a limit.
fn over(path: &TreePath) -> impl FnOnce(LimitError) -> ErofsReadError {
    |source| ErofsReadError::Limit { path: path.clone(), source }
}

impl<R: Read + Seek> Walk<'_, R> {
    fn all(&mut self) -> Result<(), ErofsReadError> {
        let mut waiting = vec![(TreePath::root(), self.image.root())];
        while let Some((path, number)) = waiting.pop() {
            if let Some(known) = self.files.get(&number) {
                self.draft.insert(path, known.clone());
                continue;
            }
            let found = self.image.inode(number, &path)?;
            let kind = found.inode.mode & 0o170_000;
            if path.is_root() && kind != inodes::DIRECTORY.0 {
                return Err(ErofsReadError::Damaged { path, what: "the root is no directory" });
            }
            let meta = self.meta(&path, &found)?;
            let node = if kind == inodes::FILE.0 {
                let file = self.file(&path, &found, meta)?;
                let node = self.draft.add_file(file);
                self.files.insert(number, node.clone());
                node
            } else if kind == inodes::DIRECTORY.0 {
                if !self.directories.insert(number) {
                    return Err(ErofsReadError::Damaged {
                        path,
                        what: "it is a directory that is there twice",
                    });
                }
                self.names(&path, &found, &mut waiting)?;
                Node::Other(Entry::Directory(meta))
            } else {
                Node::Other(self.other(&path, &found, meta)?)
            };
            self.draft.insert(path, node);
        }
        Ok(())
    }

    /// Adds what a directory names to what is still to be read.
    fn names(
        &mut self,
        path: &TreePath,
        found: &Found,
        waiting: &mut Vec<(TreePath, u64)>,
    ) -> Result<(), ErofsReadError> {
        self.budget.memory(found.inode.size).map_err(over(path))?;
        let mut bytes = Vec::new();
        let spans = self.image.spans(found, path)?;
        ContentReader::new(&mut self.image, spans).read_to_end_of(path, &mut bytes)?;
        let names = names::parse(&bytes)
            .ok_or_else(|| ErofsReadError::Damaged { path: path.clone(), what: "its names are" })?;
        let mut last: Option<&[u8]> = None;
        for (name, number) in names {
            if last.is_some_and(|last| last >= name) {
                return Err(ErofsReadError::Damaged { path: path.clone(), what: "its names aren't sorted" });
            }
            last = Some(name);
            if name == b"." || name == b".." {
                continue;
            }
            let refuse = |source| ErofsReadError::Name { path: path.clone(), source };
            let below = path.join(&FileName::new(name).map_err(refuse)?).map_err(refuse)?;
            self.budget.entry(below.as_bytes().len()).map_err(over(&below))?;
            waiting.push((below, number));
        }
        Ok(())
    }

    fn meta(&mut self, path: &TreePath, found: &Found) -> Result<Meta, ErofsReadError> {
        let size = found.attributes_length();
        self.budget.attributes(size).map_err(over(path))?;
        let (xattrs, shared) = xattrs::read(&mut self.image, found, path, self.limits.xattr_bytes)?;
        self.budget.memory(shared).map_err(over(path))?;
        let mode = Mode::from_st_mode(u32::from(found.inode.mode));
        Ok(Meta { mode, uid: found.inode.uid, gid: found.inode.gid, xattrs })
    }

    fn file(&mut self, path: &TreePath, found: &Found, meta: Meta) -> Result<File, ErofsReadError> {
        let size = found.inode.size;
        self.budget.content(size).map_err(over(path))?;
        let spans = self.image.spans(found, path)?;
        let mut reader = ContentReader::new(&mut self.image, spans);
        let put = self.sink.put(&mut reader);
        if let Some(failure) = reader.failure(path) {
            return Err(failure);
        }
        let keep = |source| ErofsReadError::Keep { path: path.clone(), source };
        let (blob, kept) = put.map_err(keep)?;
        if kept != size {
            return Err(keep(io::Error::other("the store didn't take the whole content")));
        }
        Ok(File { meta, blob, size })
    }

    fn other(&mut self, path: &TreePath, found: &Found, meta: Meta) -> Result<Entry, ErofsReadError> {
        let mode = found.inode.mode;
        let kind = match mode & 0o170_000 {
            kind if kind == inodes::SYMLINK.0 => return self.symlink(path, found, &meta),
            kind if kind == inodes::FIFO.0 => return Ok(Entry::Fifo(meta)),
            kind if kind == inodes::CHAR.0 => DeviceKind::Char,
            kind if kind == inodes::BLOCK_DEVICE.0 => DeviceKind::Block,
            _ => return Err(ErofsReadError::Kind { path: path.clone(), mode }),
        };
        let device = found.inode.place;
        let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00);
        Ok(Entry::Device { meta, kind, major, minor })
    }

    fn symlink(&mut self, path: &TreePath, found: &Found, meta: &Meta) -> Result<Entry, ErofsReadError> {
        let most = TARGET_MAX as u64;
        if !(1..=most).contains(&found.inode.size) {
            return Err(ErofsReadError::Damaged {
                path: path.clone(),
                what: "its target is empty or too long",
            });
        }
        if !meta.xattrs.is_empty() {
            return Err(ErofsReadError::Unsupported { what: "attributes of symbolic links" });
        }
        let mut target = Vec::new();
        let spans = self.image.spans(found, path)?;
        ContentReader::new(&mut self.image, spans).read_to_end_of(path, &mut target)?;
        if target.contains(&0) {
            return Err(ErofsReadError::Damaged { path: path.clone(), what: "its target has a NUL byte" });
        }
        Ok(Entry::Symlink { uid: meta.uid, gid: meta.gid, target })
    }
}
