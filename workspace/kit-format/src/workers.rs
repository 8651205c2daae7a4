//! The seam to whoever can do several things at a time: this crate starts no threads.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU32;

/// What becomes of one block.
pub type Work<'a> = &'a (dyn Fn(&[u8]) -> io::Result<Vec<u8>> + Sync);

/// Works on blocks, maybe several at a time. Results never depend on how many.
pub trait Workers: Sync {
    /// Returns how many there are.
    fn count(&self) -> NonZeroU32;

    /// Calls `user` once with a queue in which `work` is done to blocks, until `user` returns.
    fn serve(&self, work: Work<'_>, user: &mut dyn FnMut(&mut dyn Queue));
}

/// Blocks that wait, that are worked on, and that are done, in the order in which they were given.
pub trait Queue {
    /// Whether a block should be given before one is taken. The first always should.
    fn has_room(&self) -> bool;

    /// Adds a block at the end.
    fn give(&mut self, block: Vec<u8>);

    /// Takes the first block when it is done; none when the queue is empty. Its error is that of the work.
    fn take(&mut self) -> io::Result<Option<Done>>;
}

/// A block that was worked on.
#[derive(Debug)]
pub struct Done {
    /// As it was given.
    pub block: Vec<u8>,
    /// What became of it.
    pub result: Vec<u8>,
}

/// Returns what `user` makes of a queue of `workers`.
pub fn with_queue<T>(workers: &dyn Workers, work: Work<'_>, user: impl FnOnce(&mut dyn Queue) -> T) -> T {
    let (mut user, mut made) = (Some(user), None);
    workers.serve(work, &mut |queue| made = user.take().map(|user| user(queue)));
    made.expect("because the user is called once")
}

/// One block after the other, by whoever calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Workers for Alone {
    fn count(&self) -> NonZeroU32 {
        NonZeroU32::MIN
    }

    fn serve(&self, work: Work<'_>, user: &mut dyn FnMut(&mut dyn Queue)) {
        user(&mut AtOnce { work, done: VecDeque::new() });
    }
}

/// Does each block when it is given.
struct AtOnce<'a> {
    work: Work<'a>,
    done: VecDeque<io::Result<Done>>,
}

impl Queue for AtOnce<'_> {
    fn has_room(&self) -> bool {
        self.done.is_empty()
    }

    fn give(&mut self, block: Vec<u8>) {
        let result = (self.work)(&block);
        self.done.push_back(result.map(|result| Done { block, result }));
    }

    fn take(&mut self) -> io::Result<Option<Done>> {
        self.done.pop_front().transpose()
    }
}

/// So many blocks at a time, the last one first.
#[cfg(test)]
pub(crate) struct Backwards(pub(crate) u32);

#[cfg(test)]
impl Workers for Backwards {
    fn count(&self) -> NonZeroU32 {
        NonZeroU32::new(self.0).expect("a test takes some")
    }

    fn serve(&self, work: Work<'_>, user: &mut dyn FnMut(&mut dyn Queue)) {
        user(&mut Held { work, room: self.0 as usize, given: Vec::new(), done: VecDeque::new() });
    }
}

#[cfg(test)]
struct Held<'a> {
    work: Work<'a>,
    room: usize,
    given: Vec<Vec<u8>>,
    done: VecDeque<io::Result<Done>>,
}

#[cfg(test)]
impl Queue for Held<'_> {
    fn has_room(&self) -> bool {
        self.given.len() + self.done.len() < self.room
    }

    fn give(&mut self, block: Vec<u8>) {
        self.given.push(block);
    }

    fn take(&mut self) -> io::Result<Option<Done>> {
        if self.done.is_empty() {
            while let Some(block) = self.given.pop() {
                let result = (self.work)(&block);
                self.done.push_front(result.map(|result| Done { block, result }));
            }
        }
        self.done.pop_front().transpose()
    }
}
