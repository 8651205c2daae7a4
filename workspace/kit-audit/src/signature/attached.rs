//! Signatures of an image that lie beside it, in its registry or its layout: whose they are, and whether they are enough.
//!
//! What is signed is the image's manifest, or the index of its platforms: by a signature of those bytes, as of a file, or by cosign's, which is
//! of a payload that names the digest. Attestations are statements about an image in envelopes; who signed one says what it says, and
//! doesn't sign the image.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_format::oci::cosign::image_of_payload;
use kit_hash::Sha256;
use serde::Deserialize;

use super::error::Refusal;
use super::public_key::PublicKey;
use super::trust::{Found, Judgement, Quorum, Trusted, Verdict, judge, judge_envelope, verdict};
use super::{Format, Signature};
use crate::dsse::Envelope;

/// Something that was found about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Where, such as `sha256:…`.
    pub at: String,
    /// What it is.
    pub what: What,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A signature of the manifest's bytes.
    Signature(Vec<u8>),
    /// Cosign's.
    Simple {
        /// What is signed.
        payload: Vec<u8>,
        /// The plain signature in base64.
        signature: String,
    },
    /// An envelope.
    Envelope(Vec<u8>),
    /// Something that says that it is about something else.
    Elsewhere(String),
    /// Nothing that can be read, and why.
    Broken(String),
}

/// An attestation, and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Where it was found.
    pub at: String,
    /// What it says something of, such as `https://slsa.dev/provenance/v1`.
    pub predicate: String,
    /// Who signed it.
    pub judgement: Judgement,
}

/// What is known of an image by what was found about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who signed the image itself.
    pub image: Judgement,
    /// What is said about it.
    pub attestations: Vec<Attestation>,
}

/// Judges what was found about an image; `manifest` is the manifest or index that is signed.
pub fn judge_attached(manifest: &[u8], found: &[Attached], trusted: &[Trusted], quorum: Quorum) -> Signed {
    let image = Sha256::of(manifest);
    let (mut verdicts, mut attestations) = (Vec::new(), Vec::new());
    for Attached { at, what } in found {
        let verdict = match what {
            What::Signature(bytes) => of_bytes(manifest, bytes, trusted, quorum),
            What::Simple { payload, signature } => of_payload(&image, payload, signature, trusted),
            What::Envelope(text) => match of_envelope(&image, text) {
                Ok((envelope, predicate)) => {
                    let judgement = judge_envelope(&envelope, trusted, quorum);
                    attestations.push(Attestation { at: at.clone(), predicate, judgement });
                    continue;
                }
                Err(verdict) => verdict,
            },
            What::Elsewhere(about) => Verdict::Elsewhere { about: about.clone() },
            What::Broken(why) => Verdict::Broken { why: why.clone() },
        };
        verdicts.push((at.clone(), verdict));
    }
    Signed { image: Judgement::new(verdicts, trusted, quorum), attestations }
}

fn of_bytes(mut manifest: &[u8], bytes: &[u8], trusted: &[Trusted], quorum: Quorum) -> Verdict {
    let found = Found { at: String::new(), signature: Signature::parse(bytes) };
    let judged = judge(&mut manifest, &[found], trusted, quorum).expect("because memory can be read");
    let (_, verdict) = judged.verdicts.into_iter().next().expect("because one signature was given");
    verdict
}

fn of_payload(image: &Sha256, payload: &[u8], signature: &str, trusted: &[Trusted]) -> Verdict {
    let about = match image_of_payload(payload) {
        Ok(about) => about,
        Err(error) => return Verdict::Broken { why: format!("its payload can't be read: {error}") },
    };
    if about != image.oci() {
        return Verdict::Elsewhere { about };
    }
    let Ok(plain) = STANDARD.decode(signature.trim_ascii()) else {
        return Verdict::Broken { why: "its signature is no base64".to_owned() };
    };
    let check = |key: &PublicKey| match key.format() {
        Format::Pem => key.check_bytes(payload, &plain),
        expected @ (Format::Ssh | Format::Minisign) => Err(Refusal::Format { found: Format::Pem, expected }),
    };
    verdict(None, trusted, &check)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: Digests,
}

#[derive(Deserialize)]
struct Digests {
    sha256: Option<String>,
}

/// Reads an envelope; what it says is to be believed once its signatures were checked.
fn of_envelope(image: &Sha256, text: &[u8]) -> Result<(Envelope, String), Verdict> {
    let broken = |why: String| Verdict::Broken { why };
    let envelope =
        Envelope::parse(text).map_err(|error| broken(format!("its envelope can't be read: {error}")))?;
    let statement: Statement = serde_json::from_slice(envelope.payload())
        .map_err(|error| broken(format!("its envelope holds no statement: {error}")))?;
    let hex = image.to_string();
    let digests = || statement.subject.iter().filter_map(|subject| subject.digest.sha256.as_deref());
    if digests().any(|digest| digest == hex) {
        return Ok((envelope, statement.predicate_type));
    }
    let about = digests()
        .next()
        .map_or_else(|| "nothing that has a digest".to_owned(), |hex| format!("sha256:{hex}"));
    Err(Verdict::Elsewhere { about })
}
