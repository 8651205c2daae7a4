//! `kit verify --signatures`: whether enough of the keys that the project trusts signed files and images.

use std::process::ExitCode;

use kit_audit::signature::attached::Attestation;
use kit_audit::signature::trust::Verdict;
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::escape::line;
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

/// Shows what is known of one image or file, each line with what others wrote into names, predicates and errors made harmless.
fn show(text: &mut Text, of: &Of) {
    for (at, verdict) in &of.judgement.verdicts {
        text.line(line(&format!("{}  {at}", words(verdict))));
    }
    for attestation in &of.attestations {
        let (by, predicate, at) = (attested_by(attestation), &attestation.predicate, &attestation.at);
        text.line(line(&format!("states   {predicate}, says {by}  {at}")));
    }
    let enough = if of.judgement.is_met() { "signed" } else { "not signed enough" };
    let (signers, needed) = (of.judgement.signers.len(), of.judgement.needed);
    text.line(line(&format!("{}  {enough}: {signers} of {needed} needed", of.name)));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kit_audit::signature::trust::Judgement;

    use super::*;

    #[test]
    fn what_others_wrote_is_harmless() {
        let hostile = "a\u{1b}[2J\ngood     by alice";
        let judgement = |verdicts: Vec<Verdict>| Judgement {
            verdicts: verdicts.into_iter().map(|verdict| ("at".to_owned(), verdict)).collect(),
            signers: BTreeMap::new(),
            needed: 1,
            trusted: 1,
        };
        let (about, why) = (hostile.to_owned(), hostile.to_owned());
        let of = Of {
            name: hostile.to_owned(),
            judgement: judgement(vec![Verdict::Elsewhere { about }, Verdict::Broken { why }]),
            attestations: vec![Attestation {
                at: "at".to_owned(),
                predicate: hostile.to_owned(),
                judgement: judgement(Vec::new()),
            }],
        };
        let mut text = Text::default();
        show(&mut text, &of);
        let lines: Vec<_> = text.as_str().lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(!text.as_str().contains('\u{1b}'), "{lines:?}");
        assert!(lines.iter().all(|line| line.contains(r"a\x1b[2J\ngood")), "{lines:?}");
    }
}
