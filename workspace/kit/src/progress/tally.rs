//! What was done so far.

use std::collections::BTreeMap;

use kit_build::Event;
use kit_build::seams::Finished;

/// Counts of one or several builds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Steps that have to be done.
    pub(crate) steps: usize,
    /// Steps that were done.
    pub(crate) done: usize,
    /// Steps whose result was there before anything began.
    known: usize,
    /// Steps that turned out to be done once their inputs were.
    cut_off: usize,
    /// Steps that failed.
    failed: usize,
    /// Bytes that have to be fetched, as far as known.
    pub(crate) fetch_bytes: u64,
    /// Bytes that were fetched, of files that are complete.
    fetched: u64,
    /// Bytes that have come of files under way.
    under_way: BTreeMap<String, u64>,
    /// Bytes that have to be sent.
    pub(crate) send_bytes: u64,
    /// Bytes that were sent, by blob.
    sent: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts an event.
    pub(crate) fn count(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { steps, reused, fetch_bytes } => {
                self.steps += steps;
                self.known += reused;
                self.fetch_bytes += fetch_bytes;
            }
            Event::Fetched { title, bytes } => _ = self.under_way.insert((*title).to_owned(), *bytes),
            Event::Sending { blobs, there, bytes } => {
                self.steps += blobs;
                self.known += there;
                self.send_bytes += bytes;
            }
            Event::Sent { title, bytes } => _ = self.sent.insert((*title).to_owned(), *bytes),
            Event::Finished { title, how, .. } => {
                self.fetched += self.under_way.remove(*title).unwrap_or(0);
                match how {
                    Finished::Done => self.done += 1,
                    Finished::Reused => self.cut_off += 1,
                    Finished::Failed => self.failed += 1,
                }
            }
            Event::Started { .. }
            | Event::Converted { .. }
            | Event::Printed { .. }
            | Event::Waiting { .. }
            | Event::Repaired { .. } => {}
        }
    }

    /// Adds what another build counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.done += other.done;
        self.known += other.known;
        self.cut_off += other.cut_off;
        self.failed += other.failed;
        self.fetch_bytes += other.fetch_bytes;
        self.fetched += other.fetched();
    }

    /// Returns the bytes that were fetched.
    pub(crate) fn fetched(&self) -> u64 {
        self.fetched + self.under_way.values().sum::<u64>()
    }

    /// Returns the bytes that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.values().sum()
    }

    /// Returns how many steps came to their end.
    pub(crate) fn ended(&self) -> usize {
        self.done + self.failed + self.cut_off
    }

    /// Returns how many steps hadn't to be done.
    pub(crate) fn reused(&self) -> usize {
        self.known + self.cut_off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_steps_and_bytes() {
        let mut tally = Tally::default();
        let finished = |title, how| Event::Finished { title, how, millis: 1 };
        for event in [
            Event::Planned { steps: 3, reused: 2, fetch_bytes: 30 },
            Event::Started { title: "a", bytes: Some(20) },
            Event::Fetched { title: "a", bytes: 10 },
            Event::Fetched { title: "b", bytes: 5 },
            Event::Fetched { title: "a", bytes: 20 },
            finished("a", Finished::Done),
            finished("c", Finished::Reused),
        ] {
            tally.count(&event);
        }
        assert_eq!((tally.steps, tally.done, tally.reused(), tally.ended()), (3, 1, 3, 2));
        assert_eq!((tally.fetched(), tally.fetch_bytes), (25, 30));
    }
}
