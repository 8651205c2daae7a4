//! Keys in FIDO devices (OpenSSH's `PROTOCOL.u2f`): what they sign says whether somebody was there.
//!
//! ```text
//! signed    SHA-256 of the application   u8 flags   u32 counter   SHA-256 of the bytes
//! flags     1: somebody touched the device   4: and was recognised
//! ```

use kit_hash::Sha256;

use super::{Public, Raw};

/// Somebody touched the device.
const PRESENT: u8 = 1;

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct SecurityKey {
    /// The device's key: ed25519 or P-256.
    pub(in super::super) key: Public,
    /// What it was made for, mostly `ssh:`.
    pub(in super::super) application: Vec<u8>,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Touched {
    /// The device's signature.
    pub(in super::super) raw: Raw,
    /// What the device says about who was there.
    pub(in super::super) flags: u8,
    /// How often the device signed.
    pub(in super::super) counter: u32,
}

impl SecurityKey {
    /// Returns what the device signs for bytes.
    pub(in super::super) fn signed(&self, bytes: &[u8], flags: u8, counter: u32) -> Vec<u8> {
        let (application, message) = (Sha256::of(&self.application), Sha256::of(bytes));
        [application.as_bytes().as_slice(), &[flags], &counter.to_be_bytes(), message.as_bytes()].concat()
    }

    pub(super) fn is_by(&self, bytes: &[u8], touched: &Touched) -> bool {
        let signed = self.signed(bytes, touched.flags, touched.counter);
        touched.is_present() && self.key.is_by_bytes(&signed, &touched.raw)
    }
}

impl Touched {
    /// Whether somebody was there.
    pub(in super::super) fn is_present(&self) -> bool {
        self.flags & PRESENT != 0
    }
}
