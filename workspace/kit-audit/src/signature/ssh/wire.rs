//! How SSH writes keys, signatures and what is in them (RFC 4251, RFC 5656, RFC 8332, RFC 8709, OpenSSH's `PROTOCOL.u2f`).

use super::super::algorithm::{Public, Raw, RsaHash, RsaKey, RsaSignature, SecurityKey, Touched};
use super::super::damage::Damage;

const ED25519: &str = "ssh-ed25519";
const P256: &str = "ecdsa-sha2-nistp256";
const P384: &str = "ecdsa-sha2-nistp384";
const P521: &str = "ecdsa-sha2-nistp521";
const RSA: &str = "ssh-rsa";
const RSA_SHA256: &str = "rsa-sha2-256";
const RSA_SHA512: &str = "rsa-sha2-512";
const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com";
const SK_P256: &str = "sk-ecdsa-sha2-nistp256@openssh.com";
/// The algorithms that kit signs with, given the private half.
pub(super) const IN_FILES: [&str; 3] = [ED25519, P256, P384];
/// Those that only an agent signs with.
pub(super) const IN_AGENTS: [&str; 4] = [P521, RSA, SK_ED25519, SK_P256];
/// The longest application of a security key, in bytes.
const APPLICATION_LIMIT: usize = 1024;

/// What isn't read yet.
pub(in super::super) struct Reader<'a>(pub(in super::super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(in super::super) fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(in super::super) fn byte(&mut self) -> Result<u8, Damage> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(in super::super) fn u32(&mut self) -> Result<u32, Damage> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    pub(in super::super) fn string(&mut self) -> Result<&'a [u8], Damage> {
        let size = self.u32()?;
        self.take(usize::try_from(size).map_err(|_| Damage::Short)?)
    }

    pub(in super::super) fn text(&mut self, part: &'static str) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.string()?).map_err(|_| Damage::Invalid { part })
    }

    pub(in super::super) fn end(&self) -> Result<(), Damage> {
        if self.0.is_empty() { Ok(()) } else { Err(Damage::Extra) }
    }
}

/// Writes a string: how long it is, and what it is.
pub(in super::super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let size =
        u32::try_from(bytes.len()).expect("because keys, digests and envelopes are smaller than 4 GiB");
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(bytes);
}

pub(super) fn name(key: &Public) -> &'static str {
    match key {
        Public::Ed25519(_) => ED25519,
        Public::P256(_) => P256,
        Public::P384(_) => P384,
        Public::P521(_) => P521,
        Public::Rsa(_) => RSA,
        Public::SecurityKey(key) if matches!(key.key, Public::Ed25519(_)) => SK_ED25519,
        Public::SecurityKey(_) => SK_P256,
    }
}

/// Returns a public key as SSH writes it: what fingerprints are made of.
pub(in super::super) fn public_blob(key: &Public) -> Vec<u8> {
    let mut blob = Vec::new();
    put_string(&mut blob, name(key).as_bytes());
    put_public(&mut blob, key);
    blob
}

/// Writes what follows the name of the algorithm.
fn put_public(blob: &mut Vec<u8>, key: &Public) {
    match key {
        Public::Ed25519(key) => put_string(blob, key.as_bytes()),
        Public::P256(key) => put_point(blob, "nistp256", key.to_encoded_point(false).as_bytes()),
        Public::P384(key) => put_point(blob, "nistp384", key.to_encoded_point(false).as_bytes()),
        Public::P521(key) => put_point(blob, "nistp521", &key.to_sec1_bytes()),
        Public::Rsa(key) => key.numbers().iter().for_each(|number| put_integer(blob, number)),
        Public::SecurityKey(key) => {
            put_public(blob, &key.key);
            put_string(blob, &key.application);
        }
    }
}

fn put_point(blob: &mut Vec<u8>, curve: &str, point: &[u8]) {
    put_string(blob, curve.as_bytes());
    put_string(blob, point);
}

const PUBLIC: &str = "public key";

/// Reads a public key, or the name of an algorithm that kit doesn't know.
pub(in super::super) fn read_public_blob(blob: &[u8]) -> Result<Result<Public, String>, Damage> {
    let mut reader = Reader(blob);
    let key = match reader.text("algorithm")? {
        ED25519 => read_ed25519(&mut reader)?,
        P256 => read_point(&mut reader, "nistp256", Public::p256)?,
        P384 => read_point(&mut reader, "nistp384", Public::p384)?,
        P521 => read_point(&mut reader, "nistp521", Public::p521)?,
        RSA => {
            let (exponent, modulus) = (read_digits(&mut reader, PUBLIC)?, read_digits(&mut reader, PUBLIC)?);
            let key = RsaKey::new(exponent, modulus).ok_or(Damage::Invalid { part: PUBLIC })?;
            Public::Rsa(Box::new(key))
        }
        SK_ED25519 => {
            let key = read_ed25519(&mut reader)?;
            read_application(&mut reader, key)?
        }
        SK_P256 => {
            let key = read_point(&mut reader, "nistp256", Public::p256)?;
            read_application(&mut reader, key)?
        }
        other => return Ok(Err(other.to_owned())),
    };
    reader.end()?;
    Ok(Ok(key))
}

fn read_ed25519(reader: &mut Reader<'_>) -> Result<Public, Damage> {
    let point = reader.string()?;
    let size = Damage::Size { part: PUBLIC, found: point.len(), expected: 32 };
    Public::ed25519(point.try_into().map_err(|_| size)?).ok_or(Damage::Invalid { part: PUBLIC })
}

fn read_point(
    reader: &mut Reader<'_>,
    curve: &str,
    key: impl FnOnce(&[u8]) -> Option<Public>,
) -> Result<Public, Damage> {
    if reader.text("curve")? != curve {
        return Err(Damage::Invalid { part: "curve" });
    }
    key(reader.string()?).ok_or(Damage::Invalid { part: PUBLIC })
}

fn read_application(reader: &mut Reader<'_>, key: Public) -> Result<Public, Damage> {
    let application = reader.string()?.to_vec();
    if application.len() > APPLICATION_LIMIT {
        return Err(Damage::Invalid { part: "application" });
    }
    Ok(Public::SecurityKey(Box::new(SecurityKey { key, application })))
}

/// Returns the name of the algorithm that made a signature.
pub(super) fn algorithm(raw: &Raw) -> &'static str {
    match raw {
        Raw::Ed25519(_) => ED25519,
        Raw::P256(_) => P256,
        Raw::P384(_) => P384,
        Raw::P521(_) => P521,
        Raw::Rsa(RsaSignature { hash: RsaHash::Sha256, .. }) => RSA_SHA256,
        Raw::Rsa(RsaSignature { hash: RsaHash::Sha512, .. }) => RSA_SHA512,
        Raw::SecurityKey(touched) if matches!(touched.raw, Raw::Ed25519(_)) => SK_ED25519,
        Raw::SecurityKey(_) => SK_P256,
    }
}

pub(super) fn signature_blob(raw: &Raw) -> Vec<u8> {
    let mut blob = Vec::new();
    put_string(&mut blob, algorithm(raw).as_bytes());
    put_signature(&mut blob, raw);
    blob
}

/// Writes what follows the name of the algorithm.
fn put_signature(blob: &mut Vec<u8>, raw: &Raw) {
    match raw {
        Raw::Ed25519(signature) => put_string(blob, signature),
        Raw::P256(signature) => {
            let (r, s) = signature.split_bytes();
            put_string(blob, &pair(&r, &s));
        }
        Raw::P384(signature) => {
            let (r, s) = signature.split_bytes();
            put_string(blob, &pair(&r, &s));
        }
        Raw::P521(signature) => {
            let (r, s) = signature.split_bytes();
            put_string(blob, &pair(&r, &s));
        }
        Raw::Rsa(signature) => put_string(blob, &signature.bytes),
        Raw::SecurityKey(touched) => {
            put_signature(blob, &touched.raw);
            blob.push(touched.flags);
            blob.extend_from_slice(&touched.counter.to_be_bytes());
        }
    }
}

fn pair(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut pair = Vec::new();
    put_integer(&mut pair, r);
    put_integer(&mut pair, s);
    pair
}

const SIGNATURE: &str = "signature";

/// Reads a signature, or the name of an algorithm that kit doesn't know.
pub(super) fn read_signature_blob(blob: &[u8]) -> Result<Result<Raw, String>, Damage> {
    let invalid = |_| Damage::Invalid { part: SIGNATURE };
    let mut reader = Reader(blob);
    let rsa = |hash, bytes: &[u8]| Raw::Rsa(RsaSignature { hash, bytes: bytes.to_vec() });
    let raw = match reader.text("algorithm")? {
        ED25519 => read_raw_ed25519(&mut reader)?,
        P256 => read_raw_p256(&mut reader)?,
        P384 => {
            let (r, s) = read_pair::<48>(&mut reader)?;
            let signature = p384::ecdsa::Signature::from_slice(&[r, s].concat()).map_err(invalid)?;
            Raw::P384(Box::new(signature))
        }
        P521 => {
            let (r, s) = read_pair::<66>(&mut reader)?;
            let signature = p521::ecdsa::Signature::from_slice(&[r, s].concat()).map_err(invalid)?;
            Raw::P521(Box::new(signature))
        }
        RSA_SHA256 => rsa(RsaHash::Sha256, reader.string()?),
        RSA_SHA512 => rsa(RsaHash::Sha512, reader.string()?),
        SK_ED25519 => {
            let raw = read_raw_ed25519(&mut reader)?;
            read_touch(&mut reader, raw)?
        }
        SK_P256 => {
            let raw = read_raw_p256(&mut reader)?;
            read_touch(&mut reader, raw)?
        }
        other => return Ok(Err(other.to_owned())),
    };
    reader.end()?;
    Ok(Ok(raw))
}

fn read_raw_ed25519(reader: &mut Reader<'_>) -> Result<Raw, Damage> {
    let signature = reader.string()?;
    let size = Damage::Size { part: SIGNATURE, found: signature.len(), expected: 64 };
    Ok(Raw::Ed25519(signature.try_into().map_err(|_| size)?))
}

fn read_raw_p256(reader: &mut Reader<'_>) -> Result<Raw, Damage> {
    let (r, s) = read_pair::<32>(reader)?;
    let signature = p256::ecdsa::Signature::from_scalars(r, s);
    signature.map(Raw::P256).map_err(|_| Damage::Invalid { part: SIGNATURE })
}

fn read_touch(reader: &mut Reader<'_>, raw: Raw) -> Result<Raw, Damage> {
    let (flags, counter) = (reader.byte()?, reader.u32()?);
    Ok(Raw::SecurityKey(Box::new(Touched { raw, flags, counter })))
}

/// Reads two numbers of at most so many bytes.
fn read_pair<const SIZE: usize>(reader: &mut Reader<'_>) -> Result<([u8; SIZE], [u8; SIZE]), Damage> {
    let mut pair = Reader(reader.string()?);
    let mut number = || {
        let digits = read_digits(&mut pair, SIGNATURE)?;
        let start = SIZE.checked_sub(digits.len()).ok_or(Damage::Invalid { part: SIGNATURE })?;
        let mut number = [0; SIZE];
        number[start..].copy_from_slice(digits);
        Ok(number)
    };
    let numbers = (number()?, number()?);
    pair.end()?;
    Ok(numbers)
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

/// Reads the digits of a positive number, written in the one way that there is.
fn read_digits<'a>(reader: &mut Reader<'a>, part: &'static str) -> Result<&'a [u8], Damage> {
    match reader.string()? {
        [0, rest @ ..] if rest.first().is_some_and(|byte| byte & 0x80 != 0) => Ok(rest),
        [0 | 0x80.., ..] => Err(Damage::Invalid { part }),
        digits => Ok(digits),
    }
}
