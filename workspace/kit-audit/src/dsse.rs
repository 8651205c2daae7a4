//! Statements in signed envelopes: DSSE 1.0.2, in canonical JSON.
//!
//! ```text
//! payload        base64 of the statement
//! payloadType    application/vnd.in-toto+json
//! signatures     each: keyid, the fingerprint of the key; sig, base64 of the plain signature
//!
//! signed         DSSEv1 SIZE TYPE SIZE PAYLOAD, the sizes in decimal bytes
//! ```
//! Keys of PEM files sign it as they sign a file: ed25519 the bytes themselves, ECDSA their SHA-256 digest, in DER. Keys of OpenSSH do the same,
//! without what SSH puts around the signature of a file, since other readers of envelopes know only plain signatures; what is signed starts
//! with `DSSEv1`, so it is neither a login nor a file's signature. Minisign's keys don't sign envelopes: minisign could not check them.
//! Signatures are in the order of their keys' fingerprints, so that it doesn't matter who signed first.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use kit_format::json::{JsonError, canonical};
use serde::Deserialize;
use serde_json::json;

use crate::signature::agent::{AgentError, Unsigned};
use crate::signature::{PrivateKey, PublicKey, Refusal, SignError};

/// What in-toto calls a statement in an envelope.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A payload and signatures, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// Which key it says that it is by: a hint, which isn't signed.
    pub key_id: Option<String>,
    /// The plain signature.
    pub plain: Vec<u8>,
}

/// Why a text is no envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It is too large.
    #[error("it has {found} bytes, an envelope at most {limit}")]
    TooLarge {
        /// How large it is.
        found: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It isn't JSON, or has no such fields.
    #[error("it is no envelope")]
    Json(#[source] serde_json::Error),
    /// A field isn't base64.
    #[error("its {field} is no base64")]
    Base64 {
        /// Which field.
        field: &'static str,
    },
    /// It has none or too many signatures.
    #[error("it has {found} signatures, an envelope has 1 to {limit}")]
    Signatures {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Why an envelope wasn't signed by an agent.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeAgentError {
    /// The agent didn't do it.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// It was asked to sign another envelope.
    #[error("the agent's signature is for another envelope")]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    payload: String,
    payload_type: String,
    signatures: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    keyid: Option<String>,
    sig: String,
}

impl Envelope {
    /// The most bytes that the text of an envelope may have: a statement of the largest size in base64, and signatures.
    pub const LIMIT: usize = 24 << 20;
    /// The most signatures that an envelope may have.
    pub const SIGNATURES_LIMIT: usize = 64;

    /// Puts an in-toto statement into an envelope that nobody signed yet.
    pub fn new(statement: Vec<u8>) -> Self {
        Self { payload_type: IN_TOTO.to_owned(), payload: statement, signatures: Vec::new() }
    }

    /// Reads an envelope; what it holds is to be looked at once its signatures were checked.
    pub fn parse(text: &[u8]) -> Result<Self, EnvelopeError> {
        if text.len() > Self::LIMIT {
            return Err(EnvelopeError::TooLarge { found: text.len(), limit: Self::LIMIT });
        }
        let whole: Whole = serde_json::from_slice(text).map_err(EnvelopeError::Json)?;
        let (found, limit) = (whole.signatures.len(), Self::SIGNATURES_LIMIT);
        if found == 0 || found > limit {
            return Err(EnvelopeError::Signatures { found, limit });
        }
        let payload = decode("payload", &whole.payload)?;
        let mut signatures = Vec::new();
        for one in whole.signatures {
            let key_id = one.keyid.filter(|key_id| !key_id.is_empty());
            signatures.push(EnvelopeSignature { key_id, plain: decode("sig", &one.sig)? });
        }
        Ok(Self { payload_type: whole.payload_type, payload, signatures })
    }

    /// Returns its text: canonical JSON and a line end.
    pub fn to_text(&self) -> Result<Vec<u8>, JsonError> {
        let signature = |signature: &EnvelopeSignature| {
            let mut value = json!({ "sig": STANDARD.encode(&signature.plain) });
            if let Some(key_id) = &signature.key_id {
                value["keyid"] = json!(key_id);
            }
            value
        };
        let signatures: Vec<_> = self.signatures.iter().map(signature).collect();
        let mut text = canonical(&json!({
            "payload": STANDARD.encode(&self.payload),
            "payloadType": self.payload_type,
            "signatures": signatures,
        }))?;
        text.push(b'\n');
        Ok(text)
    }

    /// Returns what the payload is.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// Returns the payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the signatures.
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }

    /// Returns what is signed.
    pub fn signed(&self) -> Vec<u8> {
        encoding(&self.payload_type, &self.payload)
    }

    /// Adds the signature of a key, in place of an earlier one.
    pub fn sign(&mut self, key: &PrivateKey) -> Result<(), SignError> {
        let plain = key.sign_bytes(&self.signed())?;
        self.add(&key.public_key(), plain);
        Ok(())
    }

    /// Prepares the signature of a key that an SSH agent holds.
    pub fn unsigned(&self, key: &PublicKey) -> Result<Unsigned, SignError> {
        Unsigned::of_bytes(key, self.signed())
    }

    /// Adds the signature that an SSH agent answered with.
    pub fn sign_by_agent(&mut self, unsigned: &Unsigned, answer: &[u8]) -> Result<(), EnvelopeAgentError> {
        if unsigned.signed() != self.signed() {
            return Err(EnvelopeAgentError::Other);
        }
        let plain = unsigned.plain(answer)?;
        self.add(&unsigned.key(), plain);
        Ok(())
    }

    /// Checks that one of the signatures is by a key; otherwise returns why the one is not that names the key, or the last one.
    pub fn verify(&self, key: &PublicKey) -> Result<(), Refusal> {
        let (signed, id) = (self.signed(), key.id());
        let mut refusal = Refusal::Bytes;
        let is_named = |signature: &&EnvelopeSignature| signature.key_id.as_ref() == Some(&id);
        let (named, others): (Vec<_>, Vec<_>) = self.signatures.iter().partition(is_named);
        for signature in others.into_iter().chain(named) {
            match key.check_bytes(&signed, &signature.plain) {
                Ok(()) => return Ok(()),
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }

    fn add(&mut self, key: &PublicKey, plain: Vec<u8>) {
        let key_id = Some(key.id());
        self.signatures.retain(|signature| signature.key_id != key_id);
        self.signatures.push(EnvelopeSignature { key_id, plain });
        self.signatures.sort_by(|a, b| (&a.key_id, &a.plain).cmp(&(&b.key_id, &b.plain)));
    }
}

/// Returns what is signed of a payload: DSSE's pre-authentication encoding.
fn encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    let alphabets: [GeneralPurpose; 3] = [STANDARD, URL_SAFE, URL_SAFE_NO_PAD];
    let found = alphabets.iter().find_map(|alphabet| alphabet.decode(text).ok());
    found.ok_or(EnvelopeError::Base64 { field })
}

#[cfg(test)]
mod tests;
