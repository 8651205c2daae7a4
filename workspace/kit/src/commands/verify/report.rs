//! What a verification says.

use std::collections::BTreeSet;

use kit_build::verify::{
    Cause, Comparison, Excerpt, Explanation, FileDifference, FirstCause, How, Side, Step, Variation,
};
use kit_plan::error::Place;
use serde_json::{Value, json};

use super::rebuild::{Artifact, Output, Verified};
use crate::render::{line_of, position};
use crate::text::Text;
use crate::units::{Millis, count};

/// How many differences of a file are shown.
pub(super) const EXPLAINED: usize = 5;
/// How many files of a step are shown, and how many steps that follow.
const SHOWN: usize = 10;

/// Returns what people read.
pub(super) fn summary(verified: &Verified) -> String {
    let mut text = Text::default();
    let several = verified.rounds.len() > 1;
    for (number, round) in verified.rounds.iter().enumerate() {
        if several {
            text.line(format_args!("round {}:", number + 1));
        }
        for cause in &round.first_causes {
            first_cause(&mut text, cause, verified.written(&cause.step.derivation));
        }
        follow(&mut text, round);
        let total = round.same.len() + round.first_causes.len() + round.follow.len();
        let outcome = if round.is_same() {
            "all came out the same".to_owned()
        } else {
            format!("{} came out different, {} because of them", round.first_causes.len(), round.follow.len())
        };
        text.line(format_args!("{} done again: {outcome}", count(total, "step")));
        if !round.not_done.is_empty() {
            text.line(format_args!("{} not done, because one failed", count(round.not_done.len(), "step")));
        }
    }
    if let Some(artifact) = &verified.artifact {
        compared(&mut text, artifact);
    }
    for (name, output) in verified.outputs.iter().filter(|(name, _)| !name.contains("/blobs/")) {
        text.line(outcome(name, output));
    }
    text.line(format_args!("varied: {}", list(&verified.varied)));
    let left_out = verified.left_out.iter().map(|(variation, why)| format!("{variation} ({why})"));
    let left_out: Vec<_> = left_out.collect();
    if !left_out.is_empty() {
        text.line(format_args!("not varied: {}", left_out.join(", ")));
    }
    for path in &verified.kept {
        text.line(format_args!("the rebuild's store is kept: {}", path.display()));
    }
    text.line(format_args!("{}: {}", verified.image, Millis(verified.millis)));
    text.into_string()
}

pub(super) fn list(variations: &BTreeSet<Variation>) -> String {
    if variations.is_empty() {
        return "nothing".to_owned();
    }
    variations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Says whether a file is the output that it should be.
fn compared(text: &mut Text, artifact: &Artifact) {
    let path = crate::escape::line(&artifact.path.display().to_string());
    if artifact.is_same {
        let but = artifact.besides.map_or_else(String::new, |besides| format!(" but for {besides}"));
        text.line(format_args!("{path} is `{}` of this lockfile, byte for byte{but}", artifact.output));
    } else {
        text.line(format_args!("{path} is not what this lockfile gives as `{}`:", artifact.output));
        explanations(text, "    ", &artifact.explanations);
    }
}

/// Says what an output came to.
fn outcome(name: &str, output: &Output) -> String {
    match output.rebuilt {
        Some(rebuilt) if rebuilt == output.sha256 => format!("{name}: sha256 {} both times", output.sha256),
        Some(rebuilt) => format!("{name}: sha256 {}, rebuilt {rebuilt}", output.sha256),
        None => format!("{name}: sha256 {}, not rebuilt", output.sha256),
    }
}

fn first_cause(text: &mut Text, cause: &FirstCause, place: Option<Place>) {
    let title = &cause.step.title;
    match &cause.how {
        How::Failed(failure) => text.line(format_args!("`{title}` failed: {failure}")),
        How::Tree { files } => {
            text.line(format_args!("`{title}` came out different: {}", count(files.len(), "path")));
        }
    }
    if let Some(place) = place {
        text.line(format_args!("  written in: {}", line_of(&place)));
    }
    if let How::Tree { files } = &cause.how {
        for file in files.iter().take(SHOWN) {
            differing(text, file);
        }
        more(text, files.len());
    }
    text.line(format_args!("  because of: {}", because(&cause.cause)));
    for remedy in remedies(cause) {
        text.line(format_args!("  usually mended by: {remedy}"));
    }
}

/// Says what usually mends a step: what the bytes look like tells more than what was varied.
pub(super) fn remedies(cause: &FirstCause) -> Vec<&'static str> {
    let files = if let How::Tree { files } = &cause.how { files.as_slice() } else { &[] };
    let likely = files.iter().take(SHOWN).flat_map(|file| file.explanations.iter().take(EXPLAINED));
    let likely: BTreeSet<_> = likely.filter_map(|explanation| explanation.likely).collect();
    // What only follows from other differences is mended with them.
    let telling: Vec<_> =
        likely.iter().filter(|likely| !likely.follows()).map(|likely| likely.remedy()).collect();
    if telling.is_empty() { cause.cause.remedies() } else { telling }
}

fn differing(text: &mut Text, file: &FileDifference) {
    if file.explanations.is_empty() {
        for line in file.entries.to_string().lines() {
            text.line(format_args!("    {}", crate::escape::line(line)));
        }
        return;
    }
    text.line(format_args!("    {}", crate::escape::line(&file.entries.path.to_string())));
    explanations(text, "        ", &file.explanations);
}

/// Shows the first of several differences, each line behind `indent`.
pub(super) fn explanations(text: &mut Text, indent: &str, explanations: &[Explanation]) {
    for explanation in explanations.iter().take(EXPLAINED) {
        let likely = explanation.likely.map(|likely| {
            if likely.follows() {
                format!(" ({})", likely.remedy())
            } else {
                format!(" (looks like {likely})")
            }
        });
        let line = crate::escape::line(&explanation.to_string());
        text.line(format_args!("{indent}{line}{}", likely.unwrap_or_default()));
    }
    if explanations.len() > EXPLAINED {
        text.line(format_args!("{indent}and {} more", explanations.len() - EXPLAINED));
    }
}

fn more(text: &mut Text, total: usize) {
    if total > SHOWN {
        text.line(format_args!("    and {} more", total - SHOWN));
    }
}

pub(super) fn because(cause: &Cause) -> String {
    match cause {
        Cause::Variations(causes) => causes.iter().map(list).collect::<Vec<_>>().join("; and by itself: "),
        Cause::Always => "nothing that was varied: it comes out different each time".to_owned(),
        Cause::Sometimes => "chance: it came out the same when it was tried again".to_owned(),
        Cause::Kit => "kit itself, since no script takes part".to_owned(),
    }
}

fn follow(text: &mut Text, round: &Comparison) {
    for step in round.follow.iter().take(SHOWN) {
        text.line(format_args!("`{}` came out different, since what it is made from did", step.title));
    }
    more(text, round.follow.len());
}

/// Returns the same for programs.
pub(super) fn object(verified: &Verified) -> Value {
    let words = |variations: &BTreeSet<Variation>| variations.iter().map(|v| v.word()).collect::<Vec<_>>();
    let cause = |cause: &Cause| match cause {
        Cause::Variations(causes) => {
            json!({ "kind": "variations", "variations": causes.iter().map(words).collect::<Vec<_>>() })
        }
        Cause::Always => json!({ "kind": "always" }),
        Cause::Sometimes => json!({ "kind": "sometimes" }),
        Cause::Kit => json!({ "kind": "kit" }),
    };
    let first_cause = |first: &FirstCause| {
        let mut object = step(&first.step);
        object["cause"] = cause(&first.cause);
        object["usually_mended_by"] = json!(remedies(first));
        object["written_in"] = verified.written(&first.step.derivation).map_or(Value::Null, |place| {
            let (line, column) = position(&place.text, place.span.start);
            json!({ "recipe": place.recipe.path(), "line": line, "column": column })
        });
        match &first.how {
            How::Failed(failure) => object["failure"] = json!(failure.to_string()),
            How::Tree { files } => object["files"] = files.iter().map(difference).collect(),
        }
        object
    };
    let round = |round: &Comparison| {
        let titles = |steps: &[Step]| steps.iter().map(|step| step.title.clone()).collect::<Vec<_>>();
        json!({
            "same": round.same.len(),
            "first_causes": round.first_causes.iter().map(first_cause).collect::<Vec<_>>(),
            "follow": titles(&round.follow),
            "not_done": titles(&round.not_done),
        })
    };
    let left_out =
        verified.left_out.iter().map(|(variation, why)| json!({ "what": variation.word(), "why": why }));
    json!({
        "image": verified.image.to_string(),
        "lock": {
            "path": verified.lock_path,
            "sha256": verified.lock_sha256.to_string(),
            "pin": verified.piece.lock.pin_id().to_string(),
        },
        "depth": verified.depth.word(),
        "reproducible": verified.is_same(),
        "varied": words(&verified.varied),
        "not_varied": left_out.collect::<Vec<_>>(),
        "rounds": verified.rounds.iter().map(round).collect::<Vec<_>>(),
        "outputs": verified.outputs.iter().map(output).collect::<Vec<_>>(),
        "artifact": verified.artifact.as_ref().map(artifact),
        "kept": verified.kept,
        "millis": verified.millis,
    })
}

fn step(step: &Step) -> Value {
    json!({
        "step": step.title,
        "derivation": step.derivation.to_string(),
        "expected": step.tree.to_string(),
        "found": step.rebuilt.map(|tree| tree.to_string()),
    })
}

fn output((name, output): (&String, &Output)) -> Value {
    json!({
        "name": name,
        "size": output.size,
        "sha256": output.sha256.to_string(),
        "rebuilt": output.rebuilt.map(|digest| digest.to_string()),
    })
}

fn artifact(artifact: &Artifact) -> Value {
    json!({
        "path": artifact.path,
        "kind": artifact.kind,
        "output": artifact.output,
        "lock_found": artifact.found,
        "same": artifact.is_same,
        "explanations": artifact.explanations.iter().map(explanation).collect::<Vec<_>>(),
    })
}

fn difference(file: &FileDifference) -> Value {
    json!({
        "path": file.entries.path.to_string(),
        "entries": file.entries.to_string(),
        "explanations": file.explanations.iter().map(explanation).collect::<Vec<_>>(),
    })
}

/// Returns one difference for programs.
pub(super) fn explanation(explanation: &Explanation) -> Value {
    let side = |side: &Side| {
        let digits: Vec<_> = side.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "offset": side.offset, "hex": digits.concat() })
    };
    let excerpt =
        |excerpt: &Excerpt| json!({ "before": side(&excerpt.before), "after": side(&excerpt.after) });
    json!({
        "place": explanation.place,
        "text": explanation.to_string(),
        "likely": explanation.likely.map(|likely| likely.to_string()),
        "excerpt": explanation.excerpt.as_ref().map(excerpt),
    })
}
