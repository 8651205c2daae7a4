//! Which state is judged next, and what the verdicts come to.

use std::collections::BTreeSet;

/// What a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Nobody can tell.
    Neither,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// This state is the first bad one; the one before it is good.
    First(usize),
    /// One of these is, all but the last of which nobody could judge.
    OneOf(Vec<usize>),
}

/// A search among states in order, of which the first is good and the last bad.
#[derive(Debug)]
pub(super) struct Search {
    good: usize,
    bad: usize,
    neither: BTreeSet<usize>,
}

impl Search {
    /// Starts with so many states, two at least.
    pub(super) fn new(count: usize) -> Self {
        Self { good: 0, bad: count.saturating_sub(1), neither: BTreeSet::new() }
    }

    /// Returns the state to judge next: the one nearest to the middle that nobody has judged; none at the end.
    pub(super) fn next(&self) -> Option<usize> {
        let middle = self.good + (self.bad - self.good) / 2;
        let open = (self.good + 1..self.bad).filter(|at| !self.neither.contains(at));
        open.min_by_key(|at| (at.abs_diff(middle), *at))
    }

    /// Returns how many states can still be the first bad one.
    pub(super) fn left(&self) -> usize {
        self.bad - self.good
    }

    /// Takes a verdict.
    pub(super) fn put(&mut self, at: usize, verdict: Verdict) {
        match verdict {
            Verdict::Good => self.good = at,
            Verdict::Bad => self.bad = at,
            Verdict::Neither => _ = self.neither.insert(at),
        }
    }

    /// Returns what it came to.
    pub(super) fn outcome(&self) -> Outcome {
        if self.bad == self.good + 1 {
            return Outcome::First(self.bad);
        }
        Outcome::OneOf((self.good + 1..=self.bad).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches where `first` is the first bad one and nobody can tell some; returns how many were judged, too.
    fn found(count: usize, first: usize, neither: &[usize]) -> (Outcome, usize) {
        let mut search = Search::new(count);
        let mut judged = 0;
        while let Some(at) = search.next() {
            judged += 1;
            assert!(judged <= count, "it ends");
            let verdict = match at {
                at if neither.contains(&at) => Verdict::Neither,
                at if at >= first => Verdict::Bad,
                _ => Verdict::Good,
            };
            search.put(at, verdict);
        }
        (search.outcome(), judged)
    }

    #[test]
    fn the_first_bad_one_is_found_in_few_steps() {
        for count in 2..40 {
            for first in 1..count {
                let (outcome, judged) = found(count, first, &[]);
                assert_eq!(outcome, Outcome::First(first), "{first} of {count}");
                assert!(judged <= 6, "{judged} for {count}");
            }
        }
    }

    #[test]
    fn what_nobody_can_tell_is_passed_by() {
        assert_eq!(found(10, 7, &[4, 5]).0, Outcome::First(7));
        assert_eq!(found(10, 7, &[6]).0, Outcome::OneOf(vec![6, 7]));
        assert_eq!(found(4, 2, &[1, 2]).0, Outcome::OneOf(vec![1, 2, 3]));
        for first in 1..12 {
            for neither in 1..11 {
                let outcome = found(12, first, &[neither]).0;
                match outcome {
                    Outcome::First(at) => assert_eq!(at, first),
                    Outcome::OneOf(all) => assert!(all.contains(&first) && all.len() == 2, "{all:?}"),
                }
            }
        }
    }
}
