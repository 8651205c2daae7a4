//! References to images in registries, as container tools write them.

use std::fmt;
use std::str::FromStr;

use kit_hash::Sha256;

/// The registry of a reference that names none, under the name that all tools have for it.
const HUB: &str = "docker.io";
/// Names that the same registry once had.
const HUB_BEFORE: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];
/// The longest repository with its registry, in bytes, by the distribution specification.
const LONGEST: usize = 255;
/// The longest tag, in bytes.
const LONGEST_TAG: usize = 128;

/// `[registry[:port]/]repository[:tag][@sha256:…]`, with what is left out put in.
///
/// The grammar is that of the distribution specification; without a registry it is Docker Hub, where a repository of one name is in
/// `library`; without a tag and a digest the tag is `latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Sha256>,
}

impl Reference {
    /// Returns the registry: a host, with a port where one is written.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the path of the repository.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag; none where only a digest is written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest of the index or manifest, where it is written.
    pub fn digest(&self) -> Option<&Sha256> {
        self.digest.as_ref()
    }

    /// Returns the same with this digest: whatever its tag leads to later, it is this one.
    #[must_use]
    pub fn at(&self, digest: Sha256) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{}", digest.oci()),
            None => Ok(()),
        }
    }
}

/// Why a text is no reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing is written.
    #[error("is empty")]
    Empty,
    /// It is an address.
    #[error("is an address, where a reference has no `://`")]
    Address,
    /// The registry isn't a host.
    #[error("has a registry that is no host")]
    Registry,
    /// The repository has capital letters.
    #[error("has capital letters in its repository")]
    Capitals,
    /// The repository isn't one.
    #[error(
        "has a repository that isn't lower-case letters and digits, with single `.`, `_`, `-` and `/` between them"
    )]
    Repository,
    /// The tag isn't one.
    #[error("has a tag that isn't up to 128 letters, digits, `_`, `.` and `-`")]
    Tag,
    /// The digest isn't one.
    #[error("has a digest that isn't `sha256:` and 64 digits")]
    Digest,
    /// All of it is too long.
    #[error("has more than 255 characters")]
    Length,
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.contains("://") {
            return Err(ReferenceError::Address);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(Sha256::from_oci(digest).map_err(|_| ReferenceError::Digest)?))
            }
            None => (text, None),
        };
        let (registry, rest) = split_registry(rest)?;
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag);
        }
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ReferenceError::Capitals);
        }
        if !path.split('/').all(is_component) {
            return Err(ReferenceError::Repository);
        }
        let on_hub = registry == HUB;
        let repository =
            if on_hub && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        if registry.len() + 1 + repository.len() > LONGEST {
            return Err(ReferenceError::Length);
        }
        let tag = tag.or_else(|| digest.is_none().then_some("latest")).map(ToOwned::to_owned);
        Ok(Self { registry, repository, tag, digest })
    }
}

/// The first name is a registry when it can't be that of a repository on Docker Hub: with a dot, a port, or `localhost`.
fn split_registry(text: &str) -> Result<(String, &str), ReferenceError> {
    match text.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => {
            if !is_host(first) {
                return Err(ReferenceError::Registry);
            }
            let registry = if HUB_BEFORE.contains(&first) { HUB } else { first };
            Ok((registry.to_ascii_lowercase(), rest))
        }
        _ => Ok((HUB.to_owned(), text)),
    }
}

/// Whether a text is a host name or an address of version 4 or 6, with a port or not.
fn is_host(text: &str) -> bool {
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if let Some((address, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        return port && address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    match text.split_once(':') {
        Some((host, port)) => host.split('.').all(label) && is_port(port),
        None => text.split('.').all(label),
    }
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = tag.bytes();
    tag.len() <= LONGEST_TAG
        && bytes.next().is_some_and(word)
        && bytes.all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

/// Letters and digits, with one `.`, one or two `_`, or any number of `-` between them.
fn is_component(name: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = bytes.first().is_some_and(word) && bytes.last().is_some_and(word);
    let separators = bytes.split(|byte| word(byte)).filter(|between| !between.is_empty());
    let mut separators = separators
        .map(|between| matches!(between, b"." | b"_" | b"__") || between.iter().all(|byte| *byte == b'-'));
    ends && separators.all(|is_one| is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, ReferenceError> {
        text.parse::<Reference>().map(|reference| reference.to_string())
    }

    #[test]
    fn a_digest_holds_whatever_the_tag_leads_to() {
        let (one, other) = (Sha256::of(b"one"), Sha256::of(b"other"));
        let reference: Reference = "registry.example/team/web:1".parse().expect("it is one");
        let at = reference.at(one);
        assert_eq!(at.to_string(), format!("registry.example/team/web:1@{}", one.oci()));
        assert_eq!(at.at(other).digest(), Some(&other));
    }

    #[test]
    fn what_is_left_out_is_put_in() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (text, whole) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27-alpine", "docker.io/library/nginx:1.27-alpine"),
            ("linuxkit/init", "docker.io/linuxkit/init:latest"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
            ("registry.example/a/b__c/d.e-f---g:V1_.x", "registry.example/a/b__c/d.e-f---g:V1_.x"),
            ("Registry.Example/a", "registry.example/a:latest"),
            ("localhost/a", "localhost/a:latest"),
            ("localhost:5000/a:1", "localhost:5000/a:1"),
            ("127.0.0.1:5000/a", "127.0.0.1:5000/a:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("host:80/a", "host:80/a:latest"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(whole), "{text}");
            assert_eq!(read(whole).as_deref(), Ok(whole));
        }
        assert_eq!(read(&format!("nginx@{digest}")), Ok(format!("docker.io/library/nginx@{digest}")));
        assert_eq!(read(&format!("nginx:1@{digest}")), Ok(format!("docker.io/library/nginx:1@{digest}")));
    }

    #[test]
    fn what_is_none_is_told() {
        for (text, error) in [
            ("", ReferenceError::Empty),
            ("https://registry.example/a", ReferenceError::Address),
            ("Nginx", ReferenceError::Capitals),
            ("a..b/c", ReferenceError::Registry),
            ("-a.b/c", ReferenceError::Registry),
            ("a.b:0/c", ReferenceError::Registry),
            ("a.b:99999/c", ReferenceError::Registry),
            ("a.b:/c", ReferenceError::Registry),
            ("[::1/c", ReferenceError::Registry),
            ("a/", ReferenceError::Repository),
            ("a//b", ReferenceError::Repository),
            ("a/../b", ReferenceError::Repository),
            ("a___b", ReferenceError::Repository),
            ("a-", ReferenceError::Repository),
            ("a b", ReferenceError::Repository),
            ("a:", ReferenceError::Tag),
            ("a:.b", ReferenceError::Tag),
            ("a:b c", ReferenceError::Tag),
            ("a@sha256:12", ReferenceError::Digest),
            ("a@sha512:12", ReferenceError::Digest),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
        assert_eq!(read(&format!("a:{}", "t".repeat(129))), Err(ReferenceError::Tag));
        assert_eq!(read(&"a".repeat(300)), Err(ReferenceError::Length));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_read_again(text in "\\PC{0,40}") {
            if let Ok(whole) = read(&text) {
                proptest::prop_assert_eq!(read(&whole), Ok(whole));
            }
        }
    }
}
