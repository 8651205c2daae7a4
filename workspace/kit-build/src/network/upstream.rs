//! Files as their authors publish them.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::PathBuf;

use cap_std::fs::OpenOptions;
use kit_hash::{BlobDigests, Sha256, TreeId};
use kit_plan::derivation::Fetch;
use kit_plan::upstream::{Upstream, UpstreamFile, Voucher};
use kit_recipe::Name;
use kit_recipe::lockfile::FilePin;
use kit_source::http::{Encryption, Expected, HttpError};
use kit_source::upstream::{Gone, fetch_file, with_mirrors};
use kit_store::{Scratch, StoreError};

use super::Network;
use crate::BuildError;
use crate::upstream::{Changed, UpstreamError, compare};

/// The largest file that is pinned, in bytes.
const LARGEST: u64 = 8 << 30;

/// How many times as large as the wanted file another one may be to be compared with it.
const GROWTH: u64 = 4;

/// What a small file may grow to, in bytes.
const SMALL: u64 = 16 << 20;

/// The name of a file that is being fetched, in its directory.
const DOWNLOAD: &str = "download";

/// What is known of a file that must come.
struct Wanted<'a> {
    name: &'a str,
    package: &'a Name,
    vouched_by: Voucher,
    sha256: Sha256,
    /// As far as it is known.
    size: Option<u64>,
    tree: Option<TreeId>,
}

impl Network<'_> {
    /// Pins a file: what the recipe says must come, or what comes. `known` is what was pinned before.
    pub(super) fn pin_file(
        &self,
        wanted: &UpstreamFile,
        must: Option<Sha256>,
        known: Option<&FilePin>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<FilePin, BuildError> {
        let pin = |sha256, size| FilePin {
            source: wanted.id,
            name: wanted.name.clone(),
            size,
            sha256,
            commit: None,
            tree: known.filter(|known| known.sha256 == sha256).and_then(|known| known.tree),
        };
        if let Some(sha256) = must
            && let Some(blob) = self.store.blob_of_sha256(&sha256)?
            && let Some(size) = self.store.blob_size(&blob)?
        {
            return Ok(pin(sha256, size));
        }
        let expected =
            Expected { size: None, sha256: must, limit: LARGEST, encryption: Encryption::Optional };
        let (scratch, mut file) = self.scratch_file()?;
        let addresses = with_mirrors(&wanted.addresses, &self.places.source_mirrors);
        let client = &self.connected().client;
        fetch_file(client, &addresses, &wanted.name, &expected, &mut file, progress).map_err(|gone| {
            let Some(sha256) = must else { return missing(gone, &scratch) };
            let known = known.filter(|known| known.sha256 == sha256);
            let wanted = Wanted {
                name: &wanted.name,
                package: &wanted.package,
                vouched_by: Voucher::Recipe,
                sha256,
                size: known.map(|known| known.size),
                tree: known.and_then(|known| known.tree),
            };
            self.explain(&wanted, gone)
        })?;
        let io = |source| BuildError::from(StoreError::io("read", scratch.path(), source));
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let digests = self.store.put_download(&mut file)?;
        Ok(pin(digests.sha256, digests.size))
    }

    /// Fetches a file of which nothing is known but its address, of at most `limit` bytes, into a directory that is there as long as it is
    /// held. Only what nobody between here and there can change is taken.
    pub fn fetch_unknown(
        &self,
        address: &str,
        limit: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Scratch, PathBuf, BlobDigests), BuildError> {
        let expected = Expected::at_most(limit);
        let (scratch, mut file) = self.scratch_file()?;
        let addresses = with_mirrors(&[address.to_owned()], &self.places.source_mirrors);
        let name = address.rsplit('/').find(|part| !part.is_empty()).unwrap_or(address);
        let client = &self.connected().client;
        let digests = fetch_file(client, &addresses, name, &expected, &mut file, progress)
            .map_err(|gone| missing(gone, &scratch))?;
        let path = scratch.path().join(DOWNLOAD);
        Ok((scratch, path, digests))
    }

    /// Fetches a pinned file.
    pub(super) fn fetch_upstream(
        &self,
        fetch: &Fetch,
        upstream: &Upstream,
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BuildError> {
        let size = fetch.size.unwrap_or(LARGEST);
        let expected = Expected { size: fetch.size, ..Expected::exactly(size, fetch.sha256) };
        let addresses = with_mirrors(&upstream.addresses, &self.places.source_mirrors);
        let client = &self.connected().client;
        let fetched = fetch_file(client, &addresses, &fetch.file_name, &expected, file, progress);
        fetched.map(drop).map_err(|gone| {
            let wanted = Wanted {
                name: &fetch.file_name,
                package: &upstream.package,
                vouched_by: upstream.vouched_by,
                sha256: fetch.sha256,
                size: fetch.size,
                tree: upstream.tree,
            };
            self.explain(&wanted, gone)
        })
    }

    /// Says why a file didn't come. Where there is another one, that is fetched too, and compared; it is never used.
    fn explain(&self, wanted: &Wanted<'_>, mut gone: Gone) -> BuildError {
        let Some(at) = gone.attempts.iter().position(kit_source::upstream::Attempt::is_another_file) else {
            return written(gone);
        };
        let limit = wanted.size.map_or(LARGEST, |size| size.saturating_mul(GROWTH).max(SMALL));
        let (_scratch, mut file) = match self.scratch_file() {
            Ok(made) => made,
            Err(error) => return error,
        };
        let address = gone.attempts[at].address.clone();
        let client = &self.connected().client;
        match client.download(&address, &Expected::at_most(limit), &mut file, &mut |_| {}) {
            Ok(digests) if digests.sha256 != wanted.sha256 => {
                let difference = compare(self.store, wanted.tree, wanted.name, &file);
                UpstreamError::Changed(Box::new(Changed {
                    name: wanted.name.to_owned(),
                    package: wanted.package.clone(),
                    vouched_by: wanted.vouched_by,
                    expected: wanted.sha256,
                    found: digests.sha256,
                    address: gone.attempts[at].shown(),
                    difference,
                }))
                .into()
            }
            // It serves the right one now, or what it serves isn't worth a comparison.
            Ok(_) => UpstreamError::Gone(gone).into(),
            Err(error) => {
                gone.attempts[at].error = error;
                written(gone)
            }
        }
    }

    pub(super) fn scratch_file(&self) -> Result<(Scratch, File), BuildError> {
        let scratch = self.store.scratch()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = scratch.dir().open_with(DOWNLOAD, &options);
        let file = file.map_err(|source| StoreError::io("create", scratch.path(), source))?;
        Ok((scratch, file.into_std()))
    }
}

/// Tells a file that can't be written from one that can't be had.
fn written(mut gone: Gone) -> BuildError {
    match gone.attempts.pop() {
        Some(kit_source::upstream::Attempt { error: HttpError::Write { url, source }, .. }) => {
            BuildError::Io { what: format!("write what came from {url}"), source }
        }
        last => {
            gone.attempts.extend(last);
            UpstreamError::Gone(gone).into()
        }
    }
}

/// The same, where it is the store's disk that is written to.
fn missing(gone: Gone, scratch: &Scratch) -> BuildError {
    match written(gone) {
        BuildError::Io { source, .. } => StoreError::io("write", scratch.path(), source).into(),
        other => other,
    }
}
