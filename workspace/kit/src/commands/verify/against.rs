//! `kit verify FILE --against FILE`: what two files or directories differ in.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::page::{Cause, Section, render, tree};
use super::{Args, files, report};
use crate::Failure;
use crate::context::Context;
use crate::escape;
use crate::project::write_file;
use crate::text::Text;
use crate::units::count;

pub(super) fn run(args: &Args, other: &Path, context: &Context) -> Result<ExitCode, Failure> {
    let [first] = args.subjects.as_slice() else {
        return Err(Failure::OneAgainst { subjects: args.subjects.len() });
    };
    let first = Path::new(first);
    let found = files::named(first, other)?;
    let (one, two) = (shown(first), shown(other));
    let mut text = Text::default();
    report::explanations(&mut text, "  ", &found);
    context.output.say(text.as_str());
    let verdict = if found.is_empty() { "same" } else { "different" };
    context.output.data(&format!("{verdict}\n")).map_err(Failure::Output)?;
    if let Some(path) = &args.html {
        let mut nodes = Vec::new();
        tree(&mut nodes, &found, 0, (&one, &two));
        let title = format!("{one} and {two}");
        let cause = Cause { title, summary: count(found.len(), "difference"), facts: Vec::new(), nodes };
        let summary = if found.is_empty() { "byte for byte the same" } else { "not the same" };
        let facts = vec![("first".to_owned(), one.clone()), ("second".to_owned(), two.clone())];
        let causes = if found.is_empty() { Vec::new() } else { vec![cause] };
        let section = Section::of_files(format!("{one} against {two}"), summary.to_owned(), facts, causes);
        write_file(path, render(&format!("kit verify {one} --against {two}"), vec![section])?.as_bytes())?;
        context.output.say(&format!("{} written\n", path.display()));
    }
    let result = json!({
        "first": first,
        "second": other,
        "same": found.is_empty(),
        "explanations": found.iter().map(report::explanation).collect::<Vec<_>>(),
    });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn shown(path: &Path) -> String {
    escape::line(&path.display().to_string())
}
