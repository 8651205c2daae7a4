//! An ISO into a tree, strictly: what was written here, and what others write.
//!
//! With Rock Ridge, the plain hierarchy is read with all that it says, relocated directories where they belong; without, Joliet's or the
//! plain names, files as 0644 and directories as 0755 of root. Times aren't kept. Hard links are found by the inode numbers of Rock
//! Ridge 1.12. What firmware starts and lies in no directory is left out.

mod error;
mod record;
mod system_use;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom};

use kit_hash::BlobId;
use kit_tree::draft::{Draft, File, Node};
use kit_tree::path::Escaped;
use kit_tree::{BlobSink, Entry, FileName, Meta, Mode, Tree, TreePath};

pub use self::error::IsoReadError;

use self::record::{Hierarchy, Record, Records, hierarchy};
use self::system_use::{Attributes, SystemUse};
use super::BLOCK;
use super::places::Extent;
use crate::limits::{Budget, Limits};
use crate::stat::FileType;

/// Reads an ISO; content goes to `sink`.
pub fn read(reader: impl Read + Seek, limits: &Limits, sink: &dyn BlobSink) -> Result<Tree, IsoReadError> {
    let mut disc = Disc { reader, budget: Budget::new(limits) };
    let hierarchy = hierarchy(&mut disc)?;
    let mut walk = Walk {
        disc,
        sink,
        hierarchy,
        draft: Draft::default(),
        seen: BTreeSet::new(),
        contents: BTreeMap::new(),
        linked: BTreeMap::new(),
    };
    let mut waiting = vec![(TreePath::root(), walk.hierarchy.root)];
    while let Some((path, extent)) = waiting.pop() {
        walk.directory(&path, extent, &mut waiting)?;
    }
    walk.draft.finish().map_err(|error| unreachable!("because all lies in directories: {error}"))
}

/// The blocks of an ISO.
struct Disc<'a, R> {
    reader: R,
    /// Directories and continuation areas are what is in memory.
    budget: Budget<'a>,
}

impl<R: Read + Seek> Disc<'_, R> {
    /// Reads what is small.
    fn bytes(&mut self, block: u32, size: u64) -> Result<Vec<u8>, IsoReadError> {
        let over = |source| IsoReadError::Limit { path: String::from("/"), source };
        self.budget.memory(size).map_err(over)?;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => IsoReadError::Truncated { block },
            _ => IsoReadError::Read { block, source },
        };
        self.reader.seek(SeekFrom::Start(u64::from(block) * BLOCK as u64)).map_err(failed)?;
        let mut bytes = Vec::new();
        self.reader.by_ref().take(size).read_to_end(&mut bytes).map_err(failed)?;
        if (bytes.len() as u64) < size { Err(IsoReadError::Truncated { block }) } else { Ok(bytes) }
    }
}

/// The tree as far as it is read.
struct Walk<'a, R> {
    disc: Disc<'a, R>,
    sink: &'a dyn BlobSink,
    hierarchy: Hierarchy,
    draft: Draft,
    /// Blocks of directories that were read.
    seen: BTreeSet<u32>,
    contents: BTreeMap<Vec<Extent>, (BlobId, u64)>,
    /// By inode number: the file, and where its content lies.
    linked: BTreeMap<u32, (Node, Vec<Extent>)>,
}

impl<R: Read + Seek> Walk<'_, R> {
    fn directory(
        &mut self,
        path: &TreePath,
        extent: Extent,
        waiting: &mut Vec<(TreePath, Extent)>,
    ) -> Result<(), IsoReadError> {
        if !self.seen.insert(extent.block) {
            return Err(IsoReadError::Loop { path: path.clone() });
        }
        let bytes = self.disc.bytes(extent.block, extent.size.into())?;
        let mut records = Records::new(&bytes, path);
        while let Some(record) = records.next()? {
            if record.is_dots() {
                if path.is_root() && record.identifier == [0] {
                    self.root(&record)?;
                }
                continue;
            }
            let fields = self.system_use(&record, path)?;
            let below = records.sections(&record)?;
            if !record.is_associated() && !fields.relocated {
                self.entry(path, &record, fields, below, waiting)?;
            }
        }
        Ok(())
    }

    fn system_use(&mut self, record: &Record<'_>, directory: &TreePath) -> Result<SystemUse, IsoReadError> {
        match self.hierarchy.rock_ridge {
            Some(skip) => SystemUse::read(&mut self.disc, record.system_use, skip, directory),
            None => Ok(SystemUse::default()),
        }
    }

    /// The root's mode and owner are in its own first record.
    fn root(&mut self, record: &Record<'_>) -> Result<(), IsoReadError> {
        let path = TreePath::root();
        let fields = self.system_use(record, &path)?;
        let meta = fields.attributes.map_or(Meta::root(Mode::DIRECTORY), Attributes::meta);
        self.draft.insert(path, Node::Other(Entry::Directory(meta)));
        Ok(())
    }

    fn entry(
        &mut self,
        directory: &TreePath,
        record: &Record<'_>,
        mut fields: SystemUse,
        sections: Vec<Extent>,
        waiting: &mut Vec<(TreePath, Extent)>,
    ) -> Result<(), IsoReadError> {
        let name = fields.name.take().unwrap_or_else(|| record.name(self.hierarchy.names));
        let member = format!("{directory}/{}", Escaped(&name));
        let refused = |source| IsoReadError::Path { path: member.clone(), source };
        let path = FileName::new(name).and_then(|name| directory.join(&name)).map_err(refused)?;
        // Its name was counted with its directory.
        self.disc.budget.entry(0).map_err(|source| IsoReadError::Limit { path: path.to_string(), source })?;
        if self.draft.get(&path).is_some() {
            return Err(IsoReadError::Duplicate { path });
        }
        let attributes = fields.attributes.unwrap_or_else(|| {
            let (kind, permissions) = if record.is_directory() || fields.child.is_some() {
                (FileType::Directory, Mode::DIRECTORY)
            } else {
                (FileType::File, Mode::FILE)
            };
            let mode = u32::from(kind.bits()) | permissions.bits();
            Attributes { mode, links: 1, uid: 0, gid: 0, number: 0 }
        });
        let meta = attributes.meta();
        let record_problem = |problem| IsoReadError::Record { path: path.clone(), problem };
        let node = match FileType::of_mode(attributes.mode) {
            Some(FileType::Directory) => {
                let extent = match (fields.child, sections.as_slice()) {
                    (Some(block), _) => self.relocated(block, &path)?,
                    (None, [extent]) if record.is_directory() => *extent,
                    _ => return Err(record_problem("it is a directory that has no records")),
                };
                waiting.push((path.clone(), extent));
                Node::Other(Entry::Directory(meta))
            }
            _ if record.is_directory() => return Err(record_problem("it is a directory and something else")),
            Some(FileType::File) => self.file(&path, attributes, sections)?,
            Some(FileType::Symlink) => {
                let target = fields.target.filter(|target| !target.is_empty() && !target.contains(&0));
                let target = target.ok_or(record_problem("it is a symbolic link to nowhere"))?;
                Node::Other(Entry::Symlink { uid: meta.uid, gid: meta.gid, target })
            }
            Some(FileType::Fifo) => Node::Other(Entry::Fifo(meta)),
            Some(FileType::Device(kind)) => {
                let (major, minor) =
                    fields.device.ok_or(record_problem("it is a device without a number"))?;
                Node::Other(Entry::Device { meta, kind, major, minor })
            }
            Some(FileType::Socket) | None => {
                return Err(record_problem("it is a socket or of no type that there is"));
            }
        };
        self.draft.insert(path, node);
        Ok(())
    }

    /// Returns where a relocated directory lies, whose length only its own first record says.
    fn relocated(&mut self, block: u32, path: &TreePath) -> Result<Extent, IsoReadError> {
        let bytes = self.disc.bytes(block, BLOCK as u64)?;
        match Records::new(&bytes, path).next()? {
            Some(record) if record.identifier == [0] => Ok(Extent { block, size: record.extent.size }),
            _ => {
                let problem = "it was moved to where there is no directory";
                Err(IsoReadError::Record { path: path.clone(), problem })
            }
        }
    }

    fn file(
        &mut self,
        path: &TreePath,
        attributes: Attributes,
        sections: Vec<Extent>,
    ) -> Result<Node, IsoReadError> {
        let meta = attributes.meta();
        let linked = attributes.links > 1 && attributes.number != 0;
        if linked && let Some((node, first)) = self.linked.get(&attributes.number) {
            let same = matches!(node, Node::File(number) if self.draft.file(*number).meta == meta);
            if !same || *first != sections {
                return Err(IsoReadError::HardLink { path: path.clone() });
            }
            return Ok(node.clone());
        }
        let (blob, size) = match self.contents.get(&sections) {
            Some(content) => *content,
            None => self.content(path, &sections)?,
        };
        self.contents.insert(sections.clone(), (blob, size));
        let node = self.draft.add_file(File { meta, blob, size });
        if linked {
            self.linked.insert(attributes.number, (node.clone(), sections));
        }
        Ok(node)
    }

    fn content(&mut self, path: &TreePath, sections: &[Extent]) -> Result<(BlobId, u64), IsoReadError> {
        let size: u64 = sections.iter().map(|section| u64::from(section.size)).sum();
        let limit = |source| IsoReadError::Limit { path: path.to_string(), source };
        self.disc.budget.content(size).map_err(limit)?;
        let mut content = Content { reader: &mut self.disc.reader, sections, skip: 0, failure: None };
        let put = self.sink.put(&mut content);
        if let Some(failure) = content.failure {
            return Err(failure);
        }
        let keep = |source| IsoReadError::Keep { path: path.clone(), source };
        match put.map_err(keep)? {
            (blob, kept) if kept == size => Ok((blob, size)),
            _ => Err(keep(io::Error::other("the store didn't take the whole content"))),
        }
    }
}

/// The content of a file, part by part.
struct Content<'a, R> {
    reader: &'a mut R,
    sections: &'a [Extent],
    /// Bytes of the first section that were read.
    skip: u32,
    failure: Option<IsoReadError>,
}

impl<R: Read + Seek> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((section, rest)) = self.sections.split_first() else { return Ok(0) };
            let left = section.size - self.skip;
            if left == 0 {
                (self.sections, self.skip) = (rest, 0);
                continue;
            }
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            if wanted == 0 {
                return Ok(0);
            }
            let start = u64::from(section.block) * BLOCK as u64 + u64::from(self.skip);
            let read = self
                .reader
                .seek(SeekFrom::Start(start))
                .and_then(|_| self.reader.read(&mut buffer[..wanted]));
            let block = section.block;
            let failure = match read {
                Ok(0) => IsoReadError::Truncated { block },
                Ok(count) => {
                    self.skip += u32::try_from(count).expect("because no more was asked for");
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => IsoReadError::Read { block, source },
            };
            self.failure = Some(failure);
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the ISO can't be read"));
        }
    }
}

impl Attributes {
    fn meta(self) -> Meta {
        Meta { uid: self.uid, gid: self.gid, ..Meta::root(Mode::from_st_mode(self.mode)) }
    }
}
