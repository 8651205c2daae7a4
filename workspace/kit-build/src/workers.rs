//! Threads for writers that compress block by block.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use kit_format::workers::{Alone, Done, Queue, Work, Workers};

/// How many blocks are in the queue for each thread: enough that none waits while the one that gives and takes them reads or writes.
const BLOCKS_EACH: usize = 8;

/// As many threads as are given, besides the one that gives and takes blocks.
#[derive(Debug, Clone, Copy)]
pub struct Threads(NonZeroU32);

impl Threads {
    /// Takes as many as there are steps at a time; one does all of it itself.
    pub fn of_jobs(jobs: usize) -> Self {
        Self(u32::try_from(jobs).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN))
    }
}

impl Workers for Threads {
    fn count(&self) -> NonZeroU32 {
        self.0
    }

    fn serve(&self, work: Work<'_>, user: &mut dyn FnMut(&mut dyn Queue)) {
        if self.0 == NonZeroU32::MIN {
            return Alone.serve(work, user);
        }
        let (jobs, waiting) = mpsc::channel();
        let waiting = Mutex::new(waiting);
        thread::scope(|scope| {
            for _ in 0..self.0.get() {
                scope.spawn(|| do_jobs(&waiting, work));
            }
            // With it goes the way to the threads, which ends them, also when the user panics.
            let room = usize::try_from(self.0.get()).unwrap_or(usize::MAX).saturating_mul(BLOCKS_EACH);
            user(&mut Shared { jobs, given: VecDeque::new(), room });
        });
    }
}

/// A block on its way to a thread, and the way back.
type Job = (Vec<u8>, Sender<io::Result<Done>>);

fn do_jobs(waiting: &Mutex<Receiver<Job>>, work: Work<'_>) {
    let next = || waiting.lock().expect("because nobody panics who waits").recv();
    while let Ok((block, back)) = next() {
        let result = work(&block);
        // Nobody waits for it when another block failed.
        _ = back.send(result.map(|result| Done { block, result }));
    }
}

/// A queue that threads share.
struct Shared {
    jobs: Sender<Job>,
    given: VecDeque<Receiver<io::Result<Done>>>,
    room: usize,
}

impl Queue for Shared {
    fn has_room(&self) -> bool {
        self.given.len() < self.room
    }

    fn give(&mut self, block: Vec<u8>) {
        let (back, done) = mpsc::channel();
        self.jobs.send((block, back)).expect("because the threads live as long as the queue");
        self.given.push_back(done);
    }

    fn take(&mut self) -> io::Result<Option<Done>> {
        let first = self.given.pop_front();
        first.map(|done| done.recv().expect("because the work doesn't panic")).transpose()
    }
}

#[cfg(test)]
mod tests {
    use kit_format::workers::with_queue;

    use super::*;

    /// Gives all blocks and takes all results, as writers do.
    fn all(threads: Threads, blocks: &[Vec<u8>], work: Work<'_>) -> io::Result<Vec<Vec<u8>>> {
        with_queue(&threads, work, |queue| {
            let (mut blocks, mut results) = (blocks.iter().cloned().peekable(), Vec::new());
            loop {
                while let Some(block) = blocks.next_if(|_| queue.has_room()) {
                    queue.give(block);
                }
                let Some(done) = queue.take()? else { return Ok(results) };
                results.push(done.result);
            }
        })
    }

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        let blocks: Vec<_> = (0..100_u8).map(|number| vec![number]).collect();
        let double = |block: &[u8]| Ok(vec![block[0] * 2]);
        let expected: Vec<_> = (0..100_u8).map(|number| vec![number * 2]).collect();
        for jobs in [0, 1, 2, 7] {
            assert_eq!(all(Threads::of_jobs(jobs), &blocks, &double).expect("it works"), expected);
        }
    }

    #[test]
    fn an_error_is_told_and_ends_the_threads() {
        let blocks: Vec<_> = (0..100_u8).map(|number| vec![number]).collect();
        let fail = |block: &[u8]| if block[0] == 1 { Err(io::Error::other("no")) } else { Ok(Vec::new()) };
        for jobs in [1, 2, 7] {
            all(Threads::of_jobs(jobs), &blocks, &fail).expect_err("the second block fails");
        }
    }
}
