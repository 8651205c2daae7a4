//! `kit verify --quorum`: who agrees on what.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use kit_audit::quorum::{Doubt, Quorum, Row, quorum};
use kit_audit::statement::Statement;
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::project::read_file;
use crate::text::Text;

/// The most statements that are compared.
const MOST: usize = 10_000;

pub(super) fn run(needed: u32, files: &[String], context: &Context) -> Result<ExitCode, Failure> {
    if files.is_empty() || files.len() > MOST {
        return Err(Failure::Statements { count: files.len(), most: MOST });
    }
    let mut statements = Vec::with_capacity(files.len());
    for file in files {
        let text = read_file(Path::new(file), Statement::LIMIT)?;
        let read = Statement::parse(&text);
        let statement = read.map_err(|source| Failure::Statement { file: file.clone(), source })?;
        statements.push((file.clone(), statement));
    }
    let needed = usize::try_from(needed).unwrap_or(usize::MAX);
    let quorum = quorum(needed, &statements).map_err(Failure::Incomparable)?;
    context.output.data(&table(&quorum)).map_err(Failure::Output)?;
    context.output.result(&object(&quorum)).map_err(Failure::Output)?;
    if quorum.is_reached() {
        return Ok(ExitCode::SUCCESS);
    }
    let agreeing = quorum.agreeing.first().map_or(0, BTreeSet::len);
    Err(Failure::NoQuorum { image: quorum.image, agreeing, groups: quorum.agreeing.len(), needed })
}

fn table(quorum: &Quorum) -> String {
    let mut text = Text::default();
    let verdict = if quorum.is_reached() { "reached" } else { "not reached" };
    text.line(format_args!("{}: quorum of {} {verdict}", escape(&quorum.image), quorum.needed));
    let majority = quorum.majority();
    for row in &quorum.rows {
        let is_agreed = row.values.len() == 1 && row.missing.is_empty();
        text.line(format_args!("{}{}", escape(&row.what), if is_agreed { "" } else { ": not the same" }));
        for (value, verifiers) in &row.values {
            let kind = if row.what == Row::PINS { "pin" } else { "sha256" };
            text.line(format_args!("  {kind} {value}  {}", list(verifiers)));
            let others: BTreeSet<_> = verifiers.difference(&majority).cloned().collect();
            if !is_agreed && !majority.is_empty() && verifiers.is_disjoint(&majority) {
                text.line(format_args!(
                    "    {} {} with {}",
                    list(&others),
                    disagree(&others),
                    list(&majority)
                ));
            }
        }
        if !row.missing.is_empty() {
            text.line(format_args!("  nothing said by {}", list(&row.missing)));
        }
    }
    for (verifier, doubt) in &quorum.doubtful {
        let why = match doubt {
            Doubt::Failed => "found a rebuild that came out different",
            Doubt::Contradiction => "contradicts an own statement",
        };
        text.line(format_args!("not counted: {} {why}", escape(verifier)));
    }
    text.into_string()
}

fn disagree(who: &BTreeSet<String>) -> &'static str {
    if who.len() == 1 { "disagrees" } else { "disagree" }
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| escape(name)).collect::<Vec<_>>().join(", ")
}

fn escape(text: &str) -> String {
    crate::escape::line(text)
}

fn object(quorum: &Quorum) -> Value {
    let doubt = |doubt: &Doubt| match doubt {
        Doubt::Failed => "failed",
        Doubt::Contradiction => "contradiction",
    };
    let row = |row: &Row| json!({ "what": row.what, "values": row.values, "missing": row.missing });
    json!({
        "image": quorum.image,
        "needed": quorum.needed,
        "reached": quorum.is_reached(),
        "verifiers": quorum.verifiers,
        "agreeing": quorum.agreeing,
        "not_counted": quorum.doubtful.iter().map(|(who, why)| (who.clone(), json!(doubt(why)))).collect::<serde_json::Map<_, _>>(),
        "rows": quorum.rows.iter().map(row).collect::<Vec<_>>(),
    })
}
