//! One request, with proxy, credentials and time limits.

use std::fmt;
use std::io;
use std::sync::Arc;

use ureq::http::{Response, Uri, header};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, Proxy};

use super::credentials::{split_userinfo, without_userinfo};
use super::download::Encryption;
use super::error::HttpError;
use super::settings::{Network, Patience, Settings};

/// How often an answer may redirect.
const REDIRECT_LIMIT: u32 = 10;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The address; it may hold a password.
    pub url: &'a str,
    /// The media types that are taken (`Accept`); none for any.
    pub accept: Option<&'a str>,
    /// Who asks (`Authorization`); it is never printed.
    pub authorization: Option<&'a str>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, accept) = (without_userinfo(self.url), self.accept);
        f.debug_struct("Request").field("url", &url).field("accept", &accept).finish_non_exhaustive()
    }
}

impl<'a> From<&'a str> for Request<'a> {
    fn from(url: &'a str) -> Self {
        Self { url, accept: None, authorization: None }
    }
}

impl<'a> From<&'a String> for Request<'a> {
    fn from(url: &'a String) -> Self {
        Self::from(url.as_str())
    }
}

/// How an address is reached.
pub(super) struct Prepared {
    /// The address without user and password.
    pub(super) address: String,
    pub(super) uri: Uri,
    pub(super) proxy: Option<Proxy>,
    /// The `Authorization` header.
    pub(super) login: Option<String>,
}

/// An HTTP client; connections are kept and used again. TLS trusts the machine's certificates.
pub struct Client {
    pub(super) agent: Agent,
    pub(super) settings: Settings,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client; nothing is opened before the first request.
    pub fn new(settings: Settings) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let patience = settings.patience;
        let agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(REDIRECT_LIMIT)
            .user_agent(concat!("kit/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_per_read(Some(patience.idle))
            .timeout_per_write(Some(patience.idle))
            .timeout_recv_response(Some(patience.idle))
            .build()
            .new_agent();
        Self { agent, settings }
    }

    /// Tells whether the client may use the network.
    pub fn network(&self) -> Network {
        self.settings.network
    }

    /// Returns how long to wait and how often to try.
    pub(crate) fn patience(&self) -> Patience {
        self.settings.patience
    }

    /// Says how an address is reached; an error when it may not be.
    pub(super) fn prepare(&self, asked: &Request<'_>) -> Result<Prepared, HttpError> {
        let (address, userinfo) = split_userinfo(asked.url);
        if self.settings.network == Network::Offline {
            return Err(HttpError::Offline { url: address });
        }
        let uri: Uri = address.parse().map_err(|_| HttpError::Url { url: address.clone() })?;
        let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(HttpError::Url { url: address });
        };
        let proxy =
            self.settings.proxies.find(scheme, host).map(|proxy| {
                Proxy::new(proxy).map_err(|_| HttpError::Proxy { proxy: without_userinfo(proxy) })
            });
        let proxy = proxy.transpose()?;
        let stored = || {
            let mut all = self.settings.credentials.iter();
            all.find(|entry| entry.is_for(scheme, host, uri.port_u16(), uri.path()))
                .map(super::Credential::header)
        };
        let given = asked.authorization.map(ToOwned::to_owned);
        let login = given.or(userinfo).or_else(stored);
        Ok(Prepared { address, uri, proxy, login })
    }

    /// Sends a GET request for the bytes from `offset` on; follows redirections, to which no login goes along.
    pub(super) fn request(
        &self,
        asked: &Request<'_>,
        offset: u64,
        encryption: Encryption,
    ) -> Result<Response<Body>, HttpError> {
        let Prepared { address, uri, proxy, login } = self.prepare(asked)?;
        let request = self.agent.get(&uri).config().proxy(proxy);
        let mut request = request.https_only(encryption == Encryption::Required).build();
        if let Some(accept) = asked.accept {
            request = request.header(header::ACCEPT, accept);
        }
        if let Some(login) = login {
            request = request.header(header::AUTHORIZATION, login);
        }
        if offset > 0 {
            request = request.header(header::RANGE, format!("bytes={offset}-"));
        }
        request.call().map_err(|error| classify(error, address))
    }
}

/// Sorts the library's errors by what people can do about them.
pub(super) fn classify(error: ureq::Error, url: String) -> HttpError {
    match error {
        ureq::Error::StatusCode(status) => {
            HttpError::Status { url, status, challenge: None, retry_after: None }
        }
        ureq::Error::Timeout(phase) => HttpError::Timeout { url, phase: phase.to_string() },
        ureq::Error::HostNotFound => HttpError::Host { url },
        ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => HttpError::Redirects { url },
        ureq::Error::RequireHttpsOnly(_) => HttpError::Plain { url },
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => HttpError::Url { url },
        ureq::Error::InvalidProxyUrl => HttpError::Proxy { proxy: String::new() },
        ureq::Error::Tls(reason) => HttpError::Tls { url, reason: reason.to_owned() },
        ureq::Error::Rustls(reason) => HttpError::Tls { url, reason: reason.to_string() },
        ureq::Error::Pem(reason) => HttpError::Tls { url, reason: reason.to_string() },
        ureq::Error::Io(error) => classify_io(error, url),
        other => HttpError::Connection { url, source: io::Error::other(other.to_string()) },
    }
}

/// Finds a TLS failure or one of the library's own errors inside an I/O error.
pub(super) fn classify_io(error: io::Error, url: String) -> HttpError {
    if let Some(reason) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return HttpError::Tls { url, reason: reason.to_string() };
    }
    match error.downcast::<ureq::Error>() {
        Ok(ureq::Error::Io(source)) => HttpError::Connection { url, source },
        Ok(inner) => classify(inner, url),
        Err(source) if source.kind() == io::ErrorKind::TimedOut => {
            HttpError::Timeout { url, phase: source.to_string() }
        }
        Err(source) => HttpError::Connection { url, source },
    }
}
