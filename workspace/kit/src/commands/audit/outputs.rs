//! The forms in which an audit is written.

use kit_audit::report::page::Page;
use kit_audit::report::{Report, json, junit, sarif, text};

use super::{Args, page};
use crate::Failure;
use crate::audit::Audit;
use crate::context::Context;
use crate::project::write_file;

/// Writes all files that are asked for, and the report to standard output.
pub(super) fn write(
    args: &Args,
    context: &Context,
    audit: &Audit,
    report: &Report<'_>,
) -> Result<(), Failure> {
    let failed = |what: &'static str| move |source| Failure::Evidence { what, source: Box::new(source) };
    for note in &audit.gathered.notes {
        context.output.say(&format!("{note}\n"));
    }
    if let Some(path) = &args.html {
        write_file(path, page::page(&Page::new(report))?.as_bytes())?;
    }
    if let Some(path) = &args.sarif {
        write_file(path, &sarif::write(report).map_err(failed("SARIF log"))?)?;
    }
    if let Some(path) = &args.junit {
        write_file(path, junit::write(report).as_bytes())?;
    }
    if let (Some(path), Some(document)) = (&args.write_vex, &audit.gathered.proved) {
        let text = document
            .to_text()
            .map_err(|source| Failure::Evidence { what: "VEX document", source: Box::new(source) })?;
        write_file(path, &text)?;
    }
    context.output.data(&text::write(report)).map_err(Failure::Output)?;
    let object = json::write(report).map_err(failed("report"))?;
    let object = serde_json::from_slice(&object).expect("because it was just written");
    context.output.result(&object).map_err(Failure::Output)?;
    Ok(())
}
