//! The kinds of keys besides the usual two, and keys with a passphrase in PKCS8.

mod fixtures;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;

use self::fixtures::{
    PEM_COSTLY, PEM_DES3, PEM_PBES1, PEM_PBKDF2, PEM_SCRYPT, PEM_SEALED_PUBLIC, PEM_SHA1, SSH_P384,
    SSH_P384_PUBLIC, SSH_P384_SIGNATURE, SSH_P521, SSH_P521_PUBLIC, SSH_P521_SIGNATURE, SSH_RSA_2048_PUBLIC,
    SSH_RSA_SIGNATURE,
};
use super::super::agent::{AgentError, Unsigned};
use super::super::algorithm::{Public, SecurityKey};
use super::super::public_key::Half;
use super::super::ssh::wire;
use super::*;
use crate::dsse::Envelope;

const SIGNED: [(&str, &str); 3] = [
    (SSH_P384_PUBLIC, SSH_P384_SIGNATURE),
    (SSH_P521_PUBLIC, SSH_P521_SIGNATURE),
    (SSH_RSA_2048_PUBLIC, SSH_RSA_SIGNATURE),
];

#[test]
fn signatures_of_openssh_are_valid_for_their_bytes_and_key_alone() {
    for (key, text) in SIGNED {
        let of = signature(text);
        assert_eq!(refusal(key, MESSAGE, &of), None, "{key}");
        assert_eq!(refusal(key, "hello from kit", &of), Some(Refusal::Bytes));
        assert_eq!(of.to_text(), text);
        assert_eq!(public(&public(key).to_text()), public(key));
        assert_eq!(of.key(), Some(public(key).id()));
        for (other, _) in SIGNED.into_iter().filter(|(other, _)| *other != key) {
            assert!(matches!(refusal(other, MESSAGE, &of), Some(Refusal::Key { .. })));
        }
    }
}

#[test]
fn p384_signs_the_same_way_each_time() {
    let key = private(SSH_P384);
    assert_eq!(key.public_key(), public(SSH_P384_PUBLIC));
    let sign = || key.sign(&mut MESSAGE.as_bytes(), "").unwrap();
    assert_eq!(sign(), sign());
    assert_eq!(refusal(SSH_P384_PUBLIC, MESSAGE, &sign()), None);
    let mut envelope = Envelope::new(b"{}".to_vec());
    envelope.sign(&key).unwrap();
    envelope.verify(&public(SSH_P384_PUBLIC)).unwrap();
}

#[test]
fn keys_that_only_an_agent_signs_with_say_so() {
    let error = PrivateKey::parse(SSH_P521.as_bytes(), None).unwrap_err();
    assert_eq!(error, KeyError::AgentOnly { found: "ecdsa-sha2-nistp521".to_owned() });
    assert!(error.help().unwrap().contains("ssh-add"));
    // Whatever its secret number is: the library reads none that is short.
    let (begin, rest) = SSH_P521.split_once('\n').unwrap();
    let (body, end) = rest.trim_end().rsplit_once('\n').unwrap();
    let whole = STANDARD.decode(body.replace('\n', "")).unwrap();
    let cut = format!("{begin}\n{}\n{end}\n", STANDARD.encode(&whole[..whole.len() - 40]));
    assert_eq!(PrivateKey::parse(cut.as_bytes(), None).unwrap_err(), error);
}

#[test]
fn short_rsa_keys_are_refused() {
    let blob = |bits: usize| {
        let mut blob = Vec::new();
        wire::put_string(&mut blob, b"ssh-rsa");
        wire::put_string(&mut blob, &[1, 0, 1]);
        wire::put_string(&mut blob, &[vec![0], vec![0xff; bits / 8]].concat());
        blob
    };
    assert!(wire::read_public_blob(&blob(2048)).is_ok_and(|key| key.is_ok()));
    for bits in [512, 1024, 2040, 8200, 65536] {
        assert!(matches!(wire::read_public_blob(&blob(bits)), Err(Damage::Invalid { .. })), "{bits}");
    }
}

#[test]
fn keys_in_pkcs8_are_opened_by_their_passphrase() {
    for text in [PEM_PBKDF2, PEM_SCRYPT] {
        assert_eq!(PrivateKey::parse(text.as_bytes(), None).unwrap_err(), KeyError::NeedsPassphrase);
        assert_eq!(private(text).public_key(), public(PEM_SEALED_PUBLIC));
        for wrong in ["", "correct horse ", "battery staple"] {
            let error = PrivateKey::parse(text.as_bytes(), Some(wrong)).unwrap_err();
            assert_eq!(error, KeyError::WrongPassphrase);
        }
    }
    for text in [PEM_DES3, PEM_PBES1, PEM_SHA1] {
        let error = PrivateKey::parse(text.as_bytes(), Some("correct horse")).unwrap_err();
        assert_eq!(error, KeyError::Encryption { found: Encryption::Pkcs8 });
    }
    let error = PrivateKey::parse(PEM_COSTLY.as_bytes(), None).unwrap_err();
    assert!(matches!(error, KeyError::TooCostly { found: 20_000_000, .. }));
    let cut = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIH0MF8G\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(PrivateKey::parse(cut.as_bytes(), None), Err(KeyError::Damaged { .. })));
}

/// A FIDO device of software, as an agent has it.
enum Device {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl Device {
    fn both() -> [Self; 2] {
        let p256 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        [Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[7; 32])), Self::P256(p256)]
    }

    fn key(&self) -> SecurityKey {
        let key = match self {
            Self::Ed25519(key) => Public::Ed25519(key.verifying_key()),
            Self::P256(key) => Public::P256(*key.verifying_key()),
        };
        SecurityKey { key, application: b"ssh:".to_vec() }
    }

    fn public(&self) -> PublicKey {
        PublicKey::new(Half::Ssh(Public::SecurityKey(Box::new(self.key()))))
    }

    /// Answers a request as an agent does whose device was touched, or wasn't.
    fn answer(&self, request: &[u8], flags: u8) -> Vec<u8> {
        let mut reader = wire::Reader(&request[5..]);
        let blob = reader.string().unwrap();
        assert_eq!(blob, wire::public_blob(&Public::SecurityKey(Box::new(self.key()))));
        let message = reader.string().unwrap();
        assert_eq!(reader.u32().unwrap(), 0);
        let signed = self.key().signed(message, flags, 41);
        let mut signature = Vec::new();
        match self {
            Self::Ed25519(key) => {
                wire::put_string(&mut signature, b"sk-ssh-ed25519@openssh.com");
                wire::put_string(&mut signature, &key.sign(&signed).to_bytes());
            }
            Self::P256(key) => {
                let made: p256::ecdsa::Signature =
                    key.sign_prehash(kit_hash::Sha256::of(&signed).as_bytes()).unwrap();
                let mut pair = Vec::new();
                for number in <[_; 2]>::from(made.split_bytes()) {
                    let sign = if number[0] & 0x80 == 0 { vec![] } else { vec![0] };
                    wire::put_string(&mut pair, &[sign, number.to_vec()].concat());
                }
                wire::put_string(&mut signature, b"sk-ecdsa-sha2-nistp256@openssh.com");
                wire::put_string(&mut signature, &pair);
            }
        }
        signature.push(flags);
        signature.extend_from_slice(&41_u32.to_be_bytes());
        let mut answer = vec![14];
        wire::put_string(&mut answer, &signature);
        answer
    }
}

#[test]
fn devices_sign_through_an_agent() {
    for device in Device::both() {
        let key = device.public();
        assert_eq!(public(&key.to_text()), key);
        let unsigned = Unsigned::new(&key, &mut MESSAGE.as_bytes()).unwrap();
        let request = unsigned.request().unwrap();
        let of = unsigned.signature(&device.answer(&request, 1)).unwrap();
        assert_eq!(refusal(&key.to_text(), MESSAGE, &of), None);
        assert_eq!(refusal(&key.to_text(), "other", &of), Some(Refusal::Bytes));
        assert_eq!(signature(&of.to_text()), of);
        // Somebody has to be there; that somebody was recognised is as good.
        assert!(unsigned.signature(&device.answer(&request, 5)).is_ok());
        let untouched = unsigned.signature(&device.answer(&request, 0));
        assert!(matches!(untouched, Err(AgentError::Untouched)));
    }
}

#[test]
fn what_a_device_says_is_signed() {
    for device in Device::both() {
        let unsigned = Unsigned::new(&device.public(), &mut MESSAGE.as_bytes()).unwrap();
        let answer = device.answer(&unsigned.request().unwrap(), 1);
        let changed = |at_end: usize| {
            let mut answer = answer.clone();
            let at = answer.len() - at_end;
            answer[at] ^= 4;
            unsigned.signature(&answer)
        };
        // The counter, and the flags.
        assert!(matches!(changed(1), Err(AgentError::Wrong)));
        assert!(matches!(changed(5), Err(AgentError::Wrong)));
        let other = Unsigned::new(&device.public(), &mut "other".as_bytes()).unwrap();
        assert!(matches!(other.signature(&answer), Err(AgentError::Wrong)));
    }
}

#[test]
fn an_untouched_signature_in_a_file_counts_for_nothing() {
    let [device, _] = Device::both();
    let key = device.public();
    let unsigned = Unsigned::new(&key, &mut MESSAGE.as_bytes()).unwrap();
    let text = unsigned.signature(&device.answer(&unsigned.request().unwrap(), 1)).unwrap().to_text();
    let mut bytes = armour::Armour::read_only(&text).unwrap().bytes;
    let at = bytes.len() - 5;
    bytes[at] = 0;
    let of = signature(&armour::Armour::write("SSH SIGNATURE", &bytes, 70));
    assert_eq!(refusal(&key.to_text(), MESSAGE, &of), Some(Refusal::Untouched));
}

#[test]
fn devices_do_not_sign_envelopes() {
    for device in Device::both() {
        let unsigned = Envelope::new(b"{}".to_vec()).unsigned(&device.public());
        assert!(matches!(unsigned, Err(SignError::SecurityKey)));
    }
}

#[test]
fn an_agent_is_told_which_digest_rsa_signs() {
    let key = public(SSH_RSA_2048_PUBLIC);
    let flags = |unsigned: &Unsigned| *unsigned.request().unwrap().last().unwrap();
    let file = Unsigned::new(&key, &mut MESSAGE.as_bytes()).unwrap();
    assert_eq!(flags(&file), 4);
    let envelope = Envelope::new(b"{}".to_vec()).unsigned(&key).unwrap();
    assert_eq!(flags(&envelope), 2);
    let plain = armour::Armour::read_only(SSH_RSA_SIGNATURE).unwrap().bytes;
    let mut answer = vec![14];
    answer.extend_from_slice(&plain[plain.len() - (4 + 4 + 12 + 4 + 256)..]);
    assert_eq!(file.signature(&answer).unwrap().to_text(), SSH_RSA_SIGNATURE);
    // An older agent signs with SHA-1, whatever it is asked.
    let old = |name: &[u8]| {
        let mut signature = Vec::new();
        wire::put_string(&mut signature, name);
        wire::put_string(&mut signature, &[1; 256]);
        let mut answer = vec![14];
        wire::put_string(&mut answer, &signature);
        file.signature(&answer)
    };
    assert!(matches!(old(b"ssh-rsa"), Err(AgentError::Algorithm { found }) if found == "ssh-rsa"));
    assert!(matches!(old(b"rsa-sha2-256"), Err(AgentError::Algorithm { found }) if found == "rsa-sha2-256"));
    assert!(matches!(old(b"rsa-sha2-512"), Err(AgentError::Wrong)));
}
