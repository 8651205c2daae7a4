//! The public half of a key: what it is called, and whether a signature is by it.

use std::io::Read;

use ed25519_dalek::VerifyingKey;

use super::algorithm::Public;
use super::error::{KeyError, Refusal, VerifyError};
use super::minisign::Number;
use super::prehash::Prehash;
use super::{Format, Kind, Signature, minisign, pem, ssh};

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Half);

/// What a public key consists of, by format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Half {
    Ssh(Public),
    Minisign(VerifyingKey, Number),
    Pem(Public),
}

impl PublicKey {
    /// The most bytes that the text of a key may have.
    pub const LIMIT: usize = 64 << 10;

    pub(super) fn new(half: Half) -> Self {
        Self(half)
    }

    /// Reads a key in any of the formats: a line as in `id_ed25519.pub`, a `minisign.pub` or the one word of it, a PEM file.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > Self::LIMIT {
            return Err(KeyError::TooLarge { found: text.len(), limit: Self::LIMIT });
        }
        let text = text.trim_ascii();
        if text.starts_with("-----BEGIN ") {
            return pem::read_public(text).map(|key| Self(Half::Pem(key)));
        }
        if text.starts_with(minisign::UNTRUSTED) || minisign::is_public_word(text) {
            return minisign::read_public(text).map(|(key, number)| Self(Half::Minisign(key, number)));
        }
        if is_ssh_line(text) {
            return ssh::read_line(text).map(|key| Self(Half::Ssh(key)));
        }
        Err(KeyError::Unknown)
    }

    /// Returns its text, as the tools of its format write it.
    pub fn to_text(&self) -> String {
        match &self.0 {
            Half::Ssh(key) => ssh::to_line(key),
            Half::Minisign(key, number) => minisign::to_public(key, *number),
            Half::Pem(key) => pem::to_public(key),
        }
    }

    /// Returns its fingerprint, as `ssh-keygen -l` shows it; the same key has the same one in every format.
    pub fn id(&self) -> String {
        self.public().id()
    }

    /// Returns its format.
    pub fn format(&self) -> Format {
        match &self.0 {
            Half::Ssh(_) => Format::Ssh,
            Half::Minisign(..) => Format::Minisign,
            Half::Pem(_) => Format::Pem,
        }
    }

    /// Checks a signature of what is read.
    pub fn verify(&self, message: &mut dyn Read, signature: &Signature) -> Result<(), VerifyError> {
        let prehash = self.prehash(signature)?;
        let prehashed = prehash.of(message)?;
        Ok(self.check(signature, prehashed.as_deref())?)
    }

    /// Returns what is made of a file before a signature by this key can be checked.
    pub(super) fn prehash(&self, signature: &Signature) -> Result<Prehash, Refusal> {
        match (&self.0, &signature.0) {
            (Half::Ssh(_), Kind::Ssh(signature)) => Ok(signature.prehash()),
            (Half::Minisign(..), Kind::Minisign(signature)) => Ok(signature.prehash()),
            (Half::Pem(key), Kind::Pem(_)) => Ok(key.prehash()),
            (Half::Ssh(_) | Half::Minisign(..) | Half::Pem(_), _) => {
                Err(Refusal::Format { found: signature.format(), expected: self.format() })
            }
        }
    }

    /// Checks a signature of what [`PublicKey::prehash`] names; nothing when the file was too large for it.
    pub(super) fn check(&self, signature: &Signature, prehashed: Option<&[u8]>) -> Result<(), Refusal> {
        let prehashed = prehashed.ok_or(Refusal::TooLarge)?;
        match (&self.0, &signature.0) {
            (Half::Ssh(key), Kind::Ssh(signature)) => signature.check(key, prehashed),
            (Half::Minisign(key, number), Kind::Minisign(signature)) => {
                signature.check(key, *number, prehashed)
            }
            (Half::Pem(key), Kind::Pem(plain)) => check_plain(key, plain, |raw| key.is_by(prehashed, raw)),
            (Half::Ssh(_) | Half::Minisign(..) | Half::Pem(_), _) => {
                Err(Refusal::Format { found: signature.format(), expected: self.format() })
            }
        }
    }

    /// Checks a plain signature of bytes that are in memory, as envelopes have it.
    pub(crate) fn check_bytes(&self, bytes: &[u8], plain: &[u8]) -> Result<(), Refusal> {
        match &self.0 {
            Half::Ssh(key) | Half::Pem(key) => check_plain(key, plain, |raw| key.is_by_bytes(bytes, raw)),
            Half::Minisign(..) => Err(Refusal::Format { found: Format::Pem, expected: Format::Minisign }),
        }
    }

    pub(super) fn half(&self) -> &Half {
        &self.0
    }

    fn public(&self) -> Public {
        match &self.0 {
            Half::Ssh(key) | Half::Pem(key) => key.clone(),
            Half::Minisign(key, _) => Public::Ed25519(*key),
        }
    }
}

fn check_plain(
    key: &Public,
    plain: &[u8],
    is_by: impl FnOnce(&super::algorithm::Raw) -> bool,
) -> Result<(), Refusal> {
    let raw = key.raw(plain).ok_or_else(|| Refusal::Algorithm { key: key.id() })?;
    if is_by(&raw) { Ok(()) } else { Err(Refusal::Bytes) }
}

fn is_ssh_line(text: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"].iter().any(|start| text.starts_with(start))
}
