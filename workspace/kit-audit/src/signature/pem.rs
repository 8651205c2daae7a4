//! Keys in PEM files: PKCS8 and SEC1 as OpenSSL writes them, cosign's; and plain signatures.

mod cosign;
mod encrypted;

use p256::ecdsa;
use p256::pkcs8::der::Decode as _;
use p256::pkcs8::der::asn1::ObjectIdentifier;
use p256::pkcs8::spki::SubjectPublicKeyInfoRef;
use p256::pkcs8::{EncodePublicKey as _, PrivateKeyInfo};

pub(super) use self::encrypted::open_pkcs8;
use super::Format;
use super::algorithm::{Public, Secret};
use super::armour::Armour;
use super::damage::Damage;
use super::error::{Encryption, KeyError};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// How the curve is written in DER.
const P256_DER: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
/// How wide OpenSSL writes.
const WIDTH: usize = 64;

/// Whether bytes have the shape of a plain signature.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let is_text = bytes.iter().all(u8::is_ascii_graphic);
    bytes.len() == 64 && !is_text || ecdsa::Signature::from_der(bytes).is_ok()
}

/// Reads a private key of a PEM file that isn't OpenSSH's.
pub(super) fn read_private(text: &str, passphrase: Option<&str>) -> Result<Secret, KeyError> {
    if text.lines().any(|line| line.starts_with("Proc-Type:")) {
        return Err(KeyError::Encryption { found: Encryption::Header });
    }
    let mut armour = Armour::read(text).map_err(damaged)?;
    if armour.0.label == "EC PARAMETERS" {
        armour = Armour::read(armour.1).map_err(damaged)?;
    }
    let (Armour { label, bytes }, rest) = armour;
    if !rest.trim_ascii().is_empty() {
        return Err(damaged(Damage::Extra));
    }
    match label.as_str() {
        PRIVATE => read_pkcs8(&bytes),
        "EC PRIVATE KEY" => read_sec1(&bytes),
        "ENCRYPTED PRIVATE KEY" => encrypted::open(&bytes, passphrase),
        "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => cosign::open(&bytes, passphrase),
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => Err(KeyError::IsPublic),
        _ => Err(KeyError::Algorithm { found: label }),
    }
}

fn read_pkcs8(der: &[u8]) -> Result<Secret, KeyError> {
    let invalid = || damaged(Damage::Invalid { part: "PKCS8 structure" });
    let info = PrivateKeyInfo::try_from(der).map_err(|_| invalid())?;
    match info.algorithm.oids().map_err(|_| invalid())? {
        (ED25519, None) => {
            ed25519_dalek::SigningKey::try_from(info).map(Secret::Ed25519).map_err(|_| invalid())
        }
        (EC, Some(P256)) => {
            let key = p256::SecretKey::try_from(info).map_err(|_| invalid())?;
            Ok(Secret::P256(key.into()))
        }
        (EC, Some(curve)) => Err(other(curve)),
        (algorithm, _) => Err(other(algorithm)),
    }
}

fn read_sec1(der: &[u8]) -> Result<Secret, KeyError> {
    // The reader below takes any curve's number for one of P-256.
    if !der.windows(P256_DER.len()).any(|window| window == P256_DER) {
        return Err(KeyError::Algorithm { found: "EC over another curve".to_owned() });
    }
    let key = p256::SecretKey::from_sec1_der(der);
    let key = key.map_err(|_| damaged(Damage::Invalid { part: "SEC1 structure" }))?;
    Ok(Secret::P256(key.into()))
}

/// Reads a public key of a PEM file.
pub(super) fn read_public(text: &str) -> Result<Public, KeyError> {
    let Armour { label, bytes } = Armour::read_only(text).map_err(damaged)?;
    if label.ends_with(PRIVATE) {
        return Err(KeyError::IsPrivate);
    }
    if label != PUBLIC {
        return Err(KeyError::Algorithm { found: label });
    }
    let invalid = || damaged(Damage::Invalid { part: "structure" });
    let info = SubjectPublicKeyInfoRef::from_der(&bytes).map_err(|_| invalid())?;
    let point = info.subject_public_key.as_bytes().ok_or_else(invalid)?;
    match info.algorithm.oids().map_err(|_| invalid())? {
        (ED25519, None) => Public::ed25519(point.try_into().map_err(|_| invalid())?).ok_or_else(invalid),
        (EC, Some(P256)) => Public::p256(point).ok_or_else(invalid),
        (EC, Some(curve)) => Err(other(curve)),
        (algorithm, _) => Err(other(algorithm)),
    }
}

/// Returns a public key as `openssl pkey -pubout` writes it.
pub(super) fn to_public(key: &Public) -> String {
    let der = match key {
        Public::Ed25519(key) => key.to_public_key_der(),
        Public::P256(key) => key.to_public_key_der(),
        Public::P384(key) => key.to_public_key_der(),
        Public::P521(key) => key.to_public_key_der(),
        Public::Rsa(key) => key.key().to_public_key_der(),
        // What is put around the bytes has no place in PEM.
        Public::SecurityKey(key) => return to_public(&key.key),
    };
    let der = der.expect("because a key of a limited size is always written");
    Armour::write(PUBLIC, der.as_bytes(), WIDTH)
}

/// Names an algorithm or a curve that kit doesn't use.
fn other(found: ObjectIdentifier) -> KeyError {
    let number = found.to_string();
    let found = match number.as_str() {
        "1.2.840.113549.1.1.1" => "RSA".to_owned(),
        "1.3.101.113" => "ed448".to_owned(),
        "1.3.132.0.10" => "EC over secp256k1".to_owned(),
        "1.3.132.0.34" => "EC over P-384".to_owned(),
        "1.3.132.0.35" => "EC over P-521".to_owned(),
        _ => number,
    };
    KeyError::Algorithm { found }
}

fn damaged(damage: Damage) -> KeyError {
    KeyError::Damaged { format: Format::Pem, damage }
}
