//! Source packages: from a name in the signed `Sources` index to the files that make its sources.
//!
//! | module | what |
//! |---|---|
//! | `listed` | what a stanza says about a source package: the same in `Sources` and in a `.dsc` |
//! | `description` | the `.dsc`, held against the index |
//! | `parts` | what each file is, by the format |
//! | `error` | [`SourceError`] |
//!
//! The trust comes from the index, which the signed release pins: it has the digest of every file, that of the `.dsc` among
//! them. The signature around a `.dsc` is its maintainer's and proves nothing more; it is taken off, not checked.

mod description;
mod error;
mod listed;
mod parts;

use kit_hash::Sha256;

use super::archives::first;
use super::index::{IndexError, Source};
use super::packages::{Entry, EntryId, Packages};
use super::release::{IndexFile, Release};
use super::resolve::{ResolveError, SuiteRequest, components};
use super::solver;
use crate::http::Expected;

pub use self::error::{End, Place, SourceError};
use self::listed::Listed;
pub use self::parts::Part;

/// The largest `.dsc` that is read, in bytes.
const DESCRIPTION_LIMIT: u64 = 4 << 20;

/// A source package, pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePin {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The directory of its files, below the archive's address.
    pub directory: String,
    /// Its files: the description first, then in the order in which they are put together.
    pub files: Vec<SourceFile>,
}

/// One file of a source package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// What it is.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// Source packages, and the pins of the indexes that prove them.
type PinnedSources = (Vec<SourcePin>, Vec<(String, IndexFile)>);

/// Pins the source packages of a request.
pub(super) fn pin_sources(
    source: &Source<'_>,
    release: &Release,
    request: &SuiteRequest,
) -> Result<PinnedSources, ResolveError> {
    let mut indexes = Vec::new();
    let mut texts = Vec::new();
    for component in components(&request.components) {
        let path = format!("{component}/source/Sources");
        let (mut text, pin) = source.fetch(release, &path)?;
        texts.append(&mut text);
        texts.push(b'\n');
        indexes.push((path, pin));
    }
    let index = Packages::parse(texts).map_err(IndexError::from)?;
    let pin = |wanted: &String| {
        let listed = find(&index, wanted)?;
        let name = listed.description_name();
        let described = listed.file(&name)?;
        let text = description(source, &listed, &name, described)?;
        description::check(&listed, &name, &text)?;
        Ok(SourcePin {
            name: listed.name.to_owned(),
            version: listed.version.to_owned(),
            directory: listed.directory()?.to_owned(),
            files: parts::parts(&listed)?,
        })
    };
    let pins: Result<_, ResolveError> = request.sources.iter().map(pin).collect();
    Ok((pins?, indexes))
}

/// Finds `name` or `name=version`; the highest version when none is asked for.
fn find<'a>(index: &'a Packages, wanted: &str) -> Result<Listed<'a>, SourceError> {
    let (name, version) =
        wanted.split_once('=').map_or((wanted, None), |(name, version)| (name, Some(version)));
    let mut found: Vec<EntryId> = index.named(name).collect();
    let version_of = |id: &EntryId| index.entry(*id).version();
    found.sort_by_key(|id| std::cmp::Reverse(version_of(id)));
    let chosen = match version {
        None => found.first(),
        Some(version) => found.iter().find(|id| version_of(id).as_str() == version),
    };
    match (chosen, version) {
        (Some(id), _) => Listed::read(index.entry(*id).stanza(), Place::Index),
        (None, Some(version)) if !found.is_empty() => Err(SourceError::Version {
            name: name.to_owned(),
            version: version.to_owned(),
            available: found.iter().map(|id| version_of(id).as_str().to_owned()).collect(),
        }),
        (None, _) => Err(SourceError::Unknown {
            name: name.to_owned(),
            builds: builder(index, name),
            similar: solver::similar(index, name),
        }),
    }
}

/// Returns the source package that builds a binary package, by its highest version.
fn builder(index: &Packages, binary: &str) -> Option<String> {
    let builds = |entry: &Entry<'_>| {
        entry.field("Binary").is_some_and(|list| list.split(',').any(|name| name.trim() == binary))
    };
    let best = index.entries().filter(builds).max_by_key(Entry::version);
    best.map(|entry| entry.name().to_owned())
}

/// Fetches a `.dsc`.
fn description(
    source: &Source<'_>,
    listed: &Listed<'_>,
    name: &str,
    file: IndexFile,
) -> Result<Vec<u8>, ResolveError> {
    if file.size > DESCRIPTION_LIMIT {
        let (file, size, limit) = (name.to_owned(), file.size, DESCRIPTION_LIMIT);
        return Err(SourceError::TooLarge { file, size, limit }.into());
    }
    if let Some(bytes) = source.cache.get(&file.sha256).filter(|bytes| Sha256::of(bytes) == file.sha256) {
        return Ok(bytes);
    }
    let path = format!("{}/{name}", listed.directory()?);
    let expected = Expected::exactly(file.size, file.sha256);
    let bytes = first(source.locations, &path, |location| {
        Ok(source.client.get(&format!("{}/{path}", location.base), &expected)?)
    })?;
    source.cache.put(&file.sha256, &bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
