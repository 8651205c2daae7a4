//! A problem that miette can show.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::Problem;

/// A problem with the name and text of its file.
#[derive(Debug)]
pub struct Report {
    problem: Problem,
    source: NamedSource<Arc<str>>,
}

impl Report {
    pub(super) fn new(problem: Problem, file: &str, text: &Arc<str>) -> Self {
        Self { problem, source: NamedSource::new(file, Arc::clone(text)) }
    }

    /// Returns the problem.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem.fault)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let mut labels = self.problem.labels().into_iter();
        let primary =
            labels.next().map(|(span, label)| LabeledSpan::new_primary_with_span(Some(label), span));
        let others = labels.map(|(span, label)| LabeledSpan::new_with_span(Some(label), span));
        Some(Box::new(primary.into_iter().chain(others)))
    }
}
