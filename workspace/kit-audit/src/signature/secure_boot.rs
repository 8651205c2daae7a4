//! Signatures of Secure Boot (Authenticode): what UEFI firmware checks before it starts a program.
//!
//! ```text
//! PKCS#7 SignedData, version 1, SHA-256
//! ├─ content      SPC_INDIRECT_DATA: "a program", its Authenticode digest
//! ├─ certificate  that of the key, whole
//! └─ signer       issuer and serial number of the certificate, two signed attributes (kind of content, its digest), RSA with PKCS1 v1.5
//! ```
//! Root hashes of dm-verity are signed in the same structure, without content, certificate and attributes, as Linux has it.
//! Nothing tells when it was made, so the same key, certificate and program give the same signature. RSA is the only kind of key that all
//! firmware takes. The library's arithmetic takes a time that tells of the number that it works on (RUSTSEC-2023-0071), so that number is
//! blinded, by a factor that the secret itself and what is signed determine: it changes no byte of the signature, and nobody else knows it.

mod certificate;
mod der;
mod numbers;
mod signed_data;
mod throw_away;

use std::fmt;

use kit_hash::Sha256;
use pkcs8::PrivateKeyInfo;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::sha2::{self, Digest as _};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};

pub use self::certificate::{Certificate, CertificateError};
use self::numbers::Numbers;
pub use self::throw_away::throw_away;
use super::Format;
use super::algorithm::RSA_BITS;
use super::armour::Armour;
use super::damage::Damage;
use super::error::KeyError;
use super::pem::open_pkcs8;
use super::public_key::PublicKey;

/// The private half of an RSA key. What it shows of itself is how long it is.
pub struct RsaKey(RsaPrivateKey);

impl RsaKey {
    /// Reads a key in PEM: PKCS8, with a passphrase or without one, or PKCS1. [`KeyError::NeedsPassphrase`] asks to be called again with one.
    pub fn parse(bytes: &[u8], passphrase: Option<&str>) -> Result<Self, KeyError> {
        if bytes.len() > PublicKey::LIMIT {
            return Err(KeyError::TooLarge { found: bytes.len(), limit: PublicKey::LIMIT });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| KeyError::Unknown)?;
        if !text.trim_ascii().starts_with("-----BEGIN ") {
            return Err(KeyError::Unknown);
        }
        let armour = Armour::read_only(text.trim_ascii()).map_err(damaged)?;
        let key = match armour.label.as_str() {
            "PRIVATE KEY" => pkcs8_key(&armour.bytes)?,
            "RSA PRIVATE KEY" => {
                RsaPrivateKey::from_pkcs1_der(&armour.bytes).map_err(|_| invalid("PKCS1 structure"))?
            }
            "ENCRYPTED PRIVATE KEY" => pkcs8_key(open_pkcs8(&armour.bytes, passphrase)?.as_bytes())?,
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => return Err(KeyError::IsPublic),
            _ => return Err(KeyError::Algorithm { found: armour.label }),
        };
        if !RSA_BITS.contains(&key.n().bits()) {
            return Err(KeyError::Algorithm { found: format!("RSA of {} bits", key.n().bits()) });
        }
        key.validate().map_err(|_| damaged(Damage::Halves))?;
        Ok(Self(key))
    }

    /// Signs the Authenticode digest of a program, as whoever the certificate is about; returns the PKCS#7 structure. Nothing when the
    /// certificate is about another key.
    pub fn sign(&self, digest: &Sha256, certificate: &Certificate) -> Option<Vec<u8>> {
        if !self.is_of(certificate) {
            return None;
        }
        let content = signed_data::content(digest);
        let attributes = signed_data::attributes(&content);
        let signature = self.raw(&attributes);
        Some(signed_data::structure(&content, &attributes, certificate, &signature))
    }

    /// Signs bytes that stay where they are, as whoever the certificate is about; returns the PKCS#7 structure, in which neither of them is.
    /// Nothing when the certificate is about another key.
    pub fn sign_detached(&self, bytes: &[u8], certificate: &Certificate) -> Option<Vec<u8>> {
        self.is_of(certificate).then(|| signed_data::detached(certificate, &self.raw(bytes)))
    }

    /// Whether a certificate is about this key.
    fn is_of(&self, certificate: &Certificate) -> bool {
        certificate.key() == Some(RsaPublicKey::from(&self.0))
    }

    /// Signs bytes.
    fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let digest = sha2::Sha256::digest(bytes);
        let mut blinding = Numbers::blinding(&self.0.d().to_bytes_be(), &digest);
        self.0
            .sign_with_rng(&mut blinding, Pkcs1v15Sign::new::<sha2::Sha256>(), &digest)
            .expect("because the key is whole, and longer than a digest")
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaKey").field("bits", &self.0.n().bits()).finish()
    }
}

fn pkcs8_key(der: &[u8]) -> Result<RsaPrivateKey, KeyError> {
    let info = PrivateKeyInfo::try_from(der).map_err(|_| invalid("PKCS8 structure"))?;
    if info.algorithm.oid != rsa::pkcs1::ALGORITHM_OID {
        return Err(KeyError::Algorithm { found: format!("{} (Secure Boot takes RSA)", info.algorithm.oid) });
    }
    RsaPrivateKey::try_from(info).map_err(|_| invalid("PKCS1 structure"))
}

fn invalid(part: &'static str) -> KeyError {
    damaged(Damage::Invalid { part })
}

fn damaged(damage: Damage) -> KeyError {
    KeyError::Damaged { format: Format::Pem, damage }
}

#[cfg(test)]
mod tests;
