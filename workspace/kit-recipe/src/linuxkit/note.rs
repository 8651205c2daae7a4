//! What an import changed, left out, or couldn't say.

use std::fmt;

/// One thing that isn't as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file, by its place in the list of files.
    pub file: usize,
    /// The line, from 1.
    pub line: usize,
    /// What became of it.
    pub fate: Fate,
    /// What it is and why, in one sentence.
    pub text: String,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is said in another way.
    Changed,
    /// It is left out, and nothing is lost.
    Dropped,
    /// It is left out, and the system is another one for it.
    Lost,
    /// It is left to whoever imports.
    ToDo,
}

impl Fate {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Dropped => "dropped",
            Self::Lost => "lost",
            Self::ToDo => "to do",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
