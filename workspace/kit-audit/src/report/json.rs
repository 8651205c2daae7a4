//! An audit as JSON: canonical (RFC 8785), with a line end.
//!
//! ```text
//! format          kit-audit-1; what a later kit adds keeps it, what it changes doesn't
//! kit             the version
//! image, pin      what was audited; pin is null where there is no lockfile
//! day             the day on which it was judged
//! depth           word: files, plan, lock, foreign; sentence
//! outcome         passed, failed
//! counts          levels: allow, warn, deny; excepted; severities and areas of what isn't allowed
//! findings[]      id, kind, key, area, severity, level, message, help, why; line of the policy, or null; exception: index, or null
//!   evidence[]    one of file (and owner, or null), recipe (and line, column), lock, advisory, fact
//! exceptions[]    finding, reason, until, line, state: used, unused, expired, not looked at; findings: how many it lets through
//! leftOut[]       what the policy asks for and couldn't be judged
//! components[]    id, name, version, role, licence, purl, sha256, source, files, bytes; null where nobody says
//! tables          by id: title, note, columns, rows
//! ```

use kit_format::json::{JsonError, canonical};
use serde_json::{Value, json};

use super::{Report, Table, position};
use crate::finding::Evidence;
use crate::inventory::{Component, ComponentId};
use crate::policy::{Judged, Level, Listed, State};

/// Returns the text.
pub fn write(report: &Report<'_>) -> Result<Vec<u8>, JsonError> {
    let judgement = report.judgement;
    let components = report.inventory.iter().flat_map(|inventory| &inventory.components);
    let value = json!({
        "format": "kit-audit-1",
        "kit": report.version,
        "image": report.image,
        "pin": report.pin.map(|pin| pin.to_string()),
        "day": report.today.to_string(),
        "depth": { "word": report.depth.word(), "sentence": report.depth.sentence() },
        "outcome": report.outcome().word(),
        "counts": counts(report),
        "findings": judgement.judged.iter().map(finding).collect::<Vec<_>>(),
        "exceptions": judgement.exceptions.iter().map(exception).collect::<Vec<_>>(),
        "leftOut": judgement.left_out,
        "components": components.map(|(id, one)| component(report, id, one)).collect::<Vec<_>>(),
        "tables": report.tables.iter().map(table).collect::<serde_json::Map<_, _>>(),
    });
    let mut text = canonical(&value)?;
    text.push(b'\n');
    Ok(text)
}

fn counts(report: &Report<'_>) -> Value {
    let counts = report.counts();
    let levels = Level::ALL.map(|level| (level.word().to_owned(), json!(counts.of(level))));
    let severities =
        counts.severities.iter().map(|(severity, count)| (severity.word().to_owned(), json!(count)));
    let areas = counts.areas.iter().map(|(area, count)| (area.word().to_owned(), json!(count)));
    json!({
        "levels": levels.into_iter().collect::<serde_json::Map<_, _>>(),
        "excepted": counts.excepted,
        "severities": severities.collect::<serde_json::Map<_, _>>(),
        "areas": areas.collect::<serde_json::Map<_, _>>(),
    })
}

fn finding(judged: &Judged) -> Value {
    let finding = &judged.finding;
    json!({
        "id": finding.id(),
        "kind": finding.kind.id,
        "key": finding.key,
        "area": finding.kind.area.word(),
        "severity": finding.severity.word(),
        "level": judged.level.word(),
        "message": finding.message,
        "help": finding.help,
        "why": judged.why.words,
        "line": judged.why.line,
        "exception": judged.exception,
        "evidence": finding.evidence.iter().map(evidence).collect::<Vec<_>>(),
    })
}

fn evidence(evidence: &Evidence) -> Value {
    match evidence {
        Evidence::File { path, owner } => json!({ "file": path.to_string(), "owner": owner }),
        Evidence::Recipe(place) => {
            let (line, column) = position(&place.text, place.span.start);
            json!({ "recipe": place.recipe.path(), "line": line, "column": column })
        }
        Evidence::Lock(entry) => json!({ "lock": entry }),
        Evidence::Advisory(id) => json!({ "advisory": id }),
        Evidence::Fact(fact) => json!({ "fact": fact }),
    }
}

fn exception(listed: &Listed) -> Value {
    let findings = if let State::Used(findings) = listed.state { findings } else { 0 };
    json!({
        "finding": listed.finding,
        "reason": listed.reason,
        "until": listed.until.to_string(),
        "line": listed.line,
        "state": listed.state.word(),
        "findings": findings,
    })
}

fn component(report: &Report<'_>, id: &ComponentId, component: &Component) -> Value {
    json!({
        "id": id.to_string(),
        "name": component.name,
        "version": component.version,
        "role": component.role.word(),
        "licence": report.licences.get(id),
        "purl": component.purl,
        "sha256": component.sha256.map(|digest| digest.to_string()),
        "source": component.source.as_ref().map(|source| format!("{} {}", source.name, source.version)),
        "files": component.files,
        "bytes": component.bytes,
    })
}

fn table(table: &Table) -> (String, Value) {
    let value =
        json!({ "title": table.title, "note": table.note, "columns": table.columns, "rows": table.rows });
    (table.id.to_owned(), value)
}
