//! Blobs: content under its BLAKE3 digest, hashed on the way in and on the way out.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use kit_hash::{BlobDigests, BlobHasher, BlobId, Encoder, Identity as _, Sha256};
use kit_tree::{BlobSink, Blobs};
use rustix::fs::FileType;

use crate::error::At as _;
use crate::fan_out::FanOut;
use crate::publish::{Place, Policy, Unfinished};
use crate::sealed::unseal;
use crate::sparse::SparseFile;
use crate::{Damage, Item, Store, StoreError, disk};

/// Permission bits of content.
pub(crate) const FILE_MODE: u32 = 0o444;
/// Permission bits of content that can be run.
pub(crate) const PROGRAM_MODE: u32 = 0o555;
/// What a program's name has behind the digest.
pub(crate) const PROGRAM_SUFFIX: &str = ".x";

/// Content up to this length is hashed before anything is written, in bytes.
const SMALL: u64 = 256 * 1024;
/// How much is read at once, in bytes.
const BUFFER: usize = 256 * 1024;

impl Store {
    /// Keeps bytes; an equal blob already there is success.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<BlobId, StoreError> {
        let id = BlobId::of(bytes);
        let name = id.to_string();
        let path = self.objects.path_of(&name);
        let dir = self.objects.make_dir_of(&name).at("write", &path)?;
        let there = disk::stat(&dir, name.as_bytes()).at("read", &path)?;
        if there.is_some_and(|stat| {
            disk::kind(&stat) == FileType::RegularFile && disk::size(&stat) == bytes.len() as u64
        }) {
            self.note_published();
            return Ok(id);
        }
        let parent = path.parent().unwrap_or(&path);
        self.publish(dir.as_fd(), &name, parent, bytes, Policy::Content)?;
        Ok(id)
    }

    /// Keeps a stream; returns its digest and length.
    pub fn put_stream(&self, content: &mut dyn Read) -> Result<(BlobId, u64), StoreError> {
        let start = read_start(content)?;
        if (start.len() as u64) < SMALL {
            return Ok((self.put_bytes(&start)?, start.len() as u64));
        }
        let mut hasher = blake3::Hasher::new();
        let finish = |hasher: &blake3::Hasher| BlobId::from_bytes(hasher.finalize().into());
        let mut take = |bytes: &[u8]| _ = hasher.update(bytes);
        let unfinished = self.write_beside(&start, content, &mut take)?;
        let (id, size) = (finish(&hasher), hasher.count());
        unfinished.publish(self, &id, size)?;
        Ok((id, size))
    }

    /// Keeps a download: hashes it both ways in one pass, and makes it known by its SHA-256 too.
    pub fn put_download(&self, content: &mut dyn Read) -> Result<BlobDigests, StoreError> {
        let start = read_start(content)?;
        let mut hasher = BlobHasher::new();
        let digests = if (start.len() as u64) < SMALL {
            self.put_bytes(&start)?;
            hasher.update(&start);
            hasher.finish()
        } else {
            let mut take = |bytes: &[u8]| hasher.update(bytes);
            let unfinished = self.write_beside(&start, content, &mut take)?;
            let digests = hasher.finish();
            unfinished.publish(self, &digests.blob, digests.size)?;
            digests
        };
        self.put_sha256(&digests.sha256, &digests.blob)?;
        Ok(digests)
    }

    /// Writes `start` and the rest of `content` to a file that has no name yet.
    fn write_beside(
        &self,
        start: &[u8],
        content: &mut dyn Read,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<Stream, StoreError> {
        let session = self.session()?;
        let path = session.path().to_owned();
        let mut written = start.len() as u64;
        let fail = |needed: u64, e| StoreError::io_sized("write", &path, needed, e);
        let mut unfinished = Unfinished::create(session).map_err(|e| fail(written, e))?;
        take(start);
        let mut sparse = SparseFile::new(unfinished.file());
        sparse.write_all(start).map_err(|e| fail(written, e))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => {
                    sparse.finish().map_err(|e| fail(written, e))?;
                    return Ok(Stream(unfinished));
                }
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(StoreError::Content(e)),
            };
            written += count as u64;
            take(&buffer[..count]);
            sparse.write_all(&buffer[..count]).map_err(|e| fail(written, e))?;
        }
    }

    /// Whether a blob is there; its content isn't looked at.
    pub fn has_blob(&self, id: &BlobId) -> Result<bool, StoreError> {
        Ok(self.blob_size(id)?.is_some())
    }

    /// Returns the length of a blob in bytes, or none when it isn't there; its content isn't looked at.
    pub fn blob_size(&self, id: &BlobId) -> Result<Option<u64>, StoreError> {
        let name = id.to_string();
        let stat = self.objects.stat_of_many(&name);
        let stat = stat.map_err(|e| StoreError::io("read", self.objects.path_of(&name), e))?;
        Ok(stat.filter(|stat| disk::kind(stat) == FileType::RegularFile).map(|stat| disk::size(&stat)))
    }

    /// Opens a blob's file. Nothing checks what is read from it: for mapping and copying what is checked elsewhere.
    pub fn open_blob_file(&self, id: &BlobId) -> Result<File, StoreError> {
        let name = id.to_string();
        let file = self.objects.open_file(&name);
        file.map_err(|e| self.read_error(&self.objects, &name, Item::Blob(*id), e))?
            .ok_or_else(|| self.missing(Item::Blob(*id)))
    }

    /// Opens a blob; the reader fails at its end when the bytes don't hash to `id`.
    pub fn open_blob(&self, id: &BlobId) -> Result<VerifiedBlob<'_>, StoreError> {
        let file = self.open_blob_file(id)?;
        Ok(VerifiedBlob { store: self, id: *id, file, hasher: blake3::Hasher::new() })
    }

    /// Copies a blob to an empty file, checked; long runs of zeros take no room there.
    pub fn copy_blob(&self, id: &BlobId, to: &mut File) -> io::Result<()> {
        copy(&mut self.open_blob(id)?, to).map_err(|error| match error {
            CopyError::Read(error) | CopyError::Write(error) => error,
        })
    }

    /// Makes a blob known by its SHA-256. The caller has hashed it.
    pub fn put_sha256(&self, sha256: &Sha256, blob: &BlobId) -> Result<(), StoreError> {
        if matches!(self.blob_of_sha256(sha256), Ok(Some(known)) if known == *blob) {
            return Ok(());
        }
        self.publish_sealed(&self.sha256, &sha256.to_string(), &encode_name(sha256, blob))
    }

    /// Returns the blob with this SHA-256, or none when none is known or it isn't there any more.
    pub fn blob_of_sha256(&self, sha256: &Sha256) -> Result<Option<BlobId>, StoreError> {
        let name = sha256.to_string();
        let Some(bytes) = self.read_sealed(&self.sha256, &name, || Item::Sha256(*sha256))? else {
            return Ok(None);
        };
        let blob = decode_name(&bytes, sha256).map_err(|e| self.corrupt(Item::Sha256(*sha256), e))?;
        Ok(self.has_blob(&blob)?.then_some(blob))
    }

    /// Opens the directory of a program's file, which it makes from the blob when it isn't there.
    pub(crate) fn make_program(&self, id: &BlobId) -> Result<(OwnedFd, String), StoreError> {
        let blob = id.to_string();
        let name = format!("{blob}{PROGRAM_SUFFIX}");
        let path = self.objects.path_of(&name);
        let dir = self.objects.make_dir_of(&name).at("open", &path)?;
        if disk::stat(&dir, name.as_bytes()).at("open", &path)?.is_none() {
            let mut content = self.open_blob(id)?;
            let session = self.session()?;
            let size = self.blob_size(id)?.unwrap_or_default();
            let fail = |e| StoreError::io_sized("write", &path, size, e);
            let mut unfinished = Unfinished::create(session).map_err(fail)?;
            copy(&mut content, unfinished.file()).map_err(|e| e.at("write", &path, size))?;
            let place = Place { dir: dir.as_fd(), name: &name, mode: PROGRAM_MODE, policy: Policy::Content };
            unfinished.publish(&place).map_err(fail)?;
            self.note_published();
        }
        Ok((dir, name))
    }

    /// The error for something that isn't there.
    pub(crate) fn missing(&self, item: Item) -> StoreError {
        StoreError::Missing { item, store: self.path.clone() }
    }

    /// The error for something that isn't as it was put.
    pub(crate) fn corrupt(&self, item: Item, source: Damage) -> StoreError {
        StoreError::Corrupt { item, store: self.path.clone(), source: Box::new(source) }
    }

    /// Reads the file of an item, or none when it isn't there.
    pub(crate) fn read_item(
        &self,
        category: &FanOut,
        name: &str,
        item: impl Fn() -> Item,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        category.read(name).map_err(|e| self.read_error(category, name, item(), e))
    }

    /// Reads a sealed file, or none when it isn't there. An empty one isn't: a power cut leaves it of one that was not
    /// yet on disk.
    pub(crate) fn read_sealed(
        &self,
        category: &FanOut,
        name: &str,
        item: impl Fn() -> Item,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read_item(category, name, item)?.filter(|bytes| !bytes.is_empty()))
    }

    fn read_error(&self, category: &FanOut, name: &str, item: Item, e: io::Error) -> StoreError {
        if e.kind() == io::ErrorKind::InvalidData {
            self.corrupt(item, Damage::Kind)
        } else {
            StoreError::io("read", category.path_of(name), e)
        }
    }
}

/// Writes what the file of a name by SHA-256 holds.
pub(crate) fn encode_name(sha256: &Sha256, blob: &BlobId) -> Encoder {
    let mut encoder = Encoder::new("sha256", 1);
    encoder.sha256(sha256).id(blob);
    encoder
}

/// Reads a name by SHA-256 back.
pub(crate) fn decode_name(bytes: &[u8], name: &Sha256) -> Result<BlobId, Damage> {
    let mut decoder = unseal(bytes, "sha256")?;
    if decoder.sha256()? != *name {
        return Err(Damage::Seal);
    }
    let blob = decoder.id()?;
    decoder.finish()?;
    Ok(blob)
}

fn read_start(content: &mut dyn Read) -> Result<Vec<u8>, StoreError> {
    let mut start = Vec::new();
    content.take(SMALL).read_to_end(&mut start).map_err(StoreError::Content)?;
    Ok(start)
}

/// A stream written to its end, still without a name.
struct Stream(Unfinished);

impl Stream {
    fn publish(self, store: &Store, id: &BlobId, size: u64) -> Result<(), StoreError> {
        let name = id.to_string();
        let path = store.objects.path_of(&name);
        let dir = store.objects.make_dir_of(&name).at("write", &path)?;
        let place = Place { dir: dir.as_fd(), name: &name, mode: FILE_MODE, policy: Policy::Content };
        self.0.publish(&place).map_err(|e| StoreError::io_sized("write", &path, size, e))?;
        store.note_published();
        Ok(())
    }
}

/// Which side of a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// Reading, with an error that may hold a [`StoreError`].
    Read(io::Error),
    /// Writing.
    Write(io::Error),
}

impl CopyError {
    /// Says where the writing side was.
    pub(crate) fn at(self, action: &'static str, path: &std::path::Path, needed: u64) -> StoreError {
        match self {
            Self::Write(e) => StoreError::io_sized(action, path, needed, e),
            Self::Read(e) => match e.downcast::<StoreError>() {
                Ok(inner) => inner,
                Err(e) => StoreError::Content(e),
            },
        }
    }
}

/// Copies a blob to an empty file, and keeps apart which side fails. Where the file system can, both share their
/// blocks; the content is checked all the same.
pub(crate) fn copy(from: &mut VerifiedBlob<'_>, to: &mut File) -> Result<(), CopyError> {
    let is_shared = rustix::fs::ioctl_ficlone(&*to, &from.file).is_ok();
    let mut sparse = SparseFile::new(to);
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) if is_shared => return Ok(()),
            Ok(0) => return sparse.finish().map_err(CopyError::Write),
            Ok(_) if is_shared => {}
            Ok(count) => sparse.write_all(&buffer[..count]).map_err(CopyError::Write)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(CopyError::Read(e)),
        }
    }
}

/// Reads a blob and fails at its end when the bytes don't hash to its name.
///
/// The error holds a [`StoreError::Corrupt`]; [`StoreError::inside`] finds it.
#[derive(Debug)]
pub struct VerifiedBlob<'a> {
    store: &'a Store,
    id: BlobId,
    file: File,
    hasher: blake3::Hasher,
}

impl Read for VerifiedBlob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            let found = BlobId::from_bytes(self.hasher.finalize().into());
            if found != self.id {
                let damage = Damage::Digest { expected: self.id, found };
                return Err(self.store.corrupt(Item::Blob(self.id), damage).into());
            }
        }
        Ok(count)
    }
}

impl Blobs for Store {
    fn open(&self, id: &BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.open_blob(id)?))
    }
}

impl BlobSink for Store {
    fn put(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        Ok(self.put_stream(content)?)
    }
}

#[cfg(test)]
mod tests;
