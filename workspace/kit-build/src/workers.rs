//! Threads for writers that compress block by block.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kit_format::workers::{Work, Workers};

/// How many blocks each thread gets at a time: while the last one is done the others wait, which of so many is little.
const BLOCKS_EACH: usize = 32;
/// How many all get at most, since they are in memory.
const BLOCKS: usize = 256;

/// As many threads as are given.
#[derive(Debug, Clone, Copy)]
pub struct Threads(NonZeroUsize);

impl Threads {
    /// Takes so many.
    pub fn new(count: NonZeroUsize) -> Self {
        Self(count)
    }

    /// Takes as many as there are steps at a time.
    pub fn of_jobs(jobs: usize) -> Self {
        Self(NonZeroUsize::new(jobs).unwrap_or(NonZeroUsize::MIN))
    }

    /// Returns how many they are.
    pub fn count(self) -> NonZeroUsize {
        self.0
    }
}

impl Workers for Threads {
    fn batch(&self) -> usize {
        (self.0.get() * BLOCKS_EACH).min(BLOCKS).max(self.0.get())
    }

    fn map(&self, blocks: &[Vec<u8>], work: Work<'_>) -> io::Result<Vec<Vec<u8>>> {
        let next = AtomicUsize::new(0);
        let mut results: Vec<Option<io::Result<Vec<u8>>>> = blocks.iter().map(|_| None).collect();
        let take = || {
            let mut done = Vec::new();
            while let Some((at, block)) = Some(next.fetch_add(1, Ordering::Relaxed))
                .and_then(|at| blocks.get(at).map(|block| (at, block)))
            {
                done.push((at, work(block)));
            }
            done
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (1..self.0.get().min(blocks.len())).map(|_| scope.spawn(take)).collect();
            let mut done = take();
            for thread in threads {
                done.extend(thread.join().expect("because the work doesn't panic"));
            }
            for (at, result) in done {
                results[at] = Some(result);
            }
        });
        results.into_iter().map(|result| result.expect("because each block was taken")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        let blocks: Vec<_> = (0..100_u8).map(|number| vec![number]).collect();
        let double = |block: &[u8]| Ok(vec![block[0] * 2]);
        let expected: Vec<_> = (0..100_u8).map(|number| vec![number * 2]).collect();
        for count in [1, 2, 7] {
            let threads = Threads::new(NonZeroUsize::new(count).expect("it isn't zero"));
            assert_eq!(threads.map(&blocks, &double).expect("it works"), expected);
        }
    }

    #[test]
    fn an_error_is_told() {
        let blocks = vec![vec![0], vec![1]];
        let fail = |block: &[u8]| if block[0] == 1 { Err(io::Error::other("no")) } else { Ok(Vec::new()) };
        assert!(Threads::of_jobs(0).map(&blocks, &fail).is_err());
    }
}
