use super::super::trust::{Found, Quorum, Trusted, Verdict, judge, judge_envelope};
use super::fixtures::{PEM_P256_ENCRYPTED, SSH_OTHER_NAMESPACE};
use super::*;
use crate::dsse::Envelope;

fn trusted(of: &[(&str, &str)]) -> Vec<Trusted> {
    of.iter().map(|(name, key)| Trusted { name: (*name).to_owned(), key: public(key) }).collect()
}

fn found(texts: &[&str]) -> Vec<Found> {
    let one = |(number, text): (usize, &&str)| Found {
        at: number.to_string(),
        signature: Signature::parse(text.as_bytes()),
    };
    texts.iter().enumerate().map(one).collect()
}

const ALL: [(&str, &str); 5] = [
    ("alice", SSH_ED25519_PUBLIC),
    ("bob", SSH_P256_PUBLIC),
    ("carol", MINISIGN_PUBLIC),
    ("dave", PEM_P256_PUBLIC),
    ("erin", PEM_ED25519_PUBLIC),
];

fn names(verdict: &Verdict) -> Vec<&str> {
    match verdict {
        Verdict::Valid { names, .. } => names.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn valid_signatures_of_all_formats_count() {
    let texts = [
        SSH_ED25519_SIGNATURE,
        SSH_P256_SIGNATURE,
        MINISIGN_SIGNATURE,
        MINISIGN_OLD_SIGNATURE,
        PEM_P256_SIGNATURE,
        PEM_ED25519_SIGNATURE,
    ];
    let judged = |needed| {
        let quorum = Quorum { needed };
        judge(&mut Slow(MESSAGE.as_bytes(), false), &found(&texts), &trusted(&ALL), quorum).unwrap()
    };
    let all = judged(5);
    let who: Vec<_> = all.verdicts.iter().map(|(_, verdict)| names(verdict)).collect();
    assert_eq!(who, [["alice"], ["bob"], ["carol"], ["carol"], ["dave"], ["erin"]]);
    assert!(all.is_met() && all.can_be_met());
    assert_eq!(all.signers.len(), 5);
    let more = judged(6);
    assert!(!more.is_met() && !more.can_be_met(), "two signatures by one key count once");
}

#[test]
fn a_key_with_two_names_counts_once() {
    let keys = trusted(&[("alice", SSH_ED25519_PUBLIC), ("alice at work", SSH_ED25519_PUBLIC)]);
    let judged =
        judge(&mut MESSAGE.as_bytes(), &found(&[SSH_ED25519_SIGNATURE]), &keys, Quorum { needed: 2 })
            .unwrap();
    assert_eq!(names(&judged.verdicts[0].1), ["alice", "alice at work"]);
    assert!(!judged.is_met() && !judged.can_be_met());
}

#[test]
fn nobody_is_never_enough() {
    let judged = judge(&mut MESSAGE.as_bytes(), &[], &trusted(&ALL), Quorum { needed: 0 }).unwrap();
    assert!(!judged.is_met() && judged.can_be_met());
    assert_eq!(judged.needed, 1);
}

#[test]
fn the_unknown_and_the_wrong_are_told_apart() {
    let texts = [
        SSH_P256_SIGNATURE,
        SSH_ED25519_SIGNATURE,
        PEM_P256_SIGNATURE,
        PEM_P256_ENCRYPTED,
        MINISIGN_SIGNATURE,
    ];
    let keys =
        trusted(&[("alice", SSH_ED25519_PUBLIC), ("erin", PEM_ED25519_PUBLIC), ("dave", PEM_P256_PUBLIC)]);
    let judged = judge(&mut "tampered".as_bytes(), &found(&texts), &keys, Quorum { needed: 1 }).unwrap();
    let verdicts: Vec<_> = judged.verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts[0], Verdict::Unknown { key: Some(SSH_P256_ID.to_owned()) });
    assert_eq!(verdicts[1], Verdict::Wrong { name: "alice".to_owned(), refusal: Refusal::Bytes });
    let tried = [
        ("dave".to_owned(), Refusal::Bytes),
        ("erin".to_owned(), Refusal::Algorithm { key: public(PEM_ED25519_PUBLIC).id() }),
    ];
    assert_eq!(verdicts[2], Verdict::Unmatched { tried: tried.into() });
    assert!(matches!(&verdicts[3], Verdict::Unreadable { error: SignatureError::Unknown { .. } }));
    assert_eq!(verdicts[4], Verdict::Unknown { key: Some("CDBA1F6F7ECD0731".to_owned()) });
    assert!(judged.signers.is_empty());
    let nobody =
        judge(&mut MESSAGE.as_bytes(), &found(&[PEM_P256_SIGNATURE]), &[], Quorum { needed: 1 }).unwrap();
    assert_eq!(nobody.verdicts[0].1, Verdict::Unknown { key: None });
}

#[test]
fn a_signature_for_something_else_is_wrong() {
    let judged =
        judge(&mut MESSAGE.as_bytes(), &found(&[SSH_OTHER_NAMESPACE]), &trusted(&ALL), Quorum { needed: 1 })
            .unwrap();
    let refusal = Refusal::Namespace { found: "git".to_owned(), expected: "file" };
    assert_eq!(judged.verdicts[0].1, Verdict::Wrong { name: "alice".to_owned(), refusal });
    let gone = |keys: &[Trusted]| {
        judge(&mut Slow(b"x", true), &found(&[SSH_ED25519_SIGNATURE]), keys, Quorum { needed: 1 })
    };
    assert!(gone(&trusted(&ALL)).is_err());
    assert!(gone(&[]).is_ok(), "without keys there is nothing to read for");
}

#[test]
fn envelopes_are_judged_like_files() {
    let mut envelope = Envelope::new(b"{}".to_vec());
    for key in [SSH_ED25519, PEM_P256, PEM_ED25519] {
        envelope.sign(&private(key)).unwrap();
    }
    let quorum = Quorum { needed: 2 };
    let keys =
        trusted(&[("alice", SSH_ED25519_PUBLIC), ("carol", MINISIGN_PUBLIC), ("dave", PEM_P256_PUBLIC)]);
    let judged = judge_envelope(&envelope, &keys, quorum);
    assert!(judged.is_met());
    assert_eq!(judged.signers.values().flatten().collect::<Vec<_>>().len(), 2);
    let unknown = Verdict::Unknown { key: Some(public(PEM_ED25519_PUBLIC).id()) };
    assert!(judged.verdicts.iter().any(|(_, verdict)| *verdict == unknown));

    let text = String::from_utf8(envelope.to_text().unwrap()).unwrap();
    let tampered = Envelope::parse(text.replace("\"e30=\"", "\"W10=\"").as_bytes()).unwrap();
    assert_eq!(tampered.payload(), b"[]");
    let judged = judge_envelope(&tampered, &keys, quorum);
    assert!(!judged.is_met());
    let wrong = Verdict::Wrong { name: "alice".to_owned(), refusal: Refusal::Bytes };
    assert!(judged.verdicts.iter().any(|(_, verdict)| *verdict == wrong));
}
