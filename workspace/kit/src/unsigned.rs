//! A file without the signatures in it that are declared to be no part of what was built.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;

use kit_format::authenticode::{self, AuthenticodeError, Changed};
use kit_format::signing::{self, Changes};
use kit_recipe::image::{DiskContainer, Format};

use crate::commands::convert::DiskFile;
use crate::opened::kind::Kind;

/// Why a file can't be told from its signatures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnsignedError {
    /// The bytes can't be had.
    #[error("it can't be read")]
    Read(#[from] io::Error),
    /// It is no program with a table of signatures.
    #[error(transparent)]
    Program(#[from] AuthenticodeError),
}

/// A file as it is compared with what was built.
#[derive(Debug)]
pub(crate) struct Unsigned {
    /// How many bytes that are.
    pub(crate) length: u64,
    without: Without,
}

/// What is left out.
#[derive(Debug)]
enum Without {
    Nothing,
    OfProgram(Changed),
    OfDisk(Changes),
}

impl Unsigned {
    /// Takes all of a file.
    pub(crate) fn whole(file: &File) -> io::Result<Self> {
        Ok(Self { length: file.metadata()?.len(), without: Without::Nothing })
    }

    /// Leaves the signatures out that a file of this kind may have: a program, or the programs on a disk that is in no container.
    pub(crate) fn of(kind: Kind, file: &File) -> Result<Self, UnsignedError> {
        let whole = Self::whole(file)?;
        match kind {
            Kind::Uki => {
                let changed = authenticode::unsigned(&|| from_start(file), whole.length)?;
                let (length, is_unsigned) = (changed.length(), changed.length() == whole.length);
                let without = if is_unsigned { Without::Nothing } else { Without::OfProgram(changed) };
                Ok(Self { length, without })
            }
            Kind::Other(
                Format::Disk { container: DiskContainer::Raw | DiskContainer::Aws, .. } | Format::Iso { .. },
            ) => {
                let disk = DiskFile::new(file.try_clone()?, Path::new("")).map_err(io::Error::other)?;
                let changes = signing::unsigned(&disk)?;
                let without =
                    if changes.programs().is_empty() { Without::Nothing } else { Without::OfDisk(changes) };
                Ok(Self { without, ..whole })
            }
            _ => Ok(whole),
        }
    }

    /// Whether there are any.
    pub(crate) fn is_signed(&self) -> bool {
        !matches!(self.without, Without::Nothing)
    }

    /// Reads what is left of the file.
    pub(crate) fn stream<'a>(&'a self, file: &'a File) -> io::Result<Box<dyn Read + 'a>> {
        let file = from_start(file)?;
        Ok(match &self.without {
            Without::Nothing => file,
            Without::OfProgram(changed) => Box::new(changed.stream(file)),
            Without::OfDisk(changes) => Box::new(changes.stream(file)),
        })
    }
}

/// Reads a file from its start, whoever read it before.
pub(crate) fn from_start(mut file: &File) -> io::Result<Box<dyn Read + '_>> {
    file.rewind()?;
    Ok(Box::new(BufReader::new(file)))
}
