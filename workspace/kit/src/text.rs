//! Text that is put together line by line.

use std::fmt::{self, Write as _};

/// Text in the making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// Adds a line and its end.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        writeln!(self.0, "{line}").expect("because a string takes all");
    }

    /// Adds what has its lines already.
    pub(crate) fn add(&mut self, lines: &str) {
        self.0.push_str(lines);
    }

    /// Returns the whole.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the whole.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}
