//! Private keys, by how their files start and what follows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Secret, find};
use crate::hardening::elf::contains;

/// The fewest characters of base64 that can be a key's.
const BODY: usize = 40;
/// How many lines behind a header can be more headers.
const HEADERS: usize = 8;
/// What the secret keys of minisign start with: its algorithm, then the function that a key is made of a passphrase by.
const MINISIGN_PLAIN: &[u8] = b"Ed\0\0";
const MINISIGN_ENCRYPTED: &[u8] = b"EdSc";

/// Finds a private key that starts on a line.
pub(super) fn find_in(lines: &[&[u8]], at: usize) -> Option<Secret> {
    let line = *lines.get(at)?;
    pem(lines, at).or_else(|| minisign(line)).or_else(|| age(line)).or_else(|| wireguard(lines, at))
}

fn pem(lines: &[&[u8]], at: usize) -> Option<Secret> {
    let line = lines[at];
    let start = find(line, b"-----BEGIN ")? + b"-----BEGIN ".len();
    let rest = &line[start..];
    let end = find(rest, b"-----")?;
    let (label, rest) = (&rest[..end], &rest[end + 5..]);
    if label == b"PGP PRIVATE KEY BLOCK" {
        return body(rest, lines, at).map(|_| Secret::OpenPgpKey);
    }
    if !label.ends_with(b"PRIVATE KEY") {
        return None;
    }
    let (body, is_encrypted) = body(rest, lines, at)?;
    if label == b"OPENSSH PRIVATE KEY" {
        return Some(openssh(&body));
    }
    let is_encrypted = is_encrypted || label == b"ENCRYPTED PRIVATE KEY";
    Some(if is_encrypted { Secret::EncryptedKey } else { Secret::PemKey })
}

/// Returns the start of what follows a header, on its own line (as in JSON, with `\n` written out) or on the next ones, and whether
/// a header says that it is encrypted; none where no key follows.
fn body(rest: &[u8], lines: &[&[u8]], at: usize) -> Option<(Vec<u8>, bool)> {
    let inline: Vec<u8> = String::from_utf8_lossy(rest).replace("\\n", "").replace("\\r", "").into_bytes();
    let inline = base64_run(inline.trim_ascii());
    if inline.len() >= BODY {
        return Some((inline.to_vec(), false));
    }
    let mut is_encrypted = false;
    for line in lines.iter().skip(at + 1).take(HEADERS) {
        let line = line.trim_ascii();
        let run = base64_run(line);
        if run.len() >= BODY && run.len() == line.len() {
            return Some((run.to_vec(), is_encrypted));
        }
        let is_header = line.is_empty() || contains(line, b": ");
        if !is_header {
            return None;
        }
        is_encrypted |= line.starts_with(b"Proc-Type:") && contains(line, b"ENCRYPTED");
    }
    None
}

fn base64_run(text: &[u8]) -> &[u8] {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let end = text.iter().position(|byte| !is_base64(byte)).unwrap_or(text.len());
    &text[..end]
}

/// Tells by the name of the cipher, which follows the magic words, whether there is a passphrase.
fn openssh(body: &[u8]) -> Secret {
    let start = &body[..body.len().min(BODY) / 4 * 4];
    let bytes = STANDARD.decode(start).unwrap_or_default();
    let is_encrypted = bytes
        .strip_prefix(b"openssh-key-v1\0".as_slice())
        .is_some_and(|rest| !rest.starts_with(b"\0\0\0\x04none"));
    if is_encrypted { Secret::EncryptedKey } else { Secret::OpensshKey }
}

/// A secret key of minisign is 158 bytes on the line below the comment.
fn minisign(line: &[u8]) -> Option<Secret> {
    let line = line.trim_ascii();
    if line.len() != 212 || !line.starts_with(b"RW") {
        return None;
    }
    let bytes = STANDARD.decode(line).ok()?;
    match bytes.get(..4)? {
        start if start == MINISIGN_ENCRYPTED => Some(Secret::EncryptedKey),
        start if start == MINISIGN_PLAIN => Some(Secret::MinisignKey),
        _ => None,
    }
}

fn age(line: &[u8]) -> Option<Secret> {
    let start = find(line, b"AGE-SECRET-KEY-1")? + b"AGE-SECRET-KEY-1".len();
    let is_bech32 = |byte: &&u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    (line[start..].iter().take_while(is_bech32).count() == 58).then_some(Secret::AgeKey)
}

/// A `PrivateKey` of 32 bytes in an `[Interface]` (wg-quick) or `[WireGuard]` (networkd) section.
fn wireguard(lines: &[&[u8]], at: usize) -> Option<Secret> {
    let (name, value) = split(lines[at])?;
    if !name.eq_ignore_ascii_case(b"PrivateKey") || value.len() != 44 {
        return None;
    }
    let is_key = STANDARD.decode(value).is_ok_and(|key| key.len() == 32 && key.iter().any(|byte| *byte != 0));
    let mut before = lines[..at].iter().rev().map(|line| line.trim_ascii());
    let section = before.find(|line| line.starts_with(b"["))?;
    let is_section =
        [b"[Interface]".as_slice(), b"[WireGuard]"].iter().any(|s| section.eq_ignore_ascii_case(s));
    (is_key && is_section).then_some(Secret::WireguardKey)
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    Some((line[..at].trim_ascii(), line[at + 1..].trim_ascii()))
}
