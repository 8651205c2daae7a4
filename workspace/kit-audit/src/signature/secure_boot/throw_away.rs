//! A key for one machine that is started once, and the certificate about it.

use rsa::pkcs8::EncodePublicKey as _;
use rsa::{RsaPrivateKey, RsaPublicKey};

use super::certificate::Certificate;
use super::der::{BIT_STRING, INTEGER, NULL, OBJECT, SEQUENCE, SET, value};
use super::numbers::Numbers;
use super::{RsaKey, sha2};

/// How long the key is.
const BITS: usize = 2048;
/// Whom the certificate is about, and who made it.
const NAME: &str = "kit, for one run";
/// 1.2.840.113549.1.1.11, sha256WithRSAEncryption.
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// 2.5.4.3, commonName.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Makes a key, and a certificate that it signs itself. Only the same secret gives the same ones.
pub fn throw_away(secret: &[u8; 32]) -> (RsaKey, Certificate) {
    let key = RsaPrivateKey::new(&mut Numbers::key(secret), BITS).expect("because keys may be that long");
    let key = RsaKey(key);
    let certificate = self_signed(&key);
    (key, certificate)
}

/// Returns a certificate about a key, of version 3, without extensions; it is valid for ever.
fn self_signed(key: &RsaKey) -> Certificate {
    let public =
        RsaPublicKey::from(&key.0).to_public_key_der().expect("because every public key can be written");
    let sequence = |contents: &[&[u8]]| value(SEQUENCE, contents);
    let algorithm = sequence(&[&value(OBJECT, &[SHA256_WITH_RSA]), &value(NULL, &[])]);
    let name = sequence(&[&value(OBJECT, &[COMMON_NAME]), &value(UTF8_STRING, &[NAME.as_bytes()])]);
    let name = sequence(&[&value(SET, &[&name])]);
    let from = value(UTC_TIME, &[b"700101000000Z"]);
    let to = value(GENERALIZED_TIME, &[b"99991231235959Z"]);
    let mut serial = [0; 16];
    serial.copy_from_slice(&<sha2::Sha256 as sha2::Digest>::digest(public.as_bytes())[..16]);
    // A positive number of as many bytes.
    serial[0] = serial[0] & 0x3f | 0x40;
    let signed = sequence(&[
        &value(0xa0, &[&value(INTEGER, &[&[2]])]),
        &value(INTEGER, &[&serial]),
        &algorithm,
        &name,
        &sequence(&[&from, &to]),
        &name,
        public.as_bytes(),
    ]);
    let signature = key.raw(&signed);
    let der = sequence(&[&signed, &algorithm, &value(BIT_STRING, &[&[0], &signature])]);
    Certificate::read(der).expect("because it was written above")
}
