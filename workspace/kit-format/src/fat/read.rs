//! A file system into a tree, strictly: for reading back what was written, by us or by others.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};

use kit_tree::{BlobSink, Entry, FileName, Meta, Mode, PathError, Tree, TreeError, TreePath};

use super::chain::{self, Content, Taken};
use super::entries::{self, Found};
use super::volume::{Root, Volume};
use super::{ENTRY, Kind};
use crate::limits::{EntryCount, LimitError, Limits};

/// Bytes that a directory has at most.
const DIRECTORY_BYTES: u64 = 65_536 * ENTRY as u64;

/// Why a file system is refused.
#[derive(Debug, thiserror::Error)]
pub enum FatReadError {
    /// The bytes can't be had.
    #[error("can't read the file system")]
    Input(#[from] io::Error),
    /// The content can't be kept.
    #[error("can't keep the content of `{path}`")]
    Keep {
        /// The file.
        path: TreePath,
        /// What the store said.
        source: io::Error,
    },
    /// A file goes over a limit.
    #[error("`{path}` is too much")]
    Limit {
        /// The file.
        path: TreePath,
        /// Which limit.
        source: LimitError,
    },
    /// A number that no boot sector has, or none that is read.
    #[error("this is no FAT file system that is read: the boot sector has {value} for {what}")]
    Boot {
        /// Which number.
        what: &'static str,
        /// What stands there.
        value: u64,
    },
    /// The file system is longer than the file.
    #[error("the file system has {says} bytes, the file {size}")]
    Size {
        /// What the boot sector says.
        says: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// A file goes on in a cluster that there isn't.
    #[error("`{path}` goes on in cluster {cluster}, which there isn't")]
    Cluster {
        /// The file.
        path: String,
        /// The cluster's number.
        cluster: u32,
    },
    /// Two files have one cluster, or a file has it twice.
    #[error("cluster {cluster} of `{path}` is another's, or its own, already")]
    Shared {
        /// The file that was read later.
        path: String,
        /// The cluster's number.
        cluster: u32,
    },
    /// A file has more clusters than its length, or a directory more than it may.
    #[error("`{path}` has more than the {most} clusters that it can have")]
    Length {
        /// The file.
        path: String,
        /// The most.
        most: u64,
    },
    /// A file has less clusters than its length.
    #[error("`{path}` has {size} bytes, but only {clusters} clusters")]
    Short {
        /// The file.
        path: String,
        /// Its length.
        size: u64,
        /// Its clusters.
        clusters: u64,
    },
    /// A name that isn't one: a long one that doesn't go with its entry, or characters that can't be told.
    #[error("the name `{name}` in `{path}` can't be told")]
    Name {
        /// The directory.
        path: String,
        /// The name or a part of it.
        name: String,
    },
    /// A name that may not stand in a tree.
    #[error("the name `{name}` in `{path}` is refused")]
    Path {
        /// The directory.
        path: TreePath,
        /// The name.
        name: String,
        /// Why.
        source: PathError,
    },
    /// A name that is there twice.
    #[error("`{path}` is there twice")]
    Twice {
        /// The name.
        path: TreePath,
    },
}

/// Reads a file system; content goes to `sink`. Files and directories are root's, with the modes 0644 and 0755; times and labels aren't kept.
pub fn read(
    disk: &mut (impl Read + Seek),
    limits: &Limits,
    sink: &dyn BlobSink,
) -> Result<Tree, FatReadError> {
    let volume = Volume::open(disk)?;
    let mut reading = Reading {
        taken: Taken::new(volume.clusters),
        volume,
        sink,
        limits,
        count: EntryCount::new(limits),
        bytes: 0,
        tree: Tree::new(),
    };
    // Directories by their first clusters; the root is where the boot sector says.
    let mut directories = VecDeque::from([(TreePath::root(), None)]);
    while let Some((path, cluster)) = directories.pop_front() {
        let bytes = match cluster {
            None => reading.root()?,
            Some(cluster) => reading.directory(&path, cluster)?,
        };
        for found in entries::entries(&bytes, &path.to_string())? {
            directories.extend(reading.keep(&path, found)?);
        }
    }
    Ok(reading.tree)
}

struct Reading<'a, R> {
    volume: Volume<'a, R>,
    taken: Taken,
    sink: &'a dyn BlobSink,
    limits: &'a Limits,
    count: EntryCount,
    bytes: u64,
    tree: Tree,
}

impl<R: Read + Seek> Reading<'_, R> {
    fn root(&mut self) -> Result<Vec<u8>, FatReadError> {
        match self.volume.root.clone() {
            Root::Cluster(cluster) => self.directory(&TreePath::root(), cluster),
            Root::Place(place) => {
                let mut bytes = Vec::new();
                let mut at = place.start;
                while at < place.end {
                    let mut part = [0; 512];
                    let wanted = part.len().min(usize::try_from(place.end - at).unwrap_or(usize::MAX));
                    match self.volume.read_at(at, &mut part[..wanted])? {
                        0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                        count => bytes.extend_from_slice(&part[..count]),
                    }
                    at = place.start + bytes.len() as u64;
                }
                Ok(bytes)
            }
        }
    }

    /// Reads a directory whole: the format keeps it small.
    fn directory(&mut self, path: &TreePath, cluster: u32) -> Result<Vec<u8>, FatReadError> {
        let most = DIRECTORY_BYTES.div_ceil(self.volume.cluster_bytes);
        let pieces = chain::follow(&mut self.volume, &mut self.taken, cluster, most, &path.to_string())?;
        let size = chain::count(&pieces) * self.volume.cluster_bytes;
        self.add_bytes(path, size)?;
        let mut bytes = Vec::new();
        Content::new(&mut self.volume, &pieces, size).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn add_bytes(&mut self, path: &TreePath, size: u64) -> Result<(), FatReadError> {
        self.bytes += size;
        if self.bytes > self.limits.total_bytes {
            let source = LimitError::TotalBytes { limit: self.limits.total_bytes };
            return Err(FatReadError::Limit { path: path.clone(), source });
        }
        Ok(())
    }

    /// Keeps an entry; returns a directory with its first cluster.
    fn keep(
        &mut self,
        parent: &TreePath,
        found: Found,
    ) -> Result<Option<(TreePath, Option<u32>)>, FatReadError> {
        let Found { name, is_directory, cluster, size, at: _ } = found;
        let path = FileName::new(name.as_bytes()).and_then(|name| parent.join(&name));
        let path = path.map_err(|source| FatReadError::Path { path: parent.clone(), name, source })?;
        self.count.add().map_err(|source| FatReadError::Limit { path: path.clone(), source })?;
        let cluster = if self.volume.kind == Kind::Fat32 { cluster & 0x0fff_ffff } else { cluster & 0xffff };
        if is_directory {
            self.put(path.clone(), Entry::directory())?;
            return Ok(Some((path, Some(cluster))));
        }
        let size = u64::from(size);
        if size > self.limits.file_bytes {
            let source = LimitError::FileBytes { size, limit: self.limits.file_bytes };
            return Err(FatReadError::Limit { path, source });
        }
        self.add_bytes(&path, size)?;
        let blob = self.content(&path, cluster, size)?;
        self.put(path, Entry::File { meta: Meta::root(Mode::FILE), blob, size })?;
        Ok(None)
    }

    fn content(
        &mut self,
        path: &TreePath,
        cluster: u32,
        size: u64,
    ) -> Result<kit_hash::BlobId, FatReadError> {
        let needed = size.div_ceil(self.volume.cluster_bytes);
        let pieces = if needed == 0 && cluster == 0 {
            VecDeque::new()
        } else {
            chain::follow(&mut self.volume, &mut self.taken, cluster, needed, &path.to_string())?
        };
        let clusters = chain::count(&pieces);
        if clusters < needed {
            return Err(FatReadError::Short { path: path.to_string(), size, clusters });
        }
        let mut content = Content::new(&mut self.volume, &pieces, size);
        let kept = self.sink.put(&mut content);
        if let Some(failure) = content.failure {
            return Err(failure.into());
        }
        match kept {
            Ok((blob, kept)) if kept == size => Ok(blob),
            Ok(_) => {
                let source = io::Error::other("the store didn't take the whole content");
                Err(FatReadError::Keep { path: path.clone(), source })
            }
            Err(source) => Err(FatReadError::Keep { path: path.clone(), source }),
        }
    }

    fn put(&mut self, path: TreePath, entry: Entry) -> Result<(), FatReadError> {
        match self.tree.insert(path.clone(), entry) {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(TreeError::DirectoryNotEmpty { .. }) => Err(FatReadError::Twice { path }),
            Err(error) => unreachable!("because directories come before what is in them: {error}"),
        }
    }
}
