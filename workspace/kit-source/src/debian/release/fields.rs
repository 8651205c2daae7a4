//! What the signed bytes of an `InRelease` say.

use std::collections::BTreeMap;

use super::{ByHash, GoodSignature, IndexFile, Release, ReleaseError};
use crate::debian::date::Timestamp;
use crate::debian::stanza;

pub(super) fn parse(text: &[u8], signatures: Vec<GoodSignature>) -> Result<Release, ReleaseError> {
    let text = std::str::from_utf8(text).map_err(|_| ReleaseError::Field { field: "Date" })?;
    let field = |name| stanza::field(text, name).filter(|value| !value.is_empty());
    let words = |name| {
        field(name).map(|value| value.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
    };
    let date = |name: &'static str| {
        let parsed = field(name).map(Timestamp::parse_release).transpose();
        parsed.map_err(|_| ReleaseError::Field { field: name })
    };
    Ok(Release {
        suite: field("Suite").map(str::to_owned),
        codename: field("Codename").map(str::to_owned),
        date: date("Date")?.ok_or(ReleaseError::Field { field: "Date" })?,
        valid_until: date("Valid-Until")?,
        by_hash: if field("Acquire-By-Hash") == Some("yes") { ByHash::Yes } else { ByHash::No },
        architectures: words("Architectures"),
        components: words("Components"),
        files: files(field("SHA256").ok_or(ReleaseError::Field { field: "SHA256" })?)?,
        signatures,
    })
}

/// Parses the lines `digest size path`; a path that is listed twice must be the same file.
fn files(value: &str) -> Result<BTreeMap<String, IndexFile>, ReleaseError> {
    let error = || ReleaseError::Field { field: "SHA256" };
    let mut files = BTreeMap::new();
    for line in value.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(sha256), Some(size), Some(path), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(error());
        };
        let file = IndexFile {
            sha256: sha256.parse().map_err(|_| error())?,
            size: size.parse().map_err(|_| error())?,
        };
        if files.insert(path.to_owned(), file).is_some_and(|other| other != file) {
            return Err(error());
        }
    }
    Ok(files)
}
