//! OpenSSH's keys, and signatures as `ssh-keygen -Y sign` makes them (`PROTOCOL.sshsig`).
//!
//! ```text
//! -----BEGIN SSH SIGNATURE-----      base64 in lines of 70
//!   "SSHSIG"   u32 1   string key   string namespace   string reserved   string hash   string signature
//!
//! signed     "SSHSIG"   string namespace   string reserved   string hash   string digest of the file
//! signature  string algorithm   string ed25519's 64 bytes, or two multiple-precision integers, or RSA's number
//!            of a device: besides u8 flags   u32 counter
//! ```
//! The namespace is `file`, the hash `sha512`; `sha256` is read, too. Nothing is reserved yet.

pub mod agent;
pub(super) mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::Kdf;
use ssh_key::private::{EcdsaKeypair, KeypairData};

use super::algorithm::{Public, Raw, Secret};
use super::armour::Armour;
use super::damage::Damage;
use super::error::{KeyError, Refusal};
use super::prehash::Prehash;
use super::{Format, SignatureError};
use wire::Reader;

/// What signatures of files are told by from those of mails and commits.
pub(super) const NAMESPACE: &str = "file";
/// What stands in an armoured signature's first line.
const LABEL: &str = "SSH SIGNATURE";
/// How wide OpenSSH writes.
const WIDTH: usize = 70;
const MAGIC: &[u8] = b"SSHSIG";
/// The most rounds of bcrypt that a key may ask for: OpenSSH's own keys have 24.
const ROUNDS_LIMIT: u32 = 2048;

/// A signature as OpenSSH has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshSignature {
    key: Public,
    namespace: String,
    hash: Hash,
    raw: Raw,
}

/// How the file was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn word(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// Returns what a key signs for a file, of the file's SHA-512 digest.
pub(super) fn signed(digest: &[u8]) -> Vec<u8> {
    signed_as(NAMESPACE, Hash::Sha512, digest)
}

fn signed_as(namespace: &str, hash: Hash, digest: &[u8]) -> Vec<u8> {
    let mut blob = MAGIC.to_vec();
    for part in [namespace.as_bytes(), b"", hash.word().as_bytes(), digest] {
        wire::put_string(&mut blob, part);
    }
    blob
}

impl SshSignature {
    /// Puts one together of what a key made of [`signed`].
    pub(super) fn new(key: Public, raw: Raw) -> Self {
        Self { key, namespace: NAMESPACE.to_owned(), hash: Hash::Sha512, raw }
    }

    pub(super) fn key(&self) -> &Public {
        &self.key
    }

    pub(super) fn prehash(&self) -> Prehash {
        match self.hash {
            Hash::Sha256 => Prehash::Sha256,
            Hash::Sha512 => Prehash::Sha512,
        }
    }

    /// Checks it against a key and the digest of a file.
    pub(super) fn check(&self, key: &Public, digest: &[u8]) -> Result<(), Refusal> {
        if self.key != *key {
            return Err(Refusal::Key { found: self.key.id(), expected: key.id() });
        }
        if self.namespace != NAMESPACE {
            return Err(Refusal::Namespace { found: self.namespace.clone(), expected: NAMESPACE });
        }
        if !self.raw.is_touched() {
            return Err(Refusal::Untouched);
        }
        let blob = signed_as(&self.namespace, self.hash, digest);
        if key.is_by_bytes(&blob, &self.raw) { Ok(()) } else { Err(Refusal::Bytes) }
    }

    pub(super) fn parse(text: &str) -> Result<Self, SignatureError> {
        let damaged = |damage| SignatureError::Damaged { format: Format::Ssh, damage };
        let armour = Armour::read_only(text).map_err(damaged)?;
        let found = read(&armour.bytes).map_err(damaged)?;
        let (key, raw) = match (found.key, found.raw) {
            (Ok(key), Ok(raw)) => (key, raw),
            (Err(found), _) | (_, Err(found)) => return Err(SignatureError::Algorithm { found }),
        };
        Ok(Self { key, namespace: found.namespace, hash: found.hash, raw })
    }

    pub(super) fn to_text(&self) -> String {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&1_u32.to_be_bytes());
        let parts: [&[u8]; 5] = [
            &wire::public_blob(&self.key),
            self.namespace.as_bytes(),
            b"",
            self.hash.word().as_bytes(),
            &wire::signature_blob(&self.raw),
        ];
        for part in parts {
            wire::put_string(&mut bytes, part);
        }
        Armour::write(LABEL, &bytes, WIDTH)
    }
}

/// What is in a signature, with the names of algorithms that kit doesn't know.
struct Found {
    key: Result<Public, String>,
    namespace: String,
    hash: Hash,
    raw: Result<Raw, String>,
}

fn read(bytes: &[u8]) -> Result<Found, Damage> {
    let mut reader = Reader(bytes);
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(Damage::Invalid { part: "magic" });
    }
    let version = reader.u32()?;
    if version != 1 {
        return Err(Damage::Value { part: "version", found: version.to_string(), expected: "1" });
    }
    let key = wire::read_public_blob(reader.string()?)?;
    let namespace = reader.text("namespace")?.to_owned();
    if !reader.string()?.is_empty() {
        return Err(Damage::Invalid { part: "reserved part" });
    }
    let hash = match reader.text("hash")? {
        "sha256" => Hash::Sha256,
        "sha512" => Hash::Sha512,
        other => {
            let found = other.to_owned();
            return Err(Damage::Value { part: "hash", found, expected: "sha512" });
        }
    };
    let raw = wire::read_signature_blob(reader.string()?)?;
    reader.end()?;
    Ok(Found { key, namespace, hash, raw })
}

/// Reads a line as in `id_ed25519.pub`.
pub(super) fn read_line(line: &str) -> Result<Public, KeyError> {
    let damaged = |damage| KeyError::Damaged { format: Format::Ssh, damage };
    if line.contains(['\n', '\r']) {
        return Err(damaged(Damage::Extra));
    }
    let mut words = line.split_ascii_whitespace();
    let (name, blob) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let blob = STANDARD.decode(blob).map_err(|_| damaged(Damage::Base64 { part: "second word" }))?;
    let inside = Reader(&blob).text("algorithm").map_err(damaged)?;
    if inside != name {
        return Err(damaged(Damage::Invalid { part: "first word" }));
    }
    wire::read_public_blob(&blob).map_err(damaged)?.map_err(|found| KeyError::Algorithm { found })
}

pub(super) fn to_line(key: &Public) -> String {
    format!("{} {}\n", wire::name(key), STANDARD.encode(wire::public_blob(key)))
}

/// Reads a private key of OpenSSH's own format, of what is in its armour.
pub(super) fn read_private(bytes: &[u8], passphrase: Option<&str>) -> Result<Secret, KeyError> {
    let damaged = |damage| KeyError::Damaged { format: Format::Ssh, damage };
    let whole = |_| damaged(Damage::Invalid { part: "content" });
    let found = algorithm_of(bytes).map_err(damaged)?.to_owned();
    if wire::IN_AGENTS.contains(&found.as_str()) {
        return Err(KeyError::AgentOnly { found });
    }
    let mut key = ssh_key::PrivateKey::from_bytes(bytes).map_err(whole)?;
    if !wire::IN_FILES.contains(&found.as_str()) {
        return Err(KeyError::Algorithm { found });
    }
    if key.is_encrypted() {
        let passphrase = passphrase.ok_or(KeyError::NeedsPassphrase)?;
        if let Kdf::Bcrypt { rounds, .. } = key.kdf()
            && *rounds > ROUNDS_LIMIT
        {
            let (found, limit) = (u64::from(*rounds), u64::from(ROUNDS_LIMIT));
            return Err(KeyError::TooCostly { what: "rounds of bcrypt", found, limit });
        }
        key = key.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)?;
    }
    let secret = match key.key_data() {
        KeypairData::Ed25519(pair) => Secret::ed25519(&pair.private.to_bytes()),
        KeypairData::Ecdsa(EcdsaKeypair::NistP256 { private, .. }) => Secret::p256(private.as_slice())
            .ok_or_else(|| damaged(Damage::Invalid { part: "private half" }))?,
        KeypairData::Ecdsa(EcdsaKeypair::NistP384 { private, .. }) => Secret::p384(private.as_slice())
            .ok_or_else(|| damaged(Damage::Invalid { part: "private half" }))?,
        _ => return Err(KeyError::Algorithm { found }),
    };
    // Signing with one half and naming the other gives the private one away.
    let is_whole = key.public_key().to_bytes().is_ok_and(|blob| blob == wire::public_blob(&secret.public()));
    if is_whole { Ok(secret) } else { Err(damaged(Damage::Halves)) }
}

/// Returns the algorithm of a private key. It stands in front of the secret, of which the library doesn't read every number.
fn algorithm_of(bytes: &[u8]) -> Result<&str, Damage> {
    const MAGIC: &[u8] = b"openssh-key-v1\0";
    let odd = Damage::Invalid { part: "content" };
    let mut reader = Reader(bytes.strip_prefix(MAGIC).ok_or(odd)?);
    for _cipher_and_derivation in 0..3 {
        reader.string()?;
    }
    let _count = reader.u32()?;
    Reader(reader.string()?).text("algorithm")
}
