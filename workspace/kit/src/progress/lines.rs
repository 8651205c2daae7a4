//! Plain lines for `-v` without a terminal: what begins, what scripts print, what is done.

use std::collections::BTreeMap;

use kit_build::Event;
use kit_build::seams::Finished;

use crate::escape;
use crate::output::Output;
use crate::units::Millis;

/// The most of a line that is kept until its end comes, in bytes.
const LINE_LIMIT: usize = 16 << 10;

/// Lines that scripts have begun, by step.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Begun,
}

/// Puts what steps print together to whole lines.
#[derive(Debug, Default)]
pub(super) struct Begun(BTreeMap<String, Vec<u8>>);

impl Begun {
    /// Adds what a step printed; returns the lines that are complete now, harmless.
    pub(super) fn add(&mut self, title: &str, bytes: &[u8]) -> Vec<String> {
        let begun = self.0.entry(title.to_owned()).or_default();
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || begun.len() > LINE_LIMIT {
                lines.push(shown(begun));
                begun.clear();
            }
        }
        lines
    }

    /// Returns what a step printed last without ending the line.
    pub(super) fn take(&mut self, title: &str) -> Option<String> {
        self.0.remove(title).filter(|begun| !begun.is_empty()).map(|begun| shown(&begun))
    }

    fn take_all(&mut self) -> Vec<(String, String)> {
        let all = std::mem::take(&mut self.0);
        let some = all.into_iter().filter(|(_, begun)| !begun.is_empty());
        some.map(|(title, begun)| (title, shown(&begun))).collect()
    }
}

/// Returns a line without its end. Of what is drawn over by carriage returns, the last is what a terminal would show.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    escape::line(text.rsplit('\r').next().unwrap_or_default())
}

/// Puts the step before a line.
pub(super) fn prefixed(title: &str, line: &str) -> String {
    format!("{}> {line}", escape::line(title))
}

impl Lines {
    /// Says what happened.
    pub(super) fn draw(&mut self, event: &Event<'_>, output: &Output) {
        match event {
            Event::Started { title, .. } => output.say(&format!("begins  {}\n", escape::line(title))),
            Event::Waiting { title } => {
                output.say(&format!("waits   {}: another process does it\n", escape::line(title)));
            }
            Event::Printed { title, bytes } => {
                for line in self.begun.add(title, bytes) {
                    output.say(&format!("{}\n", prefixed(title, &line)));
                }
            }
            Event::Finished { title, how, millis } => {
                if let Some(line) = self.begun.take(title) {
                    output.say(&format!("{}\n", prefixed(title, &line)));
                }
                let how = match how {
                    Finished::Done => "done   ",
                    Finished::Reused => "reused ",
                    Finished::Failed => "failed ",
                };
                output.say(&format!("{how} {} ({})\n", escape::line(title), Millis(*millis)));
            }
            Event::Planned { .. }
            | Event::Fetched { .. }
            | Event::Sending { .. }
            | Event::Sent { .. }
            | Event::Converted { .. }
            | Event::Repaired { .. } => {}
        }
    }

    /// Says what was begun and never ended.
    pub(super) fn flush(&mut self, output: &Output) {
        for (title, line) in self.begun.take_all() {
            output.say(&format!("{}\n", prefixed(&title, &line)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_lines_together() {
        let mut begun = Begun::default();
        assert!(begun.add("a", b"one ").is_empty());
        assert_eq!(begun.add("b", b"x\r\ny"), ["x"]);
        assert_eq!(begun.add("a", b"line\n10%\r20%\n\x1b[2Jrest"), ["one line", "20%"]);
        assert_eq!(begun.take("a").unwrap(), "\\x1b[2Jrest");
        assert_eq!(begun.take("a"), None);
        assert_eq!(begun.take_all(), [("b".to_owned(), "y".to_owned())]);
        assert_eq!(begun.add("a", &vec![b'x'; LINE_LIMIT + 1]).len(), 1);
    }
}
