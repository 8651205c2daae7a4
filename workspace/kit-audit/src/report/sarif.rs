//! An audit as a SARIF 2.1.0 log, in canonical JSON.
//!
//! A rule is a kind of finding, a result a finding. Files of an image and packages aren't files of the project, so they are logical
//! locations; the physical one is the line of the recipe, and where there is none, the lockfile: viewers that hang findings on files show
//! all of them. What an exception lets through is suppressed, with the reason.

use kit_format::json::{JsonError, canonical};
use kit_plan::error::Place;
use serde_json::{Value, json};

use super::{Report, position};
use crate::finding::{Evidence, Kind, Severity};
use crate::policy::{Judged, Level, Listed};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Returns the text.
pub fn write(report: &Report<'_>) -> Result<Vec<u8>, JsonError> {
    let rules = rules(report);
    let results = report.judgement.judged.iter().map(|judged| result(report, &rules, judged));
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kit",
                "version": report.version,
                "rules": rules.iter().map(|kind| rule(kind)).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": format!("kit-audit/{}/", uri(report.image)) },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true }],
            "properties": {
                "image": report.image,
                "pin": report.pin.map(|pin| pin.to_string()),
                "depth": report.depth.word(),
                "outcome": report.outcome().word(),
            },
            "results": results.collect::<Vec<_>>(),
        }],
    });
    let mut text = canonical(&log)?;
    text.push(b'\n');
    Ok(text)
}

/// Returns the kinds that were looked for or found, by identifier.
fn rules(report: &Report<'_>) -> Vec<&'static Kind> {
    let found = report.judgement.judged.iter().map(|judged| judged.finding.kind);
    let mut rules: Vec<_> = report.kinds.iter().copied().chain(found).collect();
    rules.sort_by_key(|kind| kind.id);
    rules.dedup_by_key(|kind| kind.id);
    rules
}

fn rule(kind: &Kind) -> Value {
    json!({
        "id": kind.id,
        "shortDescription": { "text": kind.title },
        "help": { "text": kind.help },
        "defaultConfiguration": { "level": level_of(kind.severity) },
        "properties": { "tags": ["security", kind.area.word()], "security-severity": score(kind.severity) },
    })
}

fn level_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Low | Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// The number that code-scanning services sort by: the least of the severity's range.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "0.0",
        Severity::Low => "0.1",
        Severity::Medium => "4.0",
        Severity::High => "7.0",
        Severity::Critical => "9.0",
    }
}

fn result(report: &Report<'_>, rules: &[&Kind], judged: &Judged) -> Value {
    let finding = &judged.finding;
    let mut text = format!("{}. {}.", finding.message, finding.help);
    let facts = finding.evidence.iter().filter(|one| !matches!(one, Evidence::Recipe(_)));
    for fact in facts.map(super::shown::evidence) {
        text.push_str("\n- ");
        text.push_str(&fact);
    }
    let level = match judged.level {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Allow => "note",
    };
    let exception = judged.exception.and_then(|at| report.judgement.exceptions.get(at));
    json!({
        "ruleId": finding.kind.id,
        "ruleIndex": rules.iter().position(|rule| rule.id == finding.kind.id),
        "level": level,
        "message": { "text": text },
        "locations": locations(report, judged),
        "partialFingerprints": { "kitFinding/v1": finding.id() },
        "suppressions": exception.map(suppression).into_iter().collect::<Vec<_>>(),
        "properties": {
            "key": finding.key,
            "severity": finding.severity.word(),
            "policy": judged.level.word(),
            "why": judged.why.to_string(),
        },
    })
}

fn suppression(exception: &Listed) -> Value {
    json!({
        "kind": "external",
        "justification": format!("{} (until {})", exception.reason, exception.until),
        "location": { "physicalLocation": {
            "artifactLocation": { "uri": "policy.toml" },
            "region": { "startLine": exception.line },
        } },
    })
}

/// Returns where a finding is: one place per line of a recipe, each with the parts of the image that it is about.
fn locations(report: &Report<'_>, judged: &Judged) -> Vec<Value> {
    let evidence = &judged.finding.evidence;
    let logical: Vec<_> = evidence.iter().filter_map(logical).collect();
    let mut physical: Vec<_> = evidence
        .iter()
        .filter_map(|one| if let Evidence::Recipe(place) = one { Some(of_recipe(place)) } else { None })
        .collect();
    if physical.is_empty() {
        physical.extend(report.path.map(|path| json!({ "artifactLocation": { "uri": uri(path) } })));
    }
    if physical.is_empty() && logical.is_empty() {
        return Vec::new();
    }
    if physical.is_empty() {
        return vec![json!({ "logicalLocations": logical })];
    }
    physical
        .into_iter()
        .map(|place| match logical.as_slice() {
            [] => json!({ "physicalLocation": place }),
            logical => json!({ "physicalLocation": place, "logicalLocations": logical }),
        })
        .collect()
}

fn logical(evidence: &Evidence) -> Option<Value> {
    match evidence {
        Evidence::File { path, owner } => {
            let name = path.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string());
            let mut found =
                json!({ "name": name, "fullyQualifiedName": path.to_string(), "kind": "resource" });
            if let Some(owner) = owner {
                found["properties"] = json!({ "owner": owner });
            }
            Some(found)
        }
        Evidence::Lock(entry) => Some(json!({ "fullyQualifiedName": entry, "kind": "module" })),
        Evidence::Recipe(_) | Evidence::Advisory(_) | Evidence::Fact(_) => None,
    }
}

fn of_recipe(place: &Place) -> Value {
    let (start, end) = (position(&place.text, place.span.start), position(&place.text, place.span.end));
    json!({
        "artifactLocation": { "uri": uri(&place.recipe.path()) },
        "region": { "startLine": start.0, "startColumn": start.1, "endLine": end.0, "endColumn": end.1 },
    })
}

/// Writes a path as a relative reference: what isn't plain is percent-encoded.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;

    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("because a string takes all");
        }
    }
    uri
}
