//! A certificate: what of it a signature needs.

use rsa::RsaPublicKey;
use rsa::pkcs8::DecodePublicKey as _;

use super::super::armour::Armour;
use super::super::damage::Damage;
use super::der::{INTEGER, SEQUENCE, expect};

/// A certificate (X.509), not checked: whom firmware trusts is told by its own lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    key: Vec<u8>,
}

/// Why bytes are no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is larger than any certificate.
    #[error("it has {found} bytes, a certificate at most {limit}")]
    TooLarge {
        /// How large it is.
        found: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It is something else.
    #[error("it is no certificate in PEM, but `{found}`")]
    Other {
        /// How it calls itself.
        found: String,
    },
    /// It is broken.
    #[error("the certificate is damaged")]
    Damaged {
        /// What is wrong.
        #[source]
        damage: Damage,
    },
}

impl CertificateError {
    /// Returns what to do about it, where there is something.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Other { .. } => Some("name the key first and the certificate second"),
            Self::Damaged { damage: Damage::Armour { .. } | Damage::Text } => {
                Some("write it in PEM: `openssl x509 -inform der -in FILE -out FILE.pem`")
            }
            Self::TooLarge { .. } | Self::Damaged { .. } => None,
        }
    }
}

impl Certificate {
    /// The most bytes that a certificate may have.
    pub const LIMIT: usize = 64 << 10;

    /// Reads a certificate in PEM, the first one of several.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > Self::LIMIT {
            return Err(CertificateError::TooLarge { found: bytes.len(), limit: Self::LIMIT });
        }
        let damaged = |damage| CertificateError::Damaged { damage };
        let text = std::str::from_utf8(bytes).map_err(|_| damaged(Damage::Text))?;
        // `openssl x509 -text` writes for people before it.
        let text = text.find("-----BEGIN ").map_or(text, |at| &text[at..]);
        let (armour, _) = Armour::read(text).map_err(damaged)?;
        if armour.label != "CERTIFICATE" {
            return Err(CertificateError::Other { found: armour.label });
        }
        Self::read(armour.bytes).ok_or(damaged(Damage::Invalid { part: "structure" }))
    }

    pub(super) fn read(der: Vec<u8>) -> Option<Self> {
        const VERSION: u8 = 0xa0;
        let (all, rest) = expect(&der, SEQUENCE)?;
        if !rest.is_empty() {
            return None;
        }
        let (signed, _) = expect(all.content, SEQUENCE)?;
        let rest = expect(signed.content, VERSION).map_or(signed.content, |(_, rest)| rest);
        let (serial, rest) = expect(rest, INTEGER)?;
        let (_algorithm, rest) = expect(rest, SEQUENCE)?;
        let (issuer, rest) = expect(rest, SEQUENCE)?;
        let (_validity, rest) = expect(rest, SEQUENCE)?;
        let (_subject, rest) = expect(rest, SEQUENCE)?;
        let (key, _) = expect(rest, SEQUENCE)?;
        let [serial, issuer, key] = [serial, issuer, key].map(|value| value.whole.to_vec());
        Some(Self { der, serial, issuer, key })
    }

    /// Returns it in DER, as firmware's lists have it.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns its serial number, in DER.
    pub(super) fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Returns who made it, in DER.
    pub(super) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// Returns the key that it is about, if that is one of RSA.
    pub(super) fn key(&self) -> Option<RsaPublicKey> {
        RsaPublicKey::from_public_key_der(&self.key).ok()
    }
}
