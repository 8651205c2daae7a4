//! Registries of images, by the OCI distribution specification 1.1: documents and blobs of a repository.
//!
//! | module | what |
//! |---|---|
//! | `challenge` | how a registry wants to be asked |
//! | [`logins`] | who logs in where, as container tools keep it |
//! | `push`, `upload` | what is put there |
//! | `referrers` | what a registry says is about an image |
//! | [`storage`] | where a store of containers is |

mod challenge;
pub mod logins;
mod push;
mod referrers;
pub mod storage;
mod upload;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::sync::Mutex;

use kit_hash::Sha256;
use serde::Deserialize;

pub use self::push::There;
pub use self::upload::{Arrived, Open, Upload};

use self::challenge::Challenge;
use self::logins::{Login, LoginError, Logins};
use crate::http::{Client, Encryption, Expected, HttpError, Progress, Request, basic, shown};
use crate::upstream::{is_loopback, with_mirrors};

/// The registry that references mean which name none, and the host that serves it.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");
/// The largest answer of a server of tokens, in bytes.
const LARGEST_TOKEN: u64 = 1 << 20;

/// Registries, and how they are reached.
#[derive(Debug)]
pub struct Registries<'a> {
    /// Does the asking.
    pub client: &'a Client,
    /// Beginnings of addresses, and what else they can be.
    pub mirrors: &'a BTreeMap<String, Vec<String>>,
    /// Who logs in where.
    pub logins: &'a Logins,
    /// What registries gave before.
    pub granted: &'a Granted,
}

/// What registries want to see from now on, by address and repository.
#[derive(Default)]
pub struct Granted(Mutex<BTreeMap<String, String>>);

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted").finish_non_exhaustive()
    }
}

/// Asks an address, with what it wants to see.
type AskOnce<'a, T> = &'a mut dyn FnMut(&str, Option<&str>) -> Result<T, HttpError>;

/// Asks an address, with what it wants to see; the last argument is what must come.
type Ask<'a, T> = &'a mut dyn FnMut(&str, Option<&str>, &Expected) -> Result<T, HttpError>;

/// A repository of a registry.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'a> {
    /// Host, with a port where it has one.
    pub registry: &'a str,
    /// Path.
    pub path: &'a str,
}

/// What is done with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right<'a> {
    /// It is read.
    Pull,
    /// It is read and written.
    Push,
    /// It is written, by what this other repository has.
    Mount(&'a str),
}

impl Right<'_> {
    /// Returns what a token is for; several scopes have spaces between them.
    fn scope(self, repository: &str) -> String {
        match self {
            Self::Pull => format!("repository:{repository}:pull"),
            Self::Push => format!("repository:{repository}:pull,push"),
            Self::Mount(from) => format!("repository:{repository}:pull,push repository:{from}:pull"),
        }
    }
}

/// No address of a registry gives what is wanted.
#[derive(Debug, thiserror::Error)]
#[error("{what} can't be had{}", lines(attempts))]
pub struct RegistryError {
    /// What was wanted.
    pub what: String,
    /// Each address, without user and password, and what it said.
    pub attempts: Vec<(String, AttemptError)>,
}

/// What one address said.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// It has nothing, or can't be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It wants a login.
    #[error(transparent)]
    Login(#[from] LoginError),
}

fn lines(attempts: &[(String, AttemptError)]) -> String {
    let mut text = String::new();
    for (_, error) in attempts {
        _ = write!(text, "\n  {error}");
        let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        causes.for_each(|cause| _ = write!(text, ": {cause}"));
    }
    text
}

impl RegistryError {
    /// Returns the attempt that tells most: one that was answered before one that wasn't.
    fn telling(&self) -> Option<&AttemptError> {
        let rank = |error: &&AttemptError| match error {
            AttemptError::Login(_) => 0,
            AttemptError::Http(error) if !error.is_transient() => 1,
            AttemptError::Http(_) => 2,
        };
        self.attempts.iter().map(|(_, error)| error).min_by_key(rank)
    }

    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self.telling() {
            Some(AttemptError::Login(_)) => "kit::registry::login",
            Some(AttemptError::Http(HttpError::Status { status: 404, .. })) | None => {
                "kit::registry::unknown"
            }
            Some(AttemptError::Http(error)) => error.code(),
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self.telling()? {
            AttemptError::Http(HttpError::Status { status: 404, .. }) => Some(
                "check the name and the tag; some registries say the same when a login is missing".to_owned(),
            ),
            AttemptError::Http(HttpError::Status { status: 429, .. }) => {
                Some("wait, log in, or name a mirror of the registry in `kit.toml`".to_owned())
            }
            AttemptError::Http(error) => error.help(),
            AttemptError::Login(_) => {
                Some("log in with `docker login` or `podman login`: kit reads what they keep".to_owned())
            }
        }
    }
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Granted {
    fn get(&self, key: &str) -> Option<String> {
        self.0.lock().expect("because no holder panics").get(key).cloned()
    }

    fn put(&self, key: String, authorization: String) {
        self.0.lock().expect("because no holder panics").insert(key, authorization);
    }
}

impl Registries<'_> {
    /// Returns a manifest or an index; `name` is a tag or a digest, `accept` the media types that are taken.
    pub fn document(
        &self,
        repository: Repository<'_>,
        name: &str,
        accept: &str,
        expected: &Expected,
    ) -> Result<Vec<u8>, RegistryError> {
        let what = format!("`{}/{}` `{name}`", repository.registry, repository.path);
        let path = format!("manifests/{name}");
        self.first(repository, &what, &path, expected, &mut |url, authorization, expected| {
            let request = Request { url, accept: Some(accept), authorization };
            self.client.get(request, expected)
        })
    }

    /// Downloads a blob into `file`.
    pub fn blob(
        &self,
        repository: Repository<'_>,
        sha256: &Sha256,
        expected: &Expected,
        file: &mut File,
        progress: &mut Progress<'_>,
    ) -> Result<(), RegistryError> {
        let what = format!("blob {} of `{}/{}`", sha256.short(), repository.registry, repository.path);
        let path = format!("blobs/{}", sha256.oci());
        self.first(repository, &what, &path, expected, &mut |url, authorization, expected| {
            let request = Request { url, accept: None, authorization };
            self.client.download(request, expected, file, &mut |bytes| progress(bytes)).map(drop)
        })
    }

    /// Asks one address after the other.
    fn first<T>(
        &self,
        repository: Repository<'_>,
        what: &str,
        path: &str,
        expected: &Expected,
        ask: Ask<'_, T>,
    ) -> Result<T, RegistryError> {
        let address = format!("{}{}/{path}", base(repository.registry), repository.path);
        let mut attempts = Vec::new();
        for url in with_mirrors(&[address], self.mirrors) {
            let trusted = expected.sha256.is_some() || is_loopback(&url);
            let encryption = if trusted { Encryption::Optional } else { Encryption::Required };
            let expected = Expected { encryption, ..*expected };
            let mut ask = |url: &str, authorization: Option<&str>| ask(url, authorization, &expected);
            let error = match self.ask((repository, Right::Pull), &url, &mut ask) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // No other address changes anything about these.
            let last =
                matches!(error, AttemptError::Http(HttpError::Offline { .. } | HttpError::Write { .. }));
            attempts.push((shown(&url), error));
            if last {
                break;
            }
        }
        Err(RegistryError { what: what.to_owned(), attempts })
    }

    /// Asks, logs in when that is wanted, and asks again.
    fn ask<T>(
        &self,
        (repository, right): (Repository<'_>, Right<'_>),
        url: &str,
        ask: AskOnce<'_, T>,
    ) -> Result<T, AttemptError> {
        let scope = right.scope(repository.path);
        let key = format!("{} {scope}", origin(url));
        let known = self.granted.get(&key);
        let challenge = match ask(url, known.as_deref()) {
            Err(HttpError::Status { status: 401, challenge: Some(challenge), .. }) => challenge,
            other => return Ok(other?),
        };
        let authorization = self.authorize(repository, &scope, url, &challenge)?;
        match ask(url, Some(&authorization)) {
            Err(HttpError::Status { status: 401, .. }) => Err(LoginError::Refused { url: shown(url) }.into()),
            Err(other) => Err(other.into()),
            Ok(answer) => {
                self.granted.put(key, authorization);
                Ok(answer)
            }
        }
    }

    /// Returns what a registry wants to see.
    fn authorize(
        &self,
        repository: Repository<'_>,
        scope: &str,
        url: &str,
        text: &str,
    ) -> Result<String, AttemptError> {
        let odd = || LoginError::Challenge { url: shown(url), text: text.to_owned() };
        // A mirror has logins of its own: those of the registry that it stands for don't go to it.
        let host = if url.starts_with(&base(repository.registry)) { repository.registry } else { host(url) };
        let login = self.logins.find(host)?;
        match Challenge::parse(text).ok_or_else(odd)? {
            Challenge::Basic => match login {
                None => Err(LoginError::Missing { url: shown(url) }.into()),
                Some(Login::Identity(_)) => Err(LoginError::OnlyToken { url: shown(url) }.into()),
                Some(Login::Password { user, password }) => Ok(basic(&user, &password)),
            },
            Challenge::Bearer { realm, service } => {
                // The login goes there: over a connection like the registry's own, or a better one.
                let is_safe = realm.starts_with("https://") || (is_loopback(&realm) && is_loopback(url));
                if !is_safe {
                    return Err(LoginError::PlainRealm { realm: shown(&realm) }.into());
                }
                let bytes = match self.token(&realm, service.as_deref(), scope, login.as_ref()) {
                    Err(HttpError::Status { status: 401 | 403, .. }) if login.is_none() => {
                        return Err(LoginError::Missing { url: shown(url) }.into());
                    }
                    // A token that isn't known any more is 400 (RFC 6749).
                    Err(HttpError::Status { status: 400 | 401 | 403, .. }) => {
                        return Err(LoginError::Refused { url: shown(&realm) }.into());
                    }
                    other => other?,
                };
                let token: Option<Token> = serde_json::from_slice(&bytes).ok();
                let token = token.and_then(|token| token.token.or(token.access_token));
                let plain = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
                let token = token.filter(plain).ok_or_else(|| LoginError::Token { realm: shown(&realm) })?;
                Ok(format!("Bearer {token}"))
            }
        }
    }

    /// Asks a server of tokens: by Docker's token specification, or, with a token that stands for a login, by its variant of OAuth (RFC
    /// 6749, section 6).
    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        login: Option<&Login>,
    ) -> Result<Vec<u8>, HttpError> {
        let authorization = match login {
            Some(Login::Identity(token)) => {
                let service = service.map(|service| ("service", service));
                let fields = [("grant_type", "refresh_token"), ("client_id", "kit"), ("scope", scope)];
                let fields: Vec<_> =
                    fields.into_iter().chain(service).chain([("refresh_token", token.as_str())]).collect();
                return self.client.post_form(Request::from(realm), &fields, LARGEST_TOKEN);
            }
            Some(Login::Password { user, password }) => Some(basic(user, password)),
            None => None,
        };
        let address = challenge::token_address(realm, service, scope);
        let request = Request { url: &address, accept: None, authorization: authorization.as_deref() };
        self.client.get(request, &Expected::at_most(LARGEST_TOKEN))
    }
}

/// Returns the beginning of all addresses of a registry. On this machine itself it needs no encryption.
fn base(registry: &str) -> String {
    let host = if registry == HUB.0 { HUB.1 } else { registry };
    let plain = format!("http://{host}/v2/");
    if is_loopback(&plain) { plain } else { format!("https://{host}/v2/") }
}

/// Returns scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

/// Returns host and port of an address.
fn host(url: &str) -> &str {
    let origin = origin(url);
    let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_specification() {
        assert_eq!(base("registry.example:5000"), "https://registry.example:5000/v2/");
        assert_eq!(base("127.0.0.1:5000"), "http://127.0.0.1:5000/v2/");
        assert_eq!(base("localhost"), "http://localhost/v2/");
        assert_eq!(base("docker.io"), format!("https://{}/v2/", HUB.1));
        assert_eq!(origin("https://a.example:1/v2/x"), "https://a.example:1");
        assert_eq!(host("https://me@a.example:1/v2/x"), "a.example:1");
        assert_eq!(host("https://a.example"), "a.example");
    }
}
