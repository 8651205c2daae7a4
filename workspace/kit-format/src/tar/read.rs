//! Hostile archives into a tree, in one pass.
//!
//! What isn't understood to the last bit is refused: unknown types and attributes, sparse files, names that leave the tree, members
//! below a link or a file, links to what isn't there, bytes after the end. Nothing is ever written through a link, because nothing is
//! written at all: content goes to the sink, and the rest becomes data.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use kit_tree::draft::{Draft, File, Node};
use kit_tree::path::Escaped;
use kit_tree::{BlobSink, DeviceKind, Entry, Meta, Mode, PathError, Tree, TreeError, TreePath};

use super::header::{self, Header};
use super::pax::{Pax, PaxProblem};
use super::{BLOCK, TarReadError};
use crate::input::{Input, InputError, PutError};
use crate::limits::{EntryCount, LimitError, Limits};

/// What to do when a name occurs twice. Directories that are equal are always taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// It is an error.
    Refuse,
    /// The last one counts, as a program that extracts over existing files has it.
    LastWins,
}

/// What to do with device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// They are entries of the tree.
    Keep,
    /// They are an error.
    Refuse,
}

/// What to do with a hard link to a file that didn't come before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// It is an error.
    Within,
    /// It is another name of a file that is elsewhere: an empty file stands in its place.
    Elsewhere,
}

/// How an archive is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TarOptions {
    /// Names that occur twice.
    pub duplicates: Duplicates,
    /// Device nodes.
    pub devices: Devices,
    /// Hard links to what isn't there.
    pub links: Links,
}

/// A tree, and what an archive left out.
pub(crate) struct WithGaps {
    /// What it has.
    pub(crate) tree: Tree,
    /// The directories that it doesn't have itself.
    pub(crate) implied: BTreeSet<TreePath>,
    /// Its hard links to files that are elsewhere, and what those are.
    pub(crate) elsewhere: BTreeMap<TreePath, TreePath>,
}

impl TarOptions {
    /// Returns the options for a distribution's packages: every name once, no device.
    pub const fn package() -> Self {
        Self { duplicates: Duplicates::Refuse, devices: Devices::Refuse, links: Links::Within }
    }

    /// Returns the options for what kit itself wrote: every name once, devices kept.
    pub const fn own() -> Self {
        Self { duplicates: Duplicates::Refuse, devices: Devices::Keep, links: Links::Within }
    }
}

/// Reads an uncompressed archive to the end of `reader`; content goes to `sink`.
///
/// Missing parents become directories with mode 0755 of root. A hard link to a symbolic link becomes a second symbolic link.
pub fn read_tar(
    reader: impl Read,
    sink: &dyn BlobSink,
    limits: &Limits,
    options: TarOptions,
) -> Result<Tree, TarReadError> {
    read_tar_with_gaps(reader, sink, limits, options).map(|read| read.tree)
}

/// Reads an archive like [`read_tar`]; also returns what it left out.
pub(crate) fn read_tar_with_gaps(
    reader: impl Read,
    sink: &dyn BlobSink,
    limits: &Limits,
    options: TarOptions,
) -> Result<WithGaps, TarReadError> {
    let mut archive = Archive {
        input: Input::new(reader, limits),
        sink,
        limits,
        options,
        draft: Draft::default(),
        elsewhere: BTreeMap::new(),
        count: EntryCount::new(limits),
        header_bytes: 0,
        member: String::from("/"),
    };
    while archive.read_member()? {}
    let own: BTreeSet<_> = archive.draft.paths().cloned().collect();
    let elsewhere = archive.elsewhere();
    let tree = archive.draft.finish().map_err(|error| match error {
        TreeError::ParentNotDirectory { path, parent } => {
            TarReadError::BelowNonDirectory { member: path, parent }
        }
        error => unreachable!("because a draft's links name its files: {error}"),
    })?;
    let implied = tree.entries().map(|(path, _)| path).filter(|path| !own.contains(*path)).cloned().collect();
    Ok(WithGaps { tree, implied, elsewhere })
}

struct Archive<'a, R: Read> {
    input: Input<R>,
    sink: &'a dyn BlobSink,
    limits: &'a Limits,
    options: TarOptions,
    draft: Draft,
    /// Files that are elsewhere, by their numbers in the draft.
    elsewhere: BTreeMap<usize, TreePath>,
    count: EntryCount,
    header_bytes: u64,
    /// The member that is read, for errors.
    member: String,
}

/// What the headers before a member's own say.
#[derive(Default)]
struct Before {
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Option<Vec<u8>>,
}

/// One member's headers, all put together.
struct Member {
    name: Vec<u8>,
    link: Vec<u8>,
    kind: u8,
    size: u64,
    meta: Meta,
    device: (u64, u64),
}

impl<R: Read> Archive<'_, R> {
    /// Reads the next member with all headers before it; false at the archive's end.
    fn read_member(&mut self) -> Result<bool, TarReadError> {
        let mut before = Before::default();
        let mut block = [0; BLOCK];
        loop {
            let offset = self.input.offset();
            self.input.read_exact(&mut block).map_err(|e| self.input_error(e))?;
            if block == [0; BLOCK] {
                return self.read_end(offset, &before).map(|()| false);
            }
            let header = Header::new(&block).ok_or(TarReadError::Header { offset })?;
            match header.kind() {
                b'x' | b'g' | b'L' | b'K' => self.read_extension(&header, &mut before)?,
                _ => {
                    self.count.add().map_err(|e| self.limit(e))?;
                    let member = self.put_together(&header, before)?;
                    return self.keep(member).map(|()| true);
                }
            }
        }
    }

    /// Checks the second block of zeros, and that nothing follows.
    fn read_end(&mut self, offset: u64, before: &Before) -> Result<(), TarReadError> {
        if before.long_name.is_some() || before.long_link.is_some() || before.pax.is_some() {
            return Err(self.damaged("no member follows it"));
        }
        if !self.input.skip_zeros(BLOCK as u64).map_err(|e| self.input_error(e))? {
            return Err(TarReadError::Trailing { offset: offset + BLOCK as u64 });
        }
        match self.input.zeros_to_end().map_err(|e| self.input_error(e))? {
            None => Ok(()),
            Some(offset) => Err(TarReadError::Trailing { offset }),
        }
    }

    /// Reads a header that belongs to the next member.
    fn read_extension(&mut self, header: &Header<'_>, before: &mut Before) -> Result<(), TarReadError> {
        let size = header.number(header::SIZE).ok_or_else(|| self.number("size"))?;
        self.header_bytes = self.header_bytes.saturating_add(size);
        if self.header_bytes > self.limits.header_bytes {
            return Err(self.limit(LimitError::HeaderBytes { limit: self.limits.header_bytes }));
        }
        let bytes = self.input.take_vec(size).map_err(|e| self.input_error(e))?;
        self.skip_padding(size)?;
        let twice = match header.kind() {
            b'x' => before.pax.replace(bytes).is_some(),
            b'g' => {
                Pax::check_global(&bytes).map_err(|p| self.pax_error(p))?;
                false
            }
            b'L' => before.long_name.replace(before_nul(bytes)).is_some(),
            _ => before.long_link.replace(before_nul(bytes)).is_some(),
        };
        if twice { Err(self.damaged("there are two of them")) } else { Ok(()) }
    }

    fn skip_padding(&mut self, size: u64) -> Result<(), TarReadError> {
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        // other writers leave garbage there; it has no meaning
        self.input.skip_zeros(padding).map(|_| ()).map_err(|e| self.input_error(e))
    }

    /// Puts a member's own header and those before it together.
    fn put_together(&mut self, header: &Header<'_>, before: Before) -> Result<Member, TarReadError> {
        let Before { long_name, long_link, pax } = before;
        self.member = Escaped(long_name.as_ref().unwrap_or(&header.name())).to_string();
        let pax = Pax::parse(&pax.unwrap_or_default()).map_err(|p| self.pax_error(p))?;
        let both = (pax.path.is_some() && long_name.is_some()) || (pax.link.is_some() && long_link.is_some());
        let name = pax.path.or(long_name).unwrap_or_else(|| header.name());
        self.member = Escaped(&name).to_string();
        if both {
            return Err(self.damaged("a long name is there in both forms"));
        }
        let id = |over: Option<u64>, field| over.or_else(|| header.number(field)).map(u32::try_from);
        let (Some(Ok(uid)), Some(Ok(gid))) = (id(pax.uid, header::UID), id(pax.gid, header::GID)) else {
            return Err(self.number("owner"));
        };
        let mode = header.number(header::MODE).and_then(|mode| u32::try_from(mode).ok());
        let mode = Mode::from_st_mode(mode.ok_or_else(|| self.number("mode"))?);
        let size = pax.size.or_else(|| header.number(header::SIZE)).ok_or_else(|| self.number("size"))?;
        let device = (header.number(header::MAJOR), header.number(header::MINOR));
        let device = (device.0.unwrap_or(u64::MAX), device.1.unwrap_or(u64::MAX));
        let bytes = pax.xattrs.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum();
        if bytes > self.limits.xattr_bytes {
            return Err(self.limit(LimitError::XattrBytes { size: bytes, limit: self.limits.xattr_bytes }));
        }
        Ok(Member {
            link: pax.link.or(long_link).unwrap_or_else(|| header.link().to_vec()),
            kind: directory_by_slash(header.kind(), &name),
            size,
            meta: Meta { mode, uid, gid, xattrs: pax.xattrs },
            device,
            name,
        })
    }

    /// Reads a member's content and keeps it all in the draft.
    fn keep(&mut self, member: Member) -> Result<(), TarReadError> {
        let path =
            if member.name.is_empty() { Err(PathError::Empty) } else { TreePath::from_archive(&member.name) };
        let path = path.map_err(|e| self.path(e))?;
        let file = matches!(member.kind, b'0' | 0 | b'7');
        if !file && member.size != 0 && member.kind != b'S' {
            return Err(TarReadError::Content { member: self.member.clone() });
        }
        let node = match member.kind {
            b'0' | 0 | b'7' => self.keep_file(member.meta, member.size)?,
            b'1' => self.hard_link(&member)?,
            b'2' => Node::Other(self.symlink(member)?),
            b'3' | b'4' => Node::Other(self.device(member)?),
            b'5' => Node::Other(Entry::Directory(member.meta)),
            b'6' => Node::Other(Entry::Fifo(member.meta)),
            b'S' => return Err(TarReadError::Sparse { member: self.member.clone() }),
            kind => return Err(TarReadError::Kind { member: self.member.clone(), kind: char::from(kind) }),
        };
        self.place(path, node)
    }

    fn keep_file(&mut self, meta: Meta, size: u64) -> Result<Node, TarReadError> {
        if size > self.limits.file_bytes {
            return Err(self.limit(LimitError::FileBytes { size, limit: self.limits.file_bytes }));
        }
        let blob = self.input.put(size, self.sink).map_err(|error| match error {
            PutError::Input(source) => self.input_error(source),
            PutError::Sink(source) => TarReadError::Keep { member: self.member.clone(), source },
        })?;
        self.skip_padding(size)?;
        Ok(self.draft.add_file(File { meta, blob, size }))
    }

    fn hard_link(&mut self, member: &Member) -> Result<Node, TarReadError> {
        let missing = || TarReadError::HardLink {
            member: self.member.clone(),
            target: Escaped(&member.link).to_string(),
        };
        let target = TreePath::from_archive(&member.link).map_err(|_| missing())?;
        match self.draft.get(&target) {
            Some(node @ (Node::File(_) | Node::Other(Entry::Symlink { .. }))) => Ok(node.clone()),
            None if self.options.links == Links::Elsewhere && !target.is_root() => {
                let kept = self.sink.put(&mut std::io::empty());
                let (blob, size) =
                    kept.map_err(|source| TarReadError::Keep { member: self.member.clone(), source })?;
                let node = self.draft.add_file(File { meta: member.meta.clone(), blob, size });
                if let Node::File(number) = node {
                    self.elsewhere.insert(number, target);
                }
                Ok(node)
            }
            _ => Err(missing()),
        }
    }

    /// Returns the first name of each file that is elsewhere, and where that is.
    fn elsewhere(&self) -> BTreeMap<TreePath, TreePath> {
        let mut left = self.elsewhere.clone();
        let first = |path: &TreePath| match self.draft.get(path) {
            Some(Node::File(number)) => left.remove(number).map(|target| (path.clone(), target)),
            _ => None,
        };
        self.draft.paths().filter_map(first).collect()
    }

    fn symlink(&self, member: Member) -> Result<Entry, TarReadError> {
        let Meta { uid, gid, xattrs, .. } = member.meta;
        self.refuse_xattrs(&xattrs)?;
        if member.link.is_empty() {
            return Err(self.damaged("a symbolic link points to nothing"));
        }
        Ok(Entry::Symlink { uid, gid, target: member.link })
    }

    /// A tree's symbolic links have no attributes.
    fn refuse_xattrs(&self, xattrs: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), TarReadError> {
        match xattrs.keys().next() {
            None => Ok(()),
            Some(key) => {
                Err(TarReadError::Attribute { member: self.member.clone(), key: Escaped(key).to_string() })
            }
        }
    }

    fn device(&self, member: Member) -> Result<Entry, TarReadError> {
        if self.options.devices == Devices::Refuse {
            return Err(TarReadError::Device { member: self.member.clone() });
        }
        let kind = if member.kind == b'3' { DeviceKind::Char } else { DeviceKind::Block };
        let (Ok(major), Ok(minor)) = (u32::try_from(member.device.0), u32::try_from(member.device.1)) else {
            return Err(self.number("device number"));
        };
        Ok(Entry::Device { meta: member.meta, kind, major, minor })
    }

    fn place(&mut self, path: TreePath, node: Node) -> Result<(), TarReadError> {
        let directory = matches!(node, Node::Other(Entry::Directory(_)));
        if path.is_root() && !directory {
            return Err(self.path(PathError::Dots));
        }
        if let Some(standing) = self.draft.get(&path) {
            let same = directory && self.draft.same(standing, &node);
            if !same && self.options.duplicates == Duplicates::Refuse {
                return Err(TarReadError::Duplicate { member: self.member.clone() });
            }
        }
        if !directory && self.options.duplicates == Duplicates::LastWins {
            self.draft.remove_below(&path);
        }
        self.draft.insert(path, node);
        Ok(())
    }

    fn input_error(&self, source: InputError) -> TarReadError {
        TarReadError::Input { member: self.member.clone(), source }
    }

    fn limit(&self, source: LimitError) -> TarReadError {
        TarReadError::Limit { member: self.member.clone(), source }
    }

    fn path(&self, source: PathError) -> TarReadError {
        TarReadError::Path { member: self.member.clone(), source }
    }

    fn number(&self, field: &'static str) -> TarReadError {
        TarReadError::Number { member: self.member.clone(), field }
    }

    fn damaged(&self, problem: &'static str) -> TarReadError {
        TarReadError::Pax { member: self.member.clone(), problem }
    }

    fn pax_error(&self, problem: PaxProblem) -> TarReadError {
        let member = self.member.clone();
        match problem {
            PaxProblem::Damaged(problem) => TarReadError::Pax { member, problem },
            PaxProblem::Sparse => TarReadError::Sparse { member },
            PaxProblem::Unknown(key) => TarReadError::Attribute { member, key: Escaped(&key).to_string() },
        }
    }
}

/// GNU's long names end with a NUL.
fn before_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.iter().position(|b| *b == 0) {
        bytes.truncate(end);
    }
    bytes
}

/// Before 1988 a directory was a file whose name ends with a slash.
fn directory_by_slash(kind: u8, name: &[u8]) -> u8 {
    if matches!(kind, b'0' | 0) && name.ends_with(b"/") { b'5' } else { kind }
}
