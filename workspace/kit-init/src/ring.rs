//! What containers have printed lately, in memory: for each as much as its limit, the oldest lines go first.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::sys::system;

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its number among all lines of the machine; a gap in those of a container is what was lost.
    pub(crate) number: u64,
    /// Since 1970.
    pub(crate) time: Duration,
    /// The container, or `kit-init`.
    pub(crate) name: String,
    /// Where it came from.
    pub(crate) stream: Stream,
    /// Harmless text.
    pub(crate) text: String,
}

/// All lines that are kept.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    lines: BTreeMap<String, Kept>,
    next: u64,
}

/// The lines of one container.
#[derive(Debug)]
struct Kept {
    lines: VecDeque<Line>,
    /// Bytes of their texts, and how many they may be.
    size: usize,
    limit: usize,
}

/// How many bytes are kept if nobody says.
const LIMIT: usize = 64 << 10;

/// What a line costs besides its text.
const COST: usize = 64;

impl Ring {
    /// Sets how many bytes of a container are kept.
    pub(crate) fn limit(&mut self, name: &str, limit: usize) {
        let kept = self.kept(name);
        kept.limit = limit;
        kept.shrink();
    }

    /// Takes a line.
    pub(crate) fn push(&mut self, name: &str, stream: Stream, text: &str) {
        let line = Line {
            number: self.next,
            time: system::time(),
            name: name.to_owned(),
            stream,
            text: text.to_owned(),
        };
        self.next += 1;
        let kept = self.kept(name);
        kept.size += COST + line.text.len();
        kept.lines.push_back(line);
        kept.shrink();
    }

    fn kept(&mut self, name: &str) -> &mut Kept {
        let empty = || Kept { lines: VecDeque::new(), size: 0, limit: LIMIT };
        self.lines.entry(name.to_owned()).or_insert_with(empty)
    }

    /// The kept lines of a container, or of all, from a number on, in their order.
    pub(crate) fn from(&self, name: Option<&str>, number: u64) -> Vec<&Line> {
        let wanted = self.lines.iter().filter(|(known, _)| name.is_none_or(|name| name == known.as_str()));
        let mut lines: Vec<&Line> = wanted
            .flat_map(|(_, kept)| {
                let first = kept.lines.partition_point(|line| line.number < number);
                kept.lines.range(first..)
            })
            .collect();
        lines.sort_by_key(|line| line.number);
        lines
    }

    /// The number of the next line.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }
}

impl Kept {
    fn shrink(&mut self) {
        while self.size > self.limit {
            let Some(line) = self.lines.pop_front() else { return };
            self.size -= COST + line.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ring: &Ring, name: Option<&str>, number: u64) -> Vec<String> {
        ring.from(name, number).into_iter().map(|line| format!("{}:{}", line.number, line.text)).collect()
    }

    #[test]
    fn lines_come_back_in_their_order() {
        let mut ring = Ring::default();
        ring.push("b", Stream::Output, "one");
        ring.push("a", Stream::Error, "two");
        ring.push("b", Stream::Output, "three");
        assert_eq!(texts(&ring, None, 0), ["0:one", "1:two", "2:three"]);
        assert_eq!(texts(&ring, Some("b"), 1), ["2:three"]);
        assert_eq!(texts(&ring, Some("c"), 0), Vec::<String>::new());
        assert_eq!(ring.next(), 3);
    }

    #[test]
    fn a_full_ring_loses_its_oldest_lines_and_no_others() {
        let mut ring = Ring::default();
        ring.limit("noisy", 3 * (COST + 1));
        ring.push("quiet", Stream::Output, "q");
        (0..100).for_each(|number| ring.push("noisy", Stream::Output, &(number % 10).to_string()));
        assert_eq!(texts(&ring, None, 0), ["0:q", "98:7", "99:8", "100:9"]);
        ring.limit("noisy", 0);
        assert_eq!(texts(&ring, None, 0), ["0:q"]);
    }
}
