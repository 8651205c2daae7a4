//! What lies beside an image, and what it is worth.

use kit_format::oci::cosign::payload;
use kit_hash::Sha256;

use super::super::attached::{Attached, What, judge_attached};
use super::super::trust::{Quorum, Trusted, Verdict};
use super::*;
use crate::attestation::about_image;
use crate::dsse::Envelope;

const MANIFEST: &[u8] = br#"{"schemaVersion":2}"#;

fn trusted(of: &[(&str, &str)]) -> Vec<Trusted> {
    of.iter().map(|(name, key)| Trusted { name: (*name).to_owned(), key: public(key) }).collect()
}

fn at(what: What) -> Attached {
    Attached { at: "here".to_owned(), what }
}

fn plain(key: &str, bytes: &[u8]) -> Vec<u8> {
    private(key).sign(&mut &*bytes, "").unwrap().to_text().into_bytes()
}

fn simple(key: &str, image: &Sha256) -> What {
    let payload = payload("registry.example/web", image).unwrap();
    let signature = String::from_utf8(plain(key, &payload)).unwrap();
    What::Simple { payload, signature }
}

fn envelope(key: &str, image: &Sha256) -> What {
    let attested = about_image("web", image, br#"{"bomFormat":"CycloneDX"}"#).unwrap();
    let mut envelope = Envelope::new(attested.statement);
    envelope.sign(&private(key)).unwrap();
    What::Envelope(envelope.to_text().unwrap())
}

#[test]
fn signatures_of_both_kinds_count_once_for_a_key() {
    let image = Sha256::of(MANIFEST);
    let found = [
        at(What::Signature(plain(SSH_ED25519, MANIFEST))),
        at(What::Signature(plain(MINISIGN, MANIFEST))),
        at(What::Signature(plain(PEM_P256, MANIFEST))),
        at(simple(PEM_P256, &image)),
        at(simple(PEM_ED25519, &image)),
    ];
    let keys = trusted(&[
        ("alice", SSH_ED25519_PUBLIC),
        ("carol", MINISIGN_PUBLIC),
        ("dave", PEM_P256_PUBLIC),
        ("erin", PEM_ED25519_PUBLIC),
    ]);
    let signed = judge_attached(MANIFEST, &found, &keys, Quorum { needed: 4 }).image;
    assert!(signed.verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Valid { .. })));
    assert!(signed.is_met());
    assert!(!judge_attached(MANIFEST, &found, &keys, Quorum { needed: 5 }).image.is_met());
}

#[test]
fn nothing_about_another_image_counts() {
    let other = Sha256::of(b"another");
    let found = [
        at(What::Signature(plain(SSH_ED25519, b"another"))),
        at(simple(PEM_P256, &other)),
        at(envelope(PEM_P256, &other)),
        at(What::Elsewhere(other.oci())),
        at(What::Broken("gone".to_owned())),
    ];
    let keys = trusted(&[("alice", SSH_ED25519_PUBLIC), ("dave", PEM_P256_PUBLIC)]);
    let signed = judge_attached(MANIFEST, &found, &keys, Quorum { needed: 1 });
    assert!(!signed.image.is_met() && signed.attestations.is_empty());
    let elsewhere = Verdict::Elsewhere { about: other.oci() };
    let verdicts: Vec<_> = signed.image.verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts[0], Verdict::Wrong { name: "alice".to_owned(), refusal: Refusal::Bytes });
    assert_eq!(verdicts[1..4], [elsewhere.clone(), elsewhere.clone(), elsewhere]);
    assert_eq!(verdicts[4], Verdict::Broken { why: "gone".to_owned() });
}

#[test]
fn attestations_tell_who_says_it_and_sign_no_image() {
    let image = Sha256::of(MANIFEST);
    let keys = trusted(&[("dave", PEM_P256_PUBLIC)]);
    let found = [at(envelope(PEM_P256, &image)), at(envelope(PEM_ED25519, &image))];
    let signed = judge_attached(MANIFEST, &found, &keys, Quorum { needed: 1 });
    assert!(!signed.image.is_met());
    let said: Vec<_> =
        signed.attestations.iter().map(|one| (one.predicate.as_str(), one.judgement.is_met())).collect();
    let bom = "https://cyclonedx.org/bom";
    assert_eq!(said, [(bom, true), (bom, false)]);
}

#[test]
fn what_is_damaged_says_so() {
    let image = Sha256::of(MANIFEST);
    let What::Simple { payload, signature } = simple(PEM_P256, &image) else { panic!("it is one") };
    let wrong = |payload: &[u8], signature: &str| {
        at(What::Simple { payload: payload.to_vec(), signature: signature.to_owned() })
    };
    // The payload says the same with a space more: it isn't what was signed.
    let spaced = String::from_utf8(payload.clone()).unwrap().replace("{\"critical\"", "{ \"critical\"");
    let found = [
        wrong(spaced.as_bytes(), &signature),
        wrong(&payload, "no base64!"),
        wrong(&payload, ""),
        wrong(b"{}", &signature),
        wrong(b"", &signature),
        at(What::Signature(b"nothing".to_vec())),
        at(What::Envelope(b"{}".to_vec())),
        at(What::Envelope(Vec::new())),
    ];
    let keys = trusted(&[("dave", PEM_P256_PUBLIC), ("alice", SSH_ED25519_PUBLIC)]);
    let signed = judge_attached(MANIFEST, &found, &keys, Quorum { needed: 1 });
    assert!(signed.image.signers.is_empty() && signed.attestations.is_empty());
    let kinds: Vec<_> = signed
        .image
        .verdicts
        .iter()
        .map(|(_, verdict)| match verdict {
            Verdict::Unmatched { .. } => "unmatched",
            Verdict::Broken { .. } => "broken",
            Verdict::Unreadable { .. } => "unreadable",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        kinds,
        ["unmatched", "broken", "unmatched", "broken", "broken", "unreadable", "broken", "broken"]
    );
}
