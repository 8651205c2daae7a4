//! The texts of all files one after the other, so that a place is one number.

use std::ops::Range;

/// A file that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// What people call it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// Where each file and each line begins.
#[derive(Debug)]
pub(super) struct Texts<'t> {
    pub(super) files: &'t [SourceFile],
    bases: Vec<usize>,
    /// Beginnings of lines, of all files.
    lines: Vec<usize>,
    /// How many lines the files before have.
    first_lines: Vec<usize>,
}

impl<'t> Texts<'t> {
    pub(super) fn new(files: &'t [SourceFile]) -> Self {
        let (mut bases, mut lines, mut first_lines) = (Vec::new(), Vec::new(), Vec::new());
        let mut base = 0;
        for file in files {
            bases.push(base);
            first_lines.push(lines.len());
            lines.push(base);
            lines.extend(file.text.match_indices('\n').map(|(at, _)| base + at + 1));
            // A byte between files, so that the end of one isn't the start of the next.
            base += file.text.len() + 1;
        }
        Self { files, bases, lines, first_lines }
    }

    pub(super) fn base(&self, file: usize) -> usize {
        self.bases[file]
    }

    /// Returns the number of a file's first line among the lines of all files.
    pub(super) fn first_line(&self, file: usize) -> usize {
        self.first_lines[file]
    }

    pub(super) fn file_of(&self, at: usize) -> usize {
        self.bases.partition_point(|base| *base <= at).saturating_sub(1)
    }

    /// Returns the line of a place among the lines of all files, from 0.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|line| *line <= at).saturating_sub(1)
    }

    /// Returns the file and its line, from 1.
    pub(super) fn locate(&self, at: usize) -> (usize, usize) {
        let file = self.file_of(at);
        (file, self.line_of(at) - self.first_lines[file] + 1)
    }

    /// Returns a place in bytes of its own file.
    pub(super) fn local(&self, span: &Range<usize>) -> (usize, Range<usize>) {
        let file = self.file_of(span.start);
        let (base, length) = (self.bases[file], self.files[file].text.len());
        let start = (span.start - base).min(length);
        (file, start..(span.end.saturating_sub(base)).clamp(start, length))
    }
}
