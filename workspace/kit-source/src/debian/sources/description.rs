//! The `.dsc` of a source package, held against the index that lists it.

use std::collections::BTreeSet;

use super::error::{End, Place, SourceError};
use super::listed::Listed;
use crate::debian::release::IndexFile;
use crate::debian::stanza;

const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";

/// Fails when a `.dsc` says anything else than the index.
pub(super) fn check(listed: &Listed<'_>, file: &str, bytes: &[u8]) -> Result<(), SourceError> {
    let unreadable = |reason| SourceError::Description { file: file.to_owned(), reason };
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text"))?;
    let text = without_signature(text).ok_or_else(|| unreadable("its signature has no end"))?;
    let mut stanzas = stanza::stanzas(&text);
    let stanza = stanzas.next().ok_or_else(|| unreadable("it is empty"))?;
    if stanzas.next().is_some() {
        return Err(unreadable("it has more than one part"));
    }
    let described = Listed::read(stanza, Place::Description)?;
    let contradiction = |what: &str, index: &str, description: &str| {
        let end = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Err(SourceError::Contradiction {
            file: file.to_owned(),
            what: what.to_owned(),
            ends: End { index: end(index), description: end(description) },
        })
    };
    for (what, index, description) in [
        ("the name", listed.name, described.name),
        ("the version", listed.version, described.version),
        ("the format", listed.format, described.format),
    ] {
        if index != description {
            return contradiction(what, index, description);
        }
    }
    let names: BTreeSet<_> = listed.files.keys().chain(described.files.keys()).copied().collect();
    for name in names.into_iter().filter(|name| *name != file) {
        let (index, description) = (listed.files.get(name), described.files.get(name));
        if index != description {
            return contradiction(&format!("`{name}`"), &shown(index), &shown(description));
        }
    }
    Ok(())
}

fn shown(file: Option<&IndexFile>) -> String {
    file.map_or_else(String::new, |file| format!("sha256 {}, {} bytes", file.sha256, file.size))
}

/// Takes the signature off a text that has one.
fn without_signature(text: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty()).peekable();
    if lines.peek().is_none_or(|line| line.trim_end() != SIGNED) {
        return Some(text.to_owned());
    }
    // Behind the first line stand the names of the digests, up to an empty line.
    let mut lines = lines.skip_while(|line| !line.trim().is_empty());
    let mut body = String::new();
    loop {
        let line = lines.next()?;
        if line.trim_end() == SIGNATURE {
            return Some(body);
        }
        body.push_str(line.strip_prefix("- ").unwrap_or(line));
        body.push('\n');
    }
}
