//! A form that is sent, and the short answer to it.

use std::fmt::Write as _;

use ureq::http::{Request as HttpRequest, header};

use super::client::{Client, Prepared, Request, classify};
use super::error::HttpError;

impl Client {
    /// Sends the fields of a form (`POST`, `application/x-www-form-urlencoded`), once and never redirected; returns an answer of at most
    /// `limit` bytes. An answer of 300 and more is an error.
    pub fn post_form(
        &self,
        asked: Request<'_>,
        fields: &[(&str, &str)],
        limit: u64,
    ) -> Result<Vec<u8>, HttpError> {
        let Prepared { address, uri, proxy, login } = self.prepare(&asked)?;
        let mut request =
            HttpRequest::post(uri).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(login) = login {
            request = request.header(header::AUTHORIZATION, login);
        }
        let request = request.body(form(fields)).map_err(|_| HttpError::Url { url: address.clone() })?;
        let request = self.agent.configure_request(request).proxy(proxy).max_redirects(0).build();
        let response = self.agent.run(request).map_err(|error| classify(error, address.clone()))?;
        let status = response.status().as_u16();
        if status >= 300 {
            return Err(HttpError::Status { url: address, status, challenge: None, retry_after: None });
        }
        let body = response.into_body().into_with_config().limit(limit).read_to_vec();
        body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => HttpError::TooLarge { url: address, limit },
            error => classify(error, address),
        })
    }
}

/// Writes `key=value&…`.
fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    pairs.join("&")
}

/// Writes a value so that it can stand in a form or behind the `?` of an address (RFC 3986).
pub(crate) fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(form(&[("a", "b c"), ("d", "e&f=g+h")]), "a=b%20c&d=e%26f%3Dg%2Bh");
        assert_eq!(form(&[]), "");
        assert_eq!(encoded("repository:a/b:pull"), "repository:a/b:pull");
    }
}
