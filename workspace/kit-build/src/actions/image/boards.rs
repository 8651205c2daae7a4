//! What boards start from.

use std::io::Read as _;

use kit_format::largest::Largest;
use kit_format::mbr::{self, MbrError};
use kit_format::{fat, raspberry_pi};
use kit_hash::{Identity as _, TreeId};
use kit_plan::derivation::{Input, RaspberryPi};
use kit_recipe::image::Packing;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::Writer;
use super::disks::{MBR_FAT32, MIB, identity};
use crate::BuildError;
use crate::error::CardSize;

/// Free bytes of the file system: people edit `config.txt`.
const SPARE: u64 = 1 << 20;
/// The longest command line that is read, in bytes.
const TEXT_LIMIT: u64 = 64 << 10;

impl Writer<'_> {
    pub(super) fn raspberry_pi(
        &self,
        board: &RaspberryPi,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Tree, BuildError> {
        let read = |input: &Input| self.store.tree(&tree_of(input));
        let files = self.files_of_pi(&read(&board.firmware)?, &read(&board.kernel)?, &read(&board.boot)?)?;
        match board.packing {
            Packing::Archive => self.tar(&files, "-rpi.tar"),
            Packing::Disk => self.card(&files, board.size),
        }
    }

    /// Returns the files that the firmware starts from, and itself.
    fn files_of_pi(&self, firmware: &Tree, kernel: &Tree, boot: &Tree) -> Result<Tree, BuildError> {
        let mut files = Tree::new();
        for name in raspberry_pi::FIRMWARE {
            let path: TreePath =
                format!("{}/{name}", raspberry_pi::PLACE).parse().expect("because it is a constant path");
            match firmware.inode(&path) {
                Some(Entry::File { blob, size, .. }) => {
                    self.add(&mut files, &format!("/{name}"), (*blob, *size))?;
                }
                _ => return Err(self.failed(format!("the package of the firmware has no `{path}`"))),
            }
        }
        self.add_device_trees(&mut files, kernel)?;
        let content = self.content(boot, "-kernel")?;
        let mut start = Vec::new();
        let mut begin = self.store.open_blob(&content.blob)?.take(raspberry_pi::HEADER);
        begin.read_to_end(&mut start).map_err(|e| self.failed(e))?;
        if !raspberry_pi::is_kernel(&start) {
            return Err(
                self.failed("the kernel is none for arm64, which is what the firmware is told to start")
            );
        }
        self.add(&mut files, &format!("/{}", raspberry_pi::KERNEL), (content.blob, content.size))?;
        let content = self.content(boot, "-initrd.img")?;
        self.add(&mut files, &format!("/{}", raspberry_pi::INITRD), (content.blob, content.size))?;
        let content = self.content(boot, "-cmdline")?;
        let text = self.store.read(&content.blob, TEXT_LIMIT).map_err(|e| self.failed(e))?;
        let text = raspberry_pi::command_line(&String::from_utf8_lossy(&text)).map_err(|e| self.failed(e))?;
        for (name, text) in
            [(raspberry_pi::COMMAND_LINE, text), (raspberry_pi::CONFIGURATION, raspberry_pi::configuration())]
        {
            let blob = self.store.put_bytes(text.as_bytes())?;
            self.add(&mut files, &format!("/{name}"), (blob, text.len() as u64))?;
        }
        Ok(files)
    }

    fn add_device_trees(&self, files: &mut Tree, kernel: &Tree) -> Result<(), BuildError> {
        let mut found = 0;
        for (path, entry) in kernel.entries() {
            let Some(name) = raspberry_pi::device_tree(path.as_bytes()) else { continue };
            if let Entry::File { blob, size, .. } = entry {
                self.add(files, &format!("/{name}"), (*blob, *size))?;
                found += 1;
            }
        }
        if found == 0 {
            let why = "the kernel's package has no device tree of a Raspberry Pi, such as \
                       `/usr/lib/linux-image-RELEASE/broadcom/bcm2711-rpi-4-b.dtb`";
            return Err(self.failed(why));
        }
        Ok(())
    }

    /// Lays a card out: an MBR with one partition of FAT32, which the ROM of every board reads.
    fn card(&self, files: &Tree, size: Option<u64>) -> Result<Tree, BuildError> {
        let options = fat::Options {
            label: "BOOT".to_owned(),
            mtime: self.image.source_date,
            size: fat::Size::Fitting { spare: SPARE },
            hidden_sectors: u32::try_from(MIB / 512).map_err(|e| self.failed(e))?,
            kind: Some(fat::Kind::Fat32),
            seed: [0; 32],
        };
        let content = fat::layout(files, &options).map_err(|e| self.failed(e))?;
        let mut signature = [0; 4];
        signature.copy_from_slice(&identity(&content).as_bytes()[..4]);
        let partition = mbr::Partition { kind: MBR_FAT32, active: false, size: content.len(), content };
        let options = mbr::Options {
            signature: u32::from_le_bytes(signature),
            size,
            boot_code: None,
            loader: kit_format::layout::Layout::new(),
        };
        let layout = mbr::layout(vec![partition], &options).map_err(|error| match error {
            MbrError::DiskSize { .. } => self.failed(CardSize { disk: error, largest: Largest::of(files) }),
            error => self.failed(error),
        })?;
        let mut tree = Tree::new();
        self.put_layout(&mut tree, "-rpi.img", "disk", &layout)?;
        Ok(tree)
    }
}
