//! How each content is stored.

use std::collections::BTreeMap;

use kit_hash::BlobId;
use kit_tree::{BlobSink, Blobs, Entry};

use super::ErofsWriteError;
use super::record::{Body, Record};
use crate::erofs::Compression;
use crate::erofs::chunks::{self, Chunks};
use crate::erofs::compress::{self, Extents};
use crate::erofs::inodes::Node;
use crate::layout::Layout;
use crate::workers::Workers;

/// How a content is stored.
#[derive(Debug)]
pub(super) enum Stored {
    /// As it is.
    Flat,
    /// As it is, without chunks of zeros.
    Chunked(Chunks),
    /// Compressed.
    Compressed(Extents),
}

/// How the contents of a tree are stored.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Those that aren't stored as they are.
    others: BTreeMap<BlobId, Stored>,
    /// What compressed contents are together, and its length.
    compressed: Option<(BlobId, u64)>,
}

impl Contents {
    /// Looks for holes, or compresses.
    pub(super) fn of(
        nodes: &[Node<'_>],
        blobs: &dyn Blobs,
        sink: &dyn BlobSink,
        compression: Compression,
        workers: &dyn Workers,
    ) -> Result<Self, ErofsWriteError> {
        let mut files = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for node in nodes {
            if let Entry::File { blob, size, .. } = node.entry
                && seen.insert(*blob)
            {
                files.push((*blob, *size));
            }
        }
        let codec = match compression {
            Compression::None => return Self::with_holes(&files, blobs),
            Compression::Lz4 => compress::Codec::Lz4,
            Compression::Zstd { level } => compress::Codec::Zstd { level },
        };
        let compressed = compress::compress(&files, blobs, sink, codec, workers)?;
        let others = compressed.files.into_iter().map(|(blob, extents)| (blob, Stored::Compressed(extents)));
        let compressed = (compressed.length > 0).then_some((compressed.blob, compressed.length));
        Ok(Self { others: others.collect(), compressed })
    }

    fn with_holes(files: &[(BlobId, u64)], blobs: &dyn Blobs) -> Result<Self, ErofsWriteError> {
        let mut contents = Self::default();
        for (blob, size) in files.iter().filter(|(_, size)| *size >= chunks::SMALLEST) {
            if let Some(chunks) = Chunks::find(&mut *blobs.open(blob)?, *size)? {
                contents.others.insert(*blob, Stored::Chunked(chunks));
            }
        }
        Ok(contents)
    }

    /// Returns how a content is stored.
    pub(super) fn stored(&self, blob: &BlobId) -> &Stored {
        self.others.get(blob).unwrap_or(&Stored::Flat)
    }

    /// Whether some are stored without their holes.
    pub(super) fn has_chunks(&self) -> bool {
        self.others.values().any(|stored| matches!(stored, Stored::Chunked(_)))
    }

    /// Returns the bytes of all compressed contents.
    pub(super) fn compressed_length(&self) -> u64 {
        self.compressed.map_or(0, |(_, length)| length)
    }

    /// Lays out the compressed contents, each as a piece of its own.
    pub(super) fn emit(&self, layout: &mut Layout, records: &[Record<'_>]) {
        let Some((blob, _)) = self.compressed else { return };
        let mut at = 0;
        for record in records {
            let Body::Compressed(extents) = &record.body else { continue };
            let range = extents.range();
            if range.start == at {
                at = range.end;
                layout.blob_part("compressed content", blob, range, Some(record.node.path.clone()));
            }
        }
    }
}
