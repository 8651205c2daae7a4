use proptest::prelude::*;
use rsa::traits::SignatureScheme as _;

use super::*;

/// Keys thrown away that `openssl req -x509 -newkey rsa:2048` made, also for the tests of the whole program.
const KEY: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/secure-boot/key.pem"));
const CERTIFICATE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/secure-boot/certificate.pem"));
const OTHER: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/secure-boot/other-certificate.pem"));
/// The first key as `openssl rsa -traditional` and `openssl pkcs8 -topk8 -v2 aes-256-cbc` write it, the passphrase `secret`.
const PKCS1: &str = include_str!("tests/pkcs1.pem");
const ENCRYPTED: &str = include_str!("tests/encrypted.pem");
/// `openssl genrsa 1024`, `openssl genpkey -algorithm EC`.
const SHORT: &str = include_str!("tests/short.pem");
const CURVE: &str = include_str!("tests/curve.pem");

fn key() -> RsaKey {
    RsaKey::parse(KEY.as_bytes(), None).unwrap()
}

fn certificate() -> Certificate {
    Certificate::parse(CERTIFICATE.as_bytes()).unwrap()
}

/// Changes with every change of the form: `sbverify` and firmware accept these bytes.
#[test]
fn the_bytes_are_pinned() {
    let digest = Sha256::of(b"program");
    let signature = key().sign(&digest, &certificate()).unwrap();
    assert_eq!(
        Sha256::of(&signature).to_string(),
        "8fa5069d0dfdcf2f1ddebf086d1f8cb6f66cc851bd6277cecbd2135437ecd18f"
    );
    assert_eq!(key().sign(&digest, &certificate()).unwrap(), signature);
    assert_ne!(key().sign(&Sha256::of(b"another"), &certificate()).unwrap(), signature);
}

/// `openssl smime -sign -nocerts -noattr -binary -outform der` makes the same.
#[test]
fn a_root_hash_is_signed_as_openssl_does() {
    let root_hash = "0123456789abcdef".repeat(4);
    let signature = key().sign_detached(root_hash.as_bytes(), &certificate()).unwrap();
    assert_eq!(
        Sha256::of(&signature).to_string(),
        "2faac979798958565b4d29271145a977a1af63a4f86cda9b858ae7fa1d1a4c77"
    );
    let other = Certificate::parse(OTHER.as_bytes()).unwrap();
    assert_eq!(key().sign_detached(b"", &other), None);
}

#[test]
fn what_is_signed_are_the_attributes() {
    let content = signed_data::content(&Sha256::of(b"program"));
    let attributes = signed_data::attributes(&content);
    let public = RsaPublicKey::from(&key().0);
    let digest = sha2::Sha256::digest(&attributes);
    let scheme = Pkcs1v15Sign::new::<sha2::Sha256>();
    scheme.verify(&public, &digest, &key().raw(&attributes)).unwrap();
    // Blinding changes no byte.
    let plain = key().0.sign(Pkcs1v15Sign::new::<sha2::Sha256>(), &digest).unwrap();
    assert_eq!(key().raw(&attributes), plain);
    let two = [Numbers::blinding(b"secret", b"one"), Numbers::blinding(b"secret", b"another")];
    let [one, another] = two.map(|mut blinding| rsa::rand_core::RngCore::next_u64(&mut blinding));
    assert_ne!(one, another);
}

#[test]
fn a_key_is_the_same_however_it_is_written() {
    let digest = Sha256::of(b"program");
    let signature = key().sign(&digest, &certificate());
    let pkcs1 = RsaKey::parse(PKCS1.as_bytes(), None).unwrap();
    let encrypted = RsaKey::parse(ENCRYPTED.as_bytes(), Some("secret")).unwrap();
    assert_eq!(pkcs1.sign(&digest, &certificate()), signature);
    assert_eq!(encrypted.sign(&digest, &certificate()), signature);
    assert_eq!(format!("{encrypted:?}"), "RsaKey { bits: 2048 }");
}

#[test]
fn a_key_for_one_run_is_whole_and_signs_its_own_certificate() {
    let (key, certificate) = throw_away(&[7; 32]);
    key.0.validate().unwrap();
    assert_eq!(certificate.der(), throw_away(&[7; 32]).1.der());
    assert!(key.sign(&Sha256::of(b"program"), &certificate).is_some());
    let (all, _) = der::expect(certificate.der(), der::SEQUENCE).unwrap();
    let (signed, rest) = der::expect(all.content, der::SEQUENCE).unwrap();
    let (_, rest) = der::expect(rest, der::SEQUENCE).unwrap();
    let (signature, _) = der::expect(rest, der::BIT_STRING).unwrap();
    let digest = sha2::Sha256::digest(signed.whole);
    let scheme = Pkcs1v15Sign::new::<sha2::Sha256>();
    scheme.verify(&RsaPublicKey::from(&key.0), &digest, &signature.content[1..]).unwrap();
}

#[test]
fn a_certificate_of_another_key_signs_nothing() {
    let other = Certificate::parse(OTHER.as_bytes()).unwrap();
    assert_eq!(key().sign(&Sha256::of(b"program"), &other), None);
}

#[test]
fn what_is_no_key_is_told() {
    let told = |text: &str, passphrase: Option<&str>| {
        RsaKey::parse(text.as_bytes(), passphrase).unwrap_err().to_string()
    };
    assert_eq!(told("", None), "it is no key of ssh, minisign, cosign or openssl");
    assert_eq!(told(CERTIFICATE, None), "it is the public half of a key, the private one is needed");
    assert_eq!(told(ENCRYPTED, None), "the key is encrypted, and no passphrase is given");
    assert_eq!(told(ENCRYPTED, Some("wrong")), "the passphrase doesn't open the key");
    assert_eq!(told(SHORT, None), "the key is of kind `RSA of 1024 bits`, which kit doesn't use");
    let curve = "the key is of kind `1.2.840.10045.2.1 (Secure Boot takes RSA)`, which kit doesn't use";
    assert_eq!(told(CURVE, None), curve);
    assert_eq!(told(&KEY.replace("MIIE", "AIIE"), None), "the pem key is damaged");
}

#[test]
fn what_is_no_certificate_is_told() {
    let told = |text: &str| Certificate::parse(text.as_bytes()).unwrap_err();
    assert_eq!(told(KEY), CertificateError::Other { found: "PRIVATE KEY".to_owned() });
    let damaged = |damage| CertificateError::Damaged { damage };
    assert_eq!(told(""), damaged(Damage::Armour { line: "-----BEGIN".to_owned() }));
    assert_eq!(told(&CERTIFICATE.replace("MII", "AII")), damaged(Damage::Invalid { part: "structure" }));
    let commented = format!("Certificate:\n  Data:\n{CERTIFICATE}{OTHER}");
    assert_eq!(Certificate::parse(commented.as_bytes()).unwrap(), certificate());
}

#[test]
fn lengths_are_as_short_as_they_can_be() {
    for (length, head) in [(127, 2), (128, 3), (255, 3), (256, 4), (65_535, 4), (65_536, 5)] {
        let content = vec![1; length];
        let whole = der::value(der::OCTET_STRING, &[&content]);
        assert_eq!(whole.len(), head + length);
        let (read, rest) = der::read(&whole).unwrap();
        assert_eq!((read.tag, read.content, rest.len()), (der::OCTET_STRING, content.as_slice(), 0));
    }
}

proptest! {
    #[test]
    fn damage_never_panics(flips in prop::collection::vec((0usize..800, any::<u8>()), 1..8), cut in 0usize..900) {
        let mut der = certificate().der().to_vec();
        for (at, value) in flips {
            if let Some(byte) = der.get_mut(at) {
                *byte = value;
            }
        }
        der.truncate(cut);
        let text = Armour::write("CERTIFICATE", &der, 64);
        if let Ok(certificate) = Certificate::parse(text.as_bytes()) {
            _ = key().sign(&Sha256::of(b"program"), &certificate);
        }
    }
}
