//! Who logs in where. Passwords are never printed: not in errors, not by `Debug`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A name and a password for the addresses of one machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The scheme it is for; without one, it is used for `https` only.
    pub scheme: Option<String>,
    /// The host's name.
    pub host: String,
    /// The port, when it isn't any.
    pub port: Option<u16>,
    /// What the path must start with; empty for any.
    pub path: String,
    /// The user's name.
    pub login: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("scheme", &self.scheme)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// Tells whether the credential is for an address.
    pub fn is_for(&self, scheme: &str, host: &str, port: Option<u16>, path: &str) -> bool {
        let default = if scheme == "https" { 443 } else { 80 };
        self.scheme.as_deref().unwrap_or("https") == scheme
            && self.host.eq_ignore_ascii_case(host)
            && self.port.is_none_or(|wanted| wanted == port.unwrap_or(default))
            && path
                .strip_prefix(self.path.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the value of an `Authorization` header (RFC 7617).
    pub(super) fn header(&self) -> String {
        basic(&self.login, &self.password)
    }
}

/// Returns the value of a basic `Authorization` header.
pub(crate) fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{login}:{password}")))
}

/// Takes `user:password@` out of a URL; returns the URL without it, and the header value for it.
pub(super) fn split_userinfo(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((userinfo, host)) = rest[..end].rsplit_once('@') else { return (url.to_owned(), None) };
    let (login, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let header = basic(&percent_decoded(login), &percent_decoded(password));
    (format!("{scheme}://{host}{}", &rest[end..]), Some(header))
}

/// Returns a URL as it may be shown to people.
pub fn without_userinfo(url: &str) -> String {
    split_userinfo(url).0
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => (bytes.push(byte), rest = &behind[2..]).1,
            None => (bytes.push(*first), rest = behind).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_rfc_7617_says() {
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn takes_the_password_out_of_a_url() {
        let (url, header) = split_userinfo("http://me:s%40cret@mirror.example:8080/debian/");
        assert_eq!(url, "http://mirror.example:8080/debian/");
        assert_eq!(header, Some(basic("me", "s@cret")));
        assert_eq!(
            split_userinfo("http://mirror.example/a@b"),
            ("http://mirror.example/a@b".to_owned(), None)
        );
        assert_eq!(split_userinfo("%zz"), ("%zz".to_owned(), None));
    }

    #[test]
    fn is_for_its_machine_only() {
        let credential = Credential {
            scheme: None,
            host: "mirror.example".to_owned(),
            port: None,
            path: "/debian".to_owned(),
            login: "me".to_owned(),
            password: "secret".to_owned(),
        };
        assert!(credential.is_for("https", "mirror.example", None, "/debian/dists"));
        assert!(!credential.is_for("http", "mirror.example", None, "/debian/dists"));
        assert!(!credential.is_for("https", "other.example", None, "/debian/dists"));
        assert!(!credential.is_for("https", "mirror.example", None, "/debian-security/dists"));
        let plain =
            Credential { scheme: Some("http".to_owned()), port: Some(80), path: String::new(), ..credential };
        assert!(plain.is_for("http", "mirror.example", None, "/"));
        assert!(!plain.is_for("http", "mirror.example", Some(8080), "/"));
        assert!(!format!("{plain:?}").contains("secret"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(url in "[a-z:/@%2?#ä]{0,30}") {
            let _ = without_userinfo(&url);
        }
    }
}
