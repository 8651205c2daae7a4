//! Why a disk isn't converted.

use std::path::{Path, PathBuf};

use kit_format::disk_image::{DiskFormat, DiskReadError, DiskWriteError};

use crate::render::Kind;

/// What to do about a disk of which something is elsewhere, or that nobody reads without its key.
pub(crate) const ONE_FILE: &str =
    "make it one file with the disk alone by the program that wrote it, for example by `qemu-img convert`";

/// Why a disk isn't converted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    /// There is no disk in the file, or none that can be had.
    #[error("`{}` can't be read as a disk", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: DiskReadError,
    },
    /// The disk isn't one that the format can hold.
    #[error("the disk in `{}` can't be written as `{format}`", path.display())]
    Unfit {
        path: PathBuf,
        format: DiskFormat,
        #[source]
        source: DiskWriteError,
    },
    /// The file would be replaced by what is read from it.
    #[error("`{}` would be written over itself", path.display())]
    OntoItself { path: PathBuf },
}

impl ConvertError {
    /// Tells what failed: reading or writing.
    pub(super) fn of(error: DiskWriteError, path: &Path, format: DiskFormat) -> Self {
        let path = path.to_owned();
        match error {
            DiskWriteError::Read(source) => Self::Unreadable { path, source: source.into() },
            source => Self::Unfit { path, format, source },
        }
    }

    /// Returns its code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "kit::convert::unreadable",
            Self::Unfit { .. } => "kit::convert::unfit",
            Self::OntoItself { .. } => "kit::convert::onto_itself",
        }
    }

    /// Returns whose fault it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Unreadable { .. } | Self::Unfit { .. } => Kind::User,
            Self::OntoItself { .. } => Kind::Usage,
        }
    }

    /// Returns the next thing to do.
    pub(crate) fn help(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { source: DiskReadError::Unknown, .. } => {
                "a disk without a container begins with a partition table or a file system".to_owned()
            }
            Self::Unreadable { source: DiskReadError::Truncated { .. } | DiskReadError::Io(_), .. } => {
                "copy or download the file again".to_owned()
            }
            Self::Unreadable { source: DiskReadError::Unsupported { .. }, .. } => ONE_FILE.to_owned(),
            Self::Unfit { source: DiskWriteError::Changed | DiskWriteError::OtherSize { .. }, .. } => {
                "stop the machine that uses the disk".to_owned()
            }
            Self::Unfit {
                source: DiskWriteError::TooLarge { .. } | DiskWriteError::FileTooLarge { .. },
                ..
            } => "choose `qcow2`, `vhdx` or `vdi`, which hold 64 TiB".to_owned(),
            Self::Unfit {
                source: DiskWriteError::LongName { .. } | DiskWriteError::BadName { .. }, ..
            } => "name the file otherwise by `--output FILE`: what is inside is named after it".to_owned(),
            Self::Unreadable { .. } | Self::Unfit { .. } => return None,
            Self::OntoItself { .. } => "name another file by `--output FILE`".to_owned(),
        })
    }
}
