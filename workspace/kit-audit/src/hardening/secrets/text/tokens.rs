//! Tokens of services, by their shapes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Secret, find};

/// How many different characters a token has at least: others are made up.
const DIFFERENT: usize = 8;

/// A shape: a start, and how many characters of which kind follow.
struct Shape {
    secret: Secret,
    start: &'static [u8],
    least: usize,
    most: usize,
    is_part: fn(u8) -> bool,
}

const SHAPES: [Shape; 15] = [
    github(b"ghp_"),
    github(b"gho_"),
    github(b"ghu_"),
    github(b"ghs_"),
    github(b"ghr_"),
    Shape { secret: Secret::GithubToken, start: b"github_pat_", least: 82, most: 82, is_part: is_word },
    Shape { secret: Secret::GitlabToken, start: b"glpat-", least: 20, most: 300, is_part: is_word_or_dash },
    Shape { secret: Secret::GitlabToken, start: b"gldt-", least: 20, most: 300, is_part: is_word_or_dash },
    slack(b"xoxb-"),
    slack(b"xoxa-"),
    slack(b"xoxp-"),
    slack(b"xoxr-"),
    slack(b"xoxs-"),
    slack(b"xapp-"),
    Shape { secret: Secret::GoogleKey, start: b"AIza", least: 35, most: 35, is_part: is_word_or_dash },
];

const fn github(start: &'static [u8]) -> Shape {
    Shape { secret: Secret::GithubToken, start, least: 36, most: 255, is_part: is_alphanumeric }
}

const fn slack(start: &'static [u8]) -> Shape {
    Shape { secret: Secret::SlackToken, start, least: 24, most: 255, is_part: is_alphanumeric_or_dash }
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_word_or_dash(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

fn is_alphanumeric_or_dash(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// Finds tokens on a line, at most one of each kind.
pub(super) fn find_in(line: &[u8]) -> Vec<Secret> {
    let mut found: Vec<Secret> =
        SHAPES.iter().filter(|shape| has(line, shape)).map(|shape| shape.secret).collect();
    if has_web_token(line) {
        found.push(Secret::JsonWebToken);
    }
    found.dedup();
    found
}

fn has(line: &[u8], shape: &Shape) -> bool {
    runs(line, shape.start).any(|rest| {
        let run = &rest[..rest.iter().position(|byte| !(shape.is_part)(*byte)).unwrap_or(rest.len())];
        (shape.least..=shape.most).contains(&run.len()) && is_random(run)
    })
}

/// Returns what follows each place where a start begins a word.
fn runs<'a>(line: &'a [u8], start: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + find(line.get(from..)?, start)?;
            from = at + start.len();
            if at == 0 || !is_word_or_dash(line[at - 1]) {
                return Some(&line[from..]);
            }
        }
    })
}

/// Whether a run looks like chance, and not like `xxxxxxxx` or `your-token-here`.
fn is_random(run: &[u8]) -> bool {
    let mut bytes = run.to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len() >= DIFFERENT && run.iter().any(u8::is_ascii_digit) && run.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a line has three parts of which the first is a header that names an algorithm of signatures.
fn has_web_token(line: &[u8]) -> bool {
    runs(line, b"eyJ").any(|rest| {
        let is_part = |byte: &u8| is_word_or_dash(*byte) || *byte == b'.';
        let run = &rest[..rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len())];
        let parts: Vec<&[u8]> = run.split(|byte| *byte == b'.').collect();
        let [header, payload, signature] = parts.as_slice() else { return false };
        let header = URL_SAFE_NO_PAD.decode([b"eyJ", *header].concat()).unwrap_or_default();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap_or_default();
        let algorithm = header.get("alg").and_then(serde_json::Value::as_str);
        payload.starts_with(b"eyJ") && signature.len() >= 20 && algorithm.is_some_and(|name| name != "none")
    })
}

/// Finds the line of an access key of AWS, when its secret is in the same text.
pub(super) fn aws(lines: &[&[u8]]) -> Option<u32> {
    let line = lines.iter().position(|line| has_access_key(line))?;
    lines.iter().any(|line| has_secret_key(line)).then_some(())?;
    u32::try_from(line + 1).ok()
}

fn has_access_key(line: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    [b"AKIA".as_slice(), b"ASIA"].iter().any(|start| {
        runs(line, start).any(|rest| {
            let run = &rest[..rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len())];
            // The keys of Amazon's own documentation end so.
            run.len() == 16 && !run.ends_with(b"EXAMPLE")
        })
    })
}

/// A secret is 40 characters of base64, on a line that calls it so.
fn has_secret_key(line: &[u8]) -> bool {
    let lower = line.to_ascii_lowercase();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut words = line.split(|byte| !is_part(byte));
    find(&lower, b"secret").is_some()
        && words.any(|word| word.len() == 40 && is_random(word) && !word.ends_with(b"EXAMPLEKEY"))
}
