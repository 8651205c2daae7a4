//! Draws the places of a problem: the lines of the file with what stands there below them.

use std::collections::BTreeMap;
use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents, ThemeCharacters,
};

use kit_plan::error::Place;

use super::Label;
use crate::escape;
use crate::output::Drawing;

/// A file that shows whole lines, and only those that have labels.
#[derive(Debug)]
struct WholeLines {
    name: String,
    text: String,
}

impl SourceCode for WholeLines {
    /// Widens a span to whole lines when it is read to be drawn. Without context, it is asked for its position alone.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (mut start, mut end) = (span.offset(), span.offset() + span.len());
        if before > 0 {
            start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            end = self.text[end..].find('\n').map_or(self.text.len(), |at| end + at);
        }
        let read = self.text.read_span(&(start..end).into(), 0, 0)?;
        let contents = MietteSpanContents::new_named(
            self.name.clone(),
            read.data(),
            *read.span(),
            read.line(),
            read.column(),
            read.line_count(),
        );
        Ok(Box::new(contents))
    }
}

/// Labels in one file.
#[derive(Debug)]
struct Snippet {
    source: WholeLines,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Snippet {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Snippet {}

impl Diagnostic for Snippet {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// Draws each file that has labels, the one of the main label first.
pub(super) fn draw(labels: &[Label], drawing: &Drawing) -> String {
    let mut files: Vec<&str> = Vec::new();
    let mut by_file: BTreeMap<&str, Vec<&Label>> = BTreeMap::new();
    for label in labels {
        if !files.contains(&label.file.as_str()) {
            files.push(&label.file);
        }
        by_file.entry(&label.file).or_default().push(label);
    }
    files.iter().map(|file| draw_file(file, &by_file[file], drawing)).collect()
}

fn draw_file(file: &str, labels: &[&Label], drawing: &Drawing) -> String {
    // An empty text has no line that could be drawn.
    let text = labels.first().map_or("", |label| label.text.as_str());
    let text = if text.is_empty() { " " } else { text };
    let spans = labels.iter().enumerate().map(|(at, label)| {
        let span = inside(text, &label.span);
        let words = Some(escape::line(&label.words));
        if at == 0 {
            LabeledSpan::new_primary_with_span(words, span)
        } else {
            LabeledSpan::new_with_span(words, span)
        }
    });
    let name = escape::line(file);
    let source = WholeLines { name: name.clone(), text: escape::same_length(text) };
    let snippet = Snippet { source, labels: spans.collect() };
    let mut theme = match (drawing.terminal, drawing.color) {
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (_, true) => GraphicalTheme::unicode(),
        (false, false) => GraphicalTheme::none(),
    };
    if !drawing.terminal {
        theme.characters = ThemeCharacters::ascii();
    }
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(drawing.columns)
        .with_links(false)
        .with_context_lines(1);
    let mut drawn = String::new();
    handler.render_report(&mut drawn, &snippet).expect("because a string takes all");
    // The heading is ours; what stands before the box that names the file isn't needed.
    let start =
        drawn.find(&format!("{name}:")).and_then(|at| drawn[..at].rfind('\n')).map_or(0, |end| end + 1);
    drawn[start..].to_owned()
}

/// Moves a span to where the text has characters.
fn inside(text: &str, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.min(text.len())).max(start);
    start..end
}

/// Returns line and column of a place, counted from 1; columns in characters.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (line, before[start..].chars().count() + 1)
}

/// Shows a place in a recipe as `FILE:LINE`.
pub(crate) fn line_of(place: &Place) -> String {
    format!("{}:{}", place.recipe.path(), position(&place.text, place.span.start).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_span_of_any_text_can_be_drawn() {
        let drawing = Drawing { terminal: true, color: true, columns: 40 };
        for text in ["", "\n", "ä\n", "a\r\nb", "\t\t\x1b[0m\u{202e}\n\n", "long ".repeat(100).as_str()] {
            for start in 0..=text.len().min(12) + 2 {
                for end in start..=text.len().min(12) + 3 {
                    let label = |span| Label {
                        file: "recipes/a\nb.toml".to_owned(),
                        text: text.to_owned(),
                        span,
                        words: "here".to_owned(),
                    };
                    let drawn = draw(&[label(start..end), label(0..start)], &drawing);
                    assert!(drawn.contains("here"), "{text:?} {start}..{end}: {drawn}");
                    assert!(!drawn.contains("\u{202e}"));
                }
            }
        }
    }

    #[test]
    fn positions_count_from_one() {
        let text = "ab\näb";
        assert_eq!([0, 2, 3, 5, 99].map(|at| position(text, at)), [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3)]);
    }
}
