use base64::Engine as _;
use proptest::prelude::*;

use super::fixtures::{PEM_P256_ENCRYPTED, PEM_P384, SSH_RSA_PUBLIC};
use super::*;

fn key_error(text: &str) -> KeyError {
    PrivateKey::parse(text.as_bytes(), Some("")).unwrap_err()
}

fn damage(text: &str) -> Damage {
    match Signature::parse(text.as_bytes()).unwrap_err() {
        SignatureError::Damaged { damage, .. } => damage,
        other => panic!("{other:?}"),
    }
}

/// Writes an SSH signature again, with other bytes.
fn armoured(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = armour::Armour::read_only(SSH_ED25519_SIGNATURE).unwrap().bytes;
    change(&mut bytes);
    armour::Armour::write("SSH SIGNATURE", &bytes, 70)
}

/// Writes a key of two lines again, with other bytes.
fn changed(text: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = STANDARD.decode(text.lines().nth(1).unwrap()).unwrap();
    change(&mut bytes);
    format!("{}\n{}\n", text.lines().next().unwrap(), STANDARD.encode(bytes))
}

#[test]
fn broken_ssh_signatures_say_what_is_broken() {
    let end = "-----END SSH SIGNATURE-----";
    let cases = [
        (SSH_ED25519_SIGNATURE.replace(end, ""), Damage::Armour { line: end.to_owned() }),
        (SSH_ED25519_SIGNATURE.replace("U1NI", "U1NI!"), Damage::Base64 { part: "body" }),
        (format!("{SSH_ED25519_SIGNATURE}more"), Damage::Extra),
        (armoured(|bytes| bytes.push(0)), Damage::Extra),
        (armoured(|bytes| bytes.truncate(bytes.len() - 1)), Damage::Short),
        (armoured(Vec::clear), Damage::Short),
        (armoured(|bytes| bytes[0] = b's'), Damage::Invalid { part: "magic" }),
        (
            armoured(|bytes| bytes[9] = 2),
            Damage::Value { part: "version", found: "2".to_owned(), expected: "1" },
        ),
        (armoured(|bytes| bytes[10] = 0xff), Damage::Short),
        // Behind the key and the namespace: a reserved part that isn't empty.
        (
            armoured(|bytes| drop(bytes.splice(73..77, [0, 0, 0, 1, b'x']))),
            Damage::Invalid { part: "reserved part" },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(damage(&text), expected, "{text}");
    }
}

#[test]
fn signatures_of_other_kinds_are_named() {
    let rsa = armoured(|bytes| {
        let at = bytes.windows(11).rposition(|window| window == b"ssh-ed25519").unwrap();
        bytes[at..at + 11].copy_from_slice(b"sk-ssh-ed25");
    });
    let error = Signature::parse(rsa.as_bytes()).unwrap_err();
    assert_eq!(error, SignatureError::Algorithm { found: "sk-ssh-ed25".to_owned() });
    for json in ["{}", "{\"payload\":\"\"}"] {
        assert_eq!(Signature::parse(json.as_bytes()), Err(SignatureError::Json));
    }
    let huge = "A".repeat(Signature::LIMIT + 1);
    assert!(matches!(Signature::parse(huge.as_bytes()), Err(SignatureError::TooLarge { .. })));
    let large =
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", "A".repeat(60000));
    assert_eq!(damage(&large), Damage::Invalid { part: "magic" });
    for nothing in [&b""[..], b"\xff\xfe", b"AAAA", &[0; 63], "-----BEGIN PGP SIGNATURE-----".as_bytes()] {
        assert!(matches!(Signature::parse(nothing), Err(SignatureError::Unknown { .. })), "{nothing:?}");
    }
}

#[test]
fn broken_minisign_signatures_say_what_is_broken() {
    let lines: Vec<&str> = MINISIGN_SIGNATURE.lines().collect();
    let cases = [
        (lines[..3].join("\n"), Damage::Short),
        (lines[..1].join("\n"), Damage::Short),
        (format!("{MINISIGN_SIGNATURE}more\n"), Damage::Extra),
        (
            MINISIGN_SIGNATURE.replace("\ntrusted", "\ntrust"),
            Damage::Armour { line: "trusted comment:".to_owned() },
        ),
        (MINISIGN_SIGNATURE.replace("RUQx", "RVQx"), Damage::Invalid { part: "algorithm" }),
        (MINISIGN_SIGNATURE.replace("RUQx", ""), Damage::Size { part: "signature", found: 71, expected: 74 }),
        (MINISIGN_SIGNATURE.replace("RUQx", "R*Qx"), Damage::Base64 { part: "signature" }),
    ];
    for (text, expected) in cases {
        assert_eq!(damage(&text), expected, "{text}");
    }
    let comment = signature(&MINISIGN_SIGNATURE.replace("file:x", "file:y"));
    assert_eq!(refusal(MINISIGN_PUBLIC, MESSAGE, &comment), Some(Refusal::Comment));
    let untrusted = signature(&MINISIGN_SIGNATURE.replace("made by", "not by"));
    assert_eq!(refusal(MINISIGN_PUBLIC, MESSAGE, &untrusted), None);
}

#[test]
fn plain_signatures_are_read_with_and_without_base64() {
    for (key, text) in [(PEM_P256_PUBLIC, PEM_P256_SIGNATURE), (PEM_ED25519_PUBLIC, PEM_ED25519_SIGNATURE)] {
        let bytes = STANDARD.decode(text).unwrap();
        let of = Signature::parse(&bytes).unwrap();
        assert_eq!(of, signature(&format!("{}\r\n{}\n", &text[..20], &text[20..])));
        assert_eq!(refusal(key, MESSAGE, &of), None);
    }
    let long = STANDARD.encode([STANDARD.decode(PEM_P256_SIGNATURE).unwrap(), vec![0]].concat());
    assert!(matches!(Signature::parse(long.as_bytes()), Err(SignatureError::Unknown { .. })));
}

#[test]
fn keys_that_kit_does_not_use_are_named() {
    let algorithm = |found: &str| KeyError::Algorithm { found: found.to_owned() };
    let encryption = |found| KeyError::Encryption { found };
    let header =
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    let rsa = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    // A SEC1 key of 32 bytes over secp256k1 would do for one of P-256.
    let k1 = "-----BEGIN EC PRIVATE KEY-----\n\
        MC4CAQEEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBoAcGBSuBBAAK\n-----END EC PRIVATE KEY-----\n";
    let cases = [
        (PEM_P384, algorithm("EC over P-384")),
        (header, encryption(Encryption::Header)),
        (rsa, algorithm("RSA PRIVATE KEY")),
        (k1, algorithm("EC over another curve")),
        (SSH_ED25519_PUBLIC, KeyError::IsPublic),
        (MINISIGN_PUBLIC, KeyError::IsPublic),
        (PEM_P256_PUBLIC, KeyError::IsPublic),
        ("hello", KeyError::Unknown),
        ("", KeyError::Unknown),
    ];
    for (text, expected) in cases {
        assert_eq!(key_error(text), expected);
        // Whatever is wrong, nothing of a key's content is told.
        assert!(!format!("{:?}", key_error(text)).contains("MIG"));
    }
    let dss = SSH_RSA_PUBLIC.replace("ssh-rsa", "ssh-dss").replace("AAAAB3NzaC1yc2E", "AAAAB3NzaC1kc3M");
    assert_eq!(PublicKey::parse(&dss), Err(algorithm("ssh-dss")));
    for private in [PEM_P256, PEM_P256_SEC1, SSH_P256, MINISIGN, PEM_P256_ENCRYPTED, COSIGN_P256] {
        assert_eq!(PublicKey::parse(private), Err(KeyError::IsPrivate));
    }
}

#[test]
fn broken_keys_say_what_is_broken() {
    let damaged = |format, damage| KeyError::Damaged { format, damage };
    let mut halves = STANDARD.decode(MINISIGN.lines().nth(1).unwrap()).unwrap();
    halves[100] ^= 1;
    let halves = format!("untrusted comment:\n{}\n", STANDARD.encode(halves));
    assert_eq!(key_error(&halves), damaged(Format::Minisign, Damage::Halves));
    let costly = changed(MINISIGN_ENCRYPTED, |bytes| bytes[45] = 1);
    assert!(matches!(key_error(&costly), KeyError::TooCostly { what: "operations of scrypt", .. }));
    let costly = changed(MINISIGN_ENCRYPTED, |bytes| bytes[50] = 1);
    assert!(matches!(key_error(&costly), KeyError::TooCostly { what: "bytes of memory", .. }));
    let mut rounds = armour::Armour::read_only(SSH_ENCRYPTED).unwrap().bytes;
    let at = rounds.windows(8).position(|window| window == [0, 0, 0, 2, 0, 0, 0, 1]).unwrap();
    rounds[at] = 0x7f;
    let rounds = armour::Armour::write("OPENSSH PRIVATE KEY", &rounds, 70);
    assert!(matches!(key_error(&rounds), KeyError::TooCostly { what: "rounds of bcrypt", .. }));
    let cosign = |from: &str, to: &str| {
        let json = String::from_utf8(armour::Armour::read_only(COSIGN_P256).unwrap().bytes).unwrap();
        let json = json.replacen(from, to, 1);
        key_error(&armour::Armour::write("ENCRYPTED COSIGN PRIVATE KEY", json.as_bytes(), 64))
    };
    for (from, to) in
        [("1024", "1048577"), ("\"r\":8", "\"r\":18446744073709551615"), ("\"p\":1", "\"p\":17")]
    {
        assert!(matches!(cosign(from, to), KeyError::TooCostly { .. }), "{to}");
    }
    for (from, to) in [("1024", "1023"), ("1024", "0"), ("\"r\":8", "\"r\":0"), ("\"N\":", "\"N\":-")] {
        assert!(matches!(cosign(from, to), KeyError::Damaged { .. }), "{to}");
    }
    let value = Damage::Value { part: "derivation", found: "bcrypt".to_owned(), expected: "scrypt" };
    assert_eq!(cosign("scrypt", "bcrypt"), damaged(Format::Pem, value));
    assert_eq!(cosign("\"ciphertext\":\"Xyd", "\"ciphertext\":\"xyd"), KeyError::WrongPassphrase);
    let cut = MINISIGN_PUBLIC.replace("LzGo", "");
    let size = Damage::Size { part: "key", found: 39, expected: 42 };
    assert_eq!(PublicKey::parse(&cut), Err(damaged(Format::Minisign, size)));
    let two = format!("{SSH_ED25519_PUBLIC}{SSH_P256_PUBLIC}");
    assert_eq!(PublicKey::parse(&two), Err(damaged(Format::Ssh, Damage::Extra)));
    let name = SSH_ED25519_PUBLIC.replace("ssh-ed25519", "ssh-rsa");
    assert_eq!(PublicKey::parse(&name), Err(damaged(Format::Ssh, Damage::Invalid { part: "first word" })));
    // With the point of order 4, anybody can sign.
    let mut weak = STANDARD.decode(SSH_ED25519_PUBLIC.split(' ').nth(1).unwrap()).unwrap();
    weak[19..].fill(0);
    let weak = format!("ssh-ed25519 {}", STANDARD.encode(weak));
    assert_eq!(PublicKey::parse(&weak), Err(damaged(Format::Ssh, Damage::Invalid { part: "public key" })));
    let huge = "a".repeat(PublicKey::LIMIT + 1);
    assert!(matches!(PublicKey::parse(&huge), Err(KeyError::TooLarge { .. })));
    assert!(matches!(key_error(&huge), KeyError::TooLarge { .. }));
}

#[test]
fn an_agent_is_asked_and_not_trusted() {
    use agent::{AgentError, Unsigned, answer_size, keys, keys_request};
    assert_eq!(keys_request(), [0, 0, 0, 1, 11]);
    assert_eq!(answer_size([0, 0, 1, 2]).unwrap(), 258);
    assert!(matches!(answer_size([1, 0, 0, 0]), Err(AgentError::TooLarge { .. })));

    let blob = |line: &str| STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap();
    let mut answer = vec![12, 0, 0, 0, 3];
    for line in [SSH_RSA_PUBLIC, SSH_ED25519_PUBLIC, SSH_P256_PUBLIC] {
        for part in [blob(line).as_slice(), b"somebody"] {
            answer.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
            answer.extend_from_slice(part);
        }
    }
    let held: Vec<_> = keys(&answer).unwrap().into_iter().map(|identity| identity.key).collect();
    assert_eq!(held, [SSH_RSA_PUBLIC, SSH_ED25519_PUBLIC, SSH_P256_PUBLIC].map(public));
    answer[4] = 4;
    assert!(matches!(keys(&answer), Err(AgentError::Damaged(Damage::Short))));
    assert!(matches!(keys(&[12, 0xff, 0, 0, 0]), Err(AgentError::Damaged(_))));
    assert!(matches!(keys(&[]), Err(AgentError::Damaged(Damage::Short))));

    let unsigned = Unsigned::new(&public(SSH_ED25519_PUBLIC), &mut MESSAGE.as_bytes()).unwrap();
    let request = unsigned.request().unwrap();
    assert_eq!(request[..5], [0, 0, 0, 160, 13]);
    // What the agent is to sign is what OpenSSH signs; so its answer makes what OpenSSH made.
    let plain = armour::Armour::read_only(SSH_ED25519_SIGNATURE).unwrap().bytes;
    let mut answer = vec![14];
    answer.extend_from_slice(&plain[plain.len() - 87..]);
    assert_eq!(unsigned.signature(&answer).unwrap().to_text(), SSH_ED25519_SIGNATURE);
    *answer.last_mut().unwrap() ^= 1;
    assert!(matches!(unsigned.signature(&answer), Err(AgentError::Wrong)));
    assert!(matches!(unsigned.signature(&[5]), Err(AgentError::Refused)));
    assert!(matches!(unsigned.signature(&[6]), Err(AgentError::Kind { found: 6, expected: 14 })));
    let refused = Unsigned::new(&public(PEM_ED25519_PUBLIC), &mut MESSAGE.as_bytes());
    assert!(matches!(refused, Err(SignError::Format { format: Format::Pem, .. })));
}

/// Everything that is read, to be cut and changed.
const TEXTS: [&str; 14] = [
    SSH_ED25519,
    SSH_ED25519_PUBLIC,
    SSH_ED25519_SIGNATURE,
    SSH_P256,
    SSH_P256_PUBLIC,
    SSH_P256_SIGNATURE,
    MINISIGN,
    MINISIGN_PUBLIC,
    MINISIGN_SIGNATURE,
    PEM_P256,
    PEM_P256_PUBLIC,
    PEM_P256_SIGNATURE,
    PEM_ED25519,
    COSIGN_P256,
];

fn read_all(bytes: &[u8]) {
    if let Ok(of) = Signature::parse(bytes) {
        assert_eq!(Signature::parse(of.to_text().as_bytes()).as_ref(), Ok(&of));
    }
    if let Ok(key) = PrivateKey::parse(bytes, None) {
        assert!(PublicKey::parse(&key.public_key().to_text()).is_ok());
    }
    if let Ok(key) = PublicKey::parse(&String::from_utf8_lossy(bytes)) {
        assert_eq!(PublicKey::parse(&key.to_text()), Ok(key));
    }
    _ = agent::keys(bytes);
}

proptest! {
    #[test]
    fn nothing_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn nothing_panics_on_changed_texts(
        which in 0..TEXTS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = TEXTS[which].as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_all(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        read_all(&bytes);
    }

    #[test]
    fn nothing_panics_behind_the_armour(
        label in prop::sample::select(vec![
            "SSH SIGNATURE", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "ENCRYPTED SIGSTORE PRIVATE KEY",
        ]),
        which in 0..TEXTS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = armour::Armour::read(TEXTS[which]).map_or_else(|_| vec![0; 9], |(armour, _)| armour.bytes);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_all(armour::Armour::write(label, &bytes, 70).as_bytes());
    }
}
