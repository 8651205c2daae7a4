//! What goes wrong with keys and signatures.

use std::io;

use super::damage::Damage;
use super::{Format, WHOLE_LIMIT};

/// Why bytes are no key to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is larger than any key.
    #[error("it has {found} bytes, a key at most {limit}")]
    TooLarge {
        /// How large it is.
        found: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It is nothing that kit knows.
    #[error("it is no key of ssh, minisign, cosign or openssl")]
    Unknown,
    /// It is the public half.
    #[error("it is the public half of a key, the private one is needed")]
    IsPublic,
    /// It is the private half.
    #[error("it is the private half of a key, the public one is needed")]
    IsPrivate,
    /// It is encrypted, and no passphrase is given.
    #[error("the key is encrypted, and no passphrase is given")]
    NeedsPassphrase,
    /// The passphrase doesn't open it.
    #[error("the passphrase doesn't open the key")]
    WrongPassphrase,
    /// It is of a kind that kit doesn't use.
    #[error("the key is of kind `{found}`, which kit doesn't use")]
    Algorithm {
        /// What kind it is.
        found: String,
    },
    /// It is of a kind that signs only through an agent.
    #[error("the key is of kind `{found}`, with which only an SSH agent signs")]
    AgentOnly {
        /// What kind it is.
        found: String,
    },
    /// It is encrypted in a way that kit doesn't open.
    #[error("the key is encrypted in a way that kit doesn't open: {found}")]
    Encryption {
        /// How it is encrypted.
        found: Encryption,
    },
    /// Opening it would take too long or too much memory.
    #[error("to open the key takes {found} {what}, more than {limit}")]
    TooCostly {
        /// What there is too much of.
        what: &'static str,
        /// How much it asks for.
        found: u64,
        /// How much it may ask for.
        limit: u64,
    },
    /// It is broken.
    #[error("the {format} key is damaged")]
    Damaged {
        /// What it begins as.
        format: Format,
        /// What is wrong.
        #[source]
        damage: Damage,
    },
}

/// How a key is encrypted that kit doesn't open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Encryption {
    /// PKCS8's own way, in one of its older or rarer forms.
    #[error("PKCS8 otherwise than by PBES2 with AES")]
    Pkcs8,
    /// OpenSSL's old way, with `Proc-Type` in its header.
    #[error("PEM with a header")]
    Header,
}

impl KeyError {
    /// Returns what to do about it, where there is something.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::IsPublic => Some("name the file with the private key, mostly the one without `.pub`"),
            Self::IsPrivate => Some(
                "name the public half: `ssh-keygen -y -f KEY`, `minisign -R -s KEY`, `openssl pkey -pubout -in KEY`",
            ),
            Self::Algorithm { .. } => Some(
                "make a key with `ssh-keygen -t ed25519`, `minisign -G` or `openssl genpkey -algorithm ed25519`",
            ),
            Self::AgentOnly { .. } => {
                Some("give it to the agent by `ssh-add KEY`, and sign with `--agent KEY.pub`")
            }
            Self::Encryption { .. } => {
                Some("encrypt it in today's way: `openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW`")
            }
            Self::TooCostly { .. } => {
                Some("encrypt the key again with less: `ssh-keygen -p -a 24 -f KEY`, `minisign -C -s KEY`")
            }
            Self::TooLarge { .. }
            | Self::Unknown
            | Self::NeedsPassphrase
            | Self::WrongPassphrase
            | Self::Damaged { .. } => None,
        }
    }
}

/// Why something wasn't signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It wasn't read.
    #[error("what is to be signed can't be read")]
    Read(#[from] io::Error),
    /// The key signs only what fits into memory.
    #[error(
        "an ed25519 key in a PEM file signs at most {WHOLE_LIMIT} bytes, since all of them have to be in memory"
    )]
    TooLarge,
    /// What is to be signed besides is no line of text.
    #[error("the comment has a control character or more than {limit} bytes")]
    Comment {
        /// How long it may be.
        limit: usize,
    },
    /// What a security key signs has a counter, for which envelopes have no place.
    #[error(
        "a security key doesn't sign envelopes: what it signs has a counter, for which they have no place"
    )]
    SecurityKey,
    /// The format of the key has no such signatures.
    #[error("a {format} key doesn't sign {what}")]
    Format {
        /// The key's format.
        format: Format,
        /// What it doesn't sign.
        what: &'static str,
    },
}

/// Why a signature isn't by a key over a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is of another format than the key.
    #[error("the signature is of {found}, the key of {expected}")]
    Format {
        /// The signature's.
        found: Format,
        /// The key's.
        expected: Format,
    },
    /// It says itself that it is by another key.
    #[error("it is by the key `{found}`, not by `{expected}`")]
    Key {
        /// The key that it names.
        found: String,
        /// The key that it is checked against.
        expected: String,
    },
    /// It is of another algorithm than the key.
    #[error("it is none that the key `{key}` can make")]
    Algorithm {
        /// The key.
        key: String,
    },
    /// It was made for something other than a file.
    #[error("it was made for `{found}`, not for `{expected}`")]
    Namespace {
        /// What it was made for.
        found: String,
        /// What it has to be made for.
        expected: &'static str,
    },
    /// The device that made it says that nobody touched it.
    #[error("nobody touched the device that made it")]
    Untouched,
    /// It doesn't fit to the bytes and the key.
    #[error("it isn't one of these bytes by this key")]
    Bytes,
    /// It fits, but not to what it says besides.
    #[error("its trusted comment isn't signed by the key")]
    Comment,
    /// The bytes don't fit into memory.
    #[error("it can be checked for at most {WHOLE_LIMIT} bytes, since all of them have to be in memory")]
    TooLarge,
}

/// Why a signature wasn't found valid.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The file wasn't read.
    #[error("what is signed can't be read")]
    Read(#[from] io::Error),
    /// The signature isn't valid.
    #[error(transparent)]
    Refused(#[from] Refusal),
}
