//! Places for two systems on a disk: what chooses one, and their partitions.
//!
//! | where | what |
//! |---|---|
//! | `/EFI/BOOT/BOOTX64.EFI` | systemd-boot as its package has it |
//! | `/loader/loader.conf` | [`LOADER`] |
//! | `/EFI/Linux/NAME_A+3.efi` | the unified kernel image of the first system, which may be tried three times |
//! | partitions `root-a`, `root-a-verity` | its root and the digests of that |
//! | partitions `root-b`, `root-b-verity` | as large, and empty |
//!
//! A unified kernel image finds its root by the identifiers that follow from the digest on its command line, so it is the same in either
//! place. Free bytes of the file system are enough for two more such images.

use kit_format::gpt::{self, Guid};
use kit_format::layout::Layout;
use kit_tree::{Tree, TreePath};

use super::Writer;
use super::boot_program::{SPARE, STUB_LIMIT, STUBS, Started, Wanted};
use crate::BuildError;

/// What the boot manager is told: to start the best system at once, and to take no word from the keyboard.
const LOADER: &str = "timeout 0\neditor no\nauto-entries no\nauto-firmware no\n";
/// How often a new system is tried.
const TRIES: u32 = 3;
/// How names begin that the boot manager keeps for itself.
const RESERVED: &str = "auto-";
/// What partitions are aligned to.
const MIB: u64 = 1 << 20;
/// Bytes of a block that is checked, and how many digests one has.
const BLOCK: u64 = 4096;
const DIGESTS: u64 = BLOCK / 32;

impl Writer<'_> {
    /// Lays out the file system that firmware reads. `manager` is the package with the boot manager.
    pub(super) fn slots_boot_partition(
        &self,
        manager: &Tree,
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
        let program = self.text(manager, &from.to_string(), STUB_LIMIT)?;
        let system = self.only_file(uki)?;
        let mut tree = Tree::new();
        let mut add = |path: &str, text: &[u8]| {
            self.add(&mut tree, path, (self.store.put_bytes(text)?, text.len() as u64))
        };
        add(&format!("/EFI/BOOT/BOOT{}.EFI", word.to_uppercase()), &program)?;
        add("/loader/loader.conf", LOADER.as_bytes())?;
        self.add(&mut tree, &format!("/EFI/Linux/{name}_A+{TRIES}.efi"), system)?;
        self.firmware_file_system(&tree, SPARE + 2 * system.1, begin, wanted)
    }
}

/// Returns the partitions of both slots: those of the first system, and empty ones. `size` is that of a root.
pub(super) fn partitions(mut first: Vec<gpt::Partition>, size: Option<u64>) -> Vec<gpt::Partition> {
    let size = size.unwrap_or_else(|| first.first().map_or(0, |root| root.size)).next_multiple_of(MIB);
    let root = first.first().map_or(String::new(), |root| root.label.clone());
    let mut sizes = [size, digests_size(size)].into_iter();
    for partition in &mut first {
        let least = sizes.next().unwrap_or(0);
        partition.size = if partition.label == root { least } else { least.max(partition.size) };
        partition.label = partition.label.replacen(&root, &format!("{root}-a"), 1);
    }
    let second = first.iter().map(|partition| gpt::Partition {
        id: Guid::NIL,
        label: partition.label.replacen(&format!("{root}-a"), &format!("{root}-b"), 1),
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
        let made = partitions(vec![partition("root", 5000), partition("root-verity", 8192)], size);
        made.into_iter().map(|p| (p.label, p.size, p.content.len(), p.id == Guid::NIL)).collect()
    }

    #[test]
    fn the_second_slot_is_as_large_and_empty() {
        let of = |label: &str, size, content, nil| (label.to_owned(), size, content, nil);
        assert_eq!(
            described(None),
            [
                of("root-a", MIB, 5000, false),
                of("root-a-verity", MIB, 5000, false),
                of("root-b", MIB, 0, true),
                of("root-b-verity", MIB, 0, true),
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
