//! Minisign's keys and signatures.
//!
//! ```text
//! untrusted comment: anything
//! base64 of: "ED", number of the key, ed25519 of the file's BLAKE2b digest       "Ed": of the file itself, as of old
//! trusted comment: anything
//! base64 of: ed25519 of the signature above and the trusted comment
//!
//! public key     "Ed", number, 32 bytes
//! secret key     "Ed", "Sc" or two zeros, "B2", salt, operations, memory, then xor-ed with scrypt's: number, seed, public key, checksum
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use super::Format;
use super::algorithm::Public;
use super::damage::Damage;
use super::error::{KeyError, Refusal, SignError};
use super::prehash::Prehash;

/// What a signature and a key start with.
pub(super) const UNTRUSTED: &str = "untrusted comment:";
const TRUSTED: &str = "trusted comment: ";
/// The most bytes that minisign reads of a trusted comment.
const COMMENT_LIMIT: usize = 8000;
/// The sizes of keys and signatures.
const SECRET_SIZE: usize = 158;
const PUBLIC_SIZE: usize = 42;
const SIGNATURE_SIZE: usize = 74;
/// What minisign itself asks for when it makes a key: operations and bytes of memory.
const OPERATIONS_LIMIT: u64 = 1 << 25;
const MEMORY_LIMIT: u64 = 1 << 30;

/// The number that minisign gives a key.
pub(super) type Number = [u8; 8];

/// A signature as minisign has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MinisignSignature {
    untrusted: String,
    of: Of,
    number: Number,
    signature: [u8; 64],
    comment: String,
    whole_signature: [u8; 64],
}

/// What was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Digest,
    File,
}

impl MinisignSignature {
    /// Signs the `BLAKE2b` digest of a file, and a comment.
    pub(super) fn sign(
        key: &SigningKey,
        number: Number,
        digest: &[u8],
        comment: &str,
    ) -> Result<Self, SignError> {
        if comment.len() > COMMENT_LIMIT || comment.chars().any(|c| c.is_control() && c != '\t') {
            return Err(SignError::Comment { limit: COMMENT_LIMIT });
        }
        let signature = key.sign(digest).to_bytes();
        let whole_signature = key.sign(&[&signature, comment.as_bytes()].concat()).to_bytes();
        Ok(Self {
            untrusted: format!(" signature by kit with minisign key {}", number_text(number)),
            of: Of::Digest,
            number,
            signature,
            comment: comment.to_owned(),
            whole_signature,
        })
    }

    /// Checks it against a key and what [`MinisignSignature::prehash`] names.
    pub(super) fn check(&self, key: &VerifyingKey, number: Number, prehashed: &[u8]) -> Result<(), Refusal> {
        if self.number != number {
            return Err(Refusal::Key { found: number_text(self.number), expected: number_text(number) });
        }
        let is_by = |bytes: &[u8], signature| {
            key.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
        };
        if !is_by(prehashed, &self.signature) {
            return Err(Refusal::Bytes);
        }
        let whole = [&self.signature, self.comment.as_bytes()].concat();
        if is_by(&whole, &self.whole_signature) { Ok(()) } else { Err(Refusal::Comment) }
    }

    pub(super) fn number(&self) -> Number {
        self.number
    }

    pub(super) fn comment(&self) -> &str {
        &self.comment
    }

    pub(super) fn prehash(&self) -> Prehash {
        match self.of {
            Of::Digest => Prehash::Blake2b,
            Of::File => Prehash::Whole,
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, Damage> {
        let mut lines = text.lines();
        let mut line = || lines.next().ok_or(Damage::Short);
        let first = line()?;
        let untrusted = first.strip_prefix(UNTRUSTED).ok_or_else(|| missing(UNTRUSTED))?.to_owned();
        let head: [u8; SIGNATURE_SIZE] = decode("signature", line()?)?;
        let comment = line()?.strip_prefix(TRUSTED).ok_or_else(|| missing(TRUSTED))?.to_owned();
        let whole_signature = decode("second signature", line()?)?;
        if lines.next().is_some() {
            return Err(Damage::Extra);
        }
        let of = match &head[..2] {
            b"ED" => Of::Digest,
            b"Ed" => Of::File,
            _ => return Err(Damage::Invalid { part: "algorithm" }),
        };
        let (number, signature) = (array(&head[2..10]), array(&head[10..]));
        Ok(Self { untrusted, of, number, signature, comment, whole_signature })
    }

    pub(super) fn to_text(&self) -> String {
        let of: &[u8] = match self.of {
            Of::Digest => b"ED",
            Of::File => b"Ed",
        };
        let head = STANDARD.encode([of, &self.number, &self.signature].concat());
        let whole = STANDARD.encode(self.whole_signature);
        format!("{UNTRUSTED}{}\n{head}\n{TRUSTED}{}\n{whole}\n", self.untrusted, self.comment)
    }
}

/// Reads a public key: the file, or the one word of it that tells.
pub(super) fn read_public(text: &str) -> Result<(VerifyingKey, Number), KeyError> {
    let damaged = |damage| KeyError::Damaged { format: Format::Minisign, damage };
    let word = word_of(text).map_err(damaged)?;
    if is_secret(word) {
        return Err(KeyError::IsPrivate);
    }
    let bytes: [u8; PUBLIC_SIZE] = decode("key", word).map_err(damaged)?;
    if &bytes[..2] != b"Ed" {
        return Err(damaged(Damage::Invalid { part: "algorithm" }));
    }
    let Some(Public::Ed25519(key)) = Public::ed25519(&array(&bytes[10..])) else {
        return Err(damaged(Damage::Invalid { part: "public key" }));
    };
    Ok((key, array(&bytes[2..10])))
}

/// Returns a public key as in `minisign.pub`.
pub(super) fn to_public(key: &VerifyingKey, number: Number) -> String {
    let word = STANDARD.encode([b"Ed".as_slice(), &number, key.as_bytes()].concat());
    format!("{UNTRUSTED} minisign public key {}\n{word}\n", number_text(number))
}

/// Whether a text is a public key without its comment.
pub(super) fn is_public_word(text: &str) -> bool {
    text.len() == 56 && text.starts_with("RW")
}

/// Returns the number of a key as minisign shows it.
pub(super) fn number_text(number: Number) -> String {
    format!("{:016X}", u64::from_le_bytes(number))
}

/// Reads a secret key.
pub(super) fn read_secret(text: &str, passphrase: Option<&str>) -> Result<(SigningKey, Number), KeyError> {
    let damaged = |damage| KeyError::Damaged { format: Format::Minisign, damage };
    let word = word_of(text).map_err(damaged)?;
    if is_public_word(word) {
        return Err(KeyError::IsPublic);
    }
    let mut bytes: [u8; SECRET_SIZE] = decode("key", word).map_err(damaged)?;
    if &bytes[..2] != b"Ed" || &bytes[4..6] != b"B2" {
        return Err(damaged(Damage::Invalid { part: "algorithm" }));
    }
    match &bytes[2..4] {
        [0, 0] => {}
        b"Sc" => bytes = open(word, &bytes, passphrase.ok_or(KeyError::NeedsPassphrase)?)?,
        _ => return Err(damaged(Damage::Invalid { part: "encryption" })),
    }
    let key = SigningKey::from_bytes(&array(&bytes[62..94]));
    // Signing with one half and naming the other gives the private one away.
    if key.verifying_key().as_bytes() != &bytes[94..126] {
        return Err(damaged(Damage::Halves));
    }
    Ok((key, array(&bytes[54..62])))
}

fn open(word: &str, bytes: &[u8; SECRET_SIZE], passphrase: &str) -> Result<[u8; SECRET_SIZE], KeyError> {
    let asked = |range: std::ops::Range<usize>| u64::from_le_bytes(array(&bytes[range]));
    for (what, found, limit) in [
        ("operations of scrypt", asked(38..46), OPERATIONS_LIMIT),
        ("bytes of memory", asked(46..54), MEMORY_LIMIT),
    ] {
        if found > limit {
            return Err(KeyError::TooCostly { what, found, limit });
        }
    }
    let sealed = minisign::SecretKeyBox::from(format!("{UNTRUSTED} \n{word}\n"));
    let opened = sealed.into_secret_key(Some(passphrase.to_owned()));
    let opened = opened.map_err(|_| KeyError::WrongPassphrase)?.to_bytes();
    opened.try_into().map_err(|_| KeyError::WrongPassphrase)
}

fn is_secret(word: &str) -> bool {
    word.len() == SECRET_SIZE.div_ceil(3) * 4
}

/// Returns the word of a key's file, which may have a comment above.
fn word_of(text: &str) -> Result<&str, Damage> {
    let mut lines = text.lines().map(str::trim_ascii);
    let first = lines.next().ok_or(Damage::Short)?;
    let word = if first.starts_with(UNTRUSTED) { lines.next().ok_or(Damage::Short)? } else { first };
    if lines.next().is_some() { Err(Damage::Extra) } else { Ok(word) }
}

fn missing(line: &str) -> Damage {
    Damage::Armour { line: line.trim_ascii_end().to_owned() }
}

fn decode<const SIZE: usize>(part: &'static str, word: &str) -> Result<[u8; SIZE], Damage> {
    let bytes = STANDARD.decode(word).map_err(|_| Damage::Base64 { part })?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| Damage::Size { part, found, expected: SIZE })
}

fn array<const SIZE: usize>(bytes: &[u8]) -> [u8; SIZE] {
    bytes.try_into().expect("because the places above are in the arrays that were read")
}
