//! `apt.conf`: proxies, and which times are checked (apt.conf(5)).

use super::files::Files;
use super::sources::parse_check;
use crate::debian::release::{Check, Checks};
use crate::http::Proxies;

/// What is used of `apt.conf`.
pub(super) struct Settings {
    pub(super) proxies: Proxies,
    pub(super) checks: Checks,
}

/// Reads `etc/apt/apt.conf.d`, then `etc/apt/apt.conf`.
pub(super) fn read(files: &mut Files<'_>) -> Settings {
    let mut settings = Settings { proxies: Proxies::default(), checks: Checks::ALL };
    let mut paths = files.list("etc/apt/apt.conf.d", &[".conf", ""]);
    paths.push("etc/apt/apt.conf".to_owned());
    for path in paths {
        let Some(text) = files.text(&path) else { continue };
        for (name, value) in assignments(&text) {
            settings.set(&name, &value);
        }
    }
    settings
}

impl Settings {
    fn set(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        let proxy =
            Some(value.to_owned()).filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("direct"));
        let checked = parse_check(value).unwrap_or(Check::Made);
        match name.split("::").collect::<Vec<_>>()[..] {
            ["acquire", "http", "proxy"] => self.proxies.http = proxy,
            ["acquire", "https", "proxy"] => self.proxies.https = proxy,
            ["acquire", "http" | "https", "proxy", host] => {
                self.proxies.hosts.insert(host.to_owned(), proxy);
            }
            ["acquire", "check-valid-until"] => self.checks.valid_until = checked,
            ["acquire", "check-date"] => self.checks.date = checked,
            _ => {}
        }
    }
}

/// Returns all `Full::Name value` pairs of a text, in order; scopes in braces are spelled out.
fn assignments(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for token in tokens(text) {
        match token {
            Token::Word(word) => words.push(word),
            Token::Open => scopes.push(std::mem::take(&mut words).join(" ")),
            Token::Close => {
                scopes.pop();
                words.clear();
            }
            Token::End => {
                let mut parts = std::mem::take(&mut words).into_iter();
                if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    let full: Vec<&str> = scopes.iter().map(String::as_str).chain([name.as_str()]).collect();
                    found.push((full.join("::"), value));
                }
            }
        }
    }
    found
}

enum Token {
    Word(String),
    Open,
    Close,
    End,
}

/// Splits a text into tokens, without comments (`//`, `#`, `/* */`).
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '{' | '}' | ';' => {
                tokens.push(match first {
                    '{' => Token::Open,
                    '}' => Token::Close,
                    _ => Token::End,
                });
                1
            }
            '"' => {
                let inner = rest[1..].split('"').next().unwrap_or_default();
                tokens.push(Token::Word(inner.to_owned()));
                (inner.len() + 2).min(rest.len())
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "{};\"".contains(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[length..].trim_start();
    }
    tokens
}
