//! What is pinned: packages and the release that they were found in.

use kit_hash::Sha256;

use super::date::Timestamp;
use super::packages::Entry;
use super::release::IndexFile;

/// One binary package, pinned. Says what it is, never where it is fetched from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebPin {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// The source package that it was built from.
    pub source: SourcePackage,
    /// Its path below the archive's address.
    pub filename: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// A source package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A suite at one moment, pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasePin {
    /// The suite or codename that was asked for.
    pub suite: String,
    /// Its codename, when the release states one.
    pub codename: Option<String>,
    /// When it was made.
    pub date: Timestamp,
    /// The digest of `InRelease`.
    pub in_release: Sha256,
    /// The fingerprints of the keys with a good signature, primary and signing ones, sorted.
    pub signed_by: Vec<String>,
    /// The package indexes, uncompressed, by their path below `dists/<suite>/`.
    pub indexes: Vec<(String, IndexFile)>,
}

/// Why a stanza pins nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the package index has no valid `{field}` for `{package}`")]
pub struct PinError {
    /// The package.
    pub package: String,
    /// The field.
    pub field: &'static str,
}

impl DebPin {
    /// Reads the pin out of a stanza; all its fields must be there and make sense.
    pub fn from_entry(entry: &Entry<'_>) -> Result<Self, PinError> {
        let name = entry.name();
        let error = |field| PinError { package: name.to_owned(), field };
        let word = |field| {
            let value = entry.field(field).filter(|value| is_word(value));
            value.map(str::to_owned).ok_or_else(|| error(field))
        };
        let version = word("Version")?;
        let filename = word("Filename")?;
        if !is_path(&filename) {
            return Err(error("Filename"));
        }
        let source = match entry.field("Source") {
            None => SourcePackage { name: name.to_owned(), version: version.clone() },
            Some(value) => parse_source(value, &version).ok_or_else(|| error("Source"))?,
        };
        Ok(Self {
            name: name.to_owned(),
            version,
            architecture: word("Architecture")?,
            source,
            filename,
            size: word("Size")?.parse().map_err(|_| error("Size"))?,
            sha256: word("SHA256")?.parse().map_err(|_| error("SHA256"))?,
        })
    }
}

pub(super) fn is_word(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Tells whether `path` is relative and stays below where it starts.
pub(super) fn is_path(path: &str) -> bool {
    path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && !path.contains(['\\', '?', '#'])
}

/// Parses `name` or `name (version)`.
fn parse_source(value: &str, version: &str) -> Option<SourcePackage> {
    let (name, version) = match value.split_once('(') {
        None => (value, version),
        Some((name, rest)) => (name.trim_end(), rest.strip_suffix(')')?.trim()),
    };
    (is_word(name) && is_word(version))
        .then(|| SourcePackage { name: name.to_owned(), version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debian::packages::Packages;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn pin(fields: &str) -> Result<DebPin, PinError> {
        let stanza =
            format!("Package: a\nVersion: 1:2-3\nArchitecture: amd64\nSize: 5\nSHA256: {DIGEST}\n{fields}\n");
        let packages = Packages::parse(stanza.into_bytes()).unwrap();
        DebPin::from_entry(&packages.entries().next().unwrap())
    }

    #[test]
    fn reads_a_pin() {
        let plain = pin("Filename: pool/main/a/a_2-3_amd64.deb").unwrap();
        assert_eq!((plain.name.as_str(), plain.version.as_str(), plain.size), ("a", "1:2-3", 5));
        assert_eq!(plain.source, SourcePackage { name: "a".to_owned(), version: "1:2-3".to_owned() });
        assert_eq!(pin("Filename: p\nSource: b").unwrap().source.version, "1:2-3");
        assert_eq!(
            pin("Filename: p\nSource: b (4)").unwrap().source,
            SourcePackage { name: "b".into(), version: "4".into() }
        );
    }

    #[test]
    fn refuses_fields_that_are_missing_or_hostile() {
        let table = [
            ("", "Filename"),
            ("Filename: /etc/passwd", "Filename"),
            ("Filename: pool/../../x", "Filename"),
            ("Filename: pool//x", "Filename"),
            ("Filename: pool/x?y", "Filename"),
            ("Filename: p q", "Filename"),
            ("Filename: p\nSource: b (4", "Source"),
            ("Filename: p\nSource: b ()", "Source"),
        ];
        for (fields, field) in table {
            assert_eq!(pin(fields).unwrap_err().field, field, "{fields}");
        }
        let text = "Package: a\nVersion: 1\nArchitecture: all\nFilename: p\nSize: -1\n";
        let packages = Packages::parse(text.into()).unwrap();
        assert_eq!(DebPin::from_entry(&packages.entries().next().unwrap()).unwrap_err().field, "Size");
    }
}
