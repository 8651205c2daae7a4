//! How a registry wants to be asked: `WWW-Authenticate` (RFC 9110), with the parameters of Docker's token specification.

use std::fmt::Write as _;

use crate::http::encoded;

/// What a registry wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token that a server at `realm` gives.
    Bearer {
        /// Its address.
        realm: String,
        /// For whom the token is.
        service: Option<String>,
    },
}

impl Challenge {
    /// Reads a header; none when it is of no known kind.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service) = (None, None);
        for (key, value) in parameters(rest) {
            match key.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "service" => service = Some(value),
                _ => {}
            }
        }
        Some(Self::Bearer { realm: realm?, service })
    }
}

/// Reads `key="value", key=value`.
fn parameters(text: &str) -> Vec<(&str, String)> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let value;
        if let Some(quoted) = after.strip_prefix('"') {
            let mut end = quoted.len();
            let (mut text, mut escaped) = (String::new(), false);
            for (at, c) in quoted.char_indices() {
                match c {
                    _ if escaped => (text.push(c), escaped = false).1,
                    '\\' => escaped = true,
                    '"' => {
                        end = at;
                        break;
                    }
                    c => text.push(c),
                }
            }
            value = text;
            rest = quoted.get(end + 1..).unwrap_or_default();
        } else {
            let end = after.find(',').unwrap_or(after.len());
            value = after[..end].trim().to_owned();
            rest = &after[end..];
        }
        all.push((key.trim_matches([' ', ',']), value));
    }
    all
}

/// Returns the address at which a token is asked for.
pub(super) fn token_address(realm: &str, service: Option<&str>, scope: &str) -> String {
    let mut address = realm.to_owned();
    let pairs = service
        .map(|service| ("service", service))
        .into_iter()
        .chain(scope.split(' ').map(|one| ("scope", one)));
    for (key, value) in pairs {
        address.push(if address.contains('?') { '&' } else { '?' });
        _ = write!(address, "{key}={}", encoded(value));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_registries_write() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(ToOwned::to_owned) })
        };
        for (text, expected) in [
            (
                r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull""#,
                bearer("https://auth.example/token", Some("registry.example")),
            ),
            (
                r#"bearer service=x, realm = "https://a.example/?a=\"b\"""#,
                bearer("https://a.example/?a=\"b\"", Some("x")),
            ),
            (r#"Bearer realm="https://a.example/t""#, bearer("https://a.example/t", None)),
            (r#"Basic realm="registry""#, Some(Challenge::Basic)),
            ("Basic", Some(Challenge::Basic)),
            ("Negotiate", None),
            ("Bearer", None),
            (r#"Bearer realm="https://a.example"#, bearer("https://a.example", None)),
        ] {
            assert_eq!(Challenge::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn tokens_are_asked_for() {
        assert_eq!(
            token_address("https://a.example/t?x=1", Some("a b&c"), "repository:l/a:pull"),
            "https://a.example/t?x=1&service=a%20b%26c&scope=repository:l/a:pull"
        );
        assert_eq!(token_address("https://a.example/t", None, "s"), "https://a.example/t?scope=s");
        assert_eq!(token_address("https://a.example/t", None, "a b"), "https://a.example/t?scope=a&scope=b");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(Bearer )?\\PC{0,30}[a-z=\",\\\\ ]{0,20}") {
            _ = Challenge::parse(&text);
        }
    }
}
