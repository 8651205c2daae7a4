//! Turns everything that can go wrong into text for people, or JSON, and into an exit code.
//!
//! An error says what is wrong, a label what stands at a place, help what to do next.

pub(crate) mod failure;
mod library;
mod snippet;
mod usage;

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::escape;
use crate::output::{Drawing, Format, Output};
use crate::text::Text;
use crate::units::count;

pub(crate) use snippet::{line_of, position};

/// How many problems people get to see; more would only scroll the first ones away.
const SHOWN: usize = 50;

/// Whose fault it is; decides the heading and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Something that the user wrote: 1.
    User,
    /// How the command was called: 2.
    Usage,
    /// Network, disk, permissions: 3.
    Environment,
    /// kit: 70.
    Bug,
}

impl Kind {
    /// Returns the exit code.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::User => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Bug => 70,
        })
    }

    fn heading(self) -> &'static str {
        match self {
            Self::User | Self::Usage | Self::Environment => "error",
            Self::Bug => "internal error",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Usage => "usage",
            Self::Environment => "environment",
            Self::Bug => "bug",
        }
    }
}

/// One problem, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) kind: Kind,
    /// Stable: `kit::area::problem`.
    pub(crate) code: String,
    pub(crate) message: String,
    /// Why, and why that.
    pub(crate) causes: Vec<String>,
    /// The main one first.
    pub(crate) labels: Vec<Label>,
    /// Further facts: the end of a log, files that differ.
    pub(crate) notes: Vec<String>,
    pub(crate) help: Option<String>,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    /// Path of the file below the project.
    pub(crate) file: String,
    /// Its whole text.
    pub(crate) text: String,
    /// Bytes of it.
    pub(crate) span: std::ops::Range<usize>,
    pub(crate) words: String,
}

impl Report {
    /// Starts a report without places.
    pub(crate) fn new(kind: Kind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            causes: Vec::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Reports a panic.
    pub(crate) fn bug(message: &str, place: &str) -> Self {
        let mut report = Self::new(Kind::Bug, "kit::bug", message);
        report.notes.push(format!("kit {} stopped at {place}", env!("CARGO_PKG_VERSION")));
        report.help =
            Some("this is a bug in kit: please report it, with the command and what stands here".to_owned());
        report
    }

    /// Adds the chain of causes of an error.
    pub(crate) fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // A wrapper that shows what it wraps says nothing new.
            if self.message != text && self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// Adds what to do next.
    pub(crate) fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Shows it.
    pub(crate) fn print(&self, output: &Output) {
        print_all(std::slice::from_ref(self), output);
    }

    /// Returns it as text for people.
    pub(crate) fn to_text(&self, drawing: &Drawing) -> String {
        let (strong, weak, off) =
            if drawing.color { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
        let mut text = Text::default();
        let heading = self.kind.heading();
        let message = indented(&self.message, "  ");
        text.line(format_args!("{strong}{heading}[{}]{off}: {message}", self.code));
        for cause in &self.causes {
            text.line(format_args!("  {weak}cause:{off} {}", indented(cause, "         ")));
        }
        text.add(&snippet::draw(&self.labels, drawing));
        for note in &self.notes {
            text.line(format_args!("  {}", indented(note, "  ")));
        }
        if let Some(help) = &self.help {
            text.line(format_args!("  {weak}help:{off} {}", indented(help, "        ")));
        }
        text.into_string()
    }

    fn to_json(&self) -> Value {
        let label = |label: &Label| {
            let (line, column) = snippet::position(&label.text, label.span.start);
            json!({
                "file": label.file,
                "start": label.span.start,
                "end": label.span.end,
                "line": line,
                "column": column,
                "label": label.words,
            })
        };
        json!({
            "kind": self.kind.word(),
            "code": self.code,
            "message": self.message,
            "causes": self.causes,
            "labels": self.labels.iter().map(label).collect::<Vec<_>>(),
            "notes": self.notes,
            "help": self.help,
        })
    }
}

/// Makes text harmless and indents all of its lines but the first.
fn indented(text: &str, indent: &str) -> String {
    escape::text(text).trim_end().replace('\n', &format!("\n{indent}"))
}

/// Shows several problems: as text on standard error, or as JSON on standard output, first problem first. People get to see the
/// first [`SHOWN`].
pub(crate) fn print_all(reports: &[Report], output: &Output) {
    match output.format {
        Format::Text => {
            let shown = reports.iter().take(SHOWN);
            let mut texts: Vec<_> = shown.map(|report| report.to_text(&output.drawing)).collect();
            if let more @ 1.. = reports.len().saturating_sub(SHOWN) {
                texts.push(format!("and {}; `--json` has them all\n", count(more, "more problem")));
            }
            output.tell(&texts.join("\n"));
        }
        Format::Json => {
            let mut all = reports.iter().map(Report::to_json);
            let Some(mut error) = all.next() else { return };
            error["more"] = all.collect();
            // Nobody listening: there is nobody to tell.
            _ = output.object(&json!({ "error": error }));
        }
    }
}

#[cfg(test)]
mod tests;
