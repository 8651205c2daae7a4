//! Whether others came to the same bytes: what statements of verifications say of a lockfile.

use kit_hash::PinId;

use crate::finding::{Area, Evidence, Finding, Kind, Severity};
use crate::quorum::{Doubt, quorum};
use crate::statement::{Statement, Verdict};

const fn kind(id: &'static str, severity: Severity, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::Reproducibility, severity, title, help }
}

const NOT_VERIFIED: Kind = kind(
    "not-verified",
    Severity::Low,
    "nobody says that a rebuild came to the same bytes",
    "run `kit verify`, on another machine best, and keep the statement",
);
const VERIFIED: Kind = kind(
    "verified",
    Severity::Note,
    "a rebuild came to the same bytes",
    "nothing is to be done; the more verifiers, and the more that they vary, the better",
);
const FAILED: Kind = kind(
    "verification-failed",
    Severity::High,
    "a rebuild came to other bytes",
    "run `kit verify` and see what differs",
);
const ANOTHER_LOCK: Kind = kind(
    "verification-of-another-lock",
    Severity::Note,
    "a statement is about another lockfile",
    "verify this lockfile, or take the statement away",
);
const DISPUTED: Kind = kind(
    "verification-disputed",
    Severity::High,
    "verifiers don't agree",
    "compare what they came to by `kit verify --quorum`, and trust none of them until it is clear who is right",
);

/// The kinds of findings about reproducibility.
pub const KINDS: &[Kind] = &[NOT_VERIFIED, VERIFIED, FAILED, ANOTHER_LOCK, DISPUTED];

/// The depth of a verification that compares the outputs.
const OUTPUTS: &str = "outputs";

/// Returns what statements, each with the name of its file, say of an image as a lockfile pins it.
pub fn findings(image: &str, pin: &PinId, statements: &[(String, Statement)]) -> Vec<Finding> {
    let is_meant = |statement: &Statement| statement.image == image && statement.lock.pin == *pin;
    let mut findings = Vec::new();
    let mut meant = Vec::new();
    for (file, statement) in statements {
        if is_meant(statement) {
            findings.push(of_statement(file, statement));
            meant.push((file.clone(), statement.clone()));
        } else {
            findings.push(of_another(file, statement, image, pin));
        }
    }
    let is_whole = |statement: &Statement| {
        statement.verdict() == Verdict::Passed
            && statement.method.only.is_none()
            && statement.method.depth == OUTPUTS
    };
    let has_failed = meant.iter().any(|(_, statement)| statement.verdict() == Verdict::Failed);
    if !has_failed && !meant.iter().any(|(_, statement)| is_whole(statement)) {
        let message = match meant.len() {
            0 => format!("no rebuild of `{image}` is known"),
            _ => format!("no rebuild of all of `{image}` is known"),
        };
        findings.push(Finding::new(&NOT_VERIFIED, image, message));
    }
    findings.extend(disputed(image, &meant));
    findings
}

/// Returns whose statement it is, for people.
fn who<'a>(file: &'a str, statement: &'a Statement) -> &'a str {
    statement.verifier.as_deref().filter(|verifier| !verifier.is_empty()).unwrap_or(file)
}

fn of_statement(file: &str, statement: &Statement) -> Finding {
    let (image, who) = (&statement.image, who(file, statement));
    let method = &statement.method;
    let what = match &method.only {
        Some(package) => format!("the package `{package}` of `{image}`"),
        None => format!("`{image}`"),
    };
    let from = Evidence::Fact(format!("`{file}`, by kit {}", method.version));
    match statement.verdict() {
        Verdict::Passed => {
            let message = format!("`{who}` rebuilt {what} and came to the same ({})", method.depth);
            Finding::new(&VERIFIED, who, message).because(from).because(Evidence::Fact(varied(statement)))
        }
        Verdict::Failed => {
            let message = format!("`{who}` rebuilt {what} and didn't come to the same ({})", method.depth);
            differing(statement).fold(Finding::new(&FAILED, who, message).because(from), Finding::because)
        }
    }
}

/// Says how often it was rebuilt, and what was another thing each time.
fn varied(statement: &Statement) -> String {
    let method = &statement.method;
    let rounds = if method.rounds == 1 { "once".to_owned() } else { format!("{} times", method.rounds) };
    let names: Vec<_> = method.varied.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => format!("rebuilt {rounds}, nothing varied"),
        names => format!("rebuilt {rounds}, varied: {}", names.join(", ")),
    }
}

/// Says what a failed verification found.
fn differing(statement: &Statement) -> impl Iterator<Item = Evidence> {
    let outputs = statement.outputs.iter().filter_map(|(name, output)| {
        let rebuilt = output.rebuilt?;
        Some(format!("the output `{name}` is {}, rebuilt {rebuilt}", output.sha256))
    });
    let steps = &statement.steps;
    let different = steps.different.iter().map(|step| format!("the step `{step}` came out different"));
    let not_done = steps.not_done.iter().map(|step| format!("the step `{step}` wasn't done"));
    outputs.chain(different).chain(not_done).map(Evidence::Fact)
}

fn of_another(file: &str, statement: &Statement, image: &str, pin: &PinId) -> Finding {
    let message = if statement.image == image {
        format!("`{file}` is about `{image}` as another lockfile pins it")
    } else {
        format!("`{file}` is about the image `{}`, not `{image}`", statement.image)
    };
    let fact = format!("its pin is {}, this one's {pin}", statement.lock.pin);
    Finding::new(&ANOTHER_LOCK, file, message).because(Evidence::Fact(fact))
}

/// Finds verifiers that contradict each other, or themselves, though nobody failed.
fn disputed(image: &str, statements: &[(String, Statement)]) -> Option<Finding> {
    let comparable = |(_, statement): &&(String, Statement)| {
        statement.verifier.as_ref().is_some_and(|verifier| !verifier.is_empty())
            && !statement.outputs.is_empty()
            && statement.verdict() == Verdict::Passed
    };
    let named: Vec<_> = statements.iter().filter(comparable).cloned().collect();
    let found = quorum(1, &named).ok().filter(|_| !named.is_empty())?;
    let contradicting = found.doubtful.iter().filter(|(_, doubt)| **doubt == Doubt::Contradiction);
    let themselves = contradicting.map(|(who, _)| format!("`{who}` contradicts itself"));
    let rows = found.rows.iter().filter(|row| row.values.len() > 1).flat_map(|row| {
        row.values.iter().map(|(value, who)| {
            let who: Vec<_> = who.iter().map(String::as_str).collect();
            format!("{}: {value} by {}", row.what, who.join(", "))
        })
    });
    let facts: Vec<_> = themselves.chain(rows).collect();
    if facts.is_empty() {
        return None;
    }
    let message = format!("verifiers of `{image}` came to different bytes");
    let finding = Finding::new(&DISPUTED, image, message);
    Some(facts.into_iter().map(Evidence::Fact).fold(finding, Finding::because))
}

#[cfg(test)]
mod tests;
