//! Places for two systems on a disk: what chooses one, and their partitions.
//!
//! | where | what |
//! |---|---|
//! | `/EFI/BOOT/BOOTX64.EFI`, `BOOTAA64.EFI` for arm64 | systemd-boot as its package has it, and zeros up to a multiple of 8 bytes, as signatures need |
//! | `/loader/loader.conf` | [`LOADER`] |
//! | `/EFI/Linux/NAME_V+3.efi` | the unified kernel image of the system, of version V, which may be tried three times |
//! | partitions `root_V`, `root-verity_V` | its root and the digests of that |
//! | two partitions `_empty` | as large, and empty |
//!
//! By these names systemd-sysupdate knows what is there. A unified kernel image finds its root by the identifiers that follow from the digest on its command line, so it is the same in either
//! place. Free bytes of the file system are enough for two more such images.

use kit_format::gpt::{self, Guid};
use kit_format::layout::Layout;
use kit_format::pe::Program;
use kit_format::sysupdate::{self, Part};
use kit_format::uki::machine;
use kit_tree::{Tree, TreePath};

use super::Writer;
use super::boot_program::{SPARE, STUB_LIMIT, STUBS, Started, Wanted};
use crate::BuildError;

/// What the boot manager is told: to start the best system at once, and to take no word from the keyboard.
const LOADER: &str = "timeout 0\neditor no\nauto-entries no\nauto-firmware no\n";
/// How names begin that the boot manager keeps for itself.
const RESERVED: &str = "auto-";
/// What the length of a signed program is a multiple of, before its signatures.
const SIGNED_IN: usize = 8;
/// What partitions are aligned to.
const MIB: u64 = 1 << 20;
/// Bytes of a block that is checked, and how many digests one has.
const BLOCK: u64 = 4096;
const DIGESTS: u64 = BLOCK / 32;

impl Writer<'_> {
    /// Lays out the file system that firmware reads, of a package with the boot manager and a system of a version.
    pub(super) fn slots_boot_partition(
        &self,
        (manager, version): (&Tree, &str),
        started: &Started,
        begin: u64,
        wanted: &Wanted<'_>,
    ) -> Result<Layout, BuildError> {
        let Some(uki) = &started.uki else { return Err(self.failed("nothing on it is for UEFI")) };
        let name = &self.image.name;
        if name.starts_with(RESERVED) {
            return Err(
                self.failed(format!("systemd-boot takes no system whose name begins with `{RESERVED}`"))
            );
        }
        let word = self.efi_word(&started.architecture)?;
        let from: TreePath = format!("{STUBS}/systemd-boot{word}.efi")
            .parse()
            .map_err(|e: kit_tree::PathError| self.failed(e))?;
        let mut program = self.text(manager, &from.to_string(), STUB_LIMIT)?;
        self.is_for(&program, &started.architecture)?;
        // Whoever signs it fills it up: what is filled up already is the same again without its signatures.
        program.resize(program.len().next_multiple_of(SIGNED_IN), 0);
        let system = self.only_file(uki)?;
        let mut tree = Tree::new();
        let mut add = |path: &str, text: &[u8]| {
            self.add(&mut tree, path, (self.store.put_bytes(text)?, text.len() as u64))
        };
        add(&format!("/EFI/BOOT/BOOT{}.EFI", word.to_uppercase()), &program)?;
        add("/loader/loader.conf", LOADER.as_bytes())?;
        self.add(&mut tree, &format!("/EFI/Linux/{}", sysupdate::tried(name, version)), system)?;
        self.firmware_file_system(&tree, SPARE + 2 * system.1, begin, wanted)
    }

    /// Refuses a boot manager for another machine than the image.
    fn is_for(&self, program: &[u8], architecture: &str) -> Result<(), BuildError> {
        let (manager, image) =
            (Program::parse(program, program.len() as u64), self.efi_machine(architecture)?);
        let manager = manager.map_err(|e| self.failed(e))?.machine;
        if manager == image {
            return Ok(());
        }
        let (manager, image) = (machine(manager), machine(image));
        Err(self.failed(format!("the boot manager is for {manager}, the image for {image}")))
    }
}

/// Returns the partitions of both slots: those of the first system, which is of a version, and empty ones. `size` is that of a root.
pub(super) fn partitions(
    mut first: Vec<gpt::Partition>,
    size: Option<u64>,
    version: &str,
) -> Vec<gpt::Partition> {
    let size = size.unwrap_or_else(|| first.first().map_or(0, |root| root.size)).next_multiple_of(MIB);
    let label = first.first().map_or(String::new(), |root| root.label.clone());
    for (partition, part) in first.iter_mut().zip([Part::Root, Part::Digests]) {
        partition.size = match part {
            Part::Root => size,
            Part::Digests => digests_size(size).max(partition.size),
        };
        partition.label = part.label(&label, version);
    }
    let second = first.iter().map(|partition| gpt::Partition {
        id: Guid::NIL,
        label: sysupdate::EMPTY.to_owned(),
        content: Layout::new(),
        ..partition.clone()
    });
    let second: Vec<_> = second.collect();
    first.into_iter().chain(second).collect()
}

/// Returns how many bytes the digests of a partition take at most, in whole MiB.
fn digests_size(size: u64) -> u64 {
    let mut level = size.div_ceil(BLOCK);
    // The first block says how it is made.
    let mut blocks = 1;
    while level > 1 {
        level = level.div_ceil(DIGESTS);
        blocks += level;
    }
    (blocks * BLOCK).next_multiple_of(MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(label: &str, size: u64) -> gpt::Partition {
        let mut content = Layout::new();
        content.bytes("content", vec![1; 5000]);
        gpt::Partition {
            kind: Guid::LINUX_ROOT_X86_64,
            id: Guid::of(7),
            label: label.to_owned(),
            attributes: 1 << 60,
            content,
            size,
            mbr: None,
        }
    }

    fn described(size: Option<u64>) -> Vec<(String, u64, u64, bool)> {
        let first = vec![partition("root", 5000), partition("root-verity", 8192)];
        let made = partitions(first, size, "1.4");
        made.into_iter().map(|p| (p.label, p.size, p.content.len(), p.id == Guid::NIL)).collect()
    }

    #[test]
    fn the_second_slot_is_as_large_and_empty() {
        let of = |label: &str, size, content, nil| (label.to_owned(), size, content, nil);
        assert_eq!(
            described(None),
            [
                of("root_1.4", MIB, 5000, false),
                of("root-verity_1.4", MIB, 5000, false),
                of("_empty", MIB, 0, true),
                of("_empty", MIB, 0, true),
            ]
        );
        let sizes: Vec<_> = described(Some(1 << 30)).into_iter().map(|(_, size, ..)| size).collect();
        assert_eq!(sizes, [1 << 30, 9 * MIB, 1 << 30, 9 * MIB]);
    }

    #[test]
    fn digests_of_a_full_slot_fit() {
        // 8 MiB are 2048 blocks, whose digests take 16 and 1; 1 GiB: 2048, 16 and 1.
        assert_eq!(digests_size(8 * MIB), MIB);
        assert_eq!(digests_size(1 << 30), (1 + 2048 + 16 + 1_u64).next_multiple_of(256) * BLOCK);
        assert_eq!(digests_size(0), MIB);
    }
}
