//! Why something can't be booted.

use std::path::PathBuf;

use kit_recipe::image::Format;

use crate::render::Kind;

/// Why something can't be booted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The format that is asked for doesn't.
    #[error("`{format}` is nothing that boots")]
    NotBootable { format: Format },
    /// A file without the files that belong to it.
    #[error("`{}` is a kernel, and `{missing}` is not beside it", kernel.display())]
    KernelAlone { kernel: PathBuf, missing: String },
    /// A directory.
    #[error("`{}` is a directory", path.display())]
    Directory { path: PathBuf },
    /// A file of which nobody knows what it is.
    #[error("`{}` is {what}: no machine boots it", path.display())]
    Unknown { path: PathBuf, what: &'static str },
    /// A disc without a boot catalogue.
    #[error("nothing on `{}` can be booted", path.display())]
    NoLoader { path: PathBuf },
    /// A file that can't be unpacked.
    #[error("`{}` can't be unpacked", path.display())]
    Unpack {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Firmware that what is booted has nothing for.
    #[error("`{name}` has nothing that {firmware} starts")]
    OtherFirmware { name: String, firmware: &'static str },
    /// The small board and something else than a kernel.
    #[error("a `microvm` boots kernels without firmware, and `{name}` is none")]
    SmallBoard { name: String },
    /// Something for another processor than a PC's, with what only a PC has.
    #[error("`{name}` is for arm64, which no PC boots, nor its firmware")]
    NoPc { name: String },
    /// Something else than a kernel and its initrd, over the network.
    #[error("`{name}` is no kernel with an initrd, which is what is booted over the network")]
    NotNetbooted { name: String },
    /// A format to choose of a file.
    #[error("`{}` is a file, of which there are no formats", path.display())]
    FormatOfFile { path: PathBuf },
    /// Something without an EFI program, to be signed for one run.
    #[error("`{name}` is neither an EFI program nor a disk with one, which is what is signed for one run")]
    NothingToSign { name: String },
    /// A disk that is signed for one run, and is to be kept.
    #[error("a disk is signed for one run, and of that nothing is kept")]
    SignedIsForgotten,
    /// An image, to be kept as the machine leaves it: the store's files never change.
    #[error("`--persistent` keeps what is written in a file, and an image of a project is none")]
    ImageIsForgotten,
    /// Something that no machine writes to, to be kept.
    #[error("`{name}` can't be kept as the machine leaves it: it isn't a disk that it writes to")]
    NothingKept { name: String },
    /// A certificate that can't be enrolled.
    #[error("`{}` is no certificate", path.display())]
    Certificate { path: PathBuf },
    /// The firmware's variables can't be written.
    #[error("the firmware's variables can't be used")]
    Variables(#[source] kit_format::efi_variables::VariablesError),
}

impl RunError {
    /// Returns the stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotBootable { .. } => "kit::run::not_bootable",
            Self::KernelAlone { .. } => "kit::run::kernel_alone",
            Self::Directory { .. } => "kit::run::directory",
            Self::Unknown { .. } => "kit::run::unknown",
            Self::NoLoader { .. } => "kit::run::no_loader",
            Self::Unpack { .. } => "kit::run::unpack",
            Self::OtherFirmware { .. } => "kit::run::firmware",
            Self::SmallBoard { .. } => "kit::run::board",
            Self::NoPc { .. } => "kit::run::no_pc",
            Self::NotNetbooted { .. } => "kit::run::not_netbooted",
            Self::FormatOfFile { .. } => "kit::run::format_of_file",
            Self::NothingToSign { .. } => "kit::run::nothing_to_sign",
            Self::SignedIsForgotten => "kit::run::signed_is_forgotten",
            Self::ImageIsForgotten => "kit::run::image_is_forgotten",
            Self::NothingKept { .. } => "kit::run::nothing_kept",
            Self::Certificate { .. } => "kit::run::certificate",
            Self::Variables(_) => "kit::run::variables",
        }
    }

    /// Returns whose fault it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::FormatOfFile { .. } | Self::SignedIsForgotten | Self::ImageIsForgotten => Kind::Usage,
            Self::Variables(_) => Kind::Environment,
            _ => Kind::User,
        }
    }

    /// Returns the next thing to do.
    pub(crate) fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotBootable { format: Format::RaspberryPi(_) } => {
                "no emulator has a Raspberry Pi's firmware: the same kernel and initrd boot with `--format kernel+initrd`".to_owned()
            }
            Self::NotBootable { .. } => {
                "`kernel+initrd` and what has `uki`, `iso` or a disk in its name boot".to_owned()
            }
            Self::KernelAlone { .. } => "kit writes them together: keep them together".to_owned(),
            Self::Directory { .. } => "name a file in it: a disk, an ISO, a kernel".to_owned(),
            Self::Unknown { .. } => {
                "disks (raw, qcow2, vhd, vhdx, vmdk, vdi, also compressed), ISOs, EFI programs and kernels with their initrd boot"
                    .to_owned()
            }
            Self::NoLoader { .. } => "it may be the root of `kernel+iso`: name its kernel".to_owned(),
            Self::Unpack { .. } | Self::Variables(_) => return None,
            Self::OtherFirmware { firmware, .. } if *firmware == "UEFI" => "leave `--uefi` and `--secure-boot` out, or name a format for UEFI".to_owned(),
            Self::OtherFirmware { .. } => "leave `--bios` out, or name a format for a BIOS".to_owned(),
            Self::SmallBoard { .. } => "leave `--machine microvm` out".to_owned(),
            Self::NoPc { .. } => {
                "leave `--bios`, `--secure-boot`, `--netboot`, `--tpm` and `--machine` out".to_owned()
            }
            Self::NotNetbooted { .. } => "name the format that is: `--format kernel+initrd`".to_owned(),
            Self::FormatOfFile { .. } => "leave `--format` out".to_owned(),
            Self::NothingToSign { .. } => {
                "name the format that is: `--format uki`; or behind `--secure-boot` the certificate of whom has signed what is in it"
                    .to_owned()
            }
            Self::SignedIsForgotten => {
                "leave `--persistent` out; or sign the disk once (`kit sign --secure-boot`), and name the certificate behind `--secure-boot`"
                    .to_owned()
            }
            Self::ImageIsForgotten => {
                "write the image and name its file: `kit build NAME --format raw-efi`, then `kit run out/NAME-efi.img --persistent`".to_owned()
            }
            Self::NothingKept { .. } => {
                "leave `--persistent` out; or name a disk that isn't compressed as a whole, or the kernel of `kernel+ext4`".to_owned()
            }
            Self::Certificate { .. } => "it is an X.509 certificate in PEM or DER".to_owned(),
        })
    }
}
