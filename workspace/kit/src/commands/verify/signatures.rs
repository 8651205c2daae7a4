//! `kit verify --signatures`: whether enough of the keys that the project trusts signed a file.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kit_audit::dsse::Envelope;
use kit_audit::signature::trust::{Found, Judgement, Quorum, Trusted, Verdict, judge, judge_envelope};
use kit_audit::signature::{PublicKey, Signature};
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::project::{Project, absolute, open_dir, open_file, read_file};
use crate::text::Text;

/// How the names of signatures end.
const SUFFIXES: [&str; 2] = [".sig", ".minisig"];

pub(super) fn run(files: &[String], context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let (trusted, quorum) = trusted(project)?;
    let (mut text, mut objects, mut failed) = (Text::default(), Vec::new(), Vec::new());
    for file in files {
        let path = PathBuf::from(file);
        let judgement = one(&path, &trusted, quorum)?;
        for (at, verdict) in &judgement.verdicts {
            text.line(format_args!("{}  {at}", words(verdict)));
        }
        let enough = if judgement.is_met() { "signed" } else { "not signed enough" };
        let (signers, needed) = (judgement.signers.len(), judgement.needed);
        text.line(format_args!("{file}  {enough}: {signers} of {needed} needed"));
        objects.push(object(file, &judgement));
        if !judgement.is_met() {
            failed.push(file.clone());
        }
    }
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    context.output.result(&json!({ "files": objects })).map_err(Failure::Output)?;
    if failed.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(Failure::NotSigned { files: failed }) }
}

/// Returns the keys that the project trusts, and how many have to sign.
fn trusted(project: &Project) -> Result<(Vec<Trusted>, Quorum), Failure> {
    let settings = &project.settings().signatures;
    let mut trusted = Vec::new();
    for (name, written) in &settings.keys {
        let path = project.path().join(written);
        let text = if path.is_file() {
            String::from_utf8(read_file(&path, PublicKey::LIMIT as u64)?)
                .map_err(|_| Failure::NotText { path: written.clone() })?
        } else {
            written.clone()
        };
        let key = PublicKey::parse(&text).map_err(|source| Failure::Key { path: written.into(), source })?;
        trusted.push(Trusted { name: name.clone(), key });
    }
    let needed = usize::try_from(settings.needed.unwrap_or(1)).unwrap_or(usize::MAX);
    if trusted.is_empty() {
        return Err(Failure::NobodyTrusted);
    }
    Ok((trusted, Quorum { needed }))
}

fn one(path: &Path, trusted: &[Trusted], quorum: Quorum) -> Result<Judgement, Failure> {
    let io = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let found = found(path)?;
    if found.is_empty() && path.extension().is_some_and(|extension| extension == "dsse") {
        let text = read_file(path, Envelope::LIMIT as u64)?;
        let envelope = Envelope::parse(&text)
            .map_err(|source| Failure::Envelope { path: path.to_owned(), source: Box::new(source) })?;
        return Ok(judge_envelope(&envelope, trusted, quorum));
    }
    judge(&mut BufReader::new(open_file(path)?), &found, trusted, quorum).map_err(io)
}

/// Finds the signatures beside a file: all whose names begin with its name.
fn found(path: &Path) -> Result<Vec<Found>, Failure> {
    let full = absolute(path)?;
    let (Some(parent), Some(name)) = (full.parent(), full.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let io = |source| Failure::File { action: "list", path: parent.to_owned(), source };
    let begin = format!("{name}.");
    let mut names = Vec::new();
    for entry in open_dir(parent)?.entries().map_err(io)? {
        let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
        if name.starts_with(&begin) && SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            names.push(name);
        }
    }
    names.sort();
    let read = |name: String| {
        let bytes = read_file(&parent.join(&name), Signature::LIMIT as u64)?;
        Ok(Found { signature: Signature::parse(&bytes), at: name })
    };
    names.into_iter().map(read).collect()
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
    }
}

fn object(file: &str, judgement: &Judgement) -> Value {
    let verdict = |(at, verdict): &(String, Verdict)| {
        let word = match verdict {
            Verdict::Valid { .. } => "good",
            Verdict::Unknown { .. } | Verdict::Unmatched { .. } => "unknown",
            Verdict::Wrong { .. } => "wrong",
            Verdict::Unreadable { .. } => "broken",
        };
        json!({ "signature": at, "verdict": word, "what": words(verdict) })
    };
    json!({
        "file": file,
        "signed": judgement.is_met(),
        "needed": judgement.needed,
        "signers": judgement.signers,
        "signatures": judgement.verdicts.iter().map(verdict).collect::<Vec<_>>(),
    })
}
