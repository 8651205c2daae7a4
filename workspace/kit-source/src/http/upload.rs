//! Requests that change something: each is made once, and never redirected.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use ureq::http::{self, Method, header};
use ureq::{AsSendBody, Body, Proxy, SendBody};

use super::client::{Client, Prepared, Request, classify};
use super::error::HttpError;

/// What is sent.
pub enum Sending<'a> {
    /// Nothing; the question is whether it is there (`HEAD`).
    Look,
    /// Nothing; the question is how far it is (`GET`).
    Ask,
    /// Nothing; something is begun (`POST`).
    Begin,
    /// A body of so many bytes that becomes what the address names (`PUT`).
    Put {
        /// Its media type.
        media_type: &'a str,
        /// Bytes.
        size: u64,
        /// Gives them.
        body: &'a mut dyn Read,
    },
    /// A part of it, from `from` on (`PATCH`, with the range in the way of the distribution specification).
    Patch {
        /// Bytes before it.
        from: u64,
        /// Bytes of the part; at least one.
        size: u64,
        /// Gives them.
        body: &'a mut dyn Read,
    },
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look => f.write_str("Look"),
            Self::Ask => f.write_str("Ask"),
            Self::Begin => f.write_str("Begin"),
            Self::Put { media_type, size, .. } => f
                .debug_struct("Put")
                .field("media_type", media_type)
                .field("size", size)
                .finish_non_exhaustive(),
            Self::Patch { from, size, .. } => {
                f.debug_struct("Patch").field("from", from).field("size", size).finish_non_exhaustive()
            }
        }
    }
}

/// What was answered, when it is no error.
#[derive(Debug)]
pub struct Sent {
    /// The status.
    pub status: u16,
    /// Where to go on (`Location`), as it is written.
    pub location: Option<String>,
    /// How much is there (`Range`), as it is written.
    pub range: Option<String>,
    /// What a registry takes a document to be about (`OCI-Subject`): then it keeps account of that.
    pub subject: Option<String>,
}

impl Client {
    /// Sends something. An answer of 400 and more is an error.
    pub fn send(&self, asked: Request<'_>, sending: Sending<'_>) -> Result<Sent, HttpError> {
        let Prepared { address, uri, proxy, login } = self.prepare(&asked)?;
        let (method, media_type, size) = match &sending {
            Sending::Look => (Method::HEAD, None, None),
            Sending::Ask => (Method::GET, None, None),
            Sending::Begin => (Method::POST, None, Some(0)),
            Sending::Put { media_type, size, .. } => (Method::PUT, Some(*media_type), Some(*size)),
            Sending::Patch { size, .. } => (Method::PATCH, Some("application/octet-stream"), Some(*size)),
        };
        let mut request = http::Request::builder().method(method).uri(uri);
        if let Some(accept) = asked.accept {
            request = request.header(header::ACCEPT, accept);
        }
        if let Some(login) = login {
            request = request.header(header::AUTHORIZATION, login);
        }
        if let Some(media_type) = media_type {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        if let Some(size) = size {
            request = request.header(header::CONTENT_LENGTH, size);
        }
        if let Sending::Patch { from, size, .. } = &sending {
            let last = from.saturating_add(*size).saturating_sub(1);
            request = request.header(header::CONTENT_RANGE, format!("{from}-{last}"));
        }
        let response = match sending {
            Sending::Look | Sending::Ask | Sending::Begin => self.run(request.body(()), proxy, &address),
            Sending::Put { body, .. } | Sending::Patch { body, .. } => {
                self.run(request.body(SendBody::from_reader(body)), proxy, &address)
            }
        }?;
        let text = |name: header::HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
        };
        let status = response.status().as_u16();
        if status >= 400 {
            let challenge = text(header::WWW_AUTHENTICATE);
            let seconds = text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
            let retry_after = seconds.map(Duration::from_secs);
            return Err(HttpError::Status { url: address, status, challenge, retry_after });
        }
        let subject = text(header::HeaderName::from_static("oci-subject"));
        Ok(Sent { status, location: text(header::LOCATION), range: text(header::RANGE), subject })
    }

    fn run<B: AsSendBody>(
        &self,
        request: http::Result<http::Request<B>>,
        proxy: Option<Proxy>,
        address: &str,
    ) -> Result<http::Response<Body>, HttpError> {
        let request = request.map_err(|_| HttpError::Url { url: address.to_owned() })?;
        let request = self.agent.configure_request(request).proxy(proxy).max_redirects(0).build();
        self.agent.run(request).map_err(|error| classify(error, address.to_owned()))
    }
}
