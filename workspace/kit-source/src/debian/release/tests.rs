//! Releases signed by keys that are made here: who may sign, what may be changed, and when.

use std::io::Write as _;
use std::time::Duration;

use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Message, Signer};
use sequoia_openpgp::types::HashAlgorithm;

use super::{ByHash, Check, Checks, Expected, Keyring, Release, ReleaseError, Times};
use crate::debian::date::Timestamp;

const DAY: u64 = 86_400;
/// 2025-05-17T09:12:38Z, the `Date` below.
const DATE: Timestamp = Timestamp(1_747_473_158);
const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Makes a key that was born a year before the release and lives for `days`.
fn key(days: u64) -> Cert {
    let birth = Timestamp(DATE.0 - 365 * DAY).to_system_time();
    let builder = CertBuilder::new().set_creation_time(birth).add_userid("archive").add_signing_subkey();
    builder.set_validity_period(Duration::from_secs(days * DAY)).generate().unwrap().0
}

fn long_lived() -> Cert {
    key(4000)
}

fn sign(text: &str, keys: &[&Cert], hash: HashAlgorithm, at: Timestamp) -> Vec<u8> {
    let policy = StandardPolicy::new();
    let pair = |cert: &&Cert| {
        let keys = cert.keys().with_policy(&policy, at.to_system_time()).secret().for_signing();
        keys.last().unwrap().key().clone().into_keypair().unwrap()
    };
    let mut bytes = Vec::new();
    let mut pairs = keys.iter().map(pair);
    let mut signer = Signer::new(Message::new(&mut bytes), pairs.next().unwrap()).unwrap().cleartext();
    for other in pairs {
        signer = signer.add_signer(other).unwrap();
    }
    let signer = signer.creation_time(at.to_system_time()).hash_algo(hash).unwrap();
    let mut message = signer.build().unwrap();
    message.write_all(text.as_bytes()).unwrap();
    message.finalize().unwrap();
    bytes
}

fn text() -> String {
    format!(
        "Origin: Test\nSuite: stable\nCodename: bookworm\nDate: Sat, 17 May 2025 09:12:38 UTC\n\
         Valid-Until: Sat, 24 May 2025 09:12:38 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\n\
         Components: main contrib\nSHA256:\n {DIGEST} 0 main/binary-amd64/Packages\n {DIGEST} 0 main/Contents-all.gz\n"
    )
}

fn signed(cert: &Cert) -> Vec<u8> {
    sign(&text(), &[cert], HashAlgorithm::SHA512, Timestamp(DATE.0 + 900))
}

fn keyring(certs: &[&Cert]) -> Keyring {
    let mut keyring = Keyring::new();
    for cert in certs {
        keyring.add(&cert.to_vec().unwrap()).unwrap();
    }
    keyring
}

fn live(days: u64) -> Times {
    Times::Live { now: Timestamp(DATE.0 + days * DAY), checks: Checks::ALL }
}

fn verify(bytes: &[u8], certs: &[&Cert], times: Times) -> Result<Release, ReleaseError> {
    Release::verify(bytes, &keyring(certs), times)
}

#[test]
fn reads_what_a_known_key_signed() {
    let cert = long_lived();
    let release = verify(&signed(&cert), &[&cert], live(1)).unwrap();
    assert_eq!(release.date, DATE);
    assert_eq!(release.valid_until, Some(Timestamp(DATE.0 + 7 * DAY)));
    assert_eq!(release.by_hash, ByHash::Yes);
    assert_eq!(release.components, ["main", "contrib"]);
    assert_eq!(release.file("main/binary-amd64/Packages").unwrap().sha256.to_string(), DIGEST);
    assert!(matches!(release.file("main/x"), Err(ReleaseError::Missing { .. })));
    let [signature] = &release.signatures[..] else { panic!("one signature") };
    assert_eq!(signature.primary, cert.fingerprint().to_hex());
    assert_ne!(signature.signing, signature.primary);
    assert!(release.fingerprints().contains(&signature.signing));
}

#[test]
fn takes_one_good_signature_of_several() {
    let (known, unknown) = (long_lived(), long_lived());
    let bytes = sign(&text(), &[&unknown, &known], HashAlgorithm::SHA512, DATE);
    assert_eq!(verify(&bytes, &[&known], live(1)).unwrap().signatures.len(), 1);
    assert_eq!(verify(&bytes, &[&known, &unknown], live(1)).unwrap().signatures.len(), 2);
}

#[test]
fn refuses_an_unknown_key() {
    let (cert, other) = (long_lived(), long_lived());
    let bytes = signed(&cert);
    for certs in [&[&other][..], &[]] {
        let error = verify(&bytes, certs, live(1)).unwrap_err();
        assert!(matches!(&error, ReleaseError::UnknownKey { signers } if signers.len() == 1), "{error:?}");
        assert_eq!(error.code(), "kit::debian::unknown_key");
    }
}

#[test]
fn refuses_any_changed_byte() {
    let cert = long_lived();
    let bytes = signed(&cert);
    let at = memchr::memmem::find(&bytes, b"bookworm").unwrap();
    let mut changed = bytes.clone();
    changed[at] = b'B';
    let error = verify(&changed, &[&cert], live(1)).unwrap_err();
    assert!(matches!(error, ReleaseError::BadSignature { .. }), "{error:?}");
    let end = memchr::memmem::find(&bytes, b"-----BEGIN PGP SIGNATURE").unwrap();
    let start = memchr::memmem::find(&bytes, b"Origin").unwrap();
    let keyring = keyring(&[&cert]);
    for at in (start..end - 1).step_by(17) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Release::verify(&changed, &keyring, live(1)).is_err(), "byte {at}");
    }
}

#[test]
fn reads_only_what_was_signed() {
    let cert = long_lived();
    let bytes = signed(&cert);
    let before = [b"Suite: evil\n\n", &bytes[..]].concat();
    assert!(matches!(verify(&before, &[&cert], live(1)), Err(ReleaseError::NotSigned { .. })));
    let behind = [&bytes[..], b"\nSuite: evil\n"].concat();
    if let Ok(release) = verify(&behind, &[&cert], live(1)) {
        assert_eq!(release, verify(&bytes, &[&cert], live(1)).unwrap());
    }
    let cut = &bytes[..bytes.len() / 2];
    assert!(verify(cut, &[&cert], live(1)).is_err());
    assert!(matches!(verify(text().as_bytes(), &[&cert], live(1)), Err(ReleaseError::NotSigned { .. })));
}

#[test]
fn refuses_weak_digests_and_expired_keys() {
    let cert = long_lived();
    let weak = sign(&text(), &[&cert], HashAlgorithm::SHA1, DATE);
    let error = verify(&weak, &[&cert], live(1)).unwrap_err();
    assert!(matches!(error, ReleaseError::Unacceptable { .. }), "{error:?}");
    let short = key(500);
    let bytes = signed(&short);
    assert!(verify(&bytes, &[&short], live(1)).is_ok());
    let error = verify(&bytes, &[&short], live(400)).unwrap_err();
    assert!(matches!(error, ReleaseError::Unacceptable { .. }), "{error:?}");
    assert!(
        verify(&bytes, &[&short], Times::Replay).is_ok(),
        "a replay judges keys at the time of the signature"
    );
}

#[test]
fn takes_only_the_keys_that_were_locked() {
    let (cert, other) = (long_lived(), long_lived());
    let bytes = signed(&cert);
    let own = cert.fingerprint().to_spaced_hex();
    assert!(
        Release::verify(&bytes, &keyring(&[&cert, &other]).restricted_to([own.as_str()]), live(1)).is_ok()
    );
    let restricted = keyring(&[&cert, &other]).restricted_to([other.fingerprint().to_hex().as_str()]);
    let error = Release::verify(&bytes, &restricted, live(1)).unwrap_err();
    assert!(matches!(error, ReleaseError::OtherKey { .. }), "{error:?}");
}

#[test]
fn holds_the_release_against_what_was_asked() {
    let cert = long_lived();
    let release = verify(&signed(&cert), &[&cert], live(1)).unwrap();
    let check = |suite, not_before, times| {
        release.check(&Expected { suite, not_before, times }).map_err(|e| e.code())
    };
    assert_eq!(check("stable", None, live(1)), Ok(()));
    assert_eq!(check("bookworm", Some(DATE), live(1)), Ok(()));
    assert_eq!(check("trixie", None, live(1)), Err("kit::debian::other_suite"));
    assert_eq!(check("stable", Some(Timestamp(DATE.0 + 1)), live(1)), Err("kit::debian::rollback"));
    assert_eq!(check("stable", None, live(8)), Err("kit::debian::expired"));
    let early = Times::Live { now: Timestamp(DATE.0 - 60), checks: Checks::ALL };
    assert_eq!(check("stable", None, early), Err("kit::debian::future"));
    let checks = Checks { date: Check::Skipped, valid_until: Check::Skipped };
    let lenient = |now| Times::Live { now: Timestamp(now), checks };
    assert_eq!(check("stable", None, lenient(DATE.0 + 999 * DAY)), Ok(()));
    assert_eq!(check("stable", None, lenient(0)), Ok(()));
    assert_eq!(check("stable", None, Times::Replay), Ok(()));
}

#[test]
fn refuses_broken_fields() {
    let cert = long_lived();
    let broken = |from: &str, to: &str| {
        let bytes = sign(&text().replace(from, to), &[&cert], HashAlgorithm::SHA512, DATE);
        verify(&bytes, &[&cert], live(1)).unwrap_err()
    };
    let field = |field| ReleaseError::Field { field };
    assert_eq!(broken("Date: Sat", "X-Date: Sat"), field("Date"));
    assert_eq!(broken("24 May", "99 May"), field("Valid-Until"));
    assert_eq!(broken("SHA256:", "SHA512:"), field("SHA256"));
    assert_eq!(broken(" 0 main/Con", " x main/Con"), field("SHA256"));
    assert_eq!(broken(" 0 main/Con", " main/Con"), field("SHA256"));
    assert_eq!(broken(" 0 main/Contents-all.gz", " 1 main/binary-amd64/Packages"), field("SHA256"));
}

#[test]
fn refuses_what_is_no_keyring() {
    assert!(Keyring::new().add(b"").is_err());
    assert!(Keyring::new().add(b"not a key").is_err());
    assert!(Keyring::new().add(&signed(&long_lived())).is_err());
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "(-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n)?(Date: x\n|-----BEGIN PGP SIGNATURE-----\n|[a-zA-Z0-9=+/\n-]){0,40}") {
        proptest::prop_assert!(Release::verify(text.as_bytes(), &Keyring::new(), Times::Replay).is_err());
    }
}
