//! Who signed a file, and whether they are enough: data, not errors.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use super::error::Refusal;
use super::prehash::prehashes;
use super::public_key::PublicKey;
use super::{Signature, SignatureError};
use crate::dsse::Envelope;

/// A key that somebody trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Whose it is.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

/// How many different trusted keys have to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// How many; none is taken for one.
    pub needed: usize,
}

/// A signature that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where, such as `server.iso.sig`.
    pub at: String,
    /// What it was read as.
    pub signature: Result<Signature, SignatureError>,
}

/// What a signature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A valid one by a trusted key.
    Valid {
        /// Whose key it is; several where one key has several names.
        names: BTreeSet<String>,
        /// The fingerprint of the key.
        key: String,
    },
    /// By a key that nobody trusts.
    Unknown {
        /// Which key it says that it is by, where it says.
        key: Option<String>,
    },
    /// By a trusted key, it says, but it isn't valid.
    Wrong {
        /// Whose key it names.
        name: String,
        /// Why it isn't valid.
        refusal: Refusal,
    },
    /// It names no key, and none of the trusted ones made it of these bytes.
    Unmatched {
        /// Whose keys were tried, and why each wasn't it.
        tried: BTreeMap<String, Refusal>,
    },
    /// No signature.
    Unreadable {
        /// Why.
        error: SignatureError,
    },
    /// It is about something else.
    Elsewhere {
        /// What it is about.
        about: String,
    },
    /// It can't be had, or what holds it can't be read.
    Broken {
        /// Why.
        why: String,
    },
}

/// Who signed, and whether they are enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What each signature is, by where it was found, in the order in which they were given.
    pub verdicts: Vec<(String, Verdict)>,
    /// The keys that signed validly, by fingerprint, and whose they are.
    pub signers: BTreeMap<String, BTreeSet<String>>,
    /// How many different keys have to sign.
    pub needed: usize,
    /// How many different keys are trusted.
    pub trusted: usize,
}

impl Judgement {
    /// Whether enough different keys signed.
    pub fn is_met(&self) -> bool {
        self.signers.len() >= self.needed
    }

    /// Whether enough different keys are trusted for that at all.
    pub fn can_be_met(&self) -> bool {
        self.trusted >= self.needed
    }

    pub(super) fn new(verdicts: Vec<(String, Verdict)>, trusted: &[Trusted], quorum: Quorum) -> Self {
        let mut signers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (_, verdict) in &verdicts {
            if let Verdict::Valid { names, key } = verdict {
                signers.entry(key.clone()).or_default().extend(names.iter().cloned());
            }
        }
        let keys: BTreeSet<String> = trusted.iter().map(|trusted| trusted.key.id()).collect();
        Self { verdicts, signers, needed: quorum.needed.max(1), trusted: keys.len() }
    }
}

/// Judges the signatures of a file, which is read once.
pub fn judge(
    message: &mut dyn Read,
    found: &[Found],
    trusted: &[Trusted],
    quorum: Quorum,
) -> io::Result<Judgement> {
    let readable = || found.iter().filter_map(|found| found.signature.as_ref().ok());
    let pairs = || readable().flat_map(|signature| trusted.iter().map(move |trusted| (signature, trusted)));
    let needed: BTreeSet<_> = pairs().filter_map(|(signature, by)| by.key.prehash(signature).ok()).collect();
    let made = prehashes(message, &needed)?;
    let check = |signature: &Signature, key: &PublicKey| {
        let prehash = key.prehash(signature)?;
        key.check(signature, made.get(&prehash).and_then(Option::as_deref))
    };
    let verdict = |found: &Found| {
        let verdict = match &found.signature {
            Err(error) => Verdict::Unreadable { error: error.clone() },
            Ok(signature) => verdict(signature.key(), trusted, &|key| check(signature, key)),
        };
        (found.at.clone(), verdict)
    };
    Ok(Judgement::new(found.iter().map(verdict).collect(), trusted, quorum))
}

/// Judges the signatures of an envelope.
pub fn judge_envelope(envelope: &Envelope, trusted: &[Trusted], quorum: Quorum) -> Judgement {
    Judgement::new(envelope_verdicts(envelope, trusted), trusted, quorum)
}

fn envelope_verdicts(envelope: &Envelope, trusted: &[Trusted]) -> Vec<(String, Verdict)> {
    let signed = envelope.signed();
    let verdicts = envelope.signatures().iter().enumerate().map(|(index, signature)| {
        let verdict = verdict(None, trusted, &|key| key.check_bytes(&signed, &signature.plain));
        (format!("signature {}", index + 1), hinted(verdict, signature.key_id.as_deref(), trusted))
    });
    verdicts.collect()
}

/// Says whose fault it is where an envelope hints at a key in kit's way; others hint in theirs, which says nothing.
fn hinted(verdict: Verdict, key_id: Option<&str>, trusted: &[Trusted]) -> Verdict {
    match (verdict, key_id) {
        (Verdict::Unmatched { mut tried }, Some(key_id)) => {
            let named = trusted.iter().find(|trusted| trusted.key.id() == key_id);
            match named.and_then(|named| tried.remove_entry(&named.name)) {
                Some((name, refusal)) => Verdict::Wrong { name, refusal },
                None if key_id.starts_with("SHA256:") => Verdict::Unknown { key: Some(key_id.to_owned()) },
                None => Verdict::Unmatched { tried },
            }
        }
        (verdict, _) => verdict,
    }
}

/// Judges one signature, which may say which key it is by.
pub(super) fn verdict(
    named: Option<String>,
    trusted: &[Trusted],
    check: &dyn Fn(&PublicKey) -> Result<(), Refusal>,
) -> Verdict {
    let mut names = BTreeSet::new();
    let mut key = None;
    let mut tried = BTreeMap::new();
    for by in trusted {
        match check(&by.key) {
            Ok(()) => {
                names.insert(by.name.clone());
                key = Some(by.key.id());
            }
            Err(Refusal::Format { .. } | Refusal::Key { .. }) => {}
            Err(refusal) => _ = tried.insert(by.name.clone(), refusal),
        }
    }
    match (key, named) {
        (Some(key), _) => Verdict::Valid { names, key },
        (None, None) if tried.is_empty() => Verdict::Unknown { key: None },
        (None, None) => Verdict::Unmatched { tried },
        (None, named) => match tried.pop_first() {
            Some((name, refusal)) => Verdict::Wrong { name, refusal },
            None => Verdict::Unknown { key: named },
        },
    }
}
