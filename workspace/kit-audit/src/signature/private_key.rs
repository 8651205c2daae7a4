//! The private half of a key, and signing with it.

use std::fmt;
use std::io::Read;

use ed25519_dalek::SigningKey;

use super::algorithm::{Raw, Secret};
use super::armour::Armour;
use super::damage::Damage;
use super::error::{KeyError, SignError};
use super::minisign::{MinisignSignature, Number};
use super::prehash::Prehash;
use super::public_key::{Half, PublicKey};
use super::ssh::SshSignature;
use super::{Format, Kind, Signature, minisign, pem, ssh};

/// What an OpenSSH private key starts with.
const OPENSSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";

/// The private half of a key. What it shows of itself is the public half.
pub struct PrivateKey(Whole);

/// What a private key consists of, by format.
enum Whole {
    Ssh(Secret),
    Minisign(SigningKey, Number),
    Pem(Secret),
}

impl PrivateKey {
    /// Reads a key in any of the formats. [`KeyError::NeedsPassphrase`] asks to be called again with one; a key that isn't encrypted
    /// doesn't look at it.
    pub fn parse(bytes: &[u8], passphrase: Option<&str>) -> Result<Self, KeyError> {
        if bytes.len() > PublicKey::LIMIT {
            return Err(KeyError::TooLarge { found: bytes.len(), limit: PublicKey::LIMIT });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| KeyError::Unknown)?;
        let text = text.trim_ascii();
        if text.starts_with(OPENSSH) {
            let damaged = |damage: Damage| KeyError::Damaged { format: Format::Ssh, damage };
            let armour = Armour::read_only(text).map_err(damaged)?;
            return ssh::read_private(&armour.bytes, passphrase).map(|key| Self(Whole::Ssh(key)));
        }
        if text.starts_with("-----BEGIN ") {
            return pem::read_private(text, passphrase).map(|key| Self(Whole::Pem(key)));
        }
        if text.starts_with(minisign::UNTRUSTED) {
            return minisign::read_secret(text, passphrase)
                .map(|(key, number)| Self(Whole::Minisign(key, number)));
        }
        if PublicKey::parse(text).is_ok() {
            return Err(KeyError::IsPublic);
        }
        Err(KeyError::Unknown)
    }

    /// Returns the public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::new(match &self.0 {
            Whole::Ssh(key) => Half::Ssh(key.public()),
            Whole::Minisign(key, number) => Half::Minisign(key.verifying_key(), *number),
            Whole::Pem(key) => Half::Pem(key.public()),
        })
    }

    /// Returns its format.
    pub fn format(&self) -> Format {
        self.public_key().format()
    }

    /// Signs what is read. The comment is what minisign signs besides, a line such as `file:server.iso`; other formats have no place for one.
    pub fn sign(&self, message: &mut dyn Read, comment: &str) -> Result<Signature, SignError> {
        let mut made = |prehash: Prehash| prehash.of(message)?.ok_or(SignError::TooLarge);
        let kind = match &self.0 {
            Whole::Ssh(key) => {
                let signed = ssh::signed(&made(Prehash::Sha512)?);
                Kind::Ssh(SshSignature::new(key.public(), key.sign_bytes(&signed)))
            }
            Whole::Minisign(key, number) => {
                let digest = made(Prehash::Blake2b)?;
                Kind::Minisign(MinisignSignature::sign(key, *number, &digest, comment)?)
            }
            Whole::Pem(key) => Kind::Pem(plain(&key.sign(&made(key.public().prehash())?))),
        };
        Ok(Signature(kind))
    }

    /// Signs bytes that are in memory plainly, as envelopes have it.
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.0 {
            Whole::Ssh(key) | Whole::Pem(key) => Ok(plain(&key.sign_bytes(bytes))),
            Whole::Minisign(..) => Err(SignError::Format { format: Format::Minisign, what: "envelopes" }),
        }
    }
}

fn plain(raw: &Raw) -> Vec<u8> {
    raw.to_plain().expect("because only security keys make none, and their private halves are in them")
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.public_key().id()).finish()
    }
}
