//! Secrets in texts, by their shape.
//!
//! A shape alone is often quoted: in scripts that look for it, in explanations, in examples. So what follows it has to be there as well:
//! the body of a key, both halves of an access key, a header of a web token that can be read.

mod keys;
mod tokens;

/// The most that is kept of one text.
const HITS: usize = 64;
/// Lines that are longer, in bytes, aren't searched for tokens: those are data.
const LINE: usize = 16 << 10;

/// A kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// A private key in PEM, without a passphrase.
    PemKey,
    /// A private key of `OpenSSH`, without a passphrase.
    OpensshKey,
    /// A private key with a passphrase, in any of the formats.
    EncryptedKey,
    /// A block of private `OpenPGP` keys.
    OpenPgpKey,
    /// A secret key of minisign, without a passphrase.
    MinisignKey,
    /// A secret key of age.
    AgeKey,
    /// A private key of `WireGuard`.
    WireguardKey,
    /// An access key of AWS with its secret.
    AwsKey,
    /// A token of `GitHub`.
    GithubToken,
    /// A token of `GitLab`.
    GitlabToken,
    /// A token of Slack.
    SlackToken,
    /// A key for Google's interfaces.
    GoogleKey,
    /// A JSON web token.
    JsonWebToken,
}

impl Secret {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::PemKey,
        Self::OpensshKey,
        Self::EncryptedKey,
        Self::OpenPgpKey,
        Self::MinisignKey,
        Self::AgeKey,
        Self::WireguardKey,
        Self::AwsKey,
        Self::GithubToken,
        Self::GitlabToken,
        Self::SlackToken,
        Self::GoogleKey,
        Self::JsonWebToken,
    ];

    /// Returns its number in the encoding.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::PemKey => 0,
            Self::OpensshKey => 1,
            Self::EncryptedKey => 2,
            Self::OpenPgpKey => 3,
            Self::MinisignKey => 4,
            Self::AgeKey => 5,
            Self::WireguardKey => 6,
            Self::AwsKey => 7,
            Self::GithubToken => 8,
            Self::GitlabToken => 9,
            Self::SlackToken => 10,
            Self::GoogleKey => 11,
            Self::JsonWebToken => 12,
        }
    }

    /// Returns what a sentence calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::PemKey => "a private key",
            Self::OpensshKey => "a private key of OpenSSH",
            Self::EncryptedKey => "a private key behind a passphrase",
            Self::OpenPgpKey => "private keys of OpenPGP",
            Self::MinisignKey => "a secret key of minisign",
            Self::AgeKey => "a secret key of age",
            Self::WireguardKey => "a private key of WireGuard",
            Self::AwsKey => "an access key of AWS with its secret",
            Self::GithubToken => "a token of GitHub",
            Self::GitlabToken => "a token of GitLab",
            Self::SlackToken => "a token of Slack",
            Self::GoogleKey => "a key for Google's interfaces",
            Self::JsonWebToken => "a JSON web token",
        }
    }

    /// Whether it is a private key, and no token of a service.
    pub(crate) fn is_key(self) -> bool {
        match self {
            Self::PemKey
            | Self::OpensshKey
            | Self::EncryptedKey
            | Self::OpenPgpKey
            | Self::MinisignKey
            | Self::AgeKey
            | Self::WireguardKey => true,
            Self::AwsKey
            | Self::GithubToken
            | Self::GitlabToken
            | Self::SlackToken
            | Self::GoogleKey
            | Self::JsonWebToken => false,
        }
    }
}

/// A secret in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// What it is.
    pub secret: Secret,
    /// On which line it starts, from 1.
    pub line: u32,
}

/// Finds secrets in a text, in the order of lines, at most 64.
pub fn scan(text: &[u8]) -> Vec<Hit> {
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let mut hits = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Ok(number) = u32::try_from(at + 1) else { break };
        let key = keys::find_in(&lines, at);
        let tokens = if line.len() <= LINE { tokens::find_in(line) } else { Vec::new() };
        hits.extend(key.into_iter().chain(tokens).map(|secret| Hit { secret, line: number }));
    }
    if let Some(line) = tokens::aws(&lines) {
        hits.push(Hit { secret: Secret::AwsKey, line });
    }
    hits.sort_by_key(|hit| (hit.line, hit.secret));
    hits.truncate(HITS);
    hits
}

/// Finds where a part starts.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|byte| *byte == first) {
        if text[from + at..].starts_with(part) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests;
