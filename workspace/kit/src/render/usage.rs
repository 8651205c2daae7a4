//! Wrong usage of the command line.

use clap::error::ErrorKind;

use super::{Kind, Report};

impl Report {
    /// Puts what the parser of the command line says into the form of all errors.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let mut paragraphs = text.trim().split("\n\n");
        let message = paragraphs.next().unwrap_or_default();
        let mut report = Self::new(Kind::Usage, code(error.kind()), message.trim_start_matches("error: "));
        let mut help = Vec::new();
        for paragraph in paragraphs {
            if let Some(usage) = paragraph.strip_prefix("Usage: ") {
                report.notes.push(format!("usage: {}", usage.replace("\n       ", "\n")));
            } else if paragraph.starts_with("For more information") {
                if help.is_empty() {
                    help.push("`--help` shows all arguments".to_owned());
                }
            } else {
                let tips = paragraph.lines().map(|line| line.trim_start().trim_start_matches("tip: "));
                help.push(tips.collect::<Vec<_>>().join("\n"));
            }
        }
        report.with_help((!help.is_empty()).then(|| help.join("\n")))
    }
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => "kit::usage::invalid_value",
        ErrorKind::UnknownArgument => "kit::usage::unknown_argument",
        ErrorKind::InvalidSubcommand => "kit::usage::unknown_command",
        ErrorKind::MissingRequiredArgument => "kit::usage::missing_argument",
        ErrorKind::ArgumentConflict => "kit::usage::conflict",
        _ => "kit::usage::wrong",
    }
}
