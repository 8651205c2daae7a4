//! What the next build of an image would do, and why: what changed since the last one.

use kit_build::engine::{Expected, Foreseen, Known};
use kit_build::load::word;
use kit_plan::{Derivation, Outline, Plan, Reason};
use kit_recipe::lockfile::Subject;
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::escape;
use crate::progress::Progress;
use crate::text::Text;
use crate::units::count;
use crate::workbench::{Workpiece, kept, with_engine};

/// Explains what isn't there of an image; nothing is built, and nothing is fetched.
pub(super) fn explain(
    context: &Context,
    piece: &Workpiece,
    subject: &Subject,
) -> Result<(Text, Value), Failure> {
    let project = context.project()?;
    let store = context.store()?;
    let plan = &piece.plan;
    let targets: Vec<_> = plan.outputs.values().copied().chain(plan.documents()).collect();
    let progress = Progress::new(&context.output);
    let foreseen = with_engine(context, &store, &progress, |engine, _| Ok(engine.foresee(plan, &targets)?))?;
    let last = kept(project, &store, subject)?;
    let image = word(subject);
    let mut text = Text::default();
    let is_done = |one: &&Foreseen| one.expected != Expected::Reused;
    let todo = foreseen.iter().filter(is_done).count();
    if todo == 0 {
        text.line(format_args!("{image}: nothing would be built"));
    } else {
        let sure = foreseen.iter().filter(|one| one.expected == Expected::Runs).count();
        let depends = match todo - sure {
            0 => String::new(),
            depends => format!(", {depends} of them only if what they take comes out different"),
        };
        text.line(format_args!("{image}: {} would be done{depends}", count(todo, "step")));
    }
    if last.is_none() && todo > 0 {
        text.line("no build of it is remembered here, so there is nothing to compare with");
    }
    let mut steps = Vec::new();
    for one in &foreseen {
        let Some(step) = plan.get(&one.step) else { continue };
        let reasons = reasons(last.as_ref(), plan, step, one.known);
        text.line(format_args!("  {}  {}  {}", step.id().short(), step.title(), words(one.expected)));
        for reason in &reasons {
            text.line(format_args!("    {}", escape::line(reason)));
        }
        steps.push(json!({
            "derivation": step.id().to_string(),
            "step": step.title(),
            "expected": key(one.expected),
            "reasons": reasons,
        }));
    }
    let result = json!({
        "image": image,
        "compared": last.is_some(),
        "steps": steps,
        "done": todo,
    });
    Ok((text, result))
}

fn words(expected: Expected) -> &'static str {
    match expected {
        Expected::Runs => "is done",
        Expected::Reused => "isn't done: what it takes is the same as once before",
        Expected::Depends => "is done, unless what it takes comes out the same",
    }
}

fn key(expected: Expected) -> &'static str {
    match expected {
        Expected::Runs => "runs",
        Expected::Reused => "reused",
        Expected::Depends => "depends",
    }
}

/// Says why a step isn't there.
fn reasons(last: Option<&Outline>, plan: &Plan, step: &Derivation, known: Known) -> Vec<String> {
    let Some(last) = last else {
        return match known {
            Known::ResultGone => vec!["its result was collected".to_owned()],
            Known::Nothing => vec!["it was never built, or its result was collected".to_owned()],
        };
    };
    if last.has(&step.id()) {
        return vec!["the last build had it, and its result was collected".to_owned()];
    }
    let reasons = last.why(plan, step);
    let one = |reason: &Reason| match reason {
        // What isn't known by its name is a new source, as a rule: its version is in the name.
        Reason::New => format!("the last build had no `{}`", step.title()),
        Reason::Changed { .. } | Reason::Added(_) | Reason::Removed(_) | Reason::Kit => reason.to_string(),
    };
    let mut reasons: Vec<_> = reasons.iter().map(one).collect();
    if known == Known::ResultGone {
        reasons.push("it was built once, and its result was collected".to_owned());
    }
    reasons
}
