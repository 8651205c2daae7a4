//! Why something that the command line names can't be opened.

use std::io;

use kit_format::cpio::CpioReadError;
use kit_format::disk_image::DiskReadError;
use kit_format::oci::layer::ReadLayerError;
use kit_format::oci::pull::DocumentError;
use kit_format::pe::PeError;
use kit_format::tar::TarReadError;
use kit_hash::Sha256;
use kit_tree::layers::LayerError;

use crate::commands::convert::ONE_FILE;

/// Why it can't be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The machine can't read it, or it is compressed and ends too early.
    #[error("it can't be read to its end")]
    Read(#[from] io::Error),
    /// It is nothing that is opened.
    #[error("{}", looks.map_or_else(|| "it is nothing that kit knows".to_owned(), |looks| format!("it is {looks}, which kit doesn't open")))]
    Unknown { looks: Option<&'static str> },
    /// It is what a kernel is told.
    #[error("it is a boot command line, which has no files")]
    CommandLine,
    /// It is an initrd that is damaged, or that nobody should make.
    #[error("its archive can't be read")]
    Cpio(#[from] CpioReadError),
    /// The same, of a tar archive.
    #[error("its archive can't be read")]
    Tar(#[from] TarReadError),
    /// It is a disk that is damaged, or one that kit doesn't read.
    #[error("its disk can't be read")]
    Disk(#[source] DiskReadError),
    /// A part of it is damaged.
    #[error("its {what} can't be read")]
    Part { what: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// A program for UEFI that is damaged.
    #[error("its program can't be read")]
    Program(#[from] PeError),
    /// Nothing in it is a root.
    #[error("it has no root file system that kit reads")]
    NoRoot,
    /// One of its documents can't be used.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A file that it names isn't there.
    #[error("it has no `{path}`")]
    Missing { path: String },
    /// A file isn't the one that its name says.
    #[error("`{path}` has another content: its digest is sha256:{found}")]
    Digest { path: String, found: Sha256 },
    /// A layer can't be read.
    #[error("layer {number} can't be read")]
    Layer {
        /// From the lowest, from 1.
        number: usize,
        #[source]
        source: ReadLayerError,
    },
    /// The layers have more files than one archive may have.
    #[error("its layers have more than {most} files")]
    Crowded { most: u64 },
    /// The layers don't fit on each other.
    #[error("its layers don't fit on each other")]
    Layers(#[from] LayerError),
    /// It has several images.
    #[error("it has several images: {}", found.join(", "))]
    Which { found: Vec<String> },
    /// It has no image of that name.
    #[error("it has no image{}", if name.is_empty() { String::new() } else { format!(" `{name}`") })]
    NoSuch { name: String, found: Vec<String> },
    /// It is a directory of something else.
    #[error("it is a directory with neither an OCI image layout nor an image that `kit build` wrote")]
    Directory,
    /// There is nothing to choose from.
    #[error("there is nothing to choose by `{flag}`: it has one image")]
    NoChoice { flag: &'static str },
}

impl OpenError {
    /// Whether there is nothing to open: it can be a file that only starts something. Whatever else is wrong, is.
    pub(crate) fn is_no_image(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::CommandLine | Self::NoRoot)
    }

    /// Returns its code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Disk(DiskReadError::Unsupported { .. }) => "kit::open::unsupported",
            Self::Read(_)
            | Self::Cpio(_)
            | Self::Tar(_)
            | Self::Disk(_)
            | Self::Part { .. }
            | Self::Program(_) => "kit::open::damaged",
            Self::NoRoot => "kit::open::no_root",
            Self::Unknown { .. } | Self::Directory => "kit::open::unknown_format",
            Self::CommandLine => "kit::open::command_line",
            Self::Document(_) => "kit::open::document",
            Self::Missing { .. } => "kit::open::incomplete",
            Self::Digest { .. } => "kit::open::digest",
            Self::Layer { .. } | Self::Layers(_) | Self::Crowded { .. } => "kit::open::layer",
            Self::Which { .. } | Self::NoSuch { .. } => "kit::open::which_image",
            Self::NoChoice { .. } => "kit::open::no_choice",
        }
    }

    /// Returns the next thing to do.
    pub(crate) fn help(&self) -> String {
        let help = match self {
            Self::Disk(DiskReadError::Unsupported { .. }) => ONE_FILE,
            Self::Read(_)
            | Self::Cpio(_)
            | Self::Tar(_)
            | Self::Disk(_)
            | Self::Part { .. }
            | Self::Program(_)
            | Self::Missing { .. }
            | Self::Digest { .. } => "get it again: it is damaged, cut off, or was changed on the way",
            Self::Unknown { .. } | Self::Directory => {
                "name an initrd, a tar archive (compressed or not), a disk, a compact disc, a file system, an extension, a program for UEFI, an archive of `docker save`, the directory of an OCI image layout, one that `kit build` writes to, or any output that a lockfile of the project has the digest of"
            }
            Self::NoRoot => "name the file that has the root: what starts it is not enough",
            Self::CommandLine => "name the initrd beside it",
            Self::Document(DocumentError::Platform { .. } | DocumentError::OtherPlatform { .. }) => {
                "name one that it has by `--platform`"
            }
            Self::Document(_) => "see what made it: it isn't what the image specification says",
            Self::Layer { .. } | Self::Layers(_) | Self::Crowded { .. } => {
                "get it again; where it stays the same, see what made it: no runtime should take it either"
            }
            Self::Which { .. } => "name one of them by `--image`",
            Self::NoSuch { found, .. } if found.is_empty() => "see what made it: it has no image with a name",
            Self::NoSuch { found, .. } => return format!("it has {}", found.join(", ")),
            Self::NoChoice { .. } => "leave it out",
        };
        help.to_owned()
    }
}
