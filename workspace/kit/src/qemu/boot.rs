//! What a machine boots, as QEMU is told of it.
//!
//! | what | how the machine gets it |
//! |---|---|
//! | kernel, initrd, command line | put into memory; the root, where it is a file system of its own, is a virtio disk |
//! | a disk | a virtio disk, in whichever container |
//! | an ISO | a CD in a virtio drive: every kernel for virtual machines has its driver, not all have that of the board's own |
//! | an EFI program | `EFI/BOOT/BOOTX64.EFI`, or `BOOTAA64.EFI`, on a FAT disk that QEMU makes up around it |
//! | an address | iPXE, from the network card's ROM, fetches it |

use std::fmt;
use std::path::{Path, PathBuf};

use kit_recipe::Architecture;

/// What is booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Boot {
    /// A kernel, without any boot loader.
    Direct {
        /// Kernel file on this machine.
        kernel: PathBuf,
        /// Initial root file system.
        initrd: Option<PathBuf>,
        /// Boot command line.
        cmdline: String,
        /// A file system that is the root, and what becomes of what the machine writes to it.
        root: Option<(PathBuf, Writes)>,
    },
    /// A disk that has its own boot loader.
    Disk {
        /// File on this machine.
        file: PathBuf,
        /// What it is kept in.
        container: Container,
        /// Where in the file it is, in bytes, when it is not all of it.
        within: Option<Extent>,
        /// What becomes of what the machine writes.
        writes: Writes,
    },
    /// A CD.
    Iso {
        /// File on this machine.
        file: PathBuf,
    },
    /// An EFI program, such as a unified kernel image.
    Program {
        /// File on this machine.
        file: PathBuf,
    },
    /// A script for iPXE.
    Network {
        /// Its address, as the machine reaches it.
        address: String,
    },
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Its first byte.
    pub(crate) offset: u64,
    /// How many bytes there are.
    pub(crate) size: u64,
}

/// What becomes of what a machine writes to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// It is forgotten when the machine ends.
    Forgotten,
    /// It is in the file.
    Kept,
}

/// What a disk is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// Nothing: the disk byte by byte.
    Raw,
    /// QEMU's.
    Qcow2,
    /// Virtual PC's, the fixed form too.
    Vhd,
    /// Hyper-V's.
    Vhdx,
    /// VMware's.
    Vmdk,
    /// VirtualBox's.
    Vdi,
}

impl fmt::Display for Container {
    /// Writes QEMU's word for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhd => "vpc",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
        })
    }
}

/// A disk besides the one that is booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disk {
    /// File on this machine; the machine's writes are in it.
    pub(crate) file: PathBuf,
    /// What it is kept in.
    pub(crate) container: Container,
}

/// A file of this machine that the emulator sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) file: PathBuf,
    /// Where it sees it.
    pub(crate) target: String,
    pub(crate) writes: Writes,
}

/// Where the emulator sees what is booted.
const KERNEL: &str = "/src/kernel";
const INITRD: &str = "/src/initrd";
const DISK: &str = "/src/disk";
/// A directory that becomes a FAT disk.
const ESP: &str = "/esp";

impl Boot {
    /// Returns the file that a machine's writes are kept in, if they are.
    pub(crate) fn keeps(&self) -> Option<&Path> {
        match self {
            Self::Disk { file, writes: Writes::Kept, .. }
            | Self::Direct { root: Some((file, Writes::Kept)), .. } => Some(file),
            _ => None,
        }
    }

    /// Returns QEMU's arguments for it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Direct { initrd, cmdline, root, .. } => {
                let mut all: Vec<String> = words(&["-kernel", KERNEL]);
                if initrd.is_some() {
                    all.extend(["-initrd".to_owned(), INITRD.to_owned()]);
                }
                if !cmdline.is_empty() {
                    all.extend(["-append".to_owned(), cmdline.clone()]);
                }
                if let Some((_, writes)) = root {
                    let drive = drive(DISK, Container::Raw, None, *writes);
                    all.extend(virtio_disk("boot", &drive));
                }
                all
            }
            Self::Disk { container, within, writes, .. } => {
                let mut disk = virtio_disk("boot", &drive(DISK, *container, *within, *writes));
                if let Some(device) = disk.last_mut() {
                    device.push_str(",bootindex=0");
                }
                disk
            }
            Self::Iso { .. } => words(&[
                "-drive",
                &format!("if=none,id=boot,media=cdrom,readonly=on,format=raw,file={DISK}"),
                "-device",
                "virtio-scsi-pci,id=scsi",
                "-device",
                "scsi-cd,bus=scsi.0,drive=boot,bootindex=0",
            ]),
            Self::Program { .. } => words(&[
                "-blockdev",
                &format!("driver=vvfat,node-name=boot,dir={ESP},label=ESP,read-only=on"),
                "-device",
                "virtio-blk-pci,drive=boot,bootindex=0",
            ]),
            Self::Network { .. } => Vec::new(),
        }
    }

    /// Returns the files that it takes, on a machine with such a processor.
    pub(crate) fn files(&self, architecture: Architecture) -> Vec<Shown> {
        let read = |file: &PathBuf, target: &str| Shown {
            file: file.clone(),
            target: target.to_owned(),
            writes: Writes::Forgotten,
        };
        match self {
            Self::Direct { kernel, initrd, root, .. } => [
                Some(read(kernel, KERNEL)),
                initrd.as_ref().map(|file| read(file, INITRD)),
                root.as_ref().map(|(file, writes)| Shown { writes: *writes, ..read(file, DISK) }),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Self::Disk { file, writes, .. } => vec![Shown { writes: *writes, ..read(file, DISK) }],
            Self::Iso { file } => vec![read(file, DISK)],
            Self::Program { file } => vec![read(file, program(architecture))],
            Self::Network { .. } => Vec::new(),
        }
    }

    /// Returns the empty directories that those files lie in, besides `/src`.
    pub(crate) fn directories(&self) -> &'static [&'static str] {
        match self {
            Self::Program { .. } => &["/esp", "/esp/EFI", "/esp/EFI/BOOT"],
            Self::Direct { .. } | Self::Disk { .. } | Self::Iso { .. } | Self::Network { .. } => &[],
        }
    }
}

/// Returns the place on that disk that firmware looks at.
fn program(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "/esp/EFI/BOOT/BOOTX64.EFI",
        Architecture::Arm64 => "/esp/EFI/BOOT/BOOTAA64.EFI",
    }
}

/// Returns QEMU's words for a file that is a disk. The container is said, never guessed: a guest could write another one's start.
fn drive(file: &str, container: Container, within: Option<Extent>, writes: Writes) -> String {
    let snapshot = match writes {
        Writes::Forgotten => ",snapshot=on",
        Writes::Kept => "",
    };
    match within {
        None => format!("format={container},file={file}{snapshot}"),
        Some(Extent { offset, size }) => format!(
            "driver={container},file.driver=raw,file.offset={offset},file.size={size},file.file.driver=file,file.file.filename={file}{snapshot}"
        ),
    }
}

/// Returns QEMU's arguments for a virtio disk.
fn virtio_disk(id: &str, drive: &str) -> Vec<String> {
    vec![
        "-drive".to_owned(),
        format!("if=none,id={id},{drive}"),
        "-device".to_owned(),
        format!("virtio-blk-pci,drive={id}"),
    ]
}

/// Returns QEMU's arguments for disks besides the one that is booted, and the files that they take.
pub(crate) fn more_disks(disks: &[Disk]) -> (Vec<String>, Vec<Shown>) {
    let mut arguments = Vec::new();
    let mut files = Vec::new();
    for (index, disk) in disks.iter().enumerate() {
        let target = format!("/src/more{index}");
        arguments.extend(virtio_disk(
            &format!("more{index}"),
            &drive(&target, disk.container, None, Writes::Kept),
        ));
        files.push(Shown { file: disk.file.clone(), target, writes: Writes::Kept });
    }
    (arguments, files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(container: Container, within: Option<Extent>, writes: Writes) -> Boot {
        Boot::Disk { file: PathBuf::from("/d"), container, within, writes }
    }

    #[test]
    fn a_disk_is_not_written_to_unless_asked() {
        let boot = disk(Container::Vhd, None, Writes::Forgotten);
        assert!(
            boot.arguments().contains(&"if=none,id=boot,format=vpc,file=/src/disk,snapshot=on".to_owned())
        );
        assert_eq!(boot.files(Architecture::USUAL)[0].writes, Writes::Forgotten);
        let boot = disk(Container::Raw, None, Writes::Kept);
        assert!(boot.arguments().contains(&"if=none,id=boot,format=raw,file=/src/disk".to_owned()));
        assert_eq!(boot.files(Architecture::USUAL)[0].writes, Writes::Kept);
    }

    #[test]
    fn a_disk_within_a_file_is_that_part_of_it() {
        let within = Some(Extent { offset: 1536, size: 4096 });
        let arguments = disk(Container::Vmdk, within, Writes::Forgotten).arguments();
        assert_eq!(
            arguments[1],
            "if=none,id=boot,driver=vmdk,file.driver=raw,file.offset=1536,file.size=4096,\
             file.file.driver=file,file.file.filename=/src/disk,snapshot=on"
        );
    }

    #[test]
    fn firmware_of_each_processor_looks_for_a_name_of_its_own() {
        let boot = Boot::Program { file: PathBuf::from("/p") };
        let target = |architecture| boot.files(architecture).remove(0).target;
        assert_eq!(target(Architecture::Amd64), "/esp/EFI/BOOT/BOOTX64.EFI");
        assert_eq!(target(Architecture::Arm64), "/esp/EFI/BOOT/BOOTAA64.EFI");
    }

    #[test]
    fn a_kernel_alone_has_neither_initrd_nor_disk() {
        let kernel = PathBuf::from("/k");
        let boot = Boot::Direct { kernel, initrd: None, cmdline: String::new(), root: None };
        assert_eq!(boot.keeps(), None);
        assert_eq!(boot.arguments(), ["-kernel", "/src/kernel"]);
        assert_eq!(boot.files(Architecture::USUAL).len(), 1);
    }
}
