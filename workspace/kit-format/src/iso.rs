//! ISO 9660 (ECMA-119, interchange level 3) with Rock Ridge 1.12, Joliet and El Torito: the one file that there is for a tree.
//!
//! Blocks have 2048 bytes. One after the other, each from the start of a block, zeros between them:
//!
//! | what | bytes |
//! |---|---|
//! | system area, 16 blocks | zeros; with `hybrid` the first sector is an MBR: GRUB's code, told where the boot image lies, a signature hashed from tree and label, a partition of type 0xcd from sector 0 up to what UEFI starts from, and that one with type 0xef |
//! | volume descriptors | primary; El Torito's, when something is started; Joliet's; the end |
//! | boot catalogue, when something is started | BIOS first, UEFI in a section of its own, or alone |
//! | path tables | primary little-endian, big-endian; Joliet little-endian, big-endian |
//! | directories | primary, then Joliet, in the order of their path table; behind the records of each, the areas where Rock Ridge continues |
//! | contents | each once, where the first path that has it stands in order; files that are empty have none |
//! | what UEFI starts from | as it is given |
//! | 150 blocks | zeros: GRUB and old drives read ahead, and fail over a CD's end; other programs put as many there |
//!
//! Records have `PX` with the inode's number from 1 in path order and its links (of a directory 2 and one for each directory in it), `TF` with three
//! times, `NM`, then `PN` of a device or `SL` of a symbolic link; the root's first has `SP` and `ER`. What goes over a record's 254
//! bytes is behind a `CE`, never over a block's end. Names of the plain hierarchy and of Joliet: see [`names`].
//! All times are the source date, in UTC; dates of expiry and effect are none; identifiers are empty but for the label and the application, `KIT`.
//! A file of 4 GiB or more has several records. Directories stay where they are, however deep: ECMA-119 wants at most 8 levels, Linux
//! and all programs that read Rock Ridge take more.
//!
//! The boot image is changed where it lies: its table of 56 bytes at byte 8, and with `hybrid` the number at byte 0x9f4.

mod boot;
mod directory;
mod error;
mod names;
mod nodes;
mod numbers;
mod places;
mod read;
mod rock_ridge;
mod view;
mod volume;

use std::collections::BTreeMap;

use kit_tree::{Blobs, Entry, Tree, TreePath};

pub use self::error::IsoWriteError;
pub use self::read::{IsoReadError, read};

use self::boot::{Efi, Image, Mbr};
use self::names::Names;
use self::nodes::Node;
use self::places::{Blocks, Extent, Places, Started};
use self::view::View;
use self::volume::{Order, Tables};
use crate::layout::Layout;

/// Names the exact bytes that this writer makes of a tree.
pub const REVISION: u32 = 1;

/// Bytes of a block.
const BLOCK: usize = 2048;
/// Blocks before the first descriptor.
const SYSTEM_AREA: u32 = 16;
/// Blocks behind everything else.
const PADDING: u64 = 150;
/// Bytes of a label.
const LABEL_MAX: usize = 32;

/// What is not in the tree.
#[derive(Debug, Clone)]
pub struct Options {
    /// The volume's identifier.
    pub label: String,
    /// The source date in seconds since 1970.
    pub mtime: u64,
    /// What a BIOS starts.
    pub bios: Option<BiosBoot>,
    /// What UEFI starts from: a FAT file system.
    pub efi: Option<Layout>,
    /// Whether it is a disk with partitions, too.
    pub hybrid: bool,
}

/// What a BIOS starts.
#[derive(Debug, Clone)]
pub struct BiosBoot {
    /// The boot image in the tree.
    pub image: TreePath,
    /// The image of the code for the first sector, `hybrid.img` of [`crate::grub`]; the boot image is `eltorito.img` then.
    pub hybrid_mbr: Option<Vec<u8>>,
}

/// Lays a tree out.
pub fn layout(tree: &Tree, blobs: &dyn Blobs, options: &Options) -> Result<Layout, IsoWriteError> {
    let mtime = u32::try_from(options.mtime).map_err(|_| IsoWriteError::Date { mtime: options.mtime })?;
    check_label(&options.label)?;
    let nodes = nodes::nodes(tree)?;
    let views = [View::new(Names::Plain, &nodes)?, View::new(Names::Joliet, &nodes)?];
    let image = options.bios.as_ref().map(|bios| Image::read(tree, blobs, bios)).transpose()?;
    let mut volume = Volume::place(&nodes, &views, image, options, mtime)?;
    volume.write(&views, tree, options)
}

fn check_label(label: &str) -> Result<(), IsoWriteError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (1..=LABEL_MAX).contains(&label.len()) && label.bytes().all(allowed) {
        return Ok(());
    }
    Err(IsoWriteError::Label { label: label.to_owned(), limit: LABEL_MAX })
}

/// Everything that has a place.
struct Volume<'a> {
    nodes: &'a [Node<'a>],
    mtime: u32,
    catalogue: Option<u32>,
    tables: Vec<Tables>,
    places: Places,
    image: Option<Image>,
    efi: Option<Efi>,
    /// Blocks of the whole.
    blocks: u32,
}

impl<'a> Volume<'a> {
    fn place(
        nodes: &'a [Node<'a>],
        views: &[View],
        mut image: Option<Image>,
        options: &Options,
        mtime: u32,
    ) -> Result<Self, IsoWriteError> {
        let starts = options.bios.is_some() || options.efi.is_some();
        let mut blocks = Blocks::from(SYSTEM_AREA);
        blocks.take(BLOCK as u64 * if starts { 4 } else { 3 })?;
        let catalogue = if starts { Some(blocks.take(BLOCK as u64)?) } else { None };
        let nowhere = Places::default();
        let mut tables = Vec::new();
        for view in views {
            let length = volume::path_table(view, &nowhere, Order::Little).len() as u64;
            let (little, big) = (blocks.take(length)?, blocks.take(length)?);
            let size = u32::try_from(length).expect("because it has at most 65535 short lines");
            tables.push(Tables { little, big, size });
        }
        let plain = place_directories(&views[0], nodes, &mut blocks, mtime)?;
        let joliet = place_directories(&views[1], nodes, &mut blocks, mtime)?;
        let (contents, started) = place_contents(nodes, image.as_ref(), &mut blocks)?;
        if let (Some(image), Some(started)) = (&mut image, started) {
            let hybrid = options.hybrid && options.bios.as_ref().is_some_and(|b| b.hybrid_mbr.is_some());
            image.place(started.block, hybrid)?;
        }
        let efi = match &options.efi {
            Some(efi) => Some(Efi { block: blocks.take(efi.len())?, size: efi.len() }),
            None => None,
        };
        blocks.take(PADDING * BLOCK as u64)?;
        let places = Places { plain, joliet, contents, started };
        Ok(Self { nodes, mtime, catalogue, tables, places, image, efi, blocks: blocks.take(0)? })
    }

    fn write(&mut self, views: &[View], tree: &Tree, options: &Options) -> Result<Layout, IsoWriteError> {
        let mut layout = Layout::new();
        if options.hybrid {
            let hybrid = options.bios.as_ref().and_then(|bios| bios.hybrid_mbr.as_deref());
            let code = hybrid.zip(self.places.started.map(|started| started.block));
            let (efi, label) = (self.efi, options.label.as_str());
            let mbr = Mbr { code, efi, blocks: self.blocks, tree: tree.id(), label };
            layout.bytes("boot sector", mbr.bytes()?);
        }
        layout.zeros_to("system area", u64::from(SYSTEM_AREA) * BLOCK as u64);
        self.write_descriptors(&mut layout, views, options);
        for view in views {
            for order in [Order::Little, Order::Big] {
                layout.bytes("path table", volume::path_table(view, &self.places, order));
                layout.align(BLOCK as u64);
            }
        }
        for view in views {
            self.write_directories(&mut layout, view);
        }
        self.write_contents(&mut layout);
        if let Some(efi) = &options.efi {
            layout.part("EFI system partition", efi.clone());
        }
        layout.zeros_to("padding", u64::from(self.blocks) * BLOCK as u64);
        Ok(layout)
    }

    fn write_descriptors(&self, layout: &mut Layout, views: &[View], options: &Options) {
        let descriptor = |at: usize| {
            let root = self.places.directory(views[at].names, 0);
            let (names, tables) = (views[at].names, self.tables[at]);
            volume::descriptor(names, &options.label, self.blocks, tables, root, self.mtime)
        };
        layout.bytes("primary volume descriptor", descriptor(0));
        if let Some(catalogue) = self.catalogue {
            layout.bytes("boot record", volume::boot_record(catalogue));
        }
        layout.bytes("Joliet volume descriptor", descriptor(1));
        layout.bytes("end of volume descriptors", volume::terminator());
        if self.catalogue.is_some() {
            let bios = self.places.started.map(|started| started.block);
            layout.bytes("boot catalogue", boot::catalogue(bios, self.efi));
        }
    }

    fn write_directories(&self, layout: &mut Layout, view: &View) {
        for directory in &view.directories {
            let path = self.nodes[directory.node].path;
            let written = directory::write(view, self.nodes, directory.node, &self.places, self.mtime);
            let what = match view.names {
                Names::Plain => "directory",
                Names::Joliet => "Joliet directory",
            };
            layout.bytes_of(what, written.records, path.clone());
            layout.bytes_of("Rock Ridge continuation", written.areas, path.clone());
        }
    }

    /// Contents in the order of their places.
    fn write_contents(&mut self, layout: &mut Layout) {
        for node in self.nodes {
            let Entry::File { blob, size, .. } = node.inode else { continue };
            let Some(block) = self.places.sections(node).first().map(|section| section.block) else {
                continue;
            };
            // only the first path of a content finds its place still empty
            if *size == 0 || u64::from(block) * BLOCK as u64 != layout.len() {
                continue;
            }
            let started = self.places.started.is_some_and(|started| started.number == node.number);
            match &mut self.image {
                Some(image) if started => {
                    layout.bytes_of("boot image", std::mem::take(&mut image.bytes), node.path.clone());
                }
                _ => layout.blob("content", *blob, *size, Some(node.path.clone())),
            }
            layout.align(BLOCK as u64);
        }
    }
}

/// Gives each directory of a hierarchy its blocks; returns where they lie, by node.
fn place_directories(
    view: &View,
    nodes: &[Node<'_>],
    blocks: &mut Blocks,
    mtime: u32,
) -> Result<Vec<Extent>, IsoWriteError> {
    let nowhere = Places::default();
    let mut places = vec![Extent::default(); nodes.len()];
    for directory in &view.directories {
        let written = directory::write(view, nodes, directory.node, &nowhere, mtime);
        let bytes = written.records.len() as u64;
        let block = blocks.take(bytes + written.areas.len() as u64)?;
        let limit = u64::from(u32::MAX);
        let size = u32::try_from(bytes).map_err(|_| IsoWriteError::Size { size: bytes, limit })?;
        places[directory.node] = Extent { block, size };
    }
    Ok(places)
}

/// Where contents lie, and the file that is started.
type Contents = (BTreeMap<kit_hash::BlobId, u32>, Option<Started>);

/// Gives each content its blocks, in path order.
fn place_contents(
    nodes: &[Node<'_>],
    image: Option<&Image>,
    blocks: &mut Blocks,
) -> Result<Contents, IsoWriteError> {
    let number = image.and_then(|image| nodes.iter().find(|n| *n.path == image.path)).map(|node| node.number);
    let mut contents = BTreeMap::new();
    let mut started = None;
    for node in nodes {
        let Entry::File { blob, size, .. } = node.inode else { continue };
        if *size == 0 {
            continue;
        }
        if Some(node.number) == number {
            if started.is_none() {
                started = Some(Started { number: node.number, block: blocks.take(*size)? });
            }
        } else if !contents.contains_key(blob) {
            contents.insert(*blob, blocks.take(*size)?);
        }
    }
    Ok((contents, started))
}

#[cfg(test)]
mod tests;
