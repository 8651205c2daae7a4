//! An audit as the XML of `JUnit`.
//!
//! A suite is an area. A case is a finding, called by its key, of the class `kit.AREA.KIND`; a kind of which nothing was found is one case
//! that passes. What is denied fails; what warns passes and says so in its output; what an exception lets through is skipped.

use std::fmt::Write as _;

use super::{Report, shown};
use crate::finding::{Area, Kind};
use crate::policy::{Judged, Level};

const TAKES: &str = "because a string takes all";

/// Returns the text.
pub fn write(report: &Report<'_>) -> String {
    let suites: Vec<_> =
        Area::ALL.into_iter().map(|area| suite(report, area)).filter(|suite| suite.tests > 0).collect();
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = attribute(&format!("kit audit {}", report.image));
    let (tests, failures) = (sum(|suite| suite.tests), sum(|suite| suite.failures));
    let skipped = sum(|suite| suite.skipped);
    writeln!(
        out,
        "<testsuites name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\">"
    )
    .expect(TAKES);
    for suite in &suites {
        let Suite { area, tests, failures, skipped, cases } = suite;
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\">",
            area.word()
        )
        .expect(TAKES);
        out.push_str(cases);
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

struct Suite {
    area: Area,
    tests: usize,
    failures: usize,
    skipped: usize,
    cases: String,
}

fn suite(report: &Report<'_>, area: Area) -> Suite {
    let mut suite = Suite { area, tests: 0, failures: 0, skipped: 0, cases: String::new() };
    for judged in report.of_area(area) {
        suite.tests += 1;
        let kind = judged.finding.kind;
        let case =
            |inside: &str| format!("{}>\n{inside}    </testcase>\n", opening(kind, &judged.finding.key));
        let text = text_of(judged);
        let message = attribute(&judged.finding.message);
        suite.cases.push_str(&match judged.level {
            Level::Deny => {
                suite.failures += 1;
                let severity = judged.finding.severity;
                case(&format!("      <failure message=\"{message}\" type=\"{severity}\">{text}</failure>\n"))
            }
            Level::Allow if judged.exception.is_some() => {
                suite.skipped += 1;
                let why = attribute(&judged.why.to_string());
                case(&format!("      <skipped message=\"{why}\"/>\n"))
            }
            Level::Warn | Level::Allow => {
                let level = judged.level.word();
                case(&format!("      <system-out>{level}: {text}</system-out>\n"))
            }
        });
    }
    let is_found = |kind: &Kind| report.of_area(area).any(|judged| judged.finding.kind.id == kind.id);
    for kind in report.kinds.iter().filter(|kind| kind.area == area && !is_found(kind)) {
        suite.tests += 1;
        suite.cases.push_str(&opening(kind, "nothing found"));
        suite.cases.push_str("/>\n");
    }
    suite
}

fn opening(kind: &Kind, name: &str) -> String {
    let class = format!("kit.{}.{}", kind.area.word(), kind.id);
    format!("    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", attribute(&class), attribute(name))
}

fn text_of(judged: &Judged) -> String {
    let finding = &judged.finding;
    let mut lines = vec![shown::line(&finding.message)];
    lines.extend(finding.evidence.iter().map(|evidence| format!("- {}", shown::evidence(evidence))));
    lines.push(format!("why: {}", shown::line(&judged.why.to_string())));
    lines.push(format!("help: {}", shown::line(&finding.help)));
    escaped(&lines.join("\n"))
}

fn attribute(text: &str) -> String {
    escaped(&shown::line(text))
}

/// Escapes what has a meaning in XML; characters that XML 1.0 can't have are written out before.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}
