//! `auth.conf`: who logs in where (`apt_auth.conf(5)`).

use super::files::Files;
use crate::http::Credential;

/// Reads `etc/apt/auth.conf` and `etc/apt/auth.conf.d`; what may not be read is passed over.
pub(super) fn read(files: &mut Files<'_>) -> Vec<Credential> {
    let mut paths = vec!["etc/apt/auth.conf".to_owned()];
    paths.extend(files.list("etc/apt/auth.conf.d", &[".conf"]));
    paths.iter().filter_map(|path| files.secret(path)).flat_map(|text| parse(&text)).collect()
}

/// Parses `machine [scheme://]host[:port][/path] login name password word` in any order of the last two.
fn parse(text: &str) -> Vec<Credential> {
    let mut found: Vec<Credential> = Vec::new();
    let mut words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    while let Some(word) = words.next() {
        match (word, found.last_mut()) {
            ("machine", _) => found.extend(words.next().map(machine)),
            ("login", Some(credential)) => words.next().unwrap_or_default().clone_into(&mut credential.login),
            ("password", Some(credential)) => {
                words.next().unwrap_or_default().clone_into(&mut credential.password);
            }
            _ => {}
        }
    }
    found
}

fn machine(text: &str) -> Credential {
    let (scheme, rest) =
        text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme.to_owned()), rest));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok()),
        None => (host, None),
    };
    Credential {
        scheme,
        host: host.to_owned(),
        port,
        path: path.to_owned(),
        login: String::new(),
        password: String::new(),
    }
}
