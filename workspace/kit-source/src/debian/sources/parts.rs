//! What each file of a source package is, by the package's format.

use std::collections::BTreeMap;

use super::{Listed, SourceError, SourceFile};
use crate::debian::release::IndexFile;

/// The suffixes of archives that can be read.
const ARCHIVES: [&str; 4] = [".tar.bz2", ".tar.gz", ".tar.xz", ".tar.zst"];

/// What a file of a source package is; in the order in which they are put together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The description, `.dsc`.
    Description,
    /// The sources of upstream; of a native package, all of it.
    Original,
    /// Sources of upstream for the directory of this name, of letters, digits and `-`.
    Component(String),
    /// The directory `debian`.
    Debian,
    /// What Debian changed, as one patch.
    Difference,
}

/// Which files a format has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// `1.0`: an archive and a difference; a native package has no difference.
    One,
    /// `3.0 (native)`: one archive.
    Native,
    /// `3.0 (quilt)`: an archive, more of them for components, and Debian's.
    Quilt,
}

/// Says what each file is, the description first. Signatures of upstream are left out.
pub(super) fn parts(listed: &Listed<'_>) -> Result<Vec<SourceFile>, SourceError> {
    let format = match listed.format {
        "1.0" => Format::One,
        "3.0 (native)" => Format::Native,
        "3.0 (quilt)" => Format::Quilt,
        other => {
            let (name, format) = (listed.name.to_owned(), other.to_owned());
            return Err(SourceError::Format { name, format });
        }
    };
    let mut files: BTreeMap<Part, (&str, IndexFile)> = BTreeMap::new();
    for (name, pin) in &listed.files {
        if name.strip_suffix(".asc").is_some() {
            continue;
        }
        let unexpected =
            || SourceError::Unexpected { name: listed.name.to_owned(), file: (*name).to_owned() };
        let part = part(listed, format, name).ok_or_else(unexpected)?;
        if files.insert(part, (name, *pin)).is_some() {
            return Err(unexpected());
        }
    }
    let needed = match format {
        Format::One | Format::Native => &[Part::Description, Part::Original][..],
        Format::Quilt => &[Part::Description, Part::Original, Part::Debian],
    };
    if let Some(part) = needed.iter().find(|part| !files.contains_key(part)) {
        let file = match part {
            Part::Description => "….dsc",
            Part::Debian => "….debian.tar.…",
            Part::Original | Part::Component(_) | Part::Difference => "….tar.…",
        };
        return Err(SourceError::Missing { name: listed.name.to_owned(), file: file.to_owned() });
    }
    let file = |(part, (name, pin)): (Part, (&str, IndexFile))| SourceFile {
        part,
        name: name.to_owned(),
        size: pin.size,
        sha256: pin.sha256,
    };
    Ok(files.into_iter().map(file).collect())
}

/// Says what a file is by its name, which is made of the package's name and version.
fn part(listed: &Listed<'_>, format: Format, file: &str) -> Option<Part> {
    if file == listed.description_name() {
        return Some(Part::Description);
    }
    let rest = file.strip_prefix(listed.name)?.strip_prefix('_')?;
    let version = listed.file_version();
    if format == Format::One && rest.strip_prefix(version) == Some(".diff.gz") {
        return Some(Part::Difference);
    }
    let stem = ARCHIVES.iter().find_map(|suffix| rest.strip_suffix(suffix))?;
    let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    let original = stem.strip_prefix(upstream).and_then(|rest| rest.strip_prefix(".orig"));
    match (format, original) {
        (Format::One | Format::Quilt, Some("")) => Some(Part::Original),
        (Format::Quilt, Some(component)) => {
            let name = component.strip_prefix('-').filter(|name| !name.is_empty())?;
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            plain.then(|| Part::Component(name.to_owned()))
        }
        (Format::Quilt, None) => (stem.strip_prefix(version)? == ".debian").then_some(Part::Debian),
        (Format::One | Format::Native, None) => (stem == version).then_some(Part::Original),
        (Format::One | Format::Native, Some(_)) => None,
    }
}
