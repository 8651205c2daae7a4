//! The two algorithms below all formats: ed25519, and ECDSA over P-256 with SHA-256.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ed25519_dalek::Signer as _;
use kit_hash::Sha256;
use p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};

use super::prehash::Prehash;
use super::ssh::wire;

/// The private half of a key.
pub(super) enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Public {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

/// What an algorithm makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Ed25519([u8; 64]),
    P256(p256::ecdsa::Signature),
}

impl Secret {
    pub(super) fn ed25519(seed: &[u8; 32]) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Makes one of a number; nothing when it isn't one of the curve's.
    pub(super) fn p256(number: &[u8]) -> Option<Self> {
        p256::ecdsa::SigningKey::from_slice(number).ok().map(Self::P256)
    }

    pub(super) fn public(&self) -> Public {
        match self {
            Self::Ed25519(key) => Public::Ed25519(key.verifying_key()),
            Self::P256(key) => Public::P256(*key.verifying_key()),
        }
    }

    /// Signs what [`Public::prehash`] names.
    pub(super) fn sign(&self, prehashed: &[u8]) -> Raw {
        match self {
            Self::Ed25519(key) => Raw::Ed25519(key.sign(prehashed).to_bytes()),
            Self::P256(key) => {
                let signature = key.sign_prehash(prehashed);
                Raw::P256(signature.expect("because a SHA-256 digest is as long as the curve's numbers"))
            }
        }
    }

    /// Signs bytes that are in memory.
    pub(super) fn sign_bytes(&self, bytes: &[u8]) -> Raw {
        match self {
            Self::Ed25519(_) => self.sign(bytes),
            Self::P256(_) => self.sign(Sha256::of(bytes).as_bytes()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret").field(&self.public().id()).finish()
    }
}

impl Public {
    /// Reads an ed25519 key; nothing when it is no point of the curve, or one with which anybody can sign.
    pub(super) fn ed25519(point: &[u8; 32]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(point).ok()?;
        (!key.is_weak()).then_some(Self::Ed25519(key))
    }

    /// Reads an uncompressed point of P-256.
    pub(super) fn p256(point: &[u8]) -> Option<Self> {
        if point.len() != 65 {
            return None;
        }
        p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P256)
    }

    /// Returns the fingerprint as OpenSSH shows it, whatever format the key came in.
    pub(super) fn id(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::of(&wire::public_blob(self)).as_bytes()))
    }

    /// Returns what is made of a file before this key signs it plainly.
    pub(super) fn prehash(&self) -> Prehash {
        match self {
            Self::Ed25519(_) => Prehash::Whole,
            Self::P256(_) => Prehash::Sha256,
        }
    }

    /// Checks a signature of what [`Public::prehash`] names.
    pub(super) fn is_by(&self, prehashed: &[u8], signature: &Raw) -> bool {
        match (self, signature) {
            (Self::Ed25519(key), Raw::Ed25519(signature)) => {
                key.verify_strict(prehashed, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
            }
            (Self::P256(key), Raw::P256(signature)) => key.verify_prehash(prehashed, signature).is_ok(),
            (Self::Ed25519(_), Raw::P256(_)) | (Self::P256(_), Raw::Ed25519(_)) => false,
        }
    }

    /// Checks a signature of bytes that are in memory.
    pub(super) fn is_by_bytes(&self, bytes: &[u8], signature: &Raw) -> bool {
        match self {
            Self::Ed25519(_) => self.is_by(bytes, signature),
            Self::P256(_) => self.is_by(Sha256::of(bytes).as_bytes(), signature),
        }
    }

    /// Reads a plain signature by this key.
    pub(super) fn raw(&self, plain: &[u8]) -> Option<Raw> {
        match self {
            Self::Ed25519(_) => plain.try_into().ok().map(Raw::Ed25519),
            Self::P256(_) => p256::ecdsa::Signature::from_der(plain).ok().map(Raw::P256),
        }
    }
}

impl Raw {
    /// Returns it as PEM's world has it: ed25519 as it is, ECDSA in DER.
    pub(super) fn to_plain(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(signature) => signature.to_vec(),
            Self::P256(signature) => signature.to_der().as_bytes().to_vec(),
        }
    }
}
