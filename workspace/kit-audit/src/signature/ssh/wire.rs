//! How SSH writes keys, signatures and what is in them (RFC 4251, RFC 5656, RFC 8709).

use super::super::algorithm::{Public, Raw};
use super::super::damage::Damage;

const ED25519: &str = "ssh-ed25519";
const P256: &str = "ecdsa-sha2-nistp256";
const CURVE: &str = "nistp256";
/// The algorithms that kit signs with.
pub(super) const NAMES: [&str; 2] = [ED25519, P256];

/// What isn't read yet.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, Damage> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], Damage> {
        let size = self.u32()?;
        self.take(usize::try_from(size).map_err(|_| Damage::Short)?)
    }

    pub(super) fn text(&mut self, part: &'static str) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.string()?).map_err(|_| Damage::Invalid { part })
    }

    pub(super) fn end(&self) -> Result<(), Damage> {
        if self.0.is_empty() { Ok(()) } else { Err(Damage::Extra) }
    }
}

/// Writes a string: how long it is, and what it is.
pub(super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let size =
        u32::try_from(bytes.len()).expect("because keys, digests and envelopes are smaller than 4 GiB");
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(bytes);
}

pub(super) fn name(key: &Public) -> &'static str {
    match key {
        Public::Ed25519(_) => ED25519,
        Public::P256(_) => P256,
    }
}

/// Returns a public key as SSH writes it: what fingerprints are made of.
pub(in super::super) fn public_blob(key: &Public) -> Vec<u8> {
    let mut blob = Vec::new();
    put_string(&mut blob, name(key).as_bytes());
    match key {
        Public::Ed25519(key) => put_string(&mut blob, key.as_bytes()),
        Public::P256(key) => {
            put_string(&mut blob, CURVE.as_bytes());
            put_string(&mut blob, key.to_encoded_point(false).as_bytes());
        }
    }
    blob
}

/// Reads a public key, or the name of an algorithm that kit doesn't know.
pub(super) fn read_public_blob(blob: &[u8]) -> Result<Result<Public, String>, Damage> {
    const PART: &str = "public key";
    let invalid = || Damage::Invalid { part: PART };
    let mut reader = Reader(blob);
    let key = match reader.text("algorithm")? {
        ED25519 => {
            let point = reader.string()?;
            let size = Damage::Size { part: PART, found: point.len(), expected: 32 };
            Public::ed25519(point.try_into().map_err(|_| size)?).ok_or_else(invalid)?
        }
        P256 => {
            if reader.text("curve")? != CURVE {
                return Err(Damage::Invalid { part: "curve" });
            }
            Public::p256(reader.string()?).ok_or_else(invalid)?
        }
        other => return Ok(Err(other.to_owned())),
    };
    reader.end()?;
    Ok(Ok(key))
}

pub(super) fn signature_blob(raw: &Raw) -> Vec<u8> {
    let mut blob = Vec::new();
    match raw {
        Raw::Ed25519(signature) => {
            put_string(&mut blob, ED25519.as_bytes());
            put_string(&mut blob, signature);
        }
        Raw::P256(signature) => {
            let (r, s) = signature.split_bytes();
            let mut pair = Vec::new();
            put_integer(&mut pair, &r);
            put_integer(&mut pair, &s);
            put_string(&mut blob, P256.as_bytes());
            put_string(&mut blob, &pair);
        }
    }
    blob
}

/// Reads a signature, or the name of an algorithm that kit doesn't know.
pub(super) fn read_signature_blob(blob: &[u8]) -> Result<Result<Raw, String>, Damage> {
    let mut reader = Reader(blob);
    let raw = match reader.text("algorithm")? {
        ED25519 => {
            let signature = reader.string()?;
            let size = Damage::Size { part: "signature", found: signature.len(), expected: 64 };
            Raw::Ed25519(signature.try_into().map_err(|_| size)?)
        }
        P256 => {
            let mut pair = Reader(reader.string()?);
            let (r, s) = (read_integer(&mut pair)?, read_integer(&mut pair)?);
            pair.end()?;
            let signature = p256::ecdsa::Signature::from_scalars(r, s);
            Raw::P256(signature.map_err(|_| Damage::Invalid { part: "signature" })?)
        }
        other => return Ok(Err(other.to_owned())),
    };
    reader.end()?;
    Ok(Ok(raw))
}

/// Writes a positive number without needless zeros.
fn put_integer(out: &mut Vec<u8>, number: &[u8]) {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let mut digits = number[zeros..].to_vec();
    if digits.first().is_some_and(|byte| byte & 0x80 != 0) {
        digits.insert(0, 0);
    }
    put_string(out, &digits);
}

/// Reads a positive number of at most 32 bytes, written in the one way that there is.
fn read_integer(reader: &mut Reader<'_>) -> Result<[u8; 32], Damage> {
    let invalid = || Damage::Invalid { part: "signature" };
    let digits = match reader.string()? {
        [0, rest @ ..] if rest.first().is_some_and(|byte| byte & 0x80 != 0) => rest,
        [0 | 0x80.., ..] => return Err(invalid()),
        digits => digits,
    };
    let start = 32_usize.checked_sub(digits.len()).ok_or_else(invalid)?;
    let mut number = [0; 32];
    number[start..].copy_from_slice(digits);
    Ok(number)
}
