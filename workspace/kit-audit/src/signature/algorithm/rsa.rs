//! RSA with PKCS1 v1.5, to check only; what signs with it is Secure Boot alone.

use std::ops::RangeInclusive;

use rsa::sha2::{Digest as _, Sha256, Sha512};
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};

/// The bits of a key: fewer can be broken, more take long, whoever made it.
pub(in super::super) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RsaKey(RsaPublicKey);

/// Which digest is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum RsaHash {
    Sha256,
    Sha512,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RsaSignature {
    pub(in super::super) hash: RsaHash,
    pub(in super::super) bytes: Vec<u8>,
}

impl RsaKey {
    /// Makes a key of exponent and modulus; nothing when it is too short, too long or none.
    pub(in super::super) fn new(exponent: &[u8], modulus: &[u8]) -> Option<Self> {
        let (exponent, modulus) = (BigUint::from_bytes_be(exponent), BigUint::from_bytes_be(modulus));
        if !RSA_BITS.contains(&modulus.bits()) {
            return None;
        }
        RsaPublicKey::new_with_max_size(modulus, exponent, *RSA_BITS.end()).ok().map(Self)
    }

    /// Returns exponent and modulus, without zeros in front.
    pub(in super::super) fn numbers(&self) -> [Vec<u8>; 2] {
        [self.0.e(), self.0.n()].map(BigUint::to_bytes_be)
    }

    pub(in super::super) fn key(&self) -> &RsaPublicKey {
        &self.0
    }

    pub(super) fn is_by(&self, bytes: &[u8], signature: &RsaSignature) -> bool {
        let (scheme, digest) = match signature.hash {
            RsaHash::Sha256 => (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(bytes).to_vec()),
            RsaHash::Sha512 => (Pkcs1v15Sign::new::<Sha512>(), Sha512::digest(bytes).to_vec()),
        };
        self.0.verify(scheme, &digest, &signature.bytes).is_ok()
    }
}
