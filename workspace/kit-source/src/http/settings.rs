//! What the machine and the user say about the network.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::credentials::{Credential, without_userinfo};

/// Whether sockets may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// They may.
    Online,
    /// Each request fails with [`HttpError::Offline`](super::HttpError::Offline) before anything is opened.
    Offline,
}

/// The settings of a [`Client`](super::Client).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether sockets may be opened.
    pub network: Network,
    /// Which proxy serves which address.
    pub proxies: Proxies,
    /// Who logs in where.
    pub credentials: Vec<Credential>,
    /// How long to wait and how often to try.
    pub patience: Patience,
}

/// How long to wait and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often a request is made before a transient error is final; at least once.
    pub attempts: u32,
    /// How long to wait before the second attempt; doubled before each further one.
    pub pause: Duration,
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest wait for the next bytes.
    pub idle: Duration,
}

impl Patience {
    /// Three attempts within seconds; 20 seconds for a connection, a minute for bytes.
    pub const NORMAL: Self = Self {
        attempts: 3,
        pause: Duration::from_millis(500),
        connect: Duration::from_secs(20),
        idle: Duration::from_mins(1),
    };
}

/// Which proxy serves which address; addresses are URLs (`http://proxy:3128`, with user and password if need be).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// The proxy for `http` addresses.
    pub http: Option<String>,
    /// The proxy for `https` addresses.
    pub https: Option<String>,
    /// Exceptions by host name: another proxy, or `None` for a direct connection.
    pub hosts: BTreeMap<String, Option<String>>,
}

impl Proxies {
    /// Returns the proxy for an address of `scheme` at `host`.
    pub fn find(&self, scheme: &str, host: &str) -> Option<&str> {
        if let Some(exception) = self.hosts.get(host) {
            return exception.as_deref();
        }
        if scheme == "https" { self.https.as_deref() } else { self.http.as_deref() }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |proxy: &Option<String>| proxy.as_deref().map(without_userinfo);
        let hosts: BTreeMap<_, _> = self.hosts.iter().map(|(host, proxy)| (host, shown(proxy))).collect();
        f.debug_struct("Proxies")
            .field("http", &shown(&self.http))
            .field("https", &shown(&self.https))
            .field("hosts", &hosts)
            .finish()
    }
}

impl Settings {
    /// Returns settings without proxies and credentials.
    pub fn new(network: Network) -> Self {
        Self { network, proxies: Proxies::default(), credentials: Vec::new(), patience: Patience::NORMAL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_proxy_and_hides_its_password() {
        let proxies = Proxies {
            http: Some("http://me:secret@proxy.example:3128".to_owned()),
            https: None,
            hosts: BTreeMap::from([("direct.example".to_owned(), None)]),
        };
        assert!(proxies.find("http", "a.example").is_some());
        assert_eq!(proxies.find("https", "a.example"), None);
        assert_eq!(proxies.find("http", "direct.example"), None);
        let shown = format!("{proxies:?}");
        assert!(!shown.contains("secret") && shown.contains("proxy.example"), "{shown}");
    }
}
