//! `--disk`: disks besides the one that is booted.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Failure;
use crate::project::{absolute, open_dir, open_file};
use crate::qemu::boot::Disk;

/// The largest disk that is made, in MiB.
const LARGEST: u64 = 64 << 20;

/// What `--disk` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct More {
    /// Where it is kept; none goes away with the machine.
    file: Option<PathBuf>,
    /// MiB, when it has to be made.
    size: Option<u64>,
}

impl FromStr for More {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let size = |text: &str| super::parse_size(text, 1..=LARGEST);
        if !text.contains('=') {
            return Ok(Self { file: None, size: Some(size(text)?) });
        }
        let mut more = Self { file: None, size: None };
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("file", file)) if !file.is_empty() => more.file = Some(file.into()),
                Some(("size", text)) => more.size = Some(size(text)?),
                _ => return Err(format!("`{part}` is neither `file=PATH` nor `size=SIZE`")),
            }
        }
        Ok(more)
    }
}

impl More {
    /// Makes the disk, if it isn't there. `index` tells those without a file apart.
    pub(super) fn make(&self, index: usize, scratch: &Path) -> Result<Disk, Failure> {
        let path = match &self.file {
            Some(file) => absolute(file)?,
            None => scratch.join(format!("disk{index}")),
        };
        if !path.exists() {
            let failed = |source| Failure::File { action: "make", path: path.clone(), source };
            let size = self.size.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(failed(std::io::ErrorKind::IsADirectory.into()));
            };
            let file = open_dir(parent)?.create(name).map_err(failed)?;
            file.set_len(size << 20).map_err(failed)?;
        }
        let container = super::told::container(&mut open_file(&path)?).map_err(|source| Failure::File {
            action: "read",
            path: path.clone(),
            source,
        })?;
        Ok(Disk { file: path, container })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::boot::Container;

    #[test]
    fn a_disk_is_a_size_or_a_file() {
        assert_eq!("1G".parse(), Ok(More { file: None, size: Some(1024) }));
        let both = More { file: Some("data.img".into()), size: Some(64) };
        assert_eq!("file=data.img,size=64M".parse(), Ok(both));
        for wrong in ["", "x", "0", "file=", "file=a,format=qcow2", "size=1T"] {
            assert!(wrong.parse::<More>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_that_is_there_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let more = More { file: Some(directory.path().join("d")), size: Some(1) };
        let first = more.make(0, directory.path()).unwrap();
        assert_eq!(first.container, Container::Raw);
        crate::project::write_file(&first.file, b"QFI\xfb").unwrap();
        assert_eq!(more.make(0, directory.path()).unwrap().container, Container::Qcow2);
        let nowhere = More { file: Some(directory.path().join("e")), size: None };
        assert!(nowhere.make(0, directory.path()).is_err());
    }
}
