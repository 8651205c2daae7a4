//! The clusters of a file, and its bytes.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};
use std::ops::Range;

use super::read::FatReadError;
use super::volume::Volume;

/// Clusters that belong to a file already.
pub(super) struct Taken(Vec<u8>);

impl Taken {
    pub(super) fn new(clusters: u64) -> Self {
        // Bits for the two numbers without a cluster too.
        let bytes = (clusters + 2).div_ceil(8);
        Self(vec![0; usize::try_from(bytes).expect("because there are less than 2^28 clusters")])
    }

    /// Takes a cluster; false where it was taken.
    fn take(&mut self, cluster: u32) -> bool {
        let (byte, bit) = ((cluster / 8) as usize, 1 << (cluster % 8));
        let free = self.0[byte] & bit == 0;
        self.0[byte] |= bit;
        free
    }
}

/// Follows the clusters of a file from its first, at most `most`; returns them in pieces.
pub(super) fn follow<R: Read + Seek>(
    volume: &mut Volume<'_, R>,
    taken: &mut Taken,
    first: u32,
    most: u64,
    path: &str,
) -> Result<VecDeque<Range<u32>>, FatReadError> {
    let mut pieces: VecDeque<Range<u32>> = VecDeque::new();
    let (mut cluster, mut count) = (first, 0);
    loop {
        if !volume.has(cluster) {
            return Err(FatReadError::Cluster { path: path.to_owned(), cluster });
        }
        if !taken.take(cluster) {
            return Err(FatReadError::Shared { path: path.to_owned(), cluster });
        }
        count += 1;
        if count > most {
            return Err(FatReadError::Length { path: path.to_owned(), most });
        }
        match pieces.back_mut() {
            Some(piece) if piece.end == cluster => piece.end += 1,
            _ => pieces.push_back(cluster..cluster + 1),
        }
        cluster = volume.entry(cluster)?;
        if cluster >= volume.end() {
            return Ok(pieces);
        }
    }
}

/// Returns how many clusters pieces have.
pub(super) fn count(pieces: &VecDeque<Range<u32>>) -> u64 {
    pieces.iter().map(|piece| u64::from(piece.end - piece.start)).sum()
}

/// Reads bytes that lie in pieces.
pub(super) struct Content<'a, 'b, R> {
    volume: &'a mut Volume<'b, R>,
    pieces: VecDeque<Range<u64>>,
    left: u64,
    /// Why reading failed, if it did.
    pub(super) failure: Option<io::Error>,
}

impl<'a, 'b, R: Read + Seek> Content<'a, 'b, R> {
    pub(super) fn new(volume: &'a mut Volume<'b, R>, pieces: &VecDeque<Range<u32>>, size: u64) -> Self {
        let pieces = pieces.iter().map(|piece| volume.bytes_of(piece)).collect();
        Self { volume, pieces, left: size, failure: None }
    }

    fn step(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.pieces.front().is_some_and(Range::is_empty) {
            self.pieces.pop_front();
        }
        let piece = self.pieces.front_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
        let wanted = self.left.min(piece.end - piece.start);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(buffer.len());
        let count = loop {
            match self.volume.read_at(piece.start, &mut buffer[..wanted]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.start += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Read for Content<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        self.step(buffer).map_err(|error| {
            let kind = error.kind();
            self.failure = Some(error);
            io::Error::new(kind, "the file system can't be read")
        })
    }
}
