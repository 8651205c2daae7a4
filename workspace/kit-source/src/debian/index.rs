//! A package index: fetched by digest, unpacked within limits, checked before and after.

use std::io::{self, Read};

use kit_hash::Sha256;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::archives::{AttemptError, Location, Unavailable, first};
use super::packages::PackagesError;
use super::pin::PinError;
use super::release::{ByHash, IndexFile, Release, ReleaseError};
use crate::cache::Cache;
use crate::http::{Client, Expected, HttpError};

/// The largest index that is read, unpacked, in bytes.
const SIZE_LIMIT: u64 = 1 << 30;

/// The most memory that the unpacker may use, in bytes.
const MEMORY_LIMIT: u64 = 256 << 20;

/// Why an index that came isn't good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The release states a size that is too large to read.
    #[error("`{path}` has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The index, below `dists/<suite>/`.
        path: String,
        /// Its size, as the release states it.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The compressed data is broken.
    #[error("`{path}` can't be unpacked: {reason}")]
    Compression {
        /// The index, below `dists/<suite>/`.
        path: String,
        /// What the unpacker says.
        reason: String,
    },
    /// It unpacks to more or less than the release says.
    #[error("`{path}` does not unpack to the {expected} bytes that the release states")]
    Size {
        /// The index, below `dists/<suite>/`.
        path: String,
        /// The size that the release states.
        expected: u64,
    },
    /// It unpacks to something else than the release says.
    #[error("`{path}` unpacks to sha256 {found}, expected {expected}")]
    Digest {
        /// The index, below `dists/<suite>/`.
        path: String,
        /// The digest that the release states.
        expected: Sha256,
        /// The digest of what came out.
        found: Sha256,
    },
    /// It can't be read as an index.
    #[error(transparent)]
    Text(#[from] PackagesError),
    /// A package in it can't be pinned.
    #[error(transparent)]
    Pin(#[from] PinError),
}

impl IndexError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "kit::debian::index_too_large",
            Self::Compression { .. } => "kit::debian::index_compression",
            Self::Size { .. } | Self::Digest { .. } => "kit::debian::index_mismatch",
            Self::Text(_) | Self::Pin(_) => "kit::debian::bad_index",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => None,
            Self::Compression { .. }
            | Self::Size { .. }
            | Self::Digest { .. }
            | Self::Text(_)
            | Self::Pin(_) => {
                Some("the archive contradicts itself: try again later, or use another mirror".to_owned())
            }
        }
    }
}

/// How an index is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Xz,
    Gzip,
    Plain,
}

impl Compression {
    /// Best first.
    const ALL: [Self; 3] = [Self::Xz, Self::Gzip, Self::Plain];

    fn suffix(self) -> &'static str {
        match self {
            Self::Xz => ".xz",
            Self::Gzip => ".gz",
            Self::Plain => "",
        }
    }
}

/// What an index is fetched with.
pub(super) struct Source<'s> {
    pub(super) client: &'s Client,
    pub(super) locations: &'s [Location],
    pub(super) suite: &'s str,
    pub(super) cache: &'s dyn Cache,
}

impl Source<'_> {
    /// Returns the text of the index at `path` (without a compression's suffix), and its pin.
    pub(super) fn fetch(&self, release: &Release, path: &str) -> Result<(Vec<u8>, IndexFile), Unavailable> {
        let full = format!("dists/{}/{path}", self.suite);
        let pinned =
            Pinned::find(release, path).map_err(|error| Unavailable::whole(self.locations, &full, error))?;
        if let Some(text) = self.cached(&pinned) {
            return Ok((text, pinned.plain));
        }
        let text = first(self.locations, &full, |location| {
            let bytes = self.download(location, release, &pinned)?;
            let text = pinned.unpack(&bytes)?;
            self.cache.put(&pinned.plain.sha256, &text);
            Ok(text)
        })?;
        Ok((text, pinned.plain))
    }

    /// Indexes are kept unpacked: to unpack one takes as long as all the rest of resolving, several times over.
    fn cached(&self, pinned: &Pinned) -> Option<Vec<u8>> {
        let text = self.cache.get(&pinned.plain.sha256)?;
        (Sha256::of(&text) == pinned.plain.sha256).then_some(text)
    }

    /// Downloads by digest where the archive offers it, so that an update in between does no harm.
    fn download(
        &self,
        location: &Location,
        release: &Release,
        pinned: &Pinned,
    ) -> Result<Vec<u8>, HttpError> {
        let base = format!("{}/dists/{}", location.base, self.suite);
        let expected = Expected::exactly(pinned.packed.size, pinned.packed.sha256);
        let plain = format!("{base}/{}{}", pinned.path, pinned.compression.suffix());
        if release.by_hash == ByHash::No {
            return self.client.get(&plain, &expected);
        }
        let directory = pinned.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let by_hash = format!("{base}/{directory}/by-hash/SHA256/{}", pinned.packed.sha256);
        match self.client.get(&by_hash, &expected) {
            Err(HttpError::Status { status: 404, .. }) => self.client.get(&plain, &expected),
            result => result,
        }
    }
}

/// An index as the release pins it.
struct Pinned {
    path: String,
    compression: Compression,
    packed: IndexFile,
    plain: IndexFile,
}

impl Pinned {
    fn find(release: &Release, path: &str) -> Result<Self, AttemptError> {
        let plain = release.file(path)?;
        let best = Compression::ALL.into_iter().find_map(|compression| {
            let packed = release.files.get(&format!("{path}{}", compression.suffix()))?;
            Some((compression, *packed))
        });
        let (compression, packed) = best.ok_or_else(|| ReleaseError::Missing { path: path.to_owned() })?;
        let size = plain.size.max(packed.size);
        if size > SIZE_LIMIT {
            return Err(IndexError::TooLarge { path: path.to_owned(), size, limit: SIZE_LIMIT }.into());
        }
        Ok(Self { path: path.to_owned(), compression, packed, plain })
    }

    /// Unpacks and checks; stops at the first byte too many.
    fn unpack(&self, bytes: &[u8]) -> Result<Vec<u8>, IndexError> {
        let path = || self.path.clone();
        let text = unpack(bytes, self.compression, self.plain.size)
            .map_err(|error| IndexError::Compression { path: path(), reason: error.to_string() })?;
        if text.len() as u64 != self.plain.size {
            return Err(IndexError::Size { path: path(), expected: self.plain.size });
        }
        let found = Sha256::of(&text);
        if found != self.plain.sha256 {
            return Err(IndexError::Digest { path: path(), expected: self.plain.sha256, found });
        }
        Ok(text)
    }
}

/// Unpacks at most one byte more than `size`.
pub(super) fn unpack(bytes: &[u8], compression: Compression, size: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(usize::try_from(size.min(SIZE_LIMIT)).unwrap_or_default());
    let mut read = |reader: &mut dyn Read| reader.take(size + 1).read_to_end(&mut text);
    match compression {
        Compression::Xz => {
            let stream = Stream::new_stream_decoder(MEMORY_LIMIT, CONCATENATED)?;
            read(&mut XzDecoder::new_stream(bytes, stream))?
        }
        Compression::Gzip => read(&mut flate2::read::MultiGzDecoder::new(bytes))?,
        Compression::Plain => read(&mut &*bytes)?,
    };
    Ok(text)
}

#[cfg(test)]
mod tests;
