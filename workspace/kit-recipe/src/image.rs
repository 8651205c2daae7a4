//! A recipe that makes a bootable image.

mod choices;
mod extension;
mod format;

use std::fmt;

use kit_tree::TreePath;

pub use self::choices::{FAT_LABEL, InitrdCompression, LABEL_UNITS, Labels, RootCompression, RootPlace};
pub use self::extension::{Extension, Scope};
pub use self::format::{
    Container as DiskContainer, ExtensionKind, FileSystem, Firmware, Format, IsoRoot, Packing, TarCompression,
};

use crate::package::TreeRules;
use crate::{Architecture, Container, ImageReference, ModuleName, Name, Spanned};

/// `recipes/images/<name>.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `[image] name`; the file is named after it.
    pub name: Spanned<Name>,
    /// `[image] summary`.
    pub summary: Option<String>,
    /// `[image] architecture`: which processors it is for; none is what it extends, or the usual one.
    pub architecture: Option<Spanned<Architecture>>,
    /// `[image] version`: what `/etc/os-release` says, by which boot loaders tell which of two is newer.
    pub version: Option<String>,
    /// `[image] formats`: what `kit build` writes.
    pub formats: Vec<Spanned<Format>>,
    /// `[image] extends`: images whose parts come first.
    pub extends: Vec<Spanned<Name>>,
    /// `[image] remove`: containers of extended images that are left out, by name.
    pub remove: Vec<Spanned<Name>>,
    /// `[kernel]`.
    pub kernel: Option<Box<Spanned<Kernel>>>,
    /// `[init] packages`, or `[extension] packages`: trees laid straight into the root.
    pub init: Vec<Spanned<Name>>,
    /// `[[onboot]]`: run one after the other, each must end well.
    pub onboot: Vec<Spanned<Service>>,
    /// `[[service]]`: run side by side.
    pub services: Vec<Spanned<Service>>,
    /// `[[onshutdown]]`: run one after the other at the end.
    pub onshutdown: Vec<Spanned<Service>>,
    /// `[defaults]`: what the containers of this recipe have where neither they nor what they are made of say
    /// anything.
    pub defaults: Container,
    /// `[[volume]]`: trees and directories that containers share by name.
    pub volumes: Vec<Spanned<Volume>>,
    /// `[disk]`: how disks are laid out.
    pub disk: Option<Box<Spanned<Disk>>>,
    /// `[extension]`: it is no system of its own, but extends one.
    pub extension: Option<Box<Spanned<Extension>>>,
    /// `[tree]` and additions: the root's own files.
    pub tree: TreeRules,
}

/// `[disk]`: what the formats for disks have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// What holds the root.
    pub root: DiskRoot,
    /// Whether a tree of digests says at each reading that nothing in the root's partition has changed.
    pub verity: bool,
    /// Bytes of the disk; none is as many as it takes.
    pub size: Option<u64>,
    /// Bytes of a partition for data, which the machine formats when it starts first.
    pub data: Option<u64>,
    /// Bytes of the file system that firmware reads; none is as many as it takes.
    pub esp: Option<u64>,
    /// Bytes of the root's file system where that can be written to; none is as many as it takes, and some that are free.
    pub root_size: Option<u64>,
    /// How the root is compressed where it is a file system of its own; none is each one's own choice.
    pub compression: Option<Spanned<RootCompression>>,
    /// What partitions are called.
    pub labels: Labels,
    /// How the root's partition is found.
    pub find: RootPlace,
    /// `slots = 2`: places for two systems, of which one can be replaced while the other runs.
    pub slots: Option<Spanned<Slots>>,
}

/// Two places for systems on a disk, of which the first is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Bytes of the partition that each has for a root; none is as many as the first one takes.
    pub size: Option<u64>,
    /// The address at which machines find updates.
    pub updates: Option<String>,
}

/// Where a disk has the root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskRoot {
    /// In the initrd: the disk is needed no more once it runs.
    #[default]
    Initrd,
    /// In a partition with EROFS.
    Erofs,
    /// In a partition with `SquashFS`.
    Squashfs,
    /// In a partition with ext4, which can be written to.
    Ext4,
}

impl Image {
    /// Returns the roots of all containers and volumes.
    pub fn bases(&self) -> impl Iterator<Item = &Spanned<Base>> {
        let services = self.onboot.iter().chain(&self.services).chain(&self.onshutdown);
        let volumes = self.volumes.iter().filter_map(|volume| volume.base.as_ref());
        services.map(|service| &service.base).chain(volumes)
    }
}

/// A volume, which binds name as their source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Unique among the image's volumes.
    pub name: Spanned<Name>,
    /// What is in it; none is nothing.
    pub base: Option<Spanned<Base>>,
    /// Whether nobody can write to it. Changes to others go to memory.
    pub readonly: bool,
}

/// `[kernel]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// A package with `/boot/vmlinuz` and, for modules, `/usr/lib/modules/<release>`.
    pub package: Spanned<Name>,
    /// Boot command line.
    pub cmdline: String,
    /// Modules by name, loaded at boot in this order, each after what it depends on.
    pub modules: Vec<Spanned<ModuleName>>,
    /// An uncompressed cpio archive in the package that stands before the initrd, as it is: the processor's microcode.
    pub microcode: Option<Spanned<TreePath>>,
    /// How the initrd is compressed.
    pub initrd: InitrdCompression,
    /// A device tree in the package, for the kernel of programs for UEFI.
    pub devicetree: Option<Box<Spanned<TreePath>>>,
}

/// One container of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Unique among the image's containers.
    pub name: Spanned<Name>,
    /// What its root is.
    pub base: Spanned<Base>,
    /// Whether it takes the place of one of the same name in an extended image.
    pub replace: Replace,
    /// What differs from what the package's `[container]`, or the image itself, says.
    pub container: Container,
}

/// What a container's root is: `package = "…"` or `image = "…"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// The tree of a package.
    Package(Name),
    /// An image that others made.
    Image(ImageReference),
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(name) => write!(f, "package {name}"),
            Self::Image(reference) => write!(f, "image {reference}"),
        }
    }
}

/// Whether a container may take the place of one that an extended image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// A second one of that name is an error.
    No,
    /// It replaces the one of that name.
    Yes,
}
