//! Who logs in where, as container tools keep it: Docker's `config.json` and Podman's `auth.json`, with the programs that keep
//! passwords for them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use serde::Deserialize;

/// How long a program that keeps passwords may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked after.
const INTERVAL: Duration = Duration::from_millis(20);
/// The most that it may say, in bytes.
const ANSWER: u64 = 64 << 10;
/// The user that stands for a token, by Docker's protocol of such programs.
const TOKEN_USER: &str = "<token>";

/// What somebody shows to log in.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token that a server of tokens takes in place of both (`identitytoken`).
    Identity(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => {
                f.debug_struct("Password").field("user", user).finish_non_exhaustive()
            }
            Self::Identity(_) => f.write_str("Identity(..)"),
        }
    }
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody has a login for it.
    #[error("`{url}` wants a login, and there is none for it")]
    Missing {
        /// The address.
        url: String,
    },
    /// The login isn't taken.
    #[error("`{url}` doesn't take the login")]
    Refused {
        /// The address.
        url: String,
    },
    /// It wants a password, where there is a token.
    #[error("`{url}` wants user and password, and there is only a token for it")]
    OnlyToken {
        /// The address.
        url: String,
    },
    /// It wants something that isn't known.
    #[error("`{url}` wants a login of an unknown kind: `{text}`")]
    Challenge {
        /// The address.
        url: String,
        /// What it says.
        text: String,
    },
    /// It sends the login over a plain connection.
    #[error("the login would go to `{realm}`, which isn't encrypted")]
    PlainRealm {
        /// Where to.
        realm: String,
    },
    /// The server of tokens gave none.
    #[error("`{realm}` gives no token")]
    Token {
        /// The address.
        realm: String,
    },
    /// The program that keeps the password failed.
    #[error("`{program}`, which keeps the login of `{host}`, failed: {how}")]
    Helper {
        /// The program.
        program: String,
        /// For which registry.
        host: String,
        /// How.
        how: String,
    },
}

/// All logins; what comes first counts.
#[derive(Debug, Clone, Default)]
pub struct Logins(Vec<Store>);

/// One file.
#[derive(Debug, Clone, Default)]
struct Store {
    logins: BTreeMap<String, Login>,
    helpers: BTreeMap<String, String>,
    /// The program that keeps those of all registries.
    helper: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Auth {
    auth: Option<String>,
    #[serde(rename = "identitytoken")]
    identity_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    username: String,
    secret: String,
}

impl Logins {
    /// Reads files as the tools keep them; one that isn't such a file has no login.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(files.into_iter().filter_map(store).collect())
    }

    /// Returns the login for a registry.
    pub fn find(&self, registry: &str) -> Result<Option<Login>, LoginError> {
        for Store { logins, helpers, helper } in &self.0 {
            if let Some(program) = helpers.get(registry) {
                return ask(program, registry);
            }
            if let Some(login) = logins.get(registry) {
                return Ok(Some(login.clone()));
            }
            if let Some(program) = helper
                && let Some(login) = ask(program, registry)?
            {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }
}

fn store(bytes: &[u8]) -> Option<Store> {
    let Written { auths, cred_helpers, creds_store } = serde_json::from_slice(bytes).ok()?;
    let login = |(key, auth): (String, Auth)| {
        // Whatever stands beside it, as tools that keep it have it.
        if let Some(token) = auth.identity_token.filter(|token| !token.is_empty()) {
            return Some((registry(&key), Login::Identity(token)));
        }
        let text = String::from_utf8(decode(&auth.auth?)?).ok()?;
        let (user, password) = text.split_once(':')?;
        let (user, password) = (user.to_owned(), password.trim_end_matches('\0').to_owned());
        Some((registry(&key), Login::Password { user, password }))
    };
    Some(Store {
        logins: auths.into_iter().filter_map(login).collect(),
        helpers: cred_helpers.into_iter().map(|(key, program)| (registry(&key), program)).collect(),
        helper: creds_store.filter(|program| !program.is_empty()),
    })
}

/// Returns the registry that a key means: old ones are addresses.
fn registry(key: &str) -> String {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    match rest.split('/').next().unwrap_or_default() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        host => host.to_owned(),
    }
}

/// Asks a program that keeps passwords, by Docker's protocol.
fn ask(helper: &str, registry: &str) -> Result<Option<Login>, LoginError> {
    let program = format!("docker-credential-{helper}");
    let failed =
        |how: String| LoginError::Helper { program: program.clone(), host: registry.to_owned(), how };
    if helper.contains('/') {
        return Err(failed("its name has a slash in it".to_owned()));
    }
    let key = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    let answer = run(&program, key).map_err(|error| failed(error.to_string()))?;
    let Some(answer) = answer else {
        return Err(failed(format!("no answer within {} s", PATIENCE.as_secs())));
    };
    let (succeeded, text) = answer;
    if !succeeded {
        // All of them say so in these words.
        let missing = String::from_utf8_lossy(&text).contains("credentials not found");
        let said = String::from_utf8_lossy(&text).trim().to_owned();
        return if missing { Ok(None) } else { Err(failed(said)) };
    }
    let Kept { username: user, secret: password } =
        serde_json::from_slice(&text).map_err(|_| failed("its answer is no login".to_owned()))?;
    if user == TOKEN_USER {
        return Ok(Some(Login::Identity(password)));
    }
    Ok(Some(Login::Password { user, password }))
}

/// Runs a program; returns whether it succeeded and what it printed, or nothing when it takes too long.
#[expect(clippy::disallowed_methods, reason = "passwords are kept by programs of the user")]
fn run(program: &str, input: &str) -> std::io::Result<Option<(bool, Vec<u8>)>> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that doesn't listen has its reasons.
        _ = stdin.write_all(input.as_bytes());
    }
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(stdout) = stdout {
            _ = stdout.take(ANSWER).read_to_end(&mut text);
        }
        text
    });
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            return Ok(Some((status.success(), reader.join().unwrap_or_default())));
        }
        std::thread::sleep(INTERVAL);
    }
    _ = child.kill();
    _ = child.wait();
    Ok(None)
}

/// Reads Base64 (RFC 4648), padded or not.
fn decode(text: &str) -> Option<Vec<u8>> {
    const EITHER: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, EITHER).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_tools_keep() {
        let file = br#"{ "auths": {
            "https://index.docker.io/v1/": { "auth": "bWU6czpjcmV0" },
            "registry.example:5000": { "auth": "YTpi" },
            "other.example": {},
            "tokens.example": { "auth": "MDA6", "identitytoken": "t0ken" },
            "odd.example": { "auth": "?" }
        }, "HttpHeaders": { "User-Agent": "Docker-Client" } }"#;
        let logins = Logins::read([b"no JSON".as_slice(), file]);
        let login = |user: &str, password: &str| {
            Some(Login::Password { user: user.to_owned(), password: password.to_owned() })
        };
        assert_eq!(logins.find("docker.io").unwrap(), login("me", "s:cret"));
        assert_eq!(logins.find("registry.example:5000").unwrap(), login("a", "b"));
        assert_eq!(logins.find("tokens.example").unwrap(), Some(Login::Identity("t0ken".to_owned())));
        for nobody in ["registry.example", "other.example", "odd.example"] {
            assert_eq!(logins.find(nobody).unwrap(), None);
        }
        let shown = format!("{logins:?}");
        assert!(!shown.contains("s:cret") && !shown.contains("t0ken"), "{shown}");
    }

    #[test]
    fn programs_that_fail_are_named() {
        let logins = Logins::read([
            br#"{ "credHelpers": { "a.example": "no-such-helper", "b.example": "../../bin/sh" } }"#
                .as_slice(),
        ]);
        for host in ["a.example", "b.example"] {
            let error = logins.find(host).unwrap_err().to_string();
            assert!(error.contains(host) && error.starts_with("`docker-credential-"), "{error}");
        }
        assert_eq!(logins.find("c.example").unwrap(), None);
    }

    #[test]
    fn decodes_as_rfc_4648_says() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode("Z?"), None);
        assert_eq!(decode("Z"), None);
    }
}
