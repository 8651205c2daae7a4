//! Signing by an SSH agent: what is asked, and what is made of its answer. The socket is somebody else's.
//!
//! ```text
//! message     u32 size of the rest   u8 kind   …                                        both ways
//! 11 → 12     u32 count   (string key   string comment)…                                which keys there are
//! 13 → 14     string key   string what to sign   u32 flags   →   string signature       one signature
//! 5           it won't
//! ```
//! Agents sign with ed25519 and RSA the same way each time; with ECDSA they draw a number, and devices count, so their signatures of one file
//! differ.

use std::io::Read;

use super::super::algorithm::{Public, Raw, RsaHash};
use super::super::damage::Damage;
use super::super::error::SignError;
use super::super::prehash::Prehash;
use super::super::public_key::{Half, PublicKey};
use super::super::{Kind, Signature};
use super::wire::{self, Reader};
use super::{SshSignature, signed};

/// The most bytes that a message to or from an agent may have behind its size, as in OpenSSH.
pub const LIMIT: usize = 256 << 10;
/// The most keys that an agent may hold, as in OpenSSH.
const KEYS_LIMIT: u32 = 2048;

const FAILURE: u8 = 5;
const ASK_KEYS: u8 = 11;
const KEYS: u8 = 12;
const ASK_SIGNATURE: u8 = 13;
const SIGNATURE: u8 = 14;
/// Which digest RSA keys sign: without these flags, SHA-1's.
const RSA_SHA256: u32 = 2;
const RSA_SHA512: u32 = 4;

/// Why an agent didn't sign.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It refused.
    #[error("the agent refused: it doesn't hold the key, is locked, or somebody said no")]
    Refused,
    /// A message is too large.
    #[error("a message has {found} bytes, an agent's at most {limit}")]
    TooLarge {
        /// How large it is.
        found: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It answered something else.
    #[error("the agent answered with a message of kind {found}, not {expected}")]
    Kind {
        /// The kind of its answer.
        found: u8,
        /// The kind that answers the request.
        expected: u8,
    },
    /// Its answer is broken.
    #[error("the agent's answer is damaged")]
    Damaged(#[from] Damage),
    /// It signed in another way than asked.
    #[error("the agent signed with `{found}`")]
    Algorithm {
        /// With what.
        found: String,
    },
    /// Nobody touched the device.
    #[error("nobody touched the device that has the key")]
    Untouched,
    /// What it gave is no signature of what was asked.
    #[error("the agent's signature isn't one by the key")]
    Wrong,
}

/// A key that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The public half.
    pub key: PublicKey,
    /// What its owner calls it.
    pub comment: String,
}

/// Returns the request for all keys, size and all.
pub fn keys_request() -> Vec<u8> {
    message(ASK_KEYS, &[])
}

/// Returns how many bytes of an answer follow behind the four that tell.
pub fn answer_size(size: [u8; 4]) -> Result<usize, AgentError> {
    let found = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX);
    if found > LIMIT { Err(AgentError::TooLarge { found, limit: LIMIT }) } else { Ok(found) }
}

/// Reads the answer to [`keys_request`], without its size: the keys that kit can use, in the agent's order.
pub fn keys(answer: &[u8]) -> Result<Vec<Identity>, AgentError> {
    let mut reader = body(answer, KEYS)?;
    let count = reader.u32()?;
    if count > KEYS_LIMIT {
        return Err(Damage::Invalid { part: "number of keys" }.into());
    }
    let mut identities = Vec::new();
    for _ in 0..count {
        let (blob, comment) = (reader.string()?, reader.string()?);
        // Keys of other kinds may look like anything.
        if let Ok(Ok(key)) = wire::read_public_blob(blob) {
            let comment = String::from_utf8_lossy(comment).into_owned();
            identities.push(Identity { key: PublicKey::new(Half::Ssh(key)), comment });
        }
    }
    reader.end()?;
    Ok(identities)
}

/// What waits for an agent's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    key: Public,
    signed: Vec<u8>,
    /// What an RSA key has to sign.
    hash: RsaHash,
}

impl Unsigned {
    /// Prepares the signature of a file by a key in OpenSSH's format.
    pub fn new(key: &PublicKey, message: &mut dyn Read) -> Result<Self, SignError> {
        let digest = Prehash::Sha512.of(message)?.ok_or(SignError::TooLarge)?;
        Self::new_as(key, signed(&digest), RsaHash::Sha512)
    }

    /// Prepares a plain signature of bytes, as envelopes have it.
    pub(crate) fn of_bytes(key: &PublicKey, signed: Vec<u8>) -> Result<Self, SignError> {
        if let Half::Ssh(Public::SecurityKey(_)) = key.half() {
            return Err(SignError::SecurityKey);
        }
        Self::new_as(key, signed, RsaHash::Sha256)
    }

    fn new_as(key: &PublicKey, signed: Vec<u8>, hash: RsaHash) -> Result<Self, SignError> {
        match key.half() {
            Half::Ssh(key) => Ok(Self { key: key.clone(), signed, hash }),
            Half::Minisign(..) | Half::Pem(_) => {
                Err(SignError::Format { format: key.format(), what: "through an agent" })
            }
        }
    }

    /// Returns the request to sign, size and all.
    pub fn request(&self) -> Result<Vec<u8>, AgentError> {
        let blob = wire::public_blob(&self.key);
        let found = self.signed.len() + blob.len() + 512;
        if found > LIMIT {
            return Err(AgentError::TooLarge { found, limit: LIMIT });
        }
        let mut rest = Vec::new();
        wire::put_string(&mut rest, &blob);
        wire::put_string(&mut rest, &self.signed);
        let flags = match (&self.key, self.hash) {
            (Public::Rsa(_), RsaHash::Sha256) => RSA_SHA256,
            (Public::Rsa(_), RsaHash::Sha512) => RSA_SHA512,
            (_, _) => 0,
        };
        rest.extend_from_slice(&flags.to_be_bytes());
        Ok(message(ASK_SIGNATURE, &rest))
    }

    /// Makes the signature of the answer to [`Unsigned::request`], without its size, once it was checked.
    pub fn signature(&self, answer: &[u8]) -> Result<Signature, AgentError> {
        Ok(Signature(Kind::Ssh(SshSignature::new(self.key.clone(), self.raw(answer)?))))
    }

    /// Returns the plain signature.
    pub(crate) fn plain(&self, answer: &[u8]) -> Result<Vec<u8>, AgentError> {
        let none = || AgentError::Algorithm { found: wire::name(&self.key).to_owned() };
        self.raw(answer)?.to_plain().ok_or_else(none)
    }

    pub(crate) fn key(&self) -> PublicKey {
        PublicKey::new(Half::Ssh(self.key.clone()))
    }

    pub(crate) fn signed(&self) -> &[u8] {
        &self.signed
    }

    fn raw(&self, answer: &[u8]) -> Result<Raw, AgentError> {
        let mut reader = body(answer, SIGNATURE)?;
        let raw = wire::read_signature_blob(reader.string()?)?;
        let raw = raw.map_err(|found| AgentError::Algorithm { found })?;
        reader.end()?;
        if let Raw::Rsa(rsa) = &raw
            && rsa.hash != self.hash
        {
            return Err(AgentError::Algorithm { found: wire::algorithm(&raw).to_owned() });
        }
        if !raw.is_touched() {
            return Err(AgentError::Untouched);
        }
        if self.key.is_by_bytes(&self.signed, &raw) { Ok(raw) } else { Err(AgentError::Wrong) }
    }
}

fn body(answer: &[u8], expected: u8) -> Result<Reader<'_>, AgentError> {
    let mut reader = Reader(answer);
    match reader.byte()? {
        FAILURE => Err(AgentError::Refused),
        found if found == expected => Ok(reader),
        found => Err(AgentError::Kind { found, expected }),
    }
}

fn message(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    wire::put_string(&mut message, &[&[kind], rest].concat());
    message
}
