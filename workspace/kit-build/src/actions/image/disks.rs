//! Disks: a table of partitions and what is in them, in the container that a virtual machine takes.

use std::io::{Read, Seek as _, SeekFrom};

use cap_std::fs::OpenOptions;
use kit_format::disk_image::{self, DiskFormat};
use kit_format::extents::Of;
use kit_format::gpt::{self, Guid, attributes};
use kit_format::grub;
use kit_format::layout::{Layout, Source};
use kit_format::mbr;
use kit_format::verity::partition_ids;
use kit_hash::{BlobId, Encoder, Identity as _, TreeId};
use kit_plan::derivation::{Disk, Input};
use kit_recipe::image::{DiskContainer, FileSystem, Firmware};
use kit_store::StoreError;
use kit_store::sparse::SparseFile;
use kit_tree::{BlobSink as _, Blobs as _, Tree};

use super::boot_program::{Started, Wanted};
use super::file_systems::suffix;
use super::{Writer, slots};
use crate::BuildError;

/// What partitions are aligned to.
pub(super) const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Bytes of a sector.
const SECTOR: u64 = 512;
/// FAT32, addressed by blocks: what every BIOS loader and every system knows.
pub(super) const MBR_FAT32: u8 = 0x0c;
/// The longest text of a root digest, in bytes.
const ROOT_HASH: u64 = 256;

impl Writer<'_> {
    pub(super) fn disk(&self, disk: &Disk, tree_of: &dyn Fn(&Input) -> TreeId) -> Result<Tree, BuildError> {
        let started = self.started(&disk.loaders, tree_of)?;
        let layout = if disk.firmware == Firmware::Bios && disk.root.is_none() && disk.data.is_none() {
            self.mbr_disk(disk, &started)?
        } else {
            self.gpt_disk(disk, &started, tree_of)?
        };
        let mut tree = Tree::new();
        let suffix = disk.container.suffix_for(disk.firmware);
        match format_of(disk.container) {
            DiskFormat::Raw => self.put_layout(&mut tree, &suffix, "disk", &layout)?,
            format => {
                let name = format!("{}{}", self.image.name, disk.firmware.suffix());
                self.contained(&mut tree, (&name, &suffix), &layout, format)?;
            }
        }
        Ok(tree)
    }

    /// Lays out a disk with one partition, for a BIOS.
    fn mbr_disk(&self, disk: &Disk, started: &Started) -> Result<Layout, BuildError> {
        let Some((loader, _)) = &started.bios else {
            return Err(self.failed("nothing on it is for a BIOS"));
        };
        let content = self.boot_partition(started, MIB, &wanted(disk))?;
        let identity = identity(&content);
        let core = grub::core(&self.loader(loader, "core.img")?, 1).map_err(|e| self.failed(e))?;
        let mut behind = Layout::new();
        behind.bytes("GRUB", core);
        let partition = mbr::Partition { kind: MBR_FAT32, active: true, size: content.len(), content };
        let mut signature = [0; 4];
        signature.copy_from_slice(&identity.as_bytes()[..4]);
        let options = mbr::Options {
            signature: u32::from_le_bytes(signature),
            size: disk.size,
            boot_code: Some(self.boot_code(loader, 1)?),
            loader: behind,
        };
        mbr::layout(vec![partition], &options).map_err(|e| self.failed(e))
    }

    fn gpt_disk(
        &self,
        disk: &Disk,
        started: &Started,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Layout, BuildError> {
        let mut partitions = Vec::new();
        let mut begin = MIB;
        let mut boot_code = None;
        if let Some((loader, _)) = &started.bios {
            // It is the first, so that its place is known.
            let first = begin / SECTOR;
            let core = grub::core(&self.loader(loader, "core.img")?, first).map_err(|e| self.failed(e))?;
            boot_code = Some(self.boot_code(loader, first)?);
            let mut content = Layout::new();
            content.bytes("GRUB", core);
            begin += content.len().next_multiple_of(MIB);
            partitions.push(partition(Guid::BIOS_BOOT, "bios", content));
        }
        let wanted = wanted(disk);
        let boot = match &disk.slots {
            Some(slots) => {
                let manager = self.store.tree(&tree_of(&slots.manager))?;
                self.slots_boot_partition((&manager, &slots.version), started, begin, &wanted)?
            }
            None => self.boot_partition(started, begin, &wanted)?,
        };
        partitions.push(gpt::Partition {
            mbr: disk.firmware.has_bios().then_some(MBR_FAT32),
            ..partition(Guid::ESP, disk.labels.esp.as_deref().unwrap_or("esp"), boot)
        });
        let root = self.root_partitions(disk, tree_of)?;
        partitions.extend(match &disk.slots {
            Some(slots) => slots::partitions(root, slots.size, &slots.version),
            None => root,
        });
        if let Some(size) = disk.data {
            let content = Layout::new();
            let label = disk.labels.data.as_deref().unwrap_or("data");
            partitions.push(gpt::Partition { size, ..partition(Guid::LINUX_GENERIC, label, content) });
        }
        let identity = self.named(&mut partitions);
        let id = Guid::derived(identity.as_bytes(), "disk", 0);
        let mut options = gpt::Options { id, size: disk.size, boot_code, hybrid: false };
        if matches!(disk.container, DiskContainer::Gcp | DiskContainer::Aws) && disk.size.is_none() {
            // These clouds have disks of whole GiB, and the table's second copy belongs to the end.
            let fitting = gpt::layout(partitions.clone(), &options).map_err(|e| self.failed(e))?;
            options.size = Some(fitting.len().next_multiple_of(GIB));
        }
        gpt::layout(partitions, &options).map_err(|e| self.failed(e))
    }

    /// Gives each partition that has none yet an identifier, and returns what all of them are called by.
    pub(super) fn named(&self, partitions: &mut [gpt::Partition]) -> BlobId {
        let mut encoder = Encoder::new("disk", 1);
        encoder.str(&self.image.name).list(partitions.iter(), |e, partition| {
            e.bytes(identity(&partition.content).as_bytes()).u64(partition.size);
        });
        let identity: BlobId = encoder.id_of();
        for (index, partition) in partitions.iter_mut().enumerate() {
            if partition.id == Guid::NIL {
                partition.id = Guid::derived(identity.as_bytes(), "partition", index as u64);
            }
        }
        identity
    }

    /// Returns the partition of the root, and that of its digests.
    pub(super) fn root_partitions(
        &self,
        disk: &Disk,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Vec<gpt::Partition>, BuildError> {
        let Some(root) = &disk.root else { return Ok(Vec::new()) };
        let (kind, digests_kind) = match disk.loaders.architecture.as_str() {
            "x86_64" => (Guid::LINUX_ROOT_X86_64, Guid::LINUX_ROOT_X86_64_VERITY),
            "aarch64" => (Guid::LINUX_ROOT_AARCH64, Guid::LINUX_ROOT_AARCH64_VERITY),
            other => {
                return Err(
                    self.failed(format!("partitions of roots have no type for the architecture `{other}`"))
                );
            }
        };
        let root = self.store.tree(&tree_of(root))?;
        let (blob, size) = self.only_file(&root)?;
        let is_written_to = self.content(&root, suffix(FileSystem::Ext4)).is_ok();
        let mut content = Layout::new();
        content.blob("file system", blob, size, None);
        let attributes = if is_written_to { 0 } else { attributes::READ_ONLY };
        let root = gpt::Partition { attributes, ..partition(kind, disk.labels.root(), content) };
        let Some(verity) = &disk.verity else { return Ok(vec![root]) };
        let verity = self.store.tree(&tree_of(verity))?;
        let (id, digests_id) = self.partition_ids(&verity)?;
        let digests = self.content(&verity, "-verity.img")?;
        let mut content = Layout::new();
        content.blob("digests", digests.blob, digests.size, None);
        let digests = gpt::Partition {
            id: digests_id,
            attributes: attributes::READ_ONLY,
            ..partition(digests_kind, &format!("{}-verity", disk.labels.root()), content)
        };
        Ok(vec![gpt::Partition { id, ..root }, digests])
    }

    /// Returns the identifiers that the partitions of a root and of its digests have.
    pub(super) fn partition_ids(&self, verity: &Tree) -> Result<(Guid, Guid), BuildError> {
        let text = self.content(verity, "-roothash")?;
        let text = self.store.read(&text.blob, ROOT_HASH).map_err(|e| self.failed(e))?;
        let text = String::from_utf8_lossy(&text);
        let root_hash: BlobId = text.trim().parse().map_err(|_| self.failed("its root digest is none"))?;
        Ok(partition_ids(root_hash.as_bytes()))
    }

    fn boot_code(&self, loader: &Tree, core: u64) -> Result<[u8; mbr::CODE], BuildError> {
        grub::boot_code(&self.loader(loader, "boot.img")?, core).map_err(|e| self.failed(e))
    }

    /// Wraps a disk into a container, by a file of its own: some begin with what is known at the end. Files inside are named after it.
    fn contained(
        &self,
        tree: &mut Tree,
        (name, suffix): (&str, &str),
        layout: &Layout,
        format: DiskFormat,
    ) -> Result<(), BuildError> {
        let scratch = self.store.scratch()?;
        let path = scratch.path().join("disk");
        let at = |source| BuildError::from(StoreError::io_sized("write", &path, layout.len(), source));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let mut file = scratch.dir().open_with("disk", &options).map_err(at)?.into_std();
        let open = || -> std::io::Result<Box<dyn Read + '_>> { Ok(Box::new(layout.stream(self.store))) };
        let disk = disk_image::Disk { open: &open, size: layout.len() };
        let mut sparse = SparseFile::new(&file);
        disk_image::write(&disk, format, name, &mut sparse, &self.threads).map_err(|e| self.failed(e))?;
        sparse.finish().map_err(at)?;
        file.seek(SeekFrom::Start(0)).map_err(at)?;
        let content = self.store.put(&mut file).map_err(|e| self.failed(e))?;
        self.record(content.0, Of::DiskInside, "disk", layout)?;
        self.put(tree, suffix, content)
    }
}

/// Returns what is asked of the file system that firmware reads.
fn wanted(disk: &Disk) -> Wanted<'_> {
    Wanted { size: disk.esp, label: disk.labels.fat.as_deref() }
}

/// Returns a partition as large as its content, without an identifier.
fn partition(kind: Guid, label: &str, content: Layout) -> gpt::Partition {
    let size = content.len();
    gpt::Partition { kind, id: Guid::NIL, label: label.to_owned(), attributes: 0, content, size, mbr: None }
}

/// Returns a digest of what a layout is.
pub(super) fn identity(layout: &Layout) -> BlobId {
    let mut encoder = Encoder::new("layout", 1);
    encoder.list(layout.pieces(), |e, piece| {
        e.u64(piece.range.start).u64(piece.range.end);
        match &piece.source {
            Source::Bytes(bytes) => e.variant(0).bytes(bytes),
            Source::Blob { blob, skip } => e.variant(1).bytes(blob.as_bytes()).u64(*skip),
            Source::Zeros => e.variant(2),
        };
    });
    encoder.id_of()
}

fn format_of(container: DiskContainer) -> DiskFormat {
    match container {
        DiskContainer::Raw | DiskContainer::Aws => DiskFormat::Raw,
        DiskContainer::RawGzip => DiskFormat::RawGzip,
        DiskContainer::RawZstd => DiskFormat::RawZstd,
        DiskContainer::Qcow2 => DiskFormat::Qcow2,
        DiskContainer::Qcow2Zlib => DiskFormat::Qcow2Zlib,
        DiskContainer::Qcow2Zstd => DiskFormat::Qcow2Zstd,
        DiskContainer::Vhd => DiskFormat::Vhd,
        DiskContainer::VhdDynamic => DiskFormat::VhdDynamic,
        DiskContainer::Vhdx | DiskContainer::HyperV => DiskFormat::Vhdx,
        DiskContainer::Vmdk => DiskFormat::Vmdk,
        DiskContainer::Vdi => DiskFormat::Vdi,
        DiskContainer::Ova => DiskFormat::Ova,
        DiskContainer::Gcp => DiskFormat::Gcp,
        DiskContainer::Azure => DiskFormat::Azure,
    }
}
