use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{HITS, Hit, Secret, scan};

/// Characters of base64 that are no key.
fn body(length: usize) -> String {
    "MIIEowIBAAKCAQEAv3Kp9Qx7LZ2d".chars().cycle().take(length).collect()
}

fn pem(label: &str, headers: &str) -> String {
    format!("-----BEGIN {label}-----\n{headers}{}\n{}\n-----END {label}-----\n", body(64), body(30))
}

fn openssh(cipher: &str) -> String {
    let mut bytes = b"openssh-key-v1\0".to_vec();
    bytes.extend(u32::try_from(cipher.len()).unwrap().to_be_bytes());
    bytes.extend(cipher.as_bytes());
    bytes.resize(120, 7);
    let text = STANDARD.encode(bytes);
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n{}\n", &text[..70], &text[70..])
}

fn minisign(start: &[u8]) -> String {
    let mut bytes = start.to_vec();
    bytes.resize(158, 9);
    format!("untrusted comment: minisign encrypted secret key\n{}\n", STANDARD.encode(bytes))
}

fn web_token(header: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(header), part("{\"sub\":\"1234567890\"}"), part("a signature of some length"))
}

fn found(text: &str) -> Vec<(Secret, u32)> {
    scan(text.as_bytes()).into_iter().map(|hit| (hit.secret, hit.line)).collect()
}

#[test]
fn keys_are_found_by_their_header_and_body() {
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "ANY PRIVATE KEY"] {
        assert_eq!(found(&format!("a\n{}", pem(label, ""))), [(Secret::PemKey, 2)], "{label}");
    }
    let encrypted = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n";
    let inline = |end: &str| format!("{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{}{end}", body(64));
    for (text, expected) in [
        (pem("ENCRYPTED PRIVATE KEY", ""), Secret::EncryptedKey),
        (pem("RSA PRIVATE KEY", encrypted), Secret::EncryptedKey),
        (pem("PRIVATE KEY", "").replace('\n', "\r\n"), Secret::PemKey),
        (pem("PRIVATE KEY", "").replace('\n', "\n    "), Secret::PemKey),
        (inline("\\n-----END PRIVATE KEY-----\"}"), Secret::PemKey),
        (openssh("none"), Secret::OpensshKey),
        (openssh("aes256-ctr"), Secret::EncryptedKey),
        (pem("PGP PRIVATE KEY BLOCK", "Version: 1\n\n"), Secret::OpenPgpKey),
        (pem("PGP PRIVATE KEY BLOCK", "\n"), Secret::OpenPgpKey),
        (
            format!(
                "key: AGE-SECRET-KEY-1{}\n",
                "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"
            ),
            Secret::AgeKey,
        ),
    ] {
        assert_eq!(found(&text), [(expected, 1)], "{text}");
    }
    assert_eq!(found(&minisign(b"Ed\0\0B2")), [(Secret::MinisignKey, 2)]);
    assert_eq!(found(&minisign(b"EdScB2")), [(Secret::EncryptedKey, 2)]);
    let wireguard = format!("[Interface]\nAddress = 10.0.0.1\nPrivateKey = {}\n", STANDARD.encode([7; 32]));
    assert_eq!(found(&wireguard), [(Secret::WireguardKey, 3)]);
    assert_eq!(found(&wireguard.replace("Interface", "WireGuard")), [(Secret::WireguardKey, 3)]);
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    let key = STANDARD.encode([7; 32]);
    for text in [
        // Public material.
        pem("CERTIFICATE", ""),
        pem("PUBLIC KEY", ""),
        pem("PGP PUBLIC KEY BLOCK", "\n"),
        pem("CERTIFICATE REQUEST", ""),
        // Talk about keys.
        "-----BEGIN PRIVATE KEY-----".to_owned(),
        "grep -q '-----BEGIN RSA PRIVATE KEY-----' \"$1\"\necho found\n".to_owned(),
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n".to_owned(),
        "-----BEGIN PRIVATE KEY-----\\nabc\\n-----END PRIVATE KEY-----\\n".to_owned(),
        format!("-----BEGIN PRIVATE KEY\n{}\n", body(64)),
        // Public keys, hints, other sections, an empty key.
        format!("AGE-SECRET-KEY-1{}\n", "Q".repeat(20)),
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudfg5nkqzqkqkq\n".to_owned(),
        "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n".to_owned(),
        format!("[Interface]\nPublicKey = {key}\n"),
        format!("[Other]\nPrivateKey = {key}\n"),
        format!("PrivateKey = {key}\n"),
        format!("[Interface]\nPrivateKey = {}\n", STANDARD.encode([0; 32])),
        "[Interface]\nPrivateKey = <put yours here>\n".to_owned(),
        minisign(b"XdScB2"),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

const RANDOM: &str =
    "1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R9s0T1u2V3w4X5y6Z7a8B9c0D1e2F3g4H5i6J7k8L9m0N1o2P3q4R";

#[test]
fn tokens_are_found_by_their_shape() {
    for (start, length, secret) in [
        ("ghp_", 36, Secret::GithubToken),
        ("gho_", 36, Secret::GithubToken),
        ("ghs_", 36, Secret::GithubToken),
        ("github_pat_", 82, Secret::GithubToken),
        ("glpat-", 20, Secret::GitlabToken),
        ("xoxb-", 48, Secret::SlackToken),
        ("xoxp-", 48, Secret::SlackToken),
        ("AIza", 35, Secret::GoogleKey),
    ] {
        let token = format!("{start}{}", &RANDOM[..length]);
        for text in [format!("{token}\n"), format!("\nx = \"{token}\"; # y")] {
            assert_eq!(
                found(&text).iter().map(|(secret, _)| *secret).collect::<Vec<_>>(),
                [secret],
                "{text}"
            );
        }
        for text in [
            format!("{start}{}", &RANDOM[..length - 1].chars().take(15).collect::<String>()),
            format!("word{token}"),
            format!("{start}{}", "x".repeat(length)),
            format!(
                "{start}{}",
                "abcdefghijklmnopqrstuvwxyz".repeat(4).chars().take(length).collect::<String>()
            ),
            token.to_uppercase(),
        ] {
            assert_eq!(found(&text), [], "{text}");
        }
    }
    let long = format!("AIza{}", &RANDOM[..36]);
    assert_eq!(found(&long), []);
}

#[test]
fn web_tokens_have_a_header() {
    let token = web_token("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    assert_eq!(found(&format!("token: {token}")), [(Secret::JsonWebToken, 1)]);
    for text in [
        web_token("{\"alg\":\"none\"}"),
        web_token("{\"typ\":\"JWT\"}"),
        token.rsplit_once('.').unwrap().0.to_owned(),
        format!("x{token}"),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn access_keys_count_with_their_secret() {
    let id = concat!("AK", "IAQ3EGRNVFSTUVWXYZ");
    let secret = &RANDOM[..40];
    let pair = format!("x\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    assert_eq!(found(&pair), [(Secret::AwsKey, 2)]);
    assert_eq!(
        found(&format!("{{\"SecretAccessKey\": \"{secret}\", \"AccessKeyId\": \"{id}\"}}")),
        [(Secret::AwsKey, 1)]
    );
    for text in [
        format!("aws_access_key_id = {id}\n"),
        format!("aws_secret_access_key = {secret}\n"),
        format!("aws_access_key_id = {id}\nsha1 = {secret}\n"),
        format!("aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {secret}\n"),
        format!("aws_access_key_id = {id}\nsecret = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"),
        format!("aws_access_key_id = X{id}\nsecret = {secret}\n"),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn hits_are_few_and_lines_are_not_endless() {
    let token = format!("glpat-{}\n", &RANDOM[..20]);
    let many = scan(token.repeat(100).as_bytes());
    assert_eq!(many.len(), HITS);
    assert_eq!(many[63], Hit { secret: Secret::GitlabToken, line: 64 });
    let padded = |length: usize| format!("{}{token}", " ".repeat(length));
    assert_eq!(found(&padded(1000)).len(), 1);
    assert_eq!(found(&padded(16 << 10)), []);
}

#[test]
fn numbers_are_told_apart() {
    let mut numbers: Vec<_> = Secret::ALL.into_iter().map(Secret::number).collect();
    assert_eq!(numbers, (0..13).collect::<Vec<_>>());
    numbers.dedup();
    assert_eq!(numbers.len(), Secret::ALL.len());
}

proptest! {
    #[test]
    fn texts_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = scan(&bytes);
    }

    #[test]
    fn parts_of_secrets_never_panic(
        text in "((-----BEGIN |PRIVATE KEY|OPENSSH |PGP |BLOCK|-----|\n|AKIA|ghp_|eyJ|\\.|AGE-SECRET-KEY-1|PrivateKey = |[A-Z0-9]{1,60}|RWQ)){0,16}",
    ) {
        let _ = scan(text.as_bytes());
    }
}
