//! One page of a list that goes on elsewhere (RFC 8288).

use ureq::http::header;

use super::client::{Client, Request, classify};
use super::download::Encryption;
use super::error::HttpError;

/// A page.
#[derive(Debug)]
pub struct Page {
    /// Its body.
    pub bytes: Vec<u8>,
    /// Where the next one is (`Link`), as it is written; none for the last one.
    pub next: Option<String>,
}

impl Client {
    /// Gets a page of at most `limit` bytes. An answer of 300 and more is an error.
    pub fn page(&self, asked: Request<'_>, encryption: Encryption, limit: u64) -> Result<Page, HttpError> {
        let address = self.prepare(&asked)?.address;
        let response = self.request(&asked, 0, encryption)?;
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let status = response.status().as_u16();
        if status >= 300 {
            let challenge = text(header::WWW_AUTHENTICATE).map(ToOwned::to_owned);
            return Err(HttpError::Status { url: address, status, challenge, retry_after: None });
        }
        let next = text(header::LINK).and_then(next).map(ToOwned::to_owned);
        let body = response.into_body().into_with_config().limit(limit).read_to_vec();
        let bytes = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => HttpError::TooLarge { url: address, limit },
            error => classify(error, address),
        })?;
        Ok(Page { bytes, next })
    }
}

/// Returns the address of the next page.
fn next(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |parameter: &str| matches!(parameter.trim(), "rel=\"next\"" | "rel=next");
    parameters.split(';').any(is_next).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named() {
        let address = "/v2/a/referrers/sha256:1?last=2";
        assert_eq!(next(&format!("<{address}>; rel=\"next\"")), Some(address));
        assert_eq!(next(&format!(" <{address}>;rel=next")), Some(address));
        for other in ["", "<a>", "<a>; rel=\"prev\"", "a; rel=\"next\"", "<a"] {
            assert_eq!(next(other), None, "{other}");
        }
    }
}
