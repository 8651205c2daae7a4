//! Who signed an `InRelease`, and the bytes that they signed.

use std::io::Read as _;
use std::time::SystemTime;

use sequoia_openpgp::packet::Packet;
use sequoia_openpgp::parse::stream::{
    GoodChecksum, MessageLayer, MessageStructure, VerificationError, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse as _};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::RevocationStatus;
use sequoia_openpgp::{Cert, KeyHandle, packet::Signature};

use super::{GoodSignature, Keyring, ReleaseError, Times};

pub(super) struct Verified {
    pub(super) text: Vec<u8>,
    pub(super) signatures: Vec<GoodSignature>,
}

/// Verifies a message in the cleartext signature framework (RFC 9580, section 7).
pub(super) fn verify(bytes: &[u8], keyring: &Keyring, times: Times) -> Result<Verified, ReleaseError> {
    let not_signed = |reason: String| ReleaseError::NotSigned { reason };
    if !bytes.starts_with(b"-----BEGIN PGP SIGNED MESSAGE-----") {
        return Err(not_signed("it does not start with a signed message".to_owned()));
    }
    let at = match times {
        Times::Live { now, .. } => now.to_system_time(),
        Times::Replay => {
            signing_time(bytes).ok_or_else(|| not_signed("it has no dated signature".to_owned()))?
        }
    };
    let policy = StandardPolicy::at(at);
    let helper = Helper { keyring, policy: &policy, at, good: Vec::new(), failed: Failed::default() };
    let mut verifier = VerifierBuilder::from_bytes(bytes)
        .and_then(|builder| builder.with_policy(&policy, at, helper))
        .map_err(|error| refused(&error))?;
    let mut text = Vec::new();
    verifier.read_to_end(&mut text).map_err(|error| {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(refused) => Clone::clone(refused),
            None => not_signed(error.to_string()),
        }
    })?;
    if !verifier.message_processed() {
        return Err(not_signed("it ends before its signature".to_owned()));
    }
    let mut signatures = verifier.into_helper().good;
    signatures.sort();
    signatures.dedup();
    Ok(Verified { text, signatures })
}

/// Gets our own error back out of the `OpenPGP` reader.
fn refused(error: &sequoia_openpgp::anyhow::Error) -> ReleaseError {
    match error.downcast_ref::<ReleaseError>() {
        Some(refused) => refused.clone(),
        None => ReleaseError::NotSigned { reason: error.to_string() },
    }
}

/// Returns the time of the latest signature, as it claims.
fn signing_time(bytes: &[u8]) -> Option<SystemTime> {
    let start = memchr::memmem::rfind(bytes, b"-----BEGIN PGP SIGNATURE-----")?;
    let mut result = PacketParser::from_bytes(&bytes[start..]).ok()?;
    let mut latest = None;
    while let PacketParserResult::Some(parser) = result {
        let (packet, next) = parser.next().ok()?;
        if let Packet::Signature(signature) = packet {
            latest = latest.max(signature.signature_creation_time());
        }
        result = next;
    }
    latest
}

struct Helper<'a> {
    keyring: &'a Keyring,
    policy: &'a StandardPolicy<'a>,
    at: SystemTime,
    good: Vec<GoodSignature>,
    failed: Failed,
}

/// The signatures that aren't good, by what is wrong with them.
#[derive(Default)]
struct Failed {
    unknown: Vec<String>,
    bad: Vec<String>,
    unacceptable: Vec<String>,
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(self.keyring.find(ids))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else {
                let reason = "it is compressed or encrypted".to_owned();
                return Err(ReleaseError::NotSigned { reason }.into());
            };
            for result in results {
                match result {
                    Ok(good) => match self.refuse_key(&good) {
                        None => self.good.push(good_signature(&good)),
                        Some(reason) => self.failed.unacceptable.push(reason),
                    },
                    Err(error) => self.failed.note(&error),
                }
            }
        }
        Ok(self.judge()?)
    }
}

impl Helper<'_> {
    /// Tells why a key that was good when it signed is not good any more: it is expired or revoked.
    fn refuse_key(&self, good: &GoodChecksum<'_>) -> Option<String> {
        let signature = good_signature(good);
        let refuse = |reason: &str| Some(format!("{}: {reason}", signature.primary));
        let certificate = match good.ka.cert().with_policy(self.policy, self.at) {
            Ok(certificate) => certificate,
            Err(error) => return refuse(&error.to_string()),
        };
        if let Err(error) = certificate.alive() {
            return refuse(&error.to_string());
        }
        if matches!(certificate.revocation_status(), RevocationStatus::Revoked(_)) {
            return refuse("the certificate is revoked");
        }
        let mut keys = certificate.keys().alive().revoked(false).for_signing();
        let signs = keys.any(|key| key.key().fingerprint().to_hex() == signature.signing);
        if signs { None } else { refuse("the signing key is expired or revoked") }
    }

    /// Accepts one good signature by an admitted key; otherwise picks what tells most.
    fn judge(&mut self) -> Result<(), ReleaseError> {
        let failed = std::mem::take(&mut self.failed);
        if !self.good.is_empty() {
            let signers: Vec<&str> =
                self.good.iter().flat_map(|by| [by.primary.as_str(), by.signing.as_str()]).collect();
            return match self.keyring.refuses(&signers) {
                None => Ok(()),
                Some(expected) => Err(ReleaseError::OtherKey {
                    signers: self.good.iter().map(|by| by.primary.clone()).collect(),
                    expected: expected.to_vec(),
                }),
            };
        }
        if !failed.bad.is_empty() {
            return Err(ReleaseError::BadSignature { signers: failed.bad });
        }
        if !failed.unacceptable.is_empty() {
            return Err(ReleaseError::Unacceptable { reasons: failed.unacceptable });
        }
        if !failed.unknown.is_empty() {
            return Err(ReleaseError::UnknownKey { signers: failed.unknown });
        }
        Err(ReleaseError::NotSigned { reason: "it has no signature".to_owned() })
    }
}

impl Failed {
    fn note(&mut self, error: &VerificationError<'_>) {
        match error {
            VerificationError::MissingKey { sig } => self.unknown.push(issuer(sig)),
            VerificationError::BadSignature { sig, error, .. } => match error.downcast_ref() {
                // The policy speaks of algorithms and times, everything else of the bytes.
                Some(sequoia_openpgp::Error::PolicyViolation(..) | sequoia_openpgp::Error::Expired(_)) => {
                    self.unacceptable.push(format!("{}: {error}", issuer(sig)));
                }
                _ => self.bad.push(issuer(sig)),
            },
            VerificationError::UnboundKey { sig, error, .. }
            | VerificationError::BadKey { sig, error, .. }
            | VerificationError::MalformedSignature { sig, error } => {
                self.unacceptable.push(format!("{}: {error}", issuer(sig)));
            }
            VerificationError::UnknownSignature { sig } => self.unacceptable.push(format!("{}", sig.error())),
            _ => self.unacceptable.push(error.to_string()),
        }
    }
}

fn good_signature(good: &GoodChecksum<'_>) -> GoodSignature {
    GoodSignature {
        primary: good.ka.cert().fingerprint().to_hex(),
        signing: good.ka.key().fingerprint().to_hex(),
    }
}

fn issuer(signature: &Signature) -> String {
    signature.get_issuers().first().map_or_else(|| "an unnamed key".to_owned(), KeyHandle::to_hex)
}
