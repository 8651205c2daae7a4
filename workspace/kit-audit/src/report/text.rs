//! An audit for a terminal: what is denied or warned about, area by area, the worst first; the last line is the summary.
//!
//! ```text
//! router: audited to its files: every file of the image was read, and each belongs to a component
//!
//! vulnerabilities: 1 denied, 1 warning
//!   deny  critical  CVE-2024-2511 openssl
//!                   openssl 3.0.15-1 is open to …
//!                   - advisory DSA-5764-1
//!                   why: high and critical vulnerabilities that have a fix are denied
//!                   help: run `kit lock --update openssl`
//! ```

use std::fmt::Write as _;

use super::{Report, Table, shown};
use crate::finding::Area;
use crate::policy::{Judged, Level, State};

const TAKES: &str = "because a string takes all";
/// How many findings of a kind are written out; more are counted.
const SHOWN: usize = 20;
/// How many pieces of evidence of a finding are.
const EVIDENCE: usize = 5;

/// Returns the text: no control character but line ends, and no line end inside of foreign text.
pub fn write(report: &Report<'_>) -> String {
    let mut out = String::new();
    let (image, depth) = (shown::line(report.image), report.depth);
    writeln!(out, "{image}: audited {}: {}", depth.how_far(), shown::line(&depth.sentence())).expect(TAKES);
    for area in Area::ALL {
        write_area(report, area, &mut out);
    }
    for table in report.tables {
        write_table(table, &mut out);
    }
    write_exceptions(report, &mut out);
    for left_out in &report.judgement.left_out {
        writeln!(out, "\nnote: {}", shown::line(left_out)).expect(TAKES);
    }
    writeln!(out, "\n{}", report.summary()).expect(TAKES);
    out
}

fn write_area(report: &Report<'_>, area: Area, out: &mut String) {
    let judged: Vec<_> = report.of_area(area).filter(|judged| judged.level > Level::Allow).collect();
    if judged.is_empty() {
        return;
    }
    let denied = judged.iter().filter(|judged| judged.level == Level::Deny).count();
    let mut counts = Vec::new();
    counts.extend((denied > 0).then(|| format!("{denied} denied")));
    counts.extend((judged.len() > denied).then(|| shown::count(judged.len() - denied, "warning")));
    writeln!(out, "\n{}: {}", area.word(), counts.join(", ")).expect(TAKES);
    for group in judged.chunk_by(|a, b| same_group(a, b)) {
        for judged in group.iter().take(SHOWN) {
            write_finding(judged, out);
        }
        if let (Some(first), more @ 1..) = (group.first(), group.len().saturating_sub(SHOWN)) {
            let (level, severity) = (first.level.word(), first.finding.severity.word());
            writeln!(out, "  {level}  {severity:8}  and {more} more of `{}`", first.finding.kind.id)
                .expect(TAKES);
        }
    }
}

fn same_group(a: &Judged, b: &Judged) -> bool {
    a.level == b.level && a.finding.severity == b.finding.severity && a.finding.kind == b.finding.kind
}

fn write_finding(judged: &Judged, out: &mut String) {
    const INDENT: &str = "                  ";
    let finding = &judged.finding;
    let (level, severity) = (judged.level.word(), finding.severity.word());
    let id = shown::line(&finding.id());
    writeln!(out, "  {level}  {severity:8}  {id}").expect(TAKES);
    writeln!(out, "{INDENT}{}", shown::line(&finding.message)).expect(TAKES);
    for evidence in finding.evidence.iter().take(EVIDENCE) {
        writeln!(out, "{INDENT}- {}", shown::evidence(evidence)).expect(TAKES);
    }
    if finding.evidence.len() > EVIDENCE {
        writeln!(out, "{INDENT}- and {} more", finding.evidence.len() - EVIDENCE).expect(TAKES);
    }
    if judged.why.line.is_some() {
        writeln!(out, "{INDENT}why: {}", shown::line(&judged.why.to_string())).expect(TAKES);
    }
    writeln!(out, "{INDENT}help: {}", shown::line(&finding.help)).expect(TAKES);
}

fn write_table(table: &Table, out: &mut String) {
    if table.rows.is_empty() {
        return;
    }
    writeln!(out, "\n{}", shown::line(&table.title)).expect(TAKES);
    if !table.note.is_empty() {
        writeln!(out, "  {}", shown::line(&table.note)).expect(TAKES);
    }
    let rows = std::iter::once(&table.columns).chain(&table.rows);
    let rows: Vec<Vec<_>> = rows.map(|row| row.iter().map(|cell| shown::line(cell)).collect()).collect();
    write_rows(&rows, out);
}

/// Writes rows with their columns aligned, two spaces apart.
fn write_rows(rows: &[Vec<String>], out: &mut String) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end()).expect(TAKES);
    }
}

fn write_exceptions(report: &Report<'_>, out: &mut String) {
    let exceptions = &report.judgement.exceptions;
    if exceptions.is_empty() {
        return;
    }
    writeln!(out, "\nexceptions").expect(TAKES);
    let row = |listed: &crate::policy::Listed| {
        let state = match listed.state {
            State::Used(findings) => shown::count(findings, "finding"),
            other => other.word().to_owned(),
        };
        let until = format!("until {}", listed.until);
        vec![until, state, shown::line(&listed.finding), shown::line(&listed.reason)]
    };
    write_rows(&exceptions.iter().map(row).collect::<Vec<_>>(), out);
}
