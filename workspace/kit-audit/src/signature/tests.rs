mod attached;
pub(crate) mod fixtures;
mod hostile;
mod judged;
mod kinds;

use super::*;
use fixtures::{
    COSIGN_ED25519, COSIGN_P256, MESSAGE, MINISIGN, MINISIGN_ENCRYPTED, MINISIGN_ENCRYPTED_PUBLIC,
    MINISIGN_ENCRYPTED_SIGNATURE, MINISIGN_OLD_SIGNATURE, MINISIGN_PUBLIC, MINISIGN_SIGNATURE, PEM_ED25519,
    PEM_ED25519_PUBLIC, PEM_ED25519_SIGNATURE, PEM_P256, PEM_P256_PUBLIC, PEM_P256_SEC1, PEM_P256_SIGNATURE,
    SSH_ED25519, SSH_ED25519_ID, SSH_ED25519_PUBLIC, SSH_ED25519_SIGNATURE, SSH_ENCRYPTED,
    SSH_ENCRYPTED_PUBLIC, SSH_P256, SSH_P256_ID, SSH_P256_PUBLIC, SSH_P256_SIGNATURE,
};

/// Private keys with their passphrases and public halves.
const PAIRS: [(&str, Option<&str>, &str); 10] = [
    (SSH_ED25519, None, SSH_ED25519_PUBLIC),
    (SSH_ENCRYPTED, Some("correct horse"), SSH_ENCRYPTED_PUBLIC),
    (SSH_P256, None, SSH_P256_PUBLIC),
    (MINISIGN, None, MINISIGN_PUBLIC),
    (MINISIGN_ENCRYPTED, Some("correct horse"), MINISIGN_ENCRYPTED_PUBLIC),
    (PEM_P256, None, PEM_P256_PUBLIC),
    (PEM_P256_SEC1, None, PEM_P256_PUBLIC),
    (PEM_ED25519, None, PEM_ED25519_PUBLIC),
    (COSIGN_P256, Some("correct horse"), PEM_P256_PUBLIC),
    (COSIGN_ED25519, Some("correct horse"), PEM_ED25519_PUBLIC),
];

/// What the real tools signed, with the public half of the key.
const SIGNED: [(&str, &str); 7] = [
    (SSH_ED25519_PUBLIC, SSH_ED25519_SIGNATURE),
    (SSH_P256_PUBLIC, SSH_P256_SIGNATURE),
    (MINISIGN_PUBLIC, MINISIGN_SIGNATURE),
    (MINISIGN_PUBLIC, MINISIGN_OLD_SIGNATURE),
    (MINISIGN_ENCRYPTED_PUBLIC, MINISIGN_ENCRYPTED_SIGNATURE),
    (PEM_P256_PUBLIC, PEM_P256_SIGNATURE),
    (PEM_ED25519_PUBLIC, PEM_ED25519_SIGNATURE),
];

pub(crate) fn private(text: &str) -> PrivateKey {
    PrivateKey::parse(text.as_bytes(), Some("correct horse")).unwrap()
}

pub(crate) fn public(text: &str) -> PublicKey {
    PublicKey::parse(text).unwrap()
}

fn signature(text: &str) -> Signature {
    Signature::parse(text.as_bytes()).unwrap()
}

fn refusal(key: &str, message: &str, of: &Signature) -> Option<Refusal> {
    match public(key).verify(&mut message.as_bytes(), of) {
        Ok(()) => None,
        Err(VerifyError::Refused(refusal)) => Some(refusal),
        Err(VerifyError::Read(error)) => panic!("{error}"),
    }
}

/// Gives one byte at a time, then fails or ends.
struct Slow<'a>(&'a [u8], bool);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0 {
            [first, rest @ ..] => {
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
            [] if self.1 => Err(std::io::Error::other("gone")),
            [] => Ok(0),
        }
    }
}

#[test]
fn keys_are_read_with_their_halves() {
    for (text, passphrase, half) in PAIRS {
        let key = PrivateKey::parse(text.as_bytes(), passphrase).unwrap();
        assert_eq!(key.public_key(), public(half));
        assert_eq!(public(&public(half).to_text()), public(half));
        assert_eq!(key.format(), public(half).format());
        let crlf = PrivateKey::parse(text.replace('\n', "\r\n").as_bytes(), passphrase).unwrap();
        assert_eq!(crlf.public_key(), public(half));
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("PrivateKey({:?})", public(half).id()));
    }
    assert_eq!(public(SSH_ED25519_PUBLIC).id(), SSH_ED25519_ID);
    assert_eq!(public(SSH_P256_PUBLIC).id(), SSH_P256_ID);
    for half in [MINISIGN_PUBLIC, PEM_P256_PUBLIC, PEM_ED25519_PUBLIC] {
        assert_eq!(public(half).to_text(), half);
    }
    let word = MINISIGN_PUBLIC.lines().nth(1).unwrap();
    assert_eq!(public(word), public(MINISIGN_PUBLIC));
}

#[test]
fn encrypted_keys_ask_for_their_passphrase() {
    for text in [SSH_ENCRYPTED, MINISIGN_ENCRYPTED, COSIGN_P256] {
        assert_eq!(PrivateKey::parse(text.as_bytes(), None).unwrap_err(), KeyError::NeedsPassphrase);
        for wrong in ["", "correct horse ", "battery staple"] {
            assert_eq!(
                PrivateKey::parse(text.as_bytes(), Some(wrong)).unwrap_err(),
                KeyError::WrongPassphrase
            );
        }
    }
}

#[test]
fn signatures_of_the_tools_are_valid_for_their_bytes_and_key_alone() {
    for (key, text) in SIGNED {
        let of = signature(text);
        assert_eq!(refusal(key, MESSAGE, &of), None, "{text}");
        assert_eq!(refusal(key, "hello from kit", &of), Some(Refusal::Bytes));
        assert_eq!(refusal(key, "", &of), Some(Refusal::Bytes));
        for (other, _) in SIGNED.into_iter().filter(|(other, _)| *other != key) {
            assert!(refusal(other, MESSAGE, &of).is_some(), "{other} is taken for {key}");
        }
        public(key).verify(&mut Slow(MESSAGE.as_bytes(), false), &of).unwrap();
        let gone = public(key).verify(&mut Slow(MESSAGE.as_bytes(), true), &of);
        assert!(matches!(gone, Err(VerifyError::Read(_))));
    }
}

#[test]
fn signatures_are_written_as_the_tools_write_them() {
    for (_, text) in SIGNED {
        assert_eq!(signature(text).to_text().trim_end(), text.trim_end());
    }
    let suffixes = [SSH_P256_SIGNATURE, MINISIGN_SIGNATURE, PEM_P256_SIGNATURE];
    assert_eq!(suffixes.map(|text| signature(text).file_suffix()), [".sig", ".minisig", ".sig"]);
    assert_eq!(signature(SSH_ED25519_SIGNATURE).key().as_deref(), Some(SSH_ED25519_ID));
    assert_eq!(signature(MINISIGN_SIGNATURE).key().as_deref(), Some("CDBA1F6F7ECD0731"));
    assert_eq!(signature(MINISIGN_SIGNATURE).comment(), Some("file:x"));
    assert_eq!(signature(PEM_P256_SIGNATURE).key(), None);
}

#[test]
fn the_same_key_and_bytes_give_the_same_signature() {
    for (text, passphrase, half) in PAIRS {
        let signed = |comment: &str| {
            let key = PrivateKey::parse(text.as_bytes(), passphrase).unwrap();
            key.sign(&mut Slow(MESSAGE.as_bytes(), false), comment).unwrap()
        };
        let of = signed("file:x");
        assert_eq!(signed("file:x").to_text(), of.to_text());
        assert_eq!(signature(&of.to_text()), of);
        assert_eq!(refusal(half, MESSAGE, &of), None);
        assert_eq!(refusal(half, "hello", &of), Some(Refusal::Bytes));
        assert_eq!(signed("file:y") == of, of.format() != Format::Minisign);
    }
    // Ed25519 leaves nothing open: the tools come to the same bytes.
    let of = |key, comment| private(key).sign(&mut MESSAGE.as_bytes(), comment).unwrap().to_text();
    assert_eq!(of(SSH_ED25519, ""), SSH_ED25519_SIGNATURE);
    assert_eq!(of(PEM_ED25519, "").trim_end(), PEM_ED25519_SIGNATURE);
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&of(MINISIGN, "file:x")), lines(MINISIGN_SIGNATURE));
    assert_eq!(lines(&of(MINISIGN_ENCRYPTED, "file:x")), lines(MINISIGN_ENCRYPTED_SIGNATURE));
}

#[test]
fn ecdsa_draws_no_number() {
    // RFC 6979, A.2.5, with SHA-256: the key, and `sample`.
    let number = [
        0xc9, 0xaf, 0xa9, 0xd8, 0x45, 0xba, 0x75, 0x16, 0x6b, 0x5c, 0x21, 0x57, 0x67, 0xb1, 0xd6, 0x93, 0x4e,
        0x50, 0xc3, 0xdb, 0x36, 0xe8, 0x9b, 0x12, 0x7b, 0x8a, 0x62, 0x2b, 0x12, 0x0f, 0x67, 0x21,
    ];
    let plain = algorithm::Secret::p256(&number).unwrap().sign_bytes(b"sample").to_plain().unwrap();
    let hex = plain.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    assert_eq!(
        hex,
        "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
         022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    );
}

#[test]
fn others_read_what_is_signed() {
    let of = private(MINISIGN).sign(&mut MESSAGE.as_bytes(), "file:x\tby kit").unwrap();
    let key = minisign_verify::PublicKey::decode(MINISIGN_PUBLIC).unwrap();
    let read = minisign_verify::Signature::decode(&of.to_text()).unwrap();
    key.verify(MESSAGE.as_bytes(), &read, false).unwrap();
    assert_eq!(read.trusted_comment(), "file:x\tby kit");
    for (secret, half) in [(SSH_ED25519, SSH_ED25519_PUBLIC), (SSH_P256, SSH_P256_PUBLIC)] {
        let of = private(secret).sign(&mut MESSAGE.as_bytes(), "").unwrap();
        let read = ssh_key::SshSig::from_pem(of.to_text()).unwrap();
        ssh_key::PublicKey::from_openssh(half).unwrap().verify("file", MESSAGE.as_bytes(), &read).unwrap();
    }
}

#[test]
fn large_files_are_signed_as_streams() {
    let large = || std::io::Read::take(std::io::repeat(7), (WHOLE_LIMIT + 1) as u64);
    for text in [SSH_ED25519, MINISIGN, PEM_P256] {
        let key = private(text);
        let of = key.sign(&mut large(), "").unwrap();
        key.public_key().verify(&mut large(), &of).unwrap();
    }
    let whole = private(PEM_ED25519);
    assert!(matches!(whole.sign(&mut large(), ""), Err(SignError::TooLarge)));
    for (key, text) in
        [(PEM_ED25519_PUBLIC, PEM_ED25519_SIGNATURE), (MINISIGN_PUBLIC, MINISIGN_OLD_SIGNATURE)]
    {
        let refused = public(key).verify(&mut large(), &signature(text)).unwrap_err();
        assert!(matches!(refused, VerifyError::Refused(Refusal::TooLarge)));
    }
    let mut most = std::io::Read::take(std::io::repeat(7), WHOLE_LIMIT as u64);
    assert!(whole.sign(&mut most, "").is_ok());
}

#[test]
fn what_cannot_be_signed_is_told() {
    let sign = |comment: &str| private(MINISIGN).sign(&mut MESSAGE.as_bytes(), comment);
    for comment in ["two\nlines", "bell\u{7}", &"x".repeat(9000)] {
        assert!(matches!(sign(comment), Err(SignError::Comment { .. })));
    }
    let gone = private(SSH_P256).sign(&mut Slow(b"x", true), "");
    assert!(matches!(gone, Err(SignError::Read(_))));
}
