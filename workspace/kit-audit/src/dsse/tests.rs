use proptest::prelude::*;

use super::*;
use crate::signature::tests::fixtures::{
    MINISIGN, MINISIGN_PUBLIC, PEM_ED25519, PEM_ED25519_PUBLIC, PEM_P256, PEM_P256_PUBLIC, SSH_ED25519,
    SSH_ED25519_PUBLIC, SSH_P256, SSH_P256_PUBLIC,
};
use crate::signature::tests::{private, public};

const PAIRS: [(&str, &str); 4] = [
    (SSH_ED25519, SSH_ED25519_PUBLIC),
    (SSH_P256, SSH_P256_PUBLIC),
    (PEM_P256, PEM_P256_PUBLIC),
    (PEM_ED25519, PEM_ED25519_PUBLIC),
];

fn signed_by(keys: &[&str]) -> Envelope {
    let mut envelope = Envelope::new(b"{\"_type\":\"x\"}".to_vec());
    for key in keys {
        envelope.sign(&private(key)).unwrap();
    }
    envelope
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8(envelope.to_text().unwrap()).unwrap()
}

#[test]
fn what_is_signed_is_as_specified() {
    let encoded = encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(encoding("", b""), b"DSSEv1 0  0 ");
    assert_eq!(encoding("\u{e9}", b""), "DSSEv1 2 \u{e9} 0 ".as_bytes());
}

#[test]
fn an_envelope_is_the_same_each_time() {
    let envelope = signed_by(&[PEM_ED25519]);
    assert_eq!(
        text(&envelope),
        "{\"payload\":\"eyJfdHlwZSI6IngifQ==\",\"payloadType\":\"application/vnd.in-toto+json\"\
         ,\"signatures\":[{\"keyid\":\"SHA256:lwiybRPmIM8LU33fhyvj4FLyYSrrEd/51OwzCWkP8TA\",\"sig\":\"bl7Gk5+c/cgH4toD7fELBoJWQQphPelOcXrN8qq3kEeZoRaPldwyFDHijlW96ILh73PNJL2yKIvE3KZ37gg4DQ==\"}]}\n"
    );
    assert_eq!(Envelope::parse(text(&envelope).as_bytes()).unwrap(), envelope);
    let (one, other) =
        (signed_by(&[SSH_P256, PEM_ED25519]), signed_by(&[PEM_ED25519, SSH_P256, PEM_ED25519]));
    assert_eq!(text(&one), text(&other));
    assert_eq!(one.payload_type(), IN_TOTO);
}

#[test]
fn each_key_finds_its_signature() {
    let all = signed_by(&PAIRS.map(|(secret, _)| secret));
    for (secret, half) in PAIRS {
        let one = signed_by(&[secret]);
        one.verify(&public(half)).unwrap();
        all.verify(&public(half)).unwrap();
        for (_, other) in PAIRS.into_iter().filter(|(other, _)| *other != secret) {
            assert!(one.verify(&public(other)).is_err());
        }
        // The key's name is only a hint.
        let unnamed = text(&one).replace("\"keyid\"", "\"other\"");
        Envelope::parse(unnamed.as_bytes()).unwrap().verify(&public(half)).unwrap();
    }
    let refused = Envelope::new(Vec::new()).sign(&private(MINISIGN));
    assert!(matches!(refused, Err(SignError::Format { .. })));
    assert!(matches!(all.verify(&public(MINISIGN_PUBLIC)), Err(Refusal::Format { .. })));
}

#[test]
fn what_was_changed_is_refused() {
    for (secret, half) in PAIRS {
        let text = text(&signed_by(&[secret]));
        let payload = STANDARD.encode(b"{\"_type\":\"x\"}");
        let other = STANDARD.encode(b"{\"_type\":\"y\"}");
        for (from, to) in [(payload.as_str(), other.as_str()), ("vnd.in-toto+json", "vnd.in-toto+text")] {
            let changed = Envelope::parse(text.replace(from, to).as_bytes()).unwrap();
            assert_eq!(changed.verify(&public(half)), Err(Refusal::Bytes));
        }
        // Each bit of the signature counts, or the signature isn't one any more.
        let mut envelope = Envelope::parse(text.as_bytes()).unwrap();
        for bit in 0..envelope.signatures[0].plain.len() * 8 {
            envelope.signatures[0].plain[bit / 8] ^= 1 << (bit % 8);
            assert!(envelope.verify(&public(half)).is_err(), "bit {bit}");
            envelope.signatures[0].plain[bit / 8] ^= 1 << (bit % 8);
        }
        envelope.verify(&public(half)).unwrap();
    }
}

#[test]
fn envelopes_of_others_are_read() {
    let text = text(&signed_by(&[PEM_P256]));
    let with_more = text.replacen('{', "{\"more\": [1.5], ", 1).replace(',', ",\n  ");
    let envelope = Envelope::parse(with_more.as_bytes()).unwrap();
    envelope.verify(&public(PEM_P256_PUBLIC)).unwrap();
    // 0xfb 0xff is written with other letters in the alphabet for addresses.
    let one = |payload: &str| {
        format!("{{\"payload\":\"{payload}\",\"payloadType\":\"\",\"signatures\":[{{\"sig\":\"\"}}]}}")
    };
    for payload in ["+/8=", "-_8=", "-_8"] {
        assert_eq!(Envelope::parse(one(payload).as_bytes()).unwrap().payload(), b"\xfb\xff");
    }
    assert!(matches!(
        Envelope::parse(one("+_8=").as_bytes()),
        Err(EnvelopeError::Base64 { field: "payload" })
    ));
}

#[test]
fn broken_envelopes_are_refused() {
    let none = "{\"payload\":\"\",\"payloadType\":\"\",\"signatures\":[]}";
    assert!(matches!(Envelope::parse(none.as_bytes()), Err(EnvelopeError::Signatures { found: 0, .. })));
    let many = none.replace("[]", &format!("[{}]", vec!["{\"sig\":\"\"}"; 65].join(",")));
    assert!(matches!(Envelope::parse(many.as_bytes()), Err(EnvelopeError::Signatures { found: 65, .. })));
    let twice = none.replacen('{', "{\"payload\":\"AAAA\",", 1);
    for broken in ["", "[]", "{}", "{\"payload\":1}", &twice, &format!("{none}{none}"), &"[".repeat(100_000)]
    {
        assert!(matches!(Envelope::parse(broken.as_bytes()), Err(EnvelopeError::Json(_))));
    }
    assert!(matches!(Envelope::parse(&vec![b' '; Envelope::LIMIT + 1]), Err(EnvelopeError::TooLarge { .. })));
}

#[test]
fn an_agent_signs_envelopes() {
    let mut envelope = Envelope::new(b"{}".to_vec());
    let unsigned = envelope.unsigned(&public(SSH_ED25519_PUBLIC)).unwrap();
    let plain = private(SSH_ED25519).sign_bytes(&envelope.signed()).unwrap();
    let mut answer = vec![14, 0, 0, 0, 83, 0, 0, 0, 11];
    answer.extend_from_slice(b"ssh-ed25519\0\0\0\x40");
    answer.extend_from_slice(&plain);
    envelope.sign_by_agent(&unsigned, &answer).unwrap();
    envelope.verify(&public(SSH_ED25519_PUBLIC)).unwrap();
    let mut other = Envelope::new(b"[]".to_vec());
    assert!(matches!(other.sign_by_agent(&unsigned, &answer), Err(EnvelopeAgentError::Other)));
    answer[40] ^= 1;
    assert!(matches!(
        envelope.sign_by_agent(&unsigned, &answer),
        Err(EnvelopeAgentError::Agent(AgentError::Wrong))
    ));
}

proptest! {
    #[test]
    fn any_payload_comes_back(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut envelope = Envelope::new(payload.clone());
        envelope.sign(&private(PEM_ED25519)).unwrap();
        let back = Envelope::parse(&envelope.to_text().unwrap()).unwrap();
        prop_assert_eq!(back.payload(), payload.as_slice());
        prop_assert!(back.verify(&public(PEM_ED25519_PUBLIC)).is_ok());
    }

    #[test]
    fn nothing_panics_on_any_text(text in "[\\[\\]{}\":,a-zA-Z0-9=]{0,200}") {
        _ = Envelope::parse(text.as_bytes());
    }
}
