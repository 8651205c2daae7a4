//! The algorithms below all formats.
//!
//! | algorithm | signs with a key in a file | of what |
//! |---|---|---|
//! | ed25519 | yes | the bytes |
//! | ECDSA over P-256, P-384 | yes, by RFC 6979 | their SHA-256, SHA-384 digest |
//! | ECDSA over P-521 | no: the library would draw a number | their SHA-512 digest |
//! | RSA (PKCS1 v1.5) | no: the time that it takes tells of the key | their SHA-256 or SHA-512 digest |
//! | ed25519 and P-256 in a FIDO device | no: the device has it | what [`security_key`] puts around them |
//!
//! What doesn't sign with a key in a file signs through an agent, and all of it is checked.

mod rsa;
mod security_key;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ed25519_dalek::Signer as _;
use kit_hash::Sha256;
use p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use ssh_key::sha2::{Digest as _, Sha384, Sha512};

pub(super) use self::rsa::{RSA_BITS, RsaHash, RsaKey, RsaSignature};
pub(super) use self::security_key::{SecurityKey, Touched};
use super::prehash::Prehash;
use super::ssh::wire;

/// The private half of a key.
pub(super) enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
    P384(Box<p384::ecdsa::SigningKey>),
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Public {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::PublicKey>),
    Rsa(Box<RsaKey>),
    SecurityKey(Box<SecurityKey>),
}

/// What an algorithm makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Ed25519([u8; 64]),
    P256(p256::ecdsa::Signature),
    P384(Box<p384::ecdsa::Signature>),
    P521(Box<p521::ecdsa::Signature>),
    Rsa(RsaSignature),
    SecurityKey(Box<Touched>),
}

impl Secret {
    pub(super) fn ed25519(seed: &[u8; 32]) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Makes one of a number; nothing when it isn't one of the curve's.
    pub(super) fn p256(number: &[u8]) -> Option<Self> {
        p256::ecdsa::SigningKey::from_slice(number).ok().map(Self::P256)
    }

    /// Makes one of a number; nothing when it isn't one of the curve's.
    pub(super) fn p384(number: &[u8]) -> Option<Self> {
        p384::ecdsa::SigningKey::from_slice(number).ok().map(|key| Self::P384(Box::new(key)))
    }

    pub(super) fn public(&self) -> Public {
        match self {
            Self::Ed25519(key) => Public::Ed25519(key.verifying_key()),
            Self::P256(key) => Public::P256(*key.verifying_key()),
            Self::P384(key) => Public::P384(Box::new(*key.verifying_key())),
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
            Self::P384(key) => {
                let signature = key.sign_prehash(&Sha384::digest(prehashed));
                let signature =
                    signature.expect("because a SHA-384 digest is as long as the curve's numbers");
                Raw::P384(Box::new(signature))
            }
        }
    }

    /// Signs bytes that are in memory.
    pub(super) fn sign_bytes(&self, bytes: &[u8]) -> Raw {
        match self {
            Self::Ed25519(_) | Self::P384(_) => self.sign(bytes),
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

    /// Reads an uncompressed point of P-384.
    pub(super) fn p384(point: &[u8]) -> Option<Self> {
        if point.len() != 97 {
            return None;
        }
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
        Some(Self::P384(Box::new(key)))
    }

    /// Reads an uncompressed point of P-521.
    pub(super) fn p521(point: &[u8]) -> Option<Self> {
        if point.len() != 133 {
            return None;
        }
        p521::PublicKey::from_sec1_bytes(point).ok().map(|key| Self::P521(Box::new(key)))
    }

    /// Returns the fingerprint as OpenSSH shows it, whatever format the key came in.
    pub(super) fn id(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::of(&wire::public_blob(self)).as_bytes()))
    }

    /// Returns what is made of a file before this key signs it plainly.
    pub(super) fn prehash(&self) -> Prehash {
        match self {
            Self::P256(_) => Prehash::Sha256,
            Self::Ed25519(_) | Self::P384(_) | Self::P521(_) | Self::Rsa(_) | Self::SecurityKey(_) => {
                Prehash::Whole
            }
        }
    }

    /// Checks a signature of what [`Public::prehash`] names.
    pub(super) fn is_by(&self, prehashed: &[u8], signature: &Raw) -> bool {
        match (self, signature) {
            (Self::P256(key), Raw::P256(signature)) => key.verify_prehash(prehashed, signature).is_ok(),
            (Self::P256(_), _) => false,
            (_, signature) => self.is_by_bytes(prehashed, signature),
        }
    }

    /// Checks a signature of bytes that are in memory.
    pub(super) fn is_by_bytes(&self, bytes: &[u8], signature: &Raw) -> bool {
        match (self, signature) {
            (Self::Ed25519(key), Raw::Ed25519(signature)) => {
                key.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
            }
            (Self::P256(_), Raw::P256(_)) => self.is_by(Sha256::of(bytes).as_bytes(), signature),
            (Self::P384(key), Raw::P384(signature)) => {
                key.verify_prehash(&Sha384::digest(bytes), &**signature).is_ok()
            }
            (Self::P521(key), Raw::P521(signature)) => {
                let key = p521::ecdsa::VerifyingKey::from_affine(*key.as_affine());
                key.is_ok_and(|key| key.verify_prehash(&Sha512::digest(bytes), &**signature).is_ok())
            }
            (Self::Rsa(key), Raw::Rsa(signature)) => key.is_by(bytes, signature),
            (Self::SecurityKey(key), Raw::SecurityKey(signature)) => key.is_by(bytes, signature),
            (_, _) => false,
        }
    }

    /// Reads a plain signature by this key; a security key makes none.
    pub(super) fn raw(&self, plain: &[u8]) -> Option<Raw> {
        match self {
            Self::Ed25519(_) => plain.try_into().ok().map(Raw::Ed25519),
            Self::P256(_) => p256::ecdsa::Signature::from_der(plain).ok().map(Raw::P256),
            Self::P384(_) => {
                p384::ecdsa::Signature::from_der(plain).ok().map(|signature| Raw::P384(Box::new(signature)))
            }
            Self::P521(_) => {
                p521::ecdsa::Signature::from_der(plain).ok().map(|signature| Raw::P521(Box::new(signature)))
            }
            Self::Rsa(_) => Some(Raw::Rsa(RsaSignature { hash: RsaHash::Sha256, bytes: plain.to_vec() })),
            Self::SecurityKey(_) => None,
        }
    }
}

impl Raw {
    /// Returns it as PEM's world has it: ed25519 and RSA as they are, ECDSA in DER. What a security key makes has no such form.
    pub(super) fn to_plain(&self) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(signature) => Some(signature.to_vec()),
            Self::P256(signature) => Some(signature.to_der().as_bytes().to_vec()),
            Self::P384(signature) => Some(signature.to_der().as_bytes().to_vec()),
            Self::P521(signature) => Some(signature.to_der().as_bytes().to_vec()),
            Self::Rsa(signature) => Some(signature.bytes.clone()),
            Self::SecurityKey(_) => None,
        }
    }

    /// Whether somebody who was there made it, as far as it tells: only security keys do.
    pub(super) fn is_touched(&self) -> bool {
        match self {
            Self::SecurityKey(touched) => touched.is_present(),
            Self::Ed25519(_) | Self::P256(_) | Self::P384(_) | Self::P521(_) | Self::Rsa(_) => true,
        }
    }
}
