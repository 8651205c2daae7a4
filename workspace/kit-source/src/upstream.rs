//! Files as their authors publish them, from whichever address has them; the digest decides.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::File;

use kit_hash::BlobDigests;

use crate::http::{Client, Encryption, Expected, HttpError, Progress, shown};

/// What one address said.
#[derive(Debug)]
pub struct Attempt {
    /// The address; it may hold a password: print it by [`Attempt::shown`] only.
    pub address: String,
    /// What went wrong there.
    pub error: HttpError,
}

impl Attempt {
    /// Returns the address without user and password.
    pub fn shown(&self) -> String {
        shown(&self.address)
    }

    /// Whether the address has a file, but another one than is wanted.
    pub fn is_another_file(&self) -> bool {
        matches!(self.error, HttpError::Size { .. } | HttpError::Digest { .. } | HttpError::TooLarge { .. })
    }
}

/// No address gave the file.
#[derive(Debug, thiserror::Error)]
pub struct Gone {
    /// The file's name.
    pub name: String,
    /// What each address said, in order.
    pub attempts: Vec<Attempt>,
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses =
            if self.attempts.len() == 1 { "its only address doesn't" } else { "none of its addresses" };
        let have = if self.attempts.len() == 1 { "give it" } else { "gives it" };
        write!(f, "`{}` can't be had: {addresses} {have}", self.name)?;
        for attempt in &self.attempts {
            let mut text = attempt.error.to_string();
            let causes =
                std::iter::successors(std::error::Error::source(&attempt.error), |cause| cause.source());
            for cause in causes {
                write!(text, ": {cause}").expect("because a string takes all");
            }
            write!(f, "\n  {text}")?;
        }
        Ok(())
    }
}

impl Gone {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self.attempts.last() {
            Some(Attempt { error: error @ HttpError::Offline { .. }, .. }) => error.code(),
            _ => "kit::source::gone",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> String {
        match self.attempts.last() {
            Some(Attempt { error: HttpError::Offline { .. }, .. }) => {
                "run once without `--offline`".to_owned()
            }
            _ if self.attempts.iter().all(|attempt| attempt.error.is_transient()) => {
                "is the machine online, and does it need a proxy?".to_owned()
            }
            _ => "name another place that has it by `mirrors` of the source, or by `[mirrors]` in `kit.toml`"
                .to_owned(),
        }
    }
}

/// Downloads the file `name` from the first of `addresses` that has what is expected. While nothing is known of what must come,
/// plain connections are used on this machine alone.
pub fn fetch_file(
    client: &Client,
    addresses: &[String],
    name: &str,
    expected: &Expected,
    file: &mut File,
    progress: &mut Progress<'_>,
) -> Result<BlobDigests, Gone> {
    let mut attempts = Vec::new();
    for address in addresses {
        let trusted = expected.sha256.is_some() || is_loopback(address);
        let encryption = if trusted { Encryption::Optional } else { Encryption::Required };
        let expected = Expected { encryption, ..*expected };
        let error = match client.download(address, &expected, file, &mut |bytes| progress(bytes)) {
            Ok(digests) => return Ok(digests),
            Err(error) => error,
        };
        // No other address changes anything about these.
        let last = matches!(error, HttpError::Offline { .. } | HttpError::Write { .. });
        attempts.push(Attempt { address: address.clone(), error });
        if last {
            break;
        }
    }
    Err(Gone { name: name.to_owned(), attempts })
}

/// Puts before each address what else it can be, by the longest beginning that is known of it; none twice.
pub fn with_mirrors(addresses: &[String], mirrors: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |address: String| {
        if !all.contains(&address) {
            all.push(address);
        }
    };
    for address in addresses {
        let known = mirrors.iter().filter(|(start, _)| address.starts_with(start.as_str()));
        if let Some((start, others)) = known.max_by_key(|(start, _)| start.len()) {
            for other in others {
                add(format!("{other}{}", &address[start.len()..]));
            }
        }
        add(address.clone());
    }
    all
}

/// Whether an address is on this machine itself.
pub(crate) fn is_loopback(address: &str) -> bool {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_come_before_what_they_stand_for() {
        let mirrors = BTreeMap::from([
            ("https://a.example/".to_owned(), vec!["https://general.example/".to_owned()]),
            (
                "https://a.example/gnu/".to_owned(),
                vec!["https://m.example/".to_owned(), "https://a.example/gnu/".to_owned()],
            ),
        ]);
        let addresses = ["https://a.example/gnu/x.tar", "https://b.example/x.tar", "https://m.example/x.tar"]
            .map(str::to_owned);
        assert_eq!(
            with_mirrors(&addresses, &mirrors),
            ["https://m.example/x.tar", "https://a.example/gnu/x.tar", "https://b.example/x.tar"]
        );
        assert_eq!(with_mirrors(&addresses[1..2], &mirrors), addresses[1..2]);
    }

    #[test]
    fn knows_this_machine() {
        for address in
            ["http://127.0.0.1:80/a", "http://localhost/a", "http://[::1]:8080/a", "http://127.1.2.3/"]
        {
            assert!(is_loopback(address), "{address}");
        }
        for address in
            ["http://127.0.0.1.example/a", "http://example/127.0.0.1", "http://10.0.0.1/", "localhost"]
        {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
