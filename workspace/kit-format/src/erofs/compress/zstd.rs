//! Zstandard frames of as many bytes as fit, without their length and without a checksum: the index has the one, the image's digest is the other.

use std::io;

use ::zstd::bulk;
use ::zstd::stream::raw::CParameter;

/// The window, as a binary logarithm, which the image says.
const WINDOW_BITS: u32 = 20;
/// The most bytes of a frame.
const LENGTH_MAX: usize = 1 << 20;
/// How often a length is tried.
const TRIES: usize = 4;
/// What of the capacity is aimed at, in thousandths: what compresses to a little more is tried again.
const AIM: usize = 992;

/// Compresses parts of a segment, which follow each other.
pub(super) struct Compressor<'a> {
    segment: &'a [u8],
    codec: bulk::Compressor<'static>,
    /// How many bytes the next part may have.
    guess: usize,
}

impl<'a> Compressor<'a> {
    pub(super) fn new(segment: &'a [u8], level: i32) -> io::Result<Self> {
        let mut codec = bulk::Compressor::new(level)?;
        codec.set_parameter(CParameter::ContentSizeFlag(false))?;
        codec.set_parameter(CParameter::ChecksumFlag(false))?;
        codec.set_parameter(CParameter::WindowLog(WINDOW_BITS))?;
        Ok(Self { segment, codec, guess: 0 })
    }

    /// Compresses from `start` on as many bytes as fit into `capacity`, or nearly; returns how many, and what they became.
    pub(super) fn compress(&mut self, start: usize, capacity: usize) -> io::Result<(usize, Vec<u8>)> {
        let most = (self.segment.len() - start).min(LENGTH_MAX);
        let mut length = if self.guess == 0 { 3 * capacity } else { self.guess }.clamp(1, most);
        let mut best: Option<(usize, Vec<u8>)> = None;
        for attempt in 1.. {
            let bytes = self.codec.compress(&self.segment[start..start + length])?;
            let fits = bytes.len() <= capacity;
            let full = length == most || bytes.len() * 1000 >= capacity * (2 * AIM - 1000);
            let aimed = length.saturating_mul(capacity * AIM / 1000) / bytes.len().max(1);
            if fits && best.as_ref().is_none_or(|(longest, _)| length > *longest) {
                best = Some((length, bytes));
                self.guess = aimed;
            }
            if let Some(found) = best.take_if(|_| fits && full || attempt >= TRIES) {
                return Ok(found);
            }
            length = if attempt < TRIES { aimed.clamp(1, most) } else { (length / 2).max(1) };
        }
        unreachable!("because a single byte fits")
    }
}
