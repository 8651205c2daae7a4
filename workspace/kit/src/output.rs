//! Everything that is printed: standard output is data, standard error is talk.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use serde_json::Value;

use crate::args::{Color, Global};
use crate::environment::Environment;

/// What standard output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Plain text.
    Text,
    /// One JSON object per line.
    Json,
}

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Errors and warnings.
    Quiet,
    /// Progress and summaries, too.
    Normal,
    /// What scripts print, too.
    Verbose,
}

/// How diagnostics and progress are drawn on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawing {
    /// Whether a person looks at a terminal that can move its cursor.
    pub(crate) terminal: bool,
    /// Whether there is colour.
    pub(crate) color: bool,
    /// Characters in a line.
    pub(crate) columns: usize,
}

/// The two streams and how to write to them; decided once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) talk: Talk,
    pub(crate) drawing: Drawing,
    color_data: bool,
    data_terminal: bool,
}

/// Width where there is no terminal.
const PLAIN_COLUMNS: usize = 100;

impl Output {
    /// Decides by options, environment and what the streams are.
    pub(crate) fn new(global: &Global, environment: &Environment) -> Self {
        let color = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if environment.no_color => false,
            Color::Auto if environment.force_color => true,
            Color::Auto => terminal && !environment.dumb_terminal,
        };
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let measured =
            || rustix::termios::tcgetwinsize(io::stderr()).ok().map(|size| usize::from(size.ws_col));
        let columns = if err { environment.columns.or_else(measured).filter(|n| *n > 0) } else { None };
        Self {
            format: if global.json { Format::Json } else { Format::Text },
            talk: match (global.quiet, global.verbose) {
                (true, _) => Talk::Quiet,
                (_, true) => Talk::Verbose,
                _ => Talk::Normal,
            },
            drawing: Drawing {
                terminal: err && !environment.dumb_terminal,
                color: color(err),
                columns: columns.unwrap_or(PLAIN_COLUMNS),
            },
            color_data: color(out),
            data_terminal: out,
        }
    }

    /// Prints data; not with `--json`, where [`Output::result`] is the data.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        if self.format == Format::Json { Ok(()) } else { self.print(text) }
    }

    /// Prints text that is the same with and without `--json`: help, scripts for shells.
    pub(crate) fn print(&self, text: &str) -> io::Result<()> {
        let mut out = AutoStream::new(io::stdout().lock(), choice(self.color_data));
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Prints bytes that somebody else wrote: as they are into a file or pipe, made harmless on a terminal.
    pub(crate) fn foreign(&self, bytes: &[u8]) -> io::Result<()> {
        if self.format == Format::Json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        if self.data_terminal {
            out.write_all(crate::escape::text(&String::from_utf8_lossy(bytes)).as_bytes())?;
        } else {
            out.write_all(bytes)?;
        }
        out.flush()
    }

    /// Prints a JSON object on a line of its own, with `--json` alone.
    pub(crate) fn object(&self, object: &Value) -> io::Result<()> {
        if self.format == Format::Text {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{object}")?;
        out.flush()
    }

    /// Prints the result as the last JSON object, with `--json` alone.
    pub(crate) fn result(&self, result: &Value) -> io::Result<()> {
        self.object(&serde_json::json!({ "result": result }))
    }

    /// Says something on standard error, unless it is to be quiet. Nobody listening is no error.
    pub(crate) fn say(&self, text: &str) {
        if self.talk != Talk::Quiet {
            self.tell(text);
        }
    }

    /// Says something on standard error that must be said: an error or a warning.
    pub(crate) fn tell(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr().lock(), choice(self.drawing.color));
        _ = err.write_all(text.as_bytes());
    }
}

fn choice(color: bool) -> ColorChoice {
    if color { ColorChoice::AlwaysAnsi } else { ColorChoice::Never }
}

#[cfg(test)]
impl Output {
    /// An output that says nothing, for tests.
    pub(crate) fn silent() -> Self {
        let drawing = Drawing { terminal: false, color: false, columns: PLAIN_COLUMNS };
        Self { format: Format::Text, talk: Talk::Quiet, drawing, color_data: false, data_terminal: false }
    }
}
