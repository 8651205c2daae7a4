//! What a stanza says about a source package: the same fields in the `Sources` index and in a `.dsc`.

use std::collections::BTreeMap;

use super::error::{Place, SourceError};
use crate::debian::pin::{is_path, is_word};
use crate::debian::release::IndexFile;
use crate::debian::stanza;

/// What is said about a source package.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) format: &'a str,
    /// The files by name; each name is that of a file and no path.
    pub(super) files: BTreeMap<&'a str, IndexFile>,
    directory: Option<&'a str>,
}

impl<'a> Listed<'a> {
    /// Reads a stanza; fields that must be there are.
    pub(super) fn read(stanza: &'a str, place: Place) -> Result<Self, SourceError> {
        let name_field = match place {
            Place::Index => "Package",
            Place::Description => "Source",
        };
        let name = word(stanza, name_field).unwrap_or_default();
        let error = |field| SourceError::Field { name: name.to_owned(), field, place };
        if name.is_empty() {
            return Err(error(name_field));
        }
        let version = word(stanza, "Version").ok_or_else(|| error("Version"))?;
        // Before there was a second format, no name was written.
        let format = stanza::field(stanza, "Format").unwrap_or("1.0");
        let mut files = BTreeMap::new();
        let list = stanza::field(stanza, "Checksums-Sha256").ok_or_else(|| error("Checksums-Sha256"))?;
        for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (file, pin) = file(line).ok_or_else(|| error("Checksums-Sha256"))?;
            if files.insert(file, pin).is_some() {
                return Err(error("Checksums-Sha256"));
            }
        }
        let directory = word(stanza, "Directory").filter(|path| is_path(path));
        Ok(Self { name, version, format, files, directory })
    }

    /// Returns the directory of the files in the archive.
    pub(super) fn directory(&self) -> Result<&'a str, SourceError> {
        let (name, place) = (self.name.to_owned(), Place::Index);
        self.directory.ok_or(SourceError::Field { name, field: "Directory", place })
    }

    /// Returns the version as it stands in file names: without its epoch.
    pub(super) fn file_version(&self) -> &'a str {
        self.version.split_once(':').map_or(self.version, |(_, version)| version)
    }

    /// Returns the name of the `.dsc`.
    pub(super) fn description_name(&self) -> String {
        format!("{}_{}.dsc", self.name, self.file_version())
    }

    /// Returns a file that must be there.
    pub(super) fn file(&self, name: &str) -> Result<IndexFile, SourceError> {
        let missing = || SourceError::Missing { name: self.name.to_owned(), file: name.to_owned() };
        self.files.get(name).copied().ok_or_else(missing)
    }
}

fn word<'a>(stanza: &'a str, field: &str) -> Option<&'a str> {
    stanza::field(stanza, field).filter(|value| is_word(value))
}

/// Reads `digest size name`.
fn file(line: &str) -> Option<(&str, IndexFile)> {
    let mut words = line.split_ascii_whitespace();
    let (digest, size, name) = (words.next()?, words.next()?, words.next()?);
    let good = words.next().is_none() && is_word(name) && is_path(name) && !name.contains('/');
    good.then_some(())?;
    Some((name, IndexFile { size: size.parse().ok()?, sha256: digest.parse().ok()? }))
}
