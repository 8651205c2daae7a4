//! LZ4 blocks: the bytes that fit into a given length, with chains of what began alike before.
//!
//! A block is sequences: literals, and a match with what is at most 65535 bytes before. A sequence is a token (4 bits for the literals' length,
//! 4 for the match's less 4; 15 means that more follows, bytes to be added up to the first that isn't 255), the literals, the distance (2).
//! The last sequence has literals alone, five at least; no match starts in the last twelve bytes.

/// The shortest match.
const MATCH_MIN: usize = 4;
/// The farthest match.
const DISTANCE_MAX: usize = 65_535;
/// The last bytes are literals.
const LAST_LITERALS: usize = 5;
/// No match starts behind the last so many bytes.
const LAST_START: usize = 12;
/// How many earlier places are looked at.
const ATTEMPTS: usize = 96;
/// A match of this length is not improved on.
const GOOD: usize = 256;

/// Compresses parts of a segment, which may follow each other.
pub(super) struct Compressor<'a> {
    segment: &'a [u8],
    /// The last place, plus one, where bytes of this hash began.
    heads: Vec<u32>,
    /// How far before a place bytes of the same hash began; for the last 65536 places.
    before: Vec<u16>,
    hash_bits: u32,
    /// Places before this are in the chains.
    known: usize,
}

#[derive(Clone, Copy)]
struct Match {
    length: usize,
    distance: usize,
}

impl<'a> Compressor<'a> {
    pub(super) fn new(segment: &'a [u8]) -> Self {
        let hash_bits = segment.len().max(2).ilog2().clamp(8, 16);
        let window = segment.len().next_power_of_two().min(DISTANCE_MAX + 1);
        Self { segment, heads: vec![0; 1 << hash_bits], before: vec![0; window], hash_bits, known: 0 }
    }

    fn word(&self, at: usize) -> u32 {
        let bytes = self.segment[at..].first_chunk::<4>().expect("because places are before the last bytes");
        u32::from_le_bytes(*bytes)
    }

    fn hash(&self, at: usize) -> usize {
        (self.word(at).wrapping_mul(2_654_435_761) >> (32 - self.hash_bits)) as usize
    }

    /// Puts all places before `end` into the chains.
    fn learn(&mut self, end: usize) {
        let mask = self.before.len() - 1;
        for at in self.known..end.min(self.segment.len().saturating_sub(MATCH_MIN - 1)) {
            let hash = self.hash(at);
            let number = u32::try_from(at + 1).expect("because segments are small");
            let last = std::mem::replace(&mut self.heads[hash], number) as usize;
            let distance = if last == 0 { DISTANCE_MAX } else { at + 1 - last };
            self.before[at & mask] = u16::try_from(distance).unwrap_or(u16::MAX);
        }
        self.known = self.known.max(end);
    }

    /// Returns the longest match at a place that is longer than `least`, reaching not before `start` nor over `end`.
    fn find(&mut self, at: usize, start: usize, end: usize, least: usize) -> Option<Match> {
        self.learn(at);
        let mask = self.before.len() - 1;
        let mut best: Option<Match> = None;
        let mut longest = least.max(MATCH_MIN - 1);
        let first = self.word(at);
        let mut candidate = (self.heads[self.hash(at)] as usize).checked_sub(1)?;
        for _ in 0..ATTEMPTS {
            if candidate < start || at.saturating_sub(candidate) > DISTANCE_MAX || at + longest >= end {
                break;
            }
            if candidate < at
                // What is longer has the four bytes that end there in common, too: most candidates fail here.
                && self.word(candidate + longest + 1 - MATCH_MIN) == self.word(at + longest + 1 - MATCH_MIN)
                && self.word(candidate) == first
            {
                let length = common(&self.segment[candidate..], &self.segment[at..end]);
                if length > longest {
                    longest = length;
                    best = Some(Match { length, distance: at - candidate });
                    if length >= GOOD {
                        break;
                    }
                }
            }
            let distance = usize::from(self.before[candidate & mask]);
            if distance == 0 || distance > candidate {
                break;
            }
            candidate -= distance;
        }
        best
    }

    /// Compresses from `start` on as many bytes as fit into `capacity`; returns how many, and what they became.
    pub(super) fn compress(&mut self, start: usize, capacity: usize) -> (usize, Vec<u8>) {
        let length = self.segment.len();
        let mut out = Vec::with_capacity(capacity.min(length - start + 64));
        let (mut at, mut anchor) = (start, start);
        while at + LAST_START < length {
            // literals that must follow fit, even if no more matches come
            if out.len() + literals_cost(at - anchor) + LAST_START >= capacity {
                break;
            }
            let Some(mut found) = self.find(at, start, length - LAST_LITERALS, 0) else {
                at += 1;
                continue;
            };
            // a longer match that starts a little later is better
            while found.length < GOOD && at + 1 + LAST_START < length {
                let Some(later) = self.find(at + 1, start, length - LAST_LITERALS, found.length) else {
                    let Some(later) = (at + 2 + LAST_START < length)
                        .then(|| self.find(at + 2, start, length - LAST_LITERALS, found.length + 1))
                        .flatten()
                    else {
                        break;
                    };
                    (at, found) = (at + 2, later);
                    continue;
                };
                (at, found) = (at + 1, later);
            }
            let cost = literals_cost(at - anchor) + match_cost(found.length);
            if out.len() + cost + literals_cost(LAST_START) > capacity {
                break;
            }
            sequence(&mut out, &self.segment[anchor..at], Some(found));
            at += found.length;
            anchor = at;
        }
        let mut last = (capacity - out.len()).min(length - anchor);
        while out.len() + literals_cost(last) > capacity {
            last -= 1;
        }
        sequence(&mut out, &self.segment[anchor..anchor + last], None);
        (anchor + last - start, out)
    }
}

/// Returns how many bytes two slices have in common.
fn common(a: &[u8], b: &[u8]) -> usize {
    let mut length = 0;
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        let (a, b) = (a.first_chunk::<8>(), b.first_chunk::<8>());
        let differs = a.map_or(0, |a| u64::from_le_bytes(*a)) ^ b.map_or(0, |b| u64::from_le_bytes(*b));
        if differs != 0 {
            return length + (differs.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + a[length..].iter().zip(&b[length..]).take_while(|(a, b)| a == b).count()
}

/// Returns bytes of a token and literals.
fn literals_cost(literals: usize) -> usize {
    1 + literals + if literals >= 15 { 1 + (literals - 15) / 255 } else { 0 }
}

/// Returns bytes of a match without its token.
fn match_cost(length: usize) -> usize {
    2 + if length >= MATCH_MIN + 15 { 1 + (length - MATCH_MIN - 15) / 255 } else { 0 }
}

fn sequence(out: &mut Vec<u8>, literals: &[u8], found: Option<Match>) {
    let nibble = |length: usize| u8::try_from(length.min(15)).expect("because it is 15 at most");
    let more = found.map_or(0, |found| found.length - MATCH_MIN);
    out.push(nibble(literals.len()) << 4 | nibble(more));
    extend(out, literals.len());
    out.extend_from_slice(literals);
    if let Some(found) = found {
        let distance = u16::try_from(found.distance).expect("because no match is farther");
        out.extend_from_slice(&distance.to_le_bytes());
        extend(out, more);
    }
}

/// Writes what of a length isn't in the token.
fn extend(out: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(15) else { return };
    while rest >= 255 {
        out.push(255);
        rest -= 255;
    }
    out.push(u8::try_from(rest).expect("because it is less than 255"));
}

/// Decompresses a block up to `length` bytes; none when it is damaged or shorter.
pub(in crate::erofs) fn decompress(block: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut input = block.iter();
    let read_length = |input: &mut std::slice::Iter<'_, u8>, nibble: u8| {
        let mut total = usize::from(nibble);
        if nibble == 15 {
            loop {
                let byte = *input.next()?;
                total = total.checked_add(usize::from(byte))?;
                if byte < 255 {
                    break;
                }
            }
        }
        Some(total)
    };
    while out.len() < length {
        let token = *input.next()?;
        let literals = read_length(&mut input, token >> 4)?;
        let rest = input.as_slice();
        let taken = rest.get(..literals.min(length - out.len()))?;
        out.extend_from_slice(taken);
        if out.len() == length {
            break;
        }
        input = rest[literals..].iter();
        let distance = usize::from(u16::from_le_bytes([*input.next()?, *input.next()?]));
        let start = out.len().checked_sub(distance).filter(|_| distance > 0)?;
        let count = read_length(&mut input, token & 15)?.checked_add(MATCH_MIN)?.min(length - out.len());
        if distance >= count {
            out.extend_from_within(start..start + count);
        } else {
            for at in start..start + count {
                out.push(out[at]);
            }
        }
    }
    Some(out)
}
