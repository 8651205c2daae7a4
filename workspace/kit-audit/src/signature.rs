//! Signatures of files by the keys that people have: made, read, checked.
//!
//! | format | key | signature |
//! |---|---|---|
//! | [`Format::Ssh`] | OpenSSH's: ed25519, ECDSA, RSA, and those of FIDO devices | `.sig`: what `ssh-keygen -Y sign -n file` writes |
//! | [`Format::Minisign`] | minisign's | `.minisig`: over the `BLAKE2b` digest; those over the bytes themselves are read, too |
//! | [`Format::Pem`] | PKCS8, SEC1 or cosign's: ed25519 or ECDSA over P-256 | `.sig`: base64 of the plain signature, ECDSA over SHA-256 and in DER |
//!
//! A signature is a file of its own beside what it signs. The same key and bytes give the same signature: ed25519 is so by itself, ECDSA
//! by RFC 6979, and nothing of it tells when it was made. What is signed is read as a stream; only ed25519 keys in PEM files sign the bytes
//! themselves, which have to fit into memory ([`WHOLE_LIMIT`]).
//!
//! | module | what |
//! |---|---|
//! | [`agent`] | signing by an SSH agent, without the socket |
//! | [`attached`] | what was found about an image in a registry or a layout |
//! | [`secure_boot`] | signatures of programs for UEFI firmware |
//! | [`damage`] | what can be wrong with the text of a key or a signature |
//! | [`trust`] | who signed, and whether they are enough |

mod algorithm;
mod armour;
pub mod attached;
pub mod damage;
mod error;
mod minisign;
mod pem;
mod prehash;
mod private_key;
mod public_key;
pub mod secure_boot;
mod ssh;
pub mod trust;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use self::damage::Damage;
pub use self::error::{Encryption, KeyError, Refusal, SignError, VerifyError};
pub use self::prehash::WHOLE_LIMIT;
pub use self::private_key::PrivateKey;
pub use self::public_key::PublicKey;
pub use self::ssh::agent;

/// Whose format a key or a signature has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// OpenSSH's.
    Ssh,
    /// Minisign's.
    Minisign,
    /// OpenSSL's and cosign's.
    Pem,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ssh, Self::Minisign, Self::Pem];

    /// Returns the word that outputs use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Minisign => "minisign",
            Self::Pem => "pem",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A signature, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(Kind);

/// What a signature consists of, by format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Ssh(ssh::SshSignature),
    Minisign(minisign::MinisignSignature),
    /// 64 bytes of ed25519, or DER of ECDSA: only the key tells.
    Pem(Vec<u8>),
}

/// Why bytes are no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is larger than any signature.
    #[error("it has {found} bytes, a signature at most {limit}")]
    TooLarge {
        /// How large it is.
        found: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It is nothing that kit knows.
    #[error("it is no signature of ssh, minisign, cosign or openssl: it starts with `{start}`")]
    Unknown {
        /// How it starts.
        start: String,
    },
    /// It is JSON.
    #[error("it is JSON: an envelope holds what it signs, a bundle needs a log and its time")]
    Json,
    /// It is by a key of a kind that kit doesn't check.
    #[error("it is by a key of kind `{found}`, which kit doesn't check")]
    Algorithm {
        /// What kind it is.
        found: String,
    },
    /// It is broken.
    #[error("the {format} signature is damaged")]
    Damaged {
        /// What it begins as.
        format: Format,
        /// What is wrong.
        #[source]
        damage: Damage,
    },
}

impl Signature {
    /// The most bytes that a signature may have.
    pub const LIMIT: usize = 64 << 10;

    /// Reads a signature in any of the formats.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() > Self::LIMIT {
            return Err(SignatureError::TooLarge { found: bytes.len(), limit: Self::LIMIT });
        }
        if pem::is_plain(bytes) {
            return Ok(Self(Kind::Pem(bytes.to_vec())));
        }
        let unknown = || SignatureError::Unknown { start: start_of(bytes) };
        let text = std::str::from_utf8(bytes).map_err(|_| unknown())?.trim_ascii();
        if text.starts_with("-----BEGIN SSH SIGNATURE-----") {
            return ssh::SshSignature::parse(text).map(|signature| Self(Kind::Ssh(signature)));
        }
        if text.starts_with(minisign::UNTRUSTED) {
            let damaged = |damage| SignatureError::Damaged { format: Format::Minisign, damage };
            return minisign::MinisignSignature::parse(text)
                .map(|signature| Self(Kind::Minisign(signature)))
                .map_err(damaged);
        }
        if text.starts_with('{') {
            return Err(SignatureError::Json);
        }
        let compact: String = text.split_ascii_whitespace().collect();
        let plain = STANDARD.decode(compact).ok().filter(|plain| pem::is_plain(plain));
        plain.map(|plain| Self(Kind::Pem(plain))).ok_or_else(unknown)
    }

    /// Returns its text, as the tools of its format write it.
    pub fn to_text(&self) -> String {
        match &self.0 {
            Kind::Ssh(signature) => signature.to_text(),
            Kind::Minisign(signature) => signature.to_text(),
            Kind::Pem(plain) => format!("{}\n", STANDARD.encode(plain)),
        }
    }

    /// Returns its format.
    pub fn format(&self) -> Format {
        match &self.0 {
            Kind::Ssh(_) => Format::Ssh,
            Kind::Minisign(_) => Format::Minisign,
            Kind::Pem(_) => Format::Pem,
        }
    }

    /// Returns what is put behind the name of a file to name its signature.
    pub fn file_suffix(&self) -> &'static str {
        match self.format() {
            Format::Ssh | Format::Pem => ".sig",
            Format::Minisign => ".minisig",
        }
    }

    /// Returns which key it says that it is by: a fingerprint, or minisign's number of the key.
    pub fn key(&self) -> Option<String> {
        match &self.0 {
            Kind::Ssh(signature) => Some(signature.key().id()),
            Kind::Minisign(signature) => Some(minisign::number_text(signature.number())),
            Kind::Pem(_) => None,
        }
    }

    /// Returns what is signed besides the file: minisign's trusted comment, to be trusted once the signature was checked.
    pub fn comment(&self) -> Option<&str> {
        match &self.0 {
            Kind::Minisign(signature) => Some(signature.comment()),
            Kind::Ssh(_) | Kind::Pem(_) => None,
        }
    }
}

/// Returns how a text starts, for a message.
fn start_of(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(64)];
    String::from_utf8_lossy(head).trim_start().chars().take_while(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
pub(crate) mod tests;
