//! Blocks, taken one behind the other.

use std::ops::Range;

use super::geometry::{GROUP, Geometry};

/// What is taken of the blocks. It goes on behind the end of the file system: where it ends says how large one must be.
#[derive(Debug)]
pub(super) struct Space {
    geometry: Geometry,
    next: u64,
    used: Vec<Range<u64>>,
}

impl Space {
    /// Begins behind the first group's superblock and descriptors.
    pub(super) fn new(geometry: Geometry) -> Self {
        Self { geometry, next: 0, used: Vec::new() }
    }

    /// Takes blocks, in as few pieces as there can be.
    pub(super) fn take(&mut self, count: u64) -> Vec<Range<u64>> {
        let mut pieces = Vec::new();
        let mut left = count;
        while left > 0 {
            let run = self.run();
            let piece = run.start..run.start + left.min(run.end - run.start);
            left -= piece.end - piece.start;
            self.add(piece.clone());
            pieces.push(piece);
        }
        pieces
    }

    /// Takes a block.
    pub(super) fn take_one(&mut self) -> u64 {
        self.take_together(1)
    }

    /// Takes blocks in one piece, of less than a group; returns the first.
    pub(super) fn take_together(&mut self, count: u64) -> u64 {
        let mut run = self.run();
        while run.end - run.start < count {
            self.next = run.end;
            run = self.run();
        }
        self.add(run.start..run.start + count);
        run.start
    }

    /// Returns the block behind the last that is taken.
    pub(super) fn end(&self) -> u64 {
        self.next
    }

    /// Returns what is used with the copies of the superblock, sorted.
    pub(super) fn used(&self) -> Vec<Range<u64>> {
        let geometry = &self.geometry;
        let copies = (0..geometry.groups()).map(|group| {
            let start = group * GROUP;
            start..start + geometry.copies(group)
        });
        let mut all: Vec<_> = copies.filter(|range| !range.is_empty()).chain(self.used.clone()).collect();
        all.sort_by_key(|range| range.start);
        all
    }

    /// Returns the next blocks up to the next copies of the superblock.
    fn run(&self) -> Range<u64> {
        let copies = self.geometry.next_copies(self.next);
        if self.next < copies.start {
            return self.next..copies.start;
        }
        copies.end..self.geometry.next_copies(copies.end).start
    }

    fn add(&mut self, piece: Range<u64>) {
        self.next = piece.end;
        match self.used.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => self.used.push(piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_the_superblock_are_left_out() {
        let geometry = Geometry::new(4 * GROUP, 0).unwrap();
        let copies = geometry.copies(0);
        let mut space = Space::new(geometry);
        assert_eq!(space.take(10).first(), Some(&(copies..copies + 10)));
        assert_eq!(space.take_together(GROUP - copies - 5), GROUP + copies);
        let pieces = [2 * GROUP - 5..3 * GROUP, 3 * GROUP + copies..4 * GROUP - copies - 5];
        assert_eq!(space.take(2 * GROUP - 2 * copies), pieces);
        assert_eq!(space.take_one(), 4 * GROUP - copies - 5);
        let used = [
            0..copies,
            copies..copies + 10,
            GROUP..GROUP + copies,
            GROUP + copies..3 * GROUP,
            3 * GROUP..3 * GROUP + copies,
            3 * GROUP + copies..4 * GROUP - copies - 4,
        ];
        assert_eq!(space.used(), used);
    }
}
