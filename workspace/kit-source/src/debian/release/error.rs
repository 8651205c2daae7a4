//! Why an `InRelease` can't be trusted or used.

use crate::debian::date::Timestamp;

/// Why an `InRelease` can't be trusted or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// The bytes are no clear-signed message.
    #[error("InRelease is not a signed message: {reason}")]
    NotSigned {
        /// What the `OpenPGP` reader said.
        reason: String,
    },
    /// No key is known that made one of the signatures.
    #[error("InRelease is signed by {}, none of which is a known key", signers.join(", "))]
    UnknownKey {
        /// The key ids or fingerprints that the signatures name.
        signers: Vec<String>,
    },
    /// A known key's signature doesn't fit the bytes.
    #[error("the signature of InRelease by {} does not fit its text", signers.join(", "))]
    BadSignature {
        /// The keys that are said to have signed.
        signers: Vec<String>,
    },
    /// The key or the signature is expired, revoked, or uses broken cryptography.
    #[error("the signature of InRelease can't be accepted: {}", reasons.join("; "))]
    Unacceptable {
        /// Why, for each signature.
        reasons: Vec<String>,
    },
    /// A good signature, but by none of the keys that were asked for.
    #[error("InRelease is signed by {}, expected {}", signers.join(", "), expected.join(" or "))]
    OtherKey {
        /// Who signed.
        signers: Vec<String>,
        /// Whose signature was expected.
        expected: Vec<String>,
    },
    /// A field is missing or unreadable.
    #[error("InRelease has no valid `{field}`")]
    Field {
        /// The field's name.
        field: &'static str,
    },
    /// It is the release of another suite.
    #[error("InRelease is for `{found}`, not for `{expected}`")]
    OtherSuite {
        /// What was asked for.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// It is older than the one that was locked: a stale mirror, or an attack.
    #[error("InRelease is of {date}, older than the locked one of {locked}")]
    Rollback {
        /// Its date.
        date: Timestamp,
        /// The date that was locked.
        locked: Timestamp,
    },
    /// It isn't valid any more.
    #[error("InRelease was valid until {valid_until}, now it is {now}")]
    Expired {
        /// The end of its validity.
        valid_until: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// It comes from the future.
    #[error("InRelease is of {date}, but now it is {now}")]
    Future {
        /// Its date.
        date: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// It doesn't list a file that is needed.
    #[error("InRelease lists no `{path}`")]
    Missing {
        /// The path below `dists/<suite>/`.
        path: String,
    },
    /// It doesn't have the component.
    #[error("`{suite}` has no component `{component}`; there is {}", available.join(", "))]
    Component {
        /// The suite.
        suite: String,
        /// What was asked for.
        component: String,
        /// What there is.
        available: Vec<String>,
    },
    /// It doesn't have the architecture.
    #[error("`{suite}` has no architecture `{architecture}`; there is {}", available.join(", "))]
    Architecture {
        /// The suite.
        suite: String,
        /// What was asked for.
        architecture: String,
        /// What there is.
        available: Vec<String>,
    },
}

impl ReleaseError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSigned { .. } => "kit::debian::not_signed",
            Self::UnknownKey { .. } => "kit::debian::unknown_key",
            Self::BadSignature { .. } => "kit::debian::bad_signature",
            Self::Unacceptable { .. } => "kit::debian::unacceptable_signature",
            Self::OtherKey { .. } => "kit::debian::other_key",
            Self::Field { .. } => "kit::debian::bad_release",
            Self::OtherSuite { .. } => "kit::debian::other_suite",
            Self::Rollback { .. } => "kit::debian::rollback",
            Self::Expired { .. } => "kit::debian::expired",
            Self::Future { .. } => "kit::debian::future",
            Self::Missing { .. } => "kit::debian::missing_index",
            Self::Component { .. } => "kit::debian::unknown_component",
            Self::Architecture { .. } => "kit::debian::unknown_architecture",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NotSigned { .. } | Self::Field { .. } => {
                "is the mirror's address right, and does a proxy change pages?"
            }
            Self::UnknownKey { .. } => {
                "install the archive's keyring (debian-archive-keyring), or name its key file with the mirror"
            }
            Self::BadSignature { .. } => {
                "the file was changed on its way or on the mirror: use another mirror"
            }
            Self::Unacceptable { .. } => {
                "update the archive's keyring (debian-archive-keyring) and check the clock"
            }
            Self::OtherKey { .. } => "if the archive really changed its keys, run `kit lock --update`",
            Self::OtherSuite { .. } => "is the mirror's address right?",
            Self::Rollback { .. } | Self::Expired { .. } => "the mirror is out of date: use another mirror",
            Self::Future { .. } => "check the clock",
            Self::Missing { .. } | Self::Component { .. } | Self::Architecture { .. } => return None,
        };
        Some(text.to_owned())
    }
}
