//! What a verification says.

use std::collections::BTreeSet;

use kit_build::verify::{Cause, Comparison, Explanation, FileDifference, FirstCause, How, Variation};
use serde_json::{Value, json};

use super::Verified;
use crate::text::Text;
use crate::units::{Millis, count};

/// How many differences of a file are shown.
const EXPLAINED: usize = 5;
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
            first_cause(&mut text, cause);
        }
        follow(&mut text, round);
        let total = round.same.len() + round.first_causes.len() + round.follow.len();
        let outcome = if round.is_same() {
            "all came out the same".to_owned()
        } else {
            format!("{} came out different, {} because of them", round.first_causes.len(), round.follow.len())
        };
        text.line(format_args!("{} done again: {outcome}", count(total, "step")));
        if round.not_done > 0 {
            text.line(format_args!("{} not done, because one failed", count(round.not_done, "step")));
        }
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

fn list(variations: &BTreeSet<Variation>) -> String {
    if variations.is_empty() {
        return "nothing".to_owned();
    }
    variations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn first_cause(text: &mut Text, cause: &FirstCause) {
    match &cause.how {
        How::Failed(failure) => text.line(format_args!("`{}` failed: {failure}", cause.title)),
        How::Tree { files, .. } => {
            text.line(format_args!("`{}` came out different: {}", cause.title, count(files.len(), "path")));
            for file in files.iter().take(SHOWN) {
                differing(text, file);
            }
            more(text, files.len());
        }
    }
    text.line(format_args!("  because of: {}", because(&cause.cause)));
}

fn differing(text: &mut Text, file: &FileDifference) {
    if file.explanations.is_empty() {
        for line in file.entries.to_string().lines() {
            text.line(format_args!("    {}", crate::escape::line(line)));
        }
        return;
    }
    text.line(format_args!("    {}", crate::escape::line(&file.entries.path.to_string())));
    for explanation in file.explanations.iter().take(EXPLAINED) {
        text.line(format_args!("        {}", crate::escape::line(&explanation.to_string())));
        if let Some(likely) = explanation.likely {
            text.line(format_args!("        this looks like {likely}: {}", likely.remedy()));
        }
    }
    if file.explanations.len() > EXPLAINED {
        text.line(format_args!("        and {} more", file.explanations.len() - EXPLAINED));
    }
}

fn more(text: &mut Text, total: usize) {
    if total > SHOWN {
        text.line(format_args!("    and {} more", total - SHOWN));
    }
}

fn because(cause: &Cause) -> String {
    match cause {
        Cause::Variations(causes) => causes.iter().map(list).collect::<Vec<_>>().join("; and by itself: "),
        Cause::Always => "nothing that was varied: it comes out different each time".to_owned(),
        Cause::Sometimes => "chance: it came out the same when it was tried again".to_owned(),
        Cause::Kit => "kit itself, since no script takes part".to_owned(),
    }
}

fn follow(text: &mut Text, round: &Comparison) {
    for title in round.follow.iter().take(SHOWN) {
        text.line(format_args!("`{title}` came out different, since what it is made from did"));
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
    let first_cause = |first: &FirstCause| match &first.how {
        How::Failed(failure) => {
            json!({ "step": first.title, "failure": failure.to_string(), "cause": cause(&first.cause) })
        }
        How::Tree { expected, found, files } => json!({
            "step": first.title,
            "expected": expected.to_string(),
            "found": found.to_string(),
            "files": files.iter().map(difference).collect::<Vec<_>>(),
            "cause": cause(&first.cause),
        }),
    };
    let round = |round: &Comparison| {
        json!({
            "same": round.same.len(),
            "first_causes": round.first_causes.iter().map(first_cause).collect::<Vec<_>>(),
            "follow": round.follow,
            "not_done": round.not_done,
        })
    };
    let left_out =
        verified.left_out.iter().map(|(variation, why)| json!({ "what": variation.word(), "why": why }));
    json!({
        "image": verified.image.to_string(),
        "reproducible": verified.is_same(),
        "varied": words(&verified.varied),
        "not_varied": left_out.collect::<Vec<_>>(),
        "rounds": verified.rounds.iter().map(round).collect::<Vec<_>>(),
        "kept": verified.kept,
        "millis": verified.millis,
    })
}

fn difference(file: &FileDifference) -> Value {
    let explanation = |explanation: &Explanation| json!({ "text": explanation.to_string(), "likely": explanation.likely.map(|likely| likely.to_string()) });
    json!({
        "path": file.entries.path.to_string(),
        "entries": file.entries.to_string(),
        "explanations": file.explanations.iter().map(explanation).collect::<Vec<_>>(),
    })
}
