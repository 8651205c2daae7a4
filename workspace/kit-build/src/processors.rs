//! Which processors scripts run on: as a rule each has its own.
//!
//! What a script sees of the machine's processors is the number that its recipe asks for, whatever else runs. The [engine](crate::engine)
//! starts no more scripts at a time than there are processors for; here each is bound to those that the fewest others are bound to.

use std::sync::{Mutex, MutexGuard};

use kit_sandbox::Cpus;

/// The processors that there are.
#[derive(Debug)]
pub struct Pool {
    /// How many scripts are bound to each.
    bound: Mutex<Vec<u32>>,
    /// Where to begin when all are the same: other processes begin elsewhere.
    begin: usize,
}

/// Processors that a script has while it runs.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    pool: &'a Pool,
    /// Which.
    pub(crate) cpus: Cpus,
}

impl Pool {
    /// Takes the processors that this program may use.
    pub fn of_this_machine() -> Self {
        Self::new(kit_sandbox::available_cpus(), std::process::id())
    }

    fn new(there_are: u32, begin: u32) -> Self {
        let bound = vec![0; there_are.max(1) as usize];
        let begin = begin as usize % bound.len();
        Self { bound: Mutex::new(bound), begin }
    }

    /// Returns how many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u32>> {
        self.bound.lock().expect("because no holder panics")
    }

    /// Gives a script the processors next to each other that the fewest others have.
    pub(crate) fn share(&self, count: u32) -> Share<'_> {
        let mut bound = self.lock();
        let there_are = bound.len();
        let those = |first: usize| (0..there_are.min(count as usize)).map(move |at| (first + at) % there_are);
        let first = (0..there_are)
            .map(|at| (self.begin + at) % there_are)
            .min_by_key(|first| those(*first).map(|at| bound[at]).sum::<u32>())
            .unwrap_or(0);
        those(first).for_each(|at| bound[at] += 1);
        Share { pool: self, cpus: Cpus { count, first: u32::try_from(first).unwrap_or(0) } }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut bound = self.pool.lock();
        let there_are = bound.len();
        for at in 0..there_are.min(self.cpus.count as usize) {
            bound[(self.cpus.first as usize + at) % there_are] -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_has_processors_of_its_own_while_there_are() {
        let pool = Pool::new(4, 7);
        let first = |share: &Share<'_>| share.cpus.first;
        let (a, b, c) = (pool.share(1), pool.share(2), pool.share(1));
        assert_eq!((first(&a), first(&b), first(&c)), (3, 0, 2));
        drop(b);
        let b = pool.share(2);
        assert_eq!(first(&b), 0);
        drop(a);
        assert_eq!(first(&pool.share(1)), 3);
        // More than there are: all, and whoever comes then shares the least used.
        let all = pool.share(9);
        assert_eq!(all.cpus, Cpus { count: 9, first: 3 });
        assert_eq!(*pool.lock(), [2, 2, 2, 1]);
        assert_eq!(first(&pool.share(1)), 3);
        drop((all, b, c));
        assert_eq!(*pool.lock(), [0; 4]);
    }
}
