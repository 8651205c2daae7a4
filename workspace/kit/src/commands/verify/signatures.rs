//! `kit verify --signatures`: whether enough of the keys that the project trusts signed files and images.

use std::process::ExitCode;

use kit_audit::signature::attached::Attestation;
use kit_audit::signature::trust::Verdict;
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::signed::{Of, Trust};
use crate::text::Text;

pub(super) fn run(subjects: &[String], context: &Context) -> Result<ExitCode, Failure> {
    let trust = Trust::of(context.project()?)?.ok_or(Failure::NobodyTrusted)?;
    let (mut text, mut objects, mut failed) = (Text::default(), Vec::new(), Vec::new());
    for subject in subjects {
        for of in trust.judge(subject, context)? {
            show(&mut text, &of);
            objects.push(object(&of));
            if !of.judgement.is_met() {
                failed.push(of.name);
            }
        }
    }
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    context.output.result(&json!({ "files": objects })).map_err(Failure::Output)?;
    if failed.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(Failure::NotSigned { files: failed }) }
}

fn show(text: &mut Text, of: &Of) {
    for (at, verdict) in &of.judgement.verdicts {
        text.line(format_args!("{}  {at}", words(verdict)));
    }
    for attestation in &of.attestations {
        let (by, predicate, at) = (attested_by(attestation), &attestation.predicate, &attestation.at);
        text.line(format_args!("states   {predicate}, says {by}  {at}"));
    }
    let enough = if of.judgement.is_met() { "signed" } else { "not signed enough" };
    let (signers, needed) = (of.judgement.signers.len(), of.judgement.needed);
    text.line(format_args!("{}  {enough}: {signers} of {needed} needed", of.name));
}

fn attested_by(attestation: &Attestation) -> String {
    let names: Vec<_> = attestation.judgement.signers.values().flatten().map(String::as_str).collect();
    if names.is_empty() { "nobody who is trusted".to_owned() } else { names.join(", ") }
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid { names, .. } => {
            format!("good     by {}", names.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
        Verdict::Unknown { key } => {
            format!("unknown  by {}", key.as_deref().unwrap_or("a key that it doesn't name"))
        }
        Verdict::Wrong { name, refusal } => format!("wrong    by {name}, it says: {refusal}"),
        Verdict::Unmatched { .. } => "unknown  by none of the trusted keys".to_owned(),
        Verdict::Unreadable { error } => format!("broken   {error}"),
        Verdict::Elsewhere { about } => format!("other    it is about {about}"),
        Verdict::Broken { why } => format!("broken   {why}"),
    }
}

fn object(of: &Of) -> Value {
    let verdict = |(at, verdict): &(String, Verdict)| {
        let word = match verdict {
            Verdict::Valid { .. } => "good",
            Verdict::Unknown { .. } | Verdict::Unmatched { .. } => "unknown",
            Verdict::Wrong { .. } => "wrong",
            Verdict::Unreadable { .. } | Verdict::Broken { .. } => "broken",
            Verdict::Elsewhere { .. } => "other",
        };
        json!({ "signature": at, "verdict": word, "what": words(verdict) })
    };
    let attestation = |attestation: &Attestation| {
        let Attestation { at, predicate, judgement } = attestation;
        json!({ "attestation": at, "predicate": predicate, "signers": judgement.signers })
    };
    json!({
        "file": of.name,
        "signed": of.judgement.is_met(),
        "needed": of.judgement.needed,
        "signers": of.judgement.signers,
        "signatures": of.judgement.verdicts.iter().map(verdict).collect::<Vec<_>>(),
        "attestations": of.attestations.iter().map(attestation).collect::<Vec<_>>(),
    })
}
