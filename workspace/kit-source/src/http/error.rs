//! What can go wrong between a URL and its bytes.

use std::io;
use std::time::Duration;

use kit_hash::Sha256;

/// Why a URL gave no usable bytes. URLs are shown without user and password.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client must not use the network.
    #[error("`{url}` is needed, but the network is off")]
    Offline {
        /// The address.
        url: String,
    },
    /// The address isn't one that can be fetched.
    #[error("`{url}` is not an http or https address")]
    Url {
        /// The address.
        url: String,
    },
    /// The address of the proxy isn't one.
    #[error("`{proxy}` is not a proxy's address")]
    Proxy {
        /// The proxy.
        proxy: String,
    },
    /// The host's name has no address.
    #[error("the host of `{url}` is not known")]
    Host {
        /// The address.
        url: String,
    },
    /// No connection, or it broke before the body.
    #[error("no answer from `{url}`")]
    Connection {
        /// The address.
        url: String,
        /// What the system or the protocol says.
        #[source]
        source: io::Error,
    },
    /// Nothing came for too long.
    #[error("`{url}` did not answer in time ({phase})")]
    Timeout {
        /// The address.
        url: String,
        /// What was waited for.
        phase: String,
    },
    /// The server's identity can't be trusted, or there is no common encryption.
    #[error("no secure connection to `{url}`: {reason}")]
    Tls {
        /// The address.
        url: String,
        /// What the TLS library says.
        reason: String,
    },
    /// The server answered with an error.
    #[error("`{url}` answered with status {status}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How the server wants to be asked, where it says so (`WWW-Authenticate`).
        challenge: Option<String>,
        /// How long the server wants to be left alone, where it says so (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// The redirections lead nowhere.
    #[error("`{url}` redirects too often")]
    Redirects {
        /// The address.
        url: String,
    },
    /// It is, or leads to, a plain connection, where one isn't enough.
    #[error("`{url}` isn't encrypted all the way, and no digest says what must come")]
    Plain {
        /// The address.
        url: String,
    },
    /// The body ended early.
    #[error("the transfer of `{url}` broke off after {received} bytes")]
    Interrupted {
        /// The address.
        url: String,
        /// How much came.
        received: u64,
    },
    /// The body is larger than allowed; reading stopped there.
    #[error("`{url}` is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// The body has another size than the one pinned.
    #[error("`{url}` has {found} bytes, expected {expected}")]
    Size {
        /// The address.
        url: String,
        /// The pinned size.
        expected: u64,
        /// The size that the server has.
        found: u64,
    },
    /// The body has another digest than the one pinned.
    #[error("`{url}` has sha256 {found}, expected {expected}")]
    Digest {
        /// The address.
        url: String,
        /// The pinned digest.
        expected: Sha256,
        /// The digest of what came.
        found: Sha256,
    },
    /// What came can't be written.
    #[error("can't write what came from `{url}`")]
    Write {
        /// The address.
        url: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl HttpError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Offline { .. } => "kit::http::offline",
            Self::Url { .. } => "kit::http::bad_url",
            Self::Proxy { .. } => "kit::http::bad_proxy",
            Self::Host { .. } => "kit::http::unknown_host",
            Self::Connection { .. } => "kit::http::unreachable",
            Self::Timeout { .. } => "kit::http::timeout",
            Self::Tls { .. } => "kit::http::tls",
            Self::Status { .. } => "kit::http::status",
            Self::Redirects { .. } => "kit::http::redirects",
            Self::Plain { .. } => "kit::http::plain",
            Self::Interrupted { .. } => "kit::http::interrupted",
            Self::TooLarge { .. } => "kit::http::too_large",
            Self::Size { .. } => "kit::http::size_mismatch",
            Self::Digest { .. } => "kit::http::digest_mismatch",
            Self::Write { .. } => "kit::http::write",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Offline { .. } => "run once without `--offline`",
            Self::Url { .. } => "mirrors are addresses like `http://host/path`",
            Self::Proxy { .. } => "proxies are addresses like `http://host:port`",
            Self::Host { .. } | Self::Connection { .. } | Self::Timeout { .. } => {
                "is the machine online, and does it need a proxy?"
            }
            Self::Tls { .. } => "check the clock and the machine's certificates (SSL_CERT_FILE)",
            Self::Size { .. } | Self::Digest { .. } => {
                "nothing was stored; the mirror is out of date or changes files"
            }
            Self::Plain { .. } => "add a digest of what must come, or find an address that is encrypted",
            Self::Write { .. } => "is the disk full?",
            Self::Interrupted { .. } => "try again, or use another mirror; nothing was stored",
            Self::Status { .. } | Self::Redirects { .. } | Self::TooLarge { .. } => return None,
        };
        Some(text.to_owned())
    }

    /// Tells whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Timeout { .. } | Self::Interrupted { .. } | Self::Host { .. } => {
                true
            }
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Offline { .. }
            | Self::Url { .. }
            | Self::Proxy { .. }
            | Self::Tls { .. }
            | Self::Redirects { .. }
            | Self::Plain { .. }
            | Self::TooLarge { .. }
            | Self::Size { .. }
            | Self::Digest { .. }
            | Self::Write { .. } => false,
        }
    }
}
