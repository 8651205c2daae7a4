//! A disk, run by run.

use std::fmt;
use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::{Extent, Extents, From, Packed};
use crate::disk_image::DiskReadError;
use crate::disk_image::source::Source;

/// Reads a disk from its start.
pub(super) struct DiskStream<'a> {
    source: Source<'a>,
    extents: Box<dyn Extents + 'a>,
    at: u64,
    size: u64,
    /// What is left of the run, and how much of it was read.
    run: Option<(Extent, u64)>,
    cluster: Vec<u8>,
    packed: Vec<u8>,
}

impl fmt::Debug for DiskStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskStream").field("at", &self.at).field("size", &self.size).finish_non_exhaustive()
    }
}

impl<'a> DiskStream<'a> {
    pub(super) fn new(source: Source<'a>, extents: Box<dyn Extents + 'a>, size: u64) -> Self {
        Self { source, extents, at: 0, size, run: None, cluster: Vec::new(), packed: Vec::new() }
    }

    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, DiskReadError> {
        let left = self.size - self.at;
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let (extent, read) = match self.run {
            Some((extent, read)) if read < extent.length => (extent, read),
            _ => {
                let extent = self.extents.extent(self.at)?;
                if let From::Packed { at, length, packed, cluster, .. } = extent.from {
                    self.unpack(at, length, packed, cluster)?;
                }
                (extent, 0)
            }
        };
        let count = (extent.length - read).min(left).min(buffer.len() as u64);
        let buffer = &mut buffer[..usize::try_from(count).unwrap_or(usize::MAX)];
        match extent.from {
            From::Zeros => buffer.fill(0),
            From::File(at) => self.source.read(at + read, buffer, "a part of the disk")?,
            From::Packed { skip, .. } => {
                let from = usize::try_from(read).unwrap_or(usize::MAX).saturating_add(skip);
                let bytes = self.cluster.get(from..).and_then(|rest| rest.get(..buffer.len()));
                let short = io::Error::new(io::ErrorKind::InvalidData, "a compressed cluster is too short");
                buffer.copy_from_slice(bytes.ok_or(short)?);
            }
        }
        self.at += count;
        self.run = Some((extent, read + count));
        Ok(buffer.len())
    }

    /// Unpacks a cluster, which may be followed by other bytes.
    fn unpack(&mut self, at: u64, length: u64, packed: Packed, cluster: usize) -> Result<(), DiskReadError> {
        // The last cluster's sectors may be there in part only.
        let length = length.min(self.source.length.saturating_sub(at));
        self.packed.resize(usize::try_from(length).unwrap_or(0), 0);
        self.source.read(at, &mut self.packed, "a compressed cluster")?;
        self.cluster.resize(cluster, 0);
        let count = match packed {
            Packed::Deflate => inflate(&self.packed, &mut self.cluster, false)?,
            Packed::Zlib => inflate(&self.packed, &mut self.cluster, true)?,
            Packed::Zstd => unpack_zstd(&self.packed, &mut self.cluster)?,
        };
        self.cluster.truncate(count);
        Ok(())
    }
}

fn inflate(packed: &[u8], cluster: &mut [u8], header: bool) -> io::Result<usize> {
    let mut decompress = Decompress::new(header);
    loop {
        let place = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let (taken, made) = (place(decompress.total_in()), place(decompress.total_out()));
        let (input, output) = (&packed[taken..], &mut cluster[made..]);
        let status = decompress.decompress(input, output, FlushDecompress::Finish)?;
        let moved = place(decompress.total_in()) > taken || place(decompress.total_out()) > made;
        if status == Status::StreamEnd || place(decompress.total_out()) == cluster.len() || !moved {
            return Ok(place(decompress.total_out()));
        }
    }
}

fn unpack_zstd(packed: &[u8], cluster: &mut [u8]) -> io::Result<usize> {
    // Behind the frame there may be others' bytes: it is read as a stream, and no further than the cluster is long.
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?.single_frame();
    decoder.window_log_max(27)?;
    let mut count = 0;
    while count < cluster.len() {
        match decoder.read(&mut cluster[count..])? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

impl Read for DiskStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.step(buffer)?)
    }
}
