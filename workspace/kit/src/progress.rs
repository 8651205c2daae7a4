//! What happens during a build, drawn: bars on a terminal, lines with `-v`, objects with `--json`, else nothing.

mod bars;
mod json;
mod lines;
mod tally;

use std::sync::{Mutex, MutexGuard, PoisonError};

use kit_build::{Event, Events};

use crate::escape;
use crate::output::{Format, Output, Talk};

pub(crate) use tally::Tally;

/// Hears of a build, draws it, and counts for the summary.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    output: &'a Output,
    tally: Mutex<Tally>,
    view: Mutex<View>,
}

#[derive(Debug)]
enum View {
    Silent,
    Bars(bars::Bars),
    Lines(lines::Lines),
    Json,
}

impl<'a> Progress<'a> {
    /// Starts with nothing drawn.
    pub(crate) fn new(output: &'a Output) -> Self {
        let view = match (output.format, output.talk) {
            (Format::Json, _) => View::Json,
            (_, Talk::Normal | Talk::Verbose) if output.drawing.terminal => {
                View::Bars(bars::Bars::new(output.talk, output.drawing.columns))
            }
            (_, Talk::Verbose) => View::Lines(lines::Lines::default()),
            (_, Talk::Quiet | Talk::Normal) => View::Silent,
        };
        Self { output, tally: Mutex::new(Tally::default()), view: Mutex::new(view) }
    }

    /// Takes away what is drawn and returns what was counted.
    pub(crate) fn finish(&self) -> Tally {
        match &mut *self.view() {
            View::Bars(bars) => bars.clear(),
            View::Lines(lines) => lines.flush(self.output),
            View::Silent | View::Json => {}
        }
        self.tally().clone()
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events for Progress<'_> {
    fn event(&self, event: Event<'_>) {
        let tally = {
            let mut tally = self.tally();
            tally.count(&event);
            tally.clone()
        };
        let mut view = self.view();
        if let Event::Repaired { item, problem } = &event {
            let warning = format!("warning[kit::store::repaired]: {item} is made anew: {problem}");
            let warning = escape::line(&warning);
            match &*view {
                View::Bars(bars) => bars.say(&warning),
                View::Silent | View::Lines(_) => self.output.tell(&format!("{warning}\n")),
                View::Json => {}
            }
        }
        match &mut *view {
            View::Silent => {}
            View::Bars(bars) => bars.draw(&event, &tally),
            View::Lines(lines) => lines.draw(&event, self.output),
            // Nobody listening: the build goes on, and its result will not be heard either.
            View::Json => _ = self.output.object(&json::object(&event)),
        }
    }
}
