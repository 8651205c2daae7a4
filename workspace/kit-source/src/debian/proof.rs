//! The proof of what is pinned, long after: the signed state of a suite, the indexes that it lists, and the packages in those.

use kit_hash::Sha256;

use super::archives::{Archives, Unavailable, first};
use super::date::Timestamp;
use super::index::{IndexError, Source};
use super::packages::Packages;
use super::pin::DebPin;
use super::release::{self, IndexFile, Release, ReleaseError, SIZE_LIMIT, Times};
use super::stanza::lines;
use crate::cache::Cache;
use crate::http::{Client, Encryption, Expected};

/// The state of a suite that is pinned.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The suite or codename.
    pub suite: &'a str,
    /// When it was made.
    pub date: Timestamp,
    /// The digest of its `InRelease`.
    pub in_release: Sha256,
    /// The fingerprints of the keys that signed it.
    pub signed_by: &'a [String],
}

impl State<'_> {
    /// Verifies its `InRelease` again: signature, suite and date, but no clock.
    pub fn verify(&self, in_release: &[u8], archives: &Archives) -> Result<Release, ReleaseError> {
        let signed_by = self.signed_by.iter().map(String::as_str);
        let keyring = archives.every_keyring(self.suite).restricted_to(signed_by);
        let release = Release::verify(in_release, &keyring, Times::Replay)?;
        let (suite, not_before) = (self.suite, Some(self.date));
        release.check(&release::Expected { suite, not_before, times: Times::Replay })?;
        Ok(release)
    }

    /// Fetches its `InRelease` from an archive that keeps old files; none is known where no such archive is.
    pub fn fetch(&self, client: &Client, archives: &Archives) -> Result<Vec<u8>, Unavailable> {
        let path = format!("dists/{}/InRelease", self.suite);
        let locations: Vec<_> = archives.old_location(self.suite, self.date).into_iter().collect();
        let (sha256, encryption) = (Some(self.in_release), Encryption::Optional);
        let expected = Expected { size: None, sha256, limit: SIZE_LIMIT, encryption };
        first(&locations, &path, |location| Ok(client.get(&format!("{}/{path}", location.base), &expected)?))
    }

    /// Returns an index that it lists, and its pin: from the cache, or from whichever archive still has it.
    pub fn index(
        &self,
        client: &Client,
        archives: &Archives,
        cache: &dyn Cache,
        (release, path): (&Release, &str),
    ) -> Result<(Vec<u8>, IndexFile), Unavailable> {
        let locations = archives.locations(self.suite, None, Some(self.date));
        let source = Source { client, locations: &locations, suite: self.suite, cache };
        source.fetch(release, path)
    }
}

/// An index, to look pins up in.
#[derive(Debug)]
pub struct Listed(Packages);

impl Listed {
    /// Reads a `Packages` or `Sources`.
    pub fn parse(text: Vec<u8>) -> Result<Self, IndexError> {
        Ok(Self(Packages::parse(text)?))
    }

    /// Whether it has exactly this binary package.
    pub fn has_package(&self, wanted: &DebPin) -> bool {
        let entries = self.0.named(&wanted.name).map(|id| self.0.entry(id));
        entries.filter_map(|entry| DebPin::from_entry(&entry).ok()).any(|pin| pin == *wanted)
    }

    /// Whether it has this version of a source package, with a file of this name, size and digest.
    pub fn has_source(
        &self,
        (name, version): (&str, &str),
        (file, size, sha256): (&str, u64, &Sha256),
    ) -> bool {
        let is_it = |line: &str| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|digest| digest == sha256.to_string())
                && words.next().is_some_and(|length| length == size.to_string())
                && words.next() == Some(file)
        };
        let entries = self.0.named(name).map(|id| self.0.entry(id));
        let mut versions = entries.filter(|entry| entry.version().as_str() == version);
        versions.any(|entry| entry.field("Checksums-Sha256").is_some_and(|list| lines(list).any(is_it)))
    }
}
