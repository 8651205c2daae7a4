//! An archive into a tree, strictly: for reading back what was written, by us or by others.

use std::collections::BTreeMap;
use std::io::{self, Read};

use kit_tree::draft::{Draft, File, Node};
use kit_tree::path::{Escaped, PATH_MAX};
use kit_tree::{BlobSink, Entry, Meta, Mode, PathError, Tree, TreeError, TreePath};

use super::{HEADER, MAGIC, TRAILER};
use crate::input::{Input, InputError, PutError};
use crate::limits::{EntryCount, LimitError, Limits};
use crate::stat::FileType;

/// Why an archive is refused. Members are named as the archive names them, odd bytes as `\xNN`.
#[derive(Debug, thiserror::Error)]
pub enum CpioReadError {
    /// The bytes can't be had.
    #[error("can't read `{member}`")]
    Input {
        /// The member, or the one before.
        member: String,
        /// Truncated, damaged, or over a limit.
        source: InputError,
    },
    /// The content can't be kept.
    #[error("can't keep the content of `{member}`")]
    Keep {
        /// The member.
        member: String,
        /// What the store said.
        source: io::Error,
    },
    /// A member goes over a limit.
    #[error("`{member}` is too much")]
    Limit {
        /// The member.
        member: String,
        /// Which limit.
        source: LimitError,
    },
    /// There is no header, or one of another form than newc.
    #[error("there is no newc header at byte {offset}")]
    Header {
        /// Uncompressed offset.
        offset: u64,
    },
    /// A name isn't one that may stand in a tree.
    #[error("the name `{member}` is refused")]
    Path {
        /// The name.
        member: String,
        /// Why.
        source: PathError,
    },
    /// A name occurs twice.
    #[error("`{member}` is there twice")]
    Duplicate {
        /// The name.
        member: String,
    },
    /// A member lies below something else than a directory.
    #[error("`{member}` lies below `{parent}`, which is not a directory")]
    BelowNonDirectory {
        /// The member.
        member: TreePath,
        /// What it lies below.
        parent: TreePath,
    },
    /// The names of a file differ in mode or owner, or two of them have content.
    #[error("`{member}` contradicts an earlier name of the same file")]
    HardLink {
        /// The later name.
        member: String,
    },
    /// A socket, or no type at all.
    #[error("`{member}` has the mode {mode:o}, which is refused")]
    Kind {
        /// The member.
        member: String,
        /// Its mode with the type bits.
        mode: u32,
    },
    /// Something that has no content claims some, or a symbolic link has none.
    #[error("`{member}` can't have {size} bytes of content")]
    Content {
        /// The member.
        member: String,
        /// What it claims.
        size: u32,
    },
    /// Padding isn't zero, or something follows the trailer.
    #[error("there are other bytes than zeros at byte {offset}")]
    Trailing {
        /// Uncompressed offset, at most three before the byte.
        offset: u64,
    },
}

/// How many archives follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segments {
    /// One, and zeros after it.
    One,
    /// Several, zeros between them, as the kernel takes them. Anything but a file may be in several when it is equal.
    Many,
}

/// Reads uncompressed archives to the end of `reader`; content goes to `sink`.
///
/// Times, inode numbers and devices aren't kept; hard links are found by inode number, wherever the content stands.
pub fn read_cpio(
    reader: impl Read,
    sink: &dyn BlobSink,
    limits: &Limits,
    segments: Segments,
) -> Result<Tree, CpioReadError> {
    let mut archive = Archive {
        segments,
        input: Input::new(reader, limits),
        sink,
        limits,
        draft: Draft::default(),
        linked: BTreeMap::new(),
        count: EntryCount::new(limits),
        member: String::from("/"),
    };
    loop {
        while archive.read_member()? {}
        archive.place_linked()?;
        match archive.input.zeros_to_end().map_err(|e| archive.input_error(e))? {
            None => return archive.finish(),
            Some(_) if segments == Segments::Many => {}
            Some(offset) => return Err(CpioReadError::Trailing { offset }),
        }
    }
}

struct Archive<'a, R: Read> {
    segments: Segments,
    input: Input<R>,
    sink: &'a dyn BlobSink,
    limits: &'a Limits,
    draft: Draft,
    /// Files with several names, by device and inode number.
    linked: BTreeMap<(u32, u32, u32), Linked>,
    count: EntryCount,
    member: String,
}

/// A file with several names; its content may come with any of them.
struct Linked {
    meta: Meta,
    names: Vec<TreePath>,
    file: Option<File>,
}

/// A header's numbers, in its order.
struct Header([u32; 13]);

impl Header {
    fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let digits = bytes.strip_prefix(MAGIC)?;
        let mut numbers = [0; 13];
        for (number, digits) in numbers.iter_mut().zip(digits.chunks_exact(8)) {
            let text = std::str::from_utf8(digits).ok()?;
            let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
            *number = u32::from_str_radix(text, 16).ok().filter(|_| hex)?;
        }
        Some(Self(numbers))
    }

    fn mode(&self) -> u32 {
        self.0[1]
    }

    fn links(&self) -> u32 {
        self.0[4]
    }

    fn meta(&self) -> Meta {
        let mode = Mode::from_st_mode(self.mode());
        Meta { uid: self.0[2], gid: self.0[3], ..Meta::root(mode) }
    }

    fn size(&self) -> u32 {
        self.0[6]
    }

    fn inode(&self) -> (u32, u32, u32) {
        (self.0[7], self.0[8], self.0[0])
    }

    fn device(&self) -> (u32, u32) {
        (self.0[9], self.0[10])
    }

    fn name_size(&self) -> u32 {
        self.0[11]
    }
}

impl<R: Read> Archive<'_, R> {
    /// Reads the next member; false at the trailer.
    fn read_member(&mut self) -> Result<bool, CpioReadError> {
        let offset = self.input.offset();
        let mut bytes = [0; HEADER];
        self.input.read_exact(&mut bytes).map_err(|e| self.input_error(e))?;
        let header = Header::parse(&bytes).ok_or(CpioReadError::Header { offset })?;
        let name_size = header.name_size();
        if name_size == 0 || name_size as usize > PATH_MAX + 1 {
            return Err(CpioReadError::Header { offset });
        }
        let mut name = self.input.take_vec(u64::from(name_size)).map_err(|e| self.input_error(e))?;
        if name.pop() != Some(0) || name.contains(&0) {
            return Err(CpioReadError::Header { offset });
        }
        self.skip_padding(HEADER as u64 + u64::from(name_size))?;
        self.member = Escaped(&name).to_string();
        if name == TRAILER {
            return if header.size() == 0 { Ok(false) } else { Err(self.content(&header)) };
        }
        self.count.add().map_err(|e| self.limit(e))?;
        let path = TreePath::from_archive(&name)
            .map_err(|source| CpioReadError::Path { member: self.member.clone(), source })?;
        self.keep(path, &header)?;
        Ok(true)
    }

    fn keep(&mut self, path: TreePath, header: &Header) -> Result<(), CpioReadError> {
        let kind = FileType::of_mode(header.mode());
        if kind == Some(FileType::File) {
            return self.keep_file(path, header);
        }
        if kind != Some(FileType::Symlink) && header.size() != 0 {
            return Err(self.content(header));
        }
        let (major, minor) = header.device();
        let meta = header.meta();
        let entry = match kind {
            Some(FileType::Directory) => Entry::Directory(meta),
            Some(FileType::Symlink) => self.symlink(header)?,
            Some(FileType::Device(kind)) => Entry::Device { meta, kind, major, minor },
            Some(FileType::Fifo) => Entry::Fifo(meta),
            Some(FileType::File | FileType::Socket) | None => {
                return Err(CpioReadError::Kind { member: self.member.clone(), mode: header.mode() });
            }
        };
        self.place(path, Node::Other(entry))
    }

    fn symlink(&mut self, header: &Header) -> Result<Entry, CpioReadError> {
        let size = u64::from(header.size());
        if !(1..=PATH_MAX as u64).contains(&size) {
            return Err(self.content(header));
        }
        let target = self.input.take_vec(size).map_err(|e| self.input_error(e))?;
        self.skip_padding(size)?;
        let Meta { uid, gid, .. } = header.meta();
        Ok(Entry::Symlink { uid, gid, target })
    }

    fn keep_file(&mut self, path: TreePath, header: &Header) -> Result<(), CpioReadError> {
        let (size, meta) = (u64::from(header.size()), header.meta());
        if size > self.limits.file_bytes {
            return Err(self.limit(LimitError::FileBytes { size, limit: self.limits.file_bytes }));
        }
        let contradicts = CpioReadError::HardLink { member: self.member.clone() };
        let linked = self.linked.get(&header.inode());
        if header.links() > 1 && linked.is_some_and(|l| l.meta != meta || (l.file.is_some() && size > 0)) {
            return Err(contradicts);
        }
        let file = if header.links() < 2 || size > 0 {
            let blob = self.input.put(size, self.sink).map_err(|error| match error {
                PutError::Input(source) => self.input_error(source),
                PutError::Sink(source) => CpioReadError::Keep { member: self.member.clone(), source },
            })?;
            self.skip_padding(size)?;
            Some(File { meta: meta.clone(), blob, size })
        } else {
            None
        };
        if header.links() < 2 {
            let node = self.draft.add_file(file.expect("because a file of one name was just kept"));
            return self.place(path, node);
        }
        let linked = self.linked.entry(header.inode());
        let linked = linked.or_insert(Linked { meta, names: Vec::new(), file: None });
        linked.names.push(path);
        linked.file = linked.file.take().or(file);
        Ok(())
    }

    fn place(&mut self, path: TreePath, node: Node) -> Result<(), CpioReadError> {
        let directory = matches!(node, Node::Other(Entry::Directory(_)));
        let again = !matches!(node, Node::File(_)) && self.segments == Segments::Many;
        let standing = self.draft.get(&path);
        let twice = standing.is_some_and(|standing| !again || !self.draft.same(standing, &node));
        if twice || (path.is_root() && !directory) {
            return Err(CpioReadError::Duplicate { member: Escaped(path.as_bytes()).to_string() });
        }
        self.draft.insert(path, node);
        Ok(())
    }

    /// Gives files of several names their content; inode numbers mean nothing after the trailer.
    fn place_linked(&mut self) -> Result<(), CpioReadError> {
        for linked in std::mem::take(&mut self.linked).into_values() {
            let file = if let Some(file) = linked.file {
                file
            } else {
                let member = || Escaped(linked.names[0].as_bytes()).to_string();
                let put = self.sink.put(&mut io::empty());
                let (blob, size) = put.map_err(|source| CpioReadError::Keep { member: member(), source })?;
                File { meta: linked.meta, blob, size }
            };
            let node = self.draft.add_file(file);
            for name in linked.names {
                self.place(name, node.clone())?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Tree, CpioReadError> {
        self.draft.finish().map_err(|error| match error {
            TreeError::ParentNotDirectory { path, parent } => {
                CpioReadError::BelowNonDirectory { member: path, parent }
            }
            error => unreachable!("because a draft's links name its files: {error}"),
        })
    }

    fn skip_padding(&mut self, length: u64) -> Result<(), CpioReadError> {
        let padding = length.next_multiple_of(super::ALIGNMENT) - length;
        let offset = self.input.offset();
        let zeros = self.input.skip_zeros(padding).map_err(|e| self.input_error(e))?;
        if zeros { Ok(()) } else { Err(CpioReadError::Trailing { offset }) }
    }

    fn input_error(&self, source: InputError) -> CpioReadError {
        CpioReadError::Input { member: self.member.clone(), source }
    }

    fn limit(&self, source: LimitError) -> CpioReadError {
        CpioReadError::Limit { member: self.member.clone(), source }
    }

    fn content(&self, header: &Header) -> CpioReadError {
        CpioReadError::Content { member: self.member.clone(), size: header.size() }
    }
}
