//! Progress on a terminal: one line for all, below it what runs now.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use kit_build::Event;

use super::lines::{Begun, prefixed};
use super::tally::Tally;
use crate::escape;
use crate::output::Talk;
use crate::units::{Bytes, Millis};

/// How many running steps are shown.
const SHOWN: usize = 8;

/// The lines that are drawn.
#[derive(Debug)]
pub(super) struct Bars {
    multi: MultiProgress,
    talk: Talk,
    columns: usize,
    all: Option<ProgressBar>,
    running: BTreeMap<String, ProgressBar>,
    begun: Begun,
    fetching_since: Option<Instant>,
    sending_since: Option<Instant>,
}

impl Bars {
    /// Draws nothing until something is planned.
    pub(super) fn new(talk: Talk, columns: usize) -> Self {
        Self {
            multi: MultiProgress::new(),
            talk,
            columns,
            all: None,
            running: BTreeMap::new(),
            begun: Begun::default(),
            fetching_since: None,
            sending_since: None,
        }
    }

    /// Draws an event; `tally` has counted it.
    pub(super) fn draw(&mut self, event: &Event<'_>, tally: &Tally) {
        match event {
            Event::Planned { .. } => self.start(),
            Event::Started { title, .. } => self.add(title),
            Event::Waiting { title } => {
                self.add(title);
                self.note(title, "another process does it");
            }
            Event::Fetched { title, bytes } => {
                self.fetching_since.get_or_insert_with(Instant::now);
                self.note(title, &Bytes(*bytes).to_string());
            }
            Event::Sending { .. } => {
                self.start();
                self.sending_since = Some(Instant::now());
            }
            Event::Converted { title, bytes, of } => {
                self.note(title, &format!("{} of {}", Bytes(*bytes), Bytes(*of)));
            }
            Event::Sent { title, bytes } => self.note(title, &Bytes(*bytes).to_string()),
            Event::Printed { title, bytes } => {
                for line in self.begun.add(title, bytes) {
                    self.printed(title, &line);
                }
            }
            Event::Repaired { .. } => {}
            Event::Finished { title, .. } => {
                if let Some(line) = self.begun.take(title) {
                    self.printed(title, &line);
                }
                if let Some(bar) = self.running.remove(*title) {
                    bar.finish_and_clear();
                    self.multi.remove(&bar);
                }
            }
        }
        if let Some(all) = &self.all {
            all.set_length(tally.steps as u64);
            all.set_position(tally.ended() as u64);
            let elapsed = |since: Option<Instant>| since.map(|since| since.elapsed());
            all.set_message(match self.sending_since {
                None => note("fetched", (tally.fetched(), tally.fetch_bytes), elapsed(self.fetching_since)),
                since => note("sent", (tally.sent(), tally.send_bytes), elapsed(since)),
            });
        }
    }

    /// Takes everything away.
    pub(super) fn clear(&mut self) {
        for bar in std::mem::take(&mut self.running).into_values().chain(self.all.take()) {
            bar.finish_and_clear();
        }
        _ = self.multi.clear();
    }

    fn start(&mut self) {
        if self.all.is_some() {
            return;
        }
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} steps  {elapsed}  {msg}");
        let bar = self.multi.add(ProgressBar::new(0));
        bar.set_style(style.expect("because the template is right").progress_chars("=> "));
        bar.enable_steady_tick(Duration::from_millis(250));
        self.all = Some(bar);
    }

    fn add(&mut self, title: &str) {
        if self.running.len() >= SHOWN || self.running.contains_key(title) {
            return;
        }
        let style = ProgressStyle::with_template("  {elapsed:>4}  {prefix}  {wide_msg:.dim}");
        let bar = self.multi.add(ProgressBar::new_spinner());
        bar.set_style(style.expect("because the template is right"));
        bar.set_prefix(escape::line(title));
        bar.enable_steady_tick(Duration::from_secs(1));
        self.running.insert(title.to_owned(), bar);
    }

    fn note(&self, title: &str, note: &str) {
        if let Some(bar) = self.running.get(title) {
            bar.set_message(note.to_owned());
        }
    }

    /// Says something above what is drawn.
    pub(super) fn say(&self, line: &str) {
        // A terminal that went away is no reason to stop.
        _ = self.multi.println(line);
    }

    fn printed(&self, title: &str, line: &str) {
        if self.talk == Talk::Verbose {
            self.say(&prefixed(title, line));
        } else {
            self.note(title, &line.chars().take(self.columns).collect::<String>());
        }
    }
}

/// Says how much has moved and how long the rest takes, once that can be told.
fn note(how: &str, (moved, total): (u64, u64), elapsed: Option<Duration>) -> String {
    if moved == 0 && total == 0 {
        return String::new();
    }
    let mut note = format!("{} of {} {how}", Bytes(moved), Bytes(total.max(moved)));
    let millis = elapsed.map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
    if millis > 2000 && moved > 0 && total > moved {
        let left = u128::from(total - moved) * u128::from(millis) / u128::from(moved);
        note = format!("{note}, {} left", Millis(u64::try_from(left).unwrap_or(u64::MAX) / 1000 * 1000));
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_time_left_once_it_is_known() {
        let mega = 1_000_000;
        let fetched = |moved, seconds: Option<u64>| {
            note("fetched", (moved * mega, 30 * mega), seconds.map(Duration::from_secs))
        };
        assert_eq!(note("sent", (0, 0), None), "");
        assert_eq!(fetched(0, None), "0 B of 30.0 MB fetched");
        assert_eq!(fetched(10, Some(1)), "10.0 MB of 30.0 MB fetched");
        assert_eq!(fetched(10, Some(5)), "10.0 MB of 30.0 MB fetched, 10.0 s left");
        assert_eq!(fetched(40, Some(5)), "40.0 MB of 40.0 MB fetched");
    }
}
