//! A tree as a file system.

use std::collections::BTreeMap;

use kit_hash::{BlobId, Encoder, Identity as _};
use kit_tree::path::Escaped;
use kit_tree::{DeviceKind, Entry, Tree, TreePath};

use super::boot::Boot;
use super::directory::Directory;
use super::geometry::{self, Demand, Geometry};
use super::names::{self, Name, Refused};
use super::table::Table;
use super::time::{self, Time};
use super::{ARCHIVE, DIRECTORY, ENTRIES, ENTRY, FatWriteError, Kind, SIGNATURE_ROOM, is_program};
use crate::largest::Largest;
use crate::layout::Layout;

/// Names the exact bytes that this writer makes of a tree.
pub const REVISION: u32 = 2;

/// How large a file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many bytes.
    Exactly(u64),
    /// As many as the files need, and so many free ones.
    Fitting {
        /// Bytes that are free, at least.
        spare: u64,
    },
}

/// What a file system has beside its files.
#[derive(Debug, Clone)]
pub struct Options {
    /// How people name it: up to 11 upper-case letters, digits and some signs. None where it is empty.
    pub label: String,
    /// The source date in seconds since 1970.
    pub mtime: u64,
    /// How large it is.
    pub size: Size,
    /// Sectors of the disk before it.
    pub hidden_sectors: u32,
    /// How many bits its table has; none: the size decides.
    pub kind: Option<Kind>,
    /// What makes the volume id another one than that of an equal file system.
    pub seed: [u8; 32],
}

/// Lays a tree out as a file system.
pub fn layout(tree: &Tree, options: &Options) -> Result<Layout, FatWriteError> {
    if !names::is_label(&options.label) {
        return Err(FatWriteError::Label { label: options.label.clone() });
    }
    let time = time::time(options.mtime).ok_or(FatWriteError::Date { seconds: options.mtime })?;
    let volume = Volume::of(tree, !options.label.is_empty())?;
    let demand = volume.demand();
    let geometry = match options.size {
        Size::Fitting { spare } => geometry::fitting(spare, options.kind, &demand)?,
        Size::Exactly(size) => geometry::exactly(size, options.kind, &demand)?,
    };
    if demand.clusters(geometry.kind, geometry.cluster_bytes()) > geometry.clusters {
        let needed = geometry::fitting(0, options.kind, &demand)?.size().max(geometry.size() + super::SECTOR);
        return Err(FatWriteError::TooLarge { needed, size: geometry.size(), largest: Largest::of(tree) });
    }
    Ok(volume.layout(&geometry, time, tree, options))
}

/// A file or directory, in path order.
struct Node<'a> {
    path: &'a TreePath,
    /// The node that it is in; the root is in itself.
    parent: usize,
    content: Content,
    /// How it stands in the directory that it is in; nothing for the root.
    name: Name,
}

enum Content {
    /// With the nodes in it.
    Directory(Vec<usize>),
    File {
        blob: BlobId,
        size: u32,
    },
}

/// All that is in a file system.
struct Volume<'a> {
    nodes: Vec<Node<'a>>,
    labelled: bool,
}

impl<'a> Volume<'a> {
    fn of(tree: &'a Tree, labelled: bool) -> Result<Self, FatWriteError> {
        let mut nodes: Vec<Node<'_>> = Vec::new();
        let mut directories = BTreeMap::new();
        for (path, entry) in tree.entries() {
            let content = content(path, entry)?;
            let number = nodes.len();
            let parent = path.parent().map_or(0, |parent| directories[&parent]);
            if let Content::Directory(_) = content {
                directories.insert(path.clone(), number);
            }
            if let Some(Node { content: Content::Directory(members), .. }) = nodes.get_mut(parent) {
                members.push(number);
            }
            nodes.push(Node { path, parent, content, name: Name { short: [b' '; 11], long: None } });
        }
        let mut volume = Self { nodes, labelled };
        for number in 0..volume.nodes.len() {
            volume.name_members(number)?;
        }
        Ok(volume)
    }

    /// Names what is in a directory.
    fn name_members(&mut self, number: usize) -> Result<(), FatWriteError> {
        let Content::Directory(members) = &self.nodes[number].content else { return Ok(()) };
        let members = members.clone();
        let last = |member: &usize| {
            let path = self.nodes[*member].path.as_bytes();
            &path[path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)..]
        };
        let path = |member: usize| self.nodes[members[member]].path.clone();
        let plain: Vec<_> = members.iter().map(last).collect();
        let names = names::assign(&plain).map_err(|refused| match refused {
            Refused::Name(member, source) => FatWriteError::Name { path: path(member), source },
            Refused::Case(first, second) => FatWriteError::Case { first: path(first), second: path(second) },
        })?;
        for (member, name) in members.into_iter().zip(names) {
            self.nodes[member].name = name;
        }
        match self.entries(number) {
            entries if entries > ENTRIES => {
                Err(FatWriteError::Directory { path: self.nodes[number].path.clone(), entries })
            }
            _ => Ok(()),
        }
    }

    /// Returns how many entries a directory has; 0 for a file.
    fn entries(&self, number: usize) -> usize {
        let Content::Directory(members) = &self.nodes[number].content else { return 0 };
        let own = if number == 0 { usize::from(self.labelled) } else { 2 };
        own + members.iter().map(|member| self.nodes[*member].name.entries()).sum::<usize>()
    }

    /// Returns the bytes of a file or directory.
    fn bytes(&self, number: usize) -> u64 {
        match self.nodes[number].content {
            Content::File { size, .. } => u64::from(size),
            Content::Directory(_) => (self.entries(number) * ENTRY) as u64,
        }
    }

    /// Returns the bytes that are kept free behind a file, for what signs it.
    fn room(&self, number: usize) -> u64 {
        match self.nodes[number] {
            Node { content: Content::File { size: 1.., .. }, path, .. } if is_program(path.as_bytes()) => {
                SIGNATURE_ROOM
            }
            _ => 0,
        }
    }

    fn demand(&self) -> Demand {
        let numbers = 1..self.nodes.len();
        let bytes = numbers.flat_map(|number| [self.bytes(number), self.room(number)]).collect();
        Demand { bytes, root_entries: self.entries(0) }
    }

    fn layout(&self, geometry: &Geometry, time: Time, tree: &Tree, options: &Options) -> Layout {
        let mut table = Table::new(geometry.kind);
        let clusters = self.place(geometry, &mut table);
        let mut label = [b' '; 11];
        label[..options.label.len()].copy_from_slice(options.label.as_bytes());
        let boot = Boot {
            geometry,
            hidden_sectors: options.hidden_sectors,
            volume_id: volume_id(tree, options),
            label: if self.labelled { label } else { *b"NO NAME    " },
        };
        let mut layout = Layout::new();
        layout.bytes("boot sectors", boot.reserved(table.used(), table.last()));
        let entries = table.bytes();
        for (number, entries) in [(1, entries.clone()), (2, entries)] {
            let end = layout.len() + geometry.table_sectors * super::SECTOR;
            layout.bytes(format!("table {number}"), entries);
            layout.zeros_to(format!("table {number}, free"), end);
        }
        let own_place = geometry.kind != Kind::Fat32;
        for (number, Node { path, content, .. }) in self.nodes.iter().enumerate() {
            match content {
                Content::File { blob, size, .. } => {
                    layout.blob("content", *blob, u64::from(*size), Some((*path).clone()));
                }
                Content::Directory(members) => {
                    let bytes =
                        self.directory(number, members, &clusters, time, self.labelled.then_some(label));
                    layout.bytes_of("directory", bytes, (*path).clone());
                }
            }
            if number == 0 && own_place {
                layout.zeros_to("directory, free", geometry.data());
            } else {
                // An empty root directory has a cluster too.
                let clusters = (layout.len() - geometry.data())
                    .div_ceil(geometry.cluster_bytes())
                    .max(u64::from(number == 0));
                layout.zeros_to("slack", geometry.data() + clusters * geometry.cluster_bytes());
                let room = self.room(number).next_multiple_of(geometry.cluster_bytes());
                layout.zeros_of("room for signatures", layout.len() + room, (*path).clone());
            }
        }
        layout.zeros_to("free", geometry.size());
        layout
    }

    /// Returns the first cluster of each node.
    fn place(&self, geometry: &Geometry, table: &mut Table) -> Vec<u32> {
        let mut clusters = Vec::with_capacity(self.nodes.len());
        for number in 0..self.nodes.len() {
            let needed = match (number, geometry.kind) {
                (0, Kind::Fat12 | Kind::Fat16) => 0,
                (0, Kind::Fat32) => self.bytes(0).div_ceil(geometry.cluster_bytes()).max(1),
                _ => self.bytes(number).div_ceil(geometry.cluster_bytes()),
            };
            clusters.push(table.take(needed));
            table.leave(self.room(number).div_ceil(geometry.cluster_bytes()));
        }
        clusters
    }

    fn directory(
        &self,
        number: usize,
        members: &[usize],
        clusters: &[u32],
        time: Time,
        label: Option<[u8; 11]>,
    ) -> Vec<u8> {
        let parent = self.nodes[number].parent;
        let mut directory = if number == 0 {
            Directory::root(time, label)
        } else {
            Directory::below(time, clusters[number], if parent == 0 { 0 } else { clusters[parent] })
        };
        for member in members {
            let (attributes, size) = match self.nodes[*member].content {
                Content::File { size, .. } => (ARCHIVE, size),
                Content::Directory(_) => (DIRECTORY, 0),
            };
            directory.add(&self.nodes[*member].name, attributes, clusters[*member], size);
        }
        directory.finish()
    }
}

fn content(path: &TreePath, entry: &Entry) -> Result<Content, FatWriteError> {
    let refuse = |what| Err(FatWriteError::Entry { path: path.clone(), what });
    if let Some(name) = entry.meta().and_then(|meta| meta.xattrs.keys().next()) {
        return Err(FatWriteError::Xattr { path: path.clone(), name: Escaped(name).to_string() });
    }
    match entry {
        Entry::Directory(_) => Ok(Content::Directory(Vec::new())),
        Entry::File { blob, size, .. } => match u32::try_from(*size) {
            Ok(size) => Ok(Content::File { blob: *blob, size }),
            Err(_) => Err(FatWriteError::FileSize { path: path.clone(), size: *size }),
        },
        Entry::Symlink { .. } => refuse("a symbolic link"),
        Entry::HardLink { .. } => refuse("a hard link"),
        Entry::Device { kind: DeviceKind::Char, .. } => refuse("a character device"),
        Entry::Device { kind: DeviceKind::Block, .. } => refuse("a block device"),
        Entry::Fifo(_) => refuse("a named pipe"),
    }
}

/// Returns the first bits of the digest of the canonical encoding `kit:fat-volume:v1`.
fn volume_id(tree: &Tree, options: &Options) -> u32 {
    let mut encoder = Encoder::new("fat-volume", 1);
    let digest: BlobId = encoder.id(&tree.id()).str(&options.label).bytes(&options.seed).id_of();
    let [a, b, c, d, ..] = *digest.as_bytes();
    u32::from_le_bytes([a, b, c, d])
}
