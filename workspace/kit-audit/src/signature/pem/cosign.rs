//! Private keys as `cosign generate-key-pair` writes them: JSON in PEM, with scrypt and secretbox around PKCS8.
//!
//! ```text
//! kdf          name scrypt; params N, r, p; salt in base64
//! cipher       name nacl/secretbox; nonce in base64
//! ciphertext   base64: 16 bytes of Poly1305, then XSalsa20 of PKCS8
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use serde::Deserialize;

use super::super::algorithm::Secret;
use super::super::damage::Damage;
use super::super::error::KeyError;
use super::{damaged, read_pkcs8};

/// The most that a key may ask of scrypt in memory, 128 times N times r; cosign itself asks for 64 MiB.
const MEMORY_LIMIT: u64 = 1 << 30;
/// The most times in a row that it may ask for that.
const TIMES_LIMIT: u64 = 16;
const TAG: usize = 16;

#[derive(Deserialize)]
struct Sealed {
    kdf: Derivation,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Derivation {
    name: String,
    params: Parameters,
    salt: String,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(rename = "N")]
    n: u64,
    r: u64,
    p: u64,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Opens a key with its passphrase, which may be empty.
pub(super) fn open(json: &[u8], passphrase: Option<&str>) -> Result<Secret, KeyError> {
    let invalid = |part| damaged(Damage::Invalid { part });
    let sealed: Sealed = serde_json::from_slice(json).map_err(|_| invalid("JSON"))?;
    for (part, found, expected) in
        [("derivation", &sealed.kdf.name, "scrypt"), ("cipher", &sealed.cipher.name, "nacl/secretbox")]
    {
        if found != expected {
            return Err(damaged(Damage::Value { part, found: found.clone(), expected }));
        }
    }
    let costs = costs(&sealed.kdf.params)?;
    let salt = decode("salt", &sealed.kdf.salt)?;
    let nonce: [u8; 24] = decode("nonce", &sealed.cipher.nonce)?.try_into().map_err(|_| invalid("nonce"))?;
    let boxed = decode("ciphertext", &sealed.ciphertext)?;
    let (tag, content) = boxed.split_at_checked(TAG).ok_or_else(|| damaged(Damage::Short))?;
    let passphrase = passphrase.ok_or(KeyError::NeedsPassphrase)?;
    let mut key = [0; 32];
    scrypt::scrypt(passphrase.as_bytes(), &salt, &costs, &mut key).map_err(|_| invalid("derivation"))?;
    // The first 32 bytes of the stream are the key of the tag, the rest is for the content.
    let mut stream = XSalsa20::new(&key.into(), &nonce.into());
    let mut tag_key = [0; 32];
    stream.apply_keystream(&mut tag_key);
    if Poly1305::new(&tag_key.into()).compute_unpadded(content).as_slice() != tag {
        return Err(KeyError::WrongPassphrase);
    }
    let mut pkcs8 = content.to_vec();
    stream.apply_keystream(&mut pkcs8);
    read_pkcs8(&pkcs8)
}

fn costs(asked: &Parameters) -> Result<scrypt::Params, KeyError> {
    let memory = asked.n.saturating_mul(asked.r).saturating_mul(128);
    for (what, found, limit) in [("bytes of memory", memory, MEMORY_LIMIT), ("times", asked.p, TIMES_LIMIT)] {
        if found > limit {
            return Err(KeyError::TooCostly { what, found, limit });
        }
    }
    let invalid = || damaged(Damage::Invalid { part: "derivation" });
    if !asked.n.is_power_of_two() {
        return Err(invalid());
    }
    let log_n = u8::try_from(asked.n.trailing_zeros()).map_err(|_| invalid())?;
    let (r, p) =
        (u32::try_from(asked.r).map_err(|_| invalid())?, u32::try_from(asked.p).map_err(|_| invalid())?);
    scrypt::Params::new(log_n, r, p, scrypt::Params::RECOMMENDED_LEN).map_err(|_| invalid())
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, KeyError> {
    STANDARD.decode(text).map_err(|_| damaged(Damage::Base64 { part }))
}
