//! Secrets that were left in the tree, and accounts that anybody can enter.
//!
//! A secret is never shown: a finding says what kind it is, in which file, on which line. Not looked at are documentation and what programs
//! bring along to test themselves. Public material (certificates, public keys, fingerprints) is no secret.

mod accounts;
mod named;
pub mod text;

use kit_tree::{Entry, TreePath};

use self::text::{Hit, Secret};
use super::content::Content;
use super::roots::Root;
use super::{Context, HardeningError};
use crate::finding::{Area, Evidence, Finding, Kind, Severity};

const fn kind(id: &'static str, severity: Severity, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::Hardening, severity, title, help }
}

const PRIVATE_KEY: Kind = kind(
    "secret-private-key",
    Severity::High,
    "a private key is in the image",
    "make a new key, and give it to the machine when it runs: everybody who has the image has this one",
);
const SSH_HOST_KEY: Kind = kind(
    "secret-ssh-host-key",
    Severity::High,
    "the key by which a machine is known is in the image",
    "leave it out and have the machine make one when it first starts: all machines of this image have the same one",
);
const CREDENTIALS: Kind = kind(
    "secret-credentials",
    Severity::High,
    "a file with credentials is in the image",
    "withdraw the credentials, and give new ones to the machine when it runs",
);
const TOKEN: Kind = kind(
    "secret-token",
    Severity::High,
    "a token of a service is in the image",
    "withdraw the token, and give a new one to the machine when it runs",
);
const AUTHORIZED_KEYS: Kind = kind(
    "authorized-keys",
    Severity::Note,
    "who may log in is part of the image",
    "see whether all of these keys should open every machine of this image",
);

/// The kinds of findings about secrets.
pub const KINDS: &[Kind] = &[
    PRIVATE_KEY,
    SSH_HOST_KEY,
    CREDENTIALS,
    TOKEN,
    accounts::EMPTY_PASSWORD,
    accounts::PASSWORD_HASH,
    AUTHORIZED_KEYS,
];

/// Places of documentation.
const DOCUMENTATION: [&[u8]; 8] = [
    b"usr/share/doc/",
    b"usr/share/man/",
    b"usr/share/info/",
    b"usr/share/gtk-doc/",
    b"usr/share/help/",
    b"usr/share/locale/",
    b"usr/local/share/doc/",
    b"usr/local/share/man/",
];
/// Names of directories below `/usr` with what programs test themselves with, or show as examples.
const TESTS: [&[u8]; 8] =
    [b"test", b"tests", b"testing", b"testdata", b"test-data", b"test_data", b"example", b"examples"];

/// Whether a file at a path of a root is looked at.
pub(super) fn concerns(path: &TreePath) -> bool {
    let bytes = path.as_bytes();
    let is_documentation = DOCUMENTATION.iter().any(|place| bytes.starts_with(place));
    let is_test =
        bytes.starts_with(b"usr/") && bytes.split(|byte| *byte == b'/').any(|name| TESTS.contains(&name));
    !is_documentation && !is_test
}

/// Finds secrets in all files.
pub(super) fn findings(context: &Context<'_>) -> Result<Vec<Finding>, HardeningError> {
    let mut findings = Vec::new();
    for root in &context.roots {
        for (path, entry) in root.tree.entries().filter(|(path, _)| concerns(path)) {
            let Entry::File { blob, .. } = entry else { continue };
            let hits = match context.content(blob) {
                Some(Content::Secrets(hits)) => hits.as_slice(),
                Some(Content::Other | Content::Elf(_) | Content::BrokenElf(_)) | None => &[],
            };
            if is_ssh_host_key(path) {
                findings.push(host_key(context, root, path, hits));
            } else {
                findings.extend(found(context, root, path, hits));
            }
            findings.extend(in_named(context, root, path)?);
        }
        findings.extend(accounts::findings(context, root)?);
    }
    Ok(findings)
}

/// Says what was found in a text: a finding for each kind, with all its lines.
fn found(context: &Context<'_>, root: &Root, path: &TreePath, hits: &[Hit]) -> Vec<Finding> {
    let keys: Vec<&Hit> = hits.iter().filter(|hit| hit.secret.is_key()).collect();
    let tokens: Vec<&Hit> = hits
        .iter()
        .filter(|hit| {
            !hit.secret.is_key() && (hit.secret != Secret::JsonWebToken || named::is_settings(path))
        })
        .collect();
    let mut findings = Vec::new();
    for (kind, hits) in [(&PRIVATE_KEY, keys), (&TOKEN, tokens)] {
        let Some(first) = hits.first() else { continue };
        let whole = root.whole(path);
        let message = format!("`{whole}` holds {}", first.secret.title());
        // What is encrypted is worth as much as its passphrase.
        // The keys for Google's interfaces are often meant to be seen, by those who look at a page.
        let is_lesser = |hit: &&Hit| matches!(hit.secret, Secret::EncryptedKey | Secret::GoogleKey);
        let severity = if hits.iter().all(is_lesser) { Severity::Low } else { kind.severity };
        let mut finding = Finding::new(kind, whole.to_string(), message)
            .as_bad_as(severity)
            .because(context.evidence(root, path));
        for hit in hits {
            finding = finding.because(Evidence::Fact(format!("line {}: {}", hit.line, hit.secret.title())));
        }
        findings.push(finding);
    }
    findings
}

fn is_ssh_host_key(path: &TreePath) -> bool {
    let path = path.as_bytes();
    let in_place = |place: &[u8], start: &[u8], end: &[u8]| {
        path.strip_prefix(place).is_some_and(|name| name.starts_with(start) && name.ends_with(end))
    };
    in_place(b"etc/ssh/", b"ssh_host_", b"_key") || in_place(b"etc/dropbear/", b"dropbear_", b"_host_key")
}

fn host_key(context: &Context<'_>, root: &Root, path: &TreePath, hits: &[Hit]) -> Finding {
    let whole = root.whole(path);
    let message = format!("`{whole}` is the key by which {} is known to others", root.title());
    let mut finding =
        Finding::new(&SSH_HOST_KEY, whole.to_string(), message).because(context.evidence(root, path));
    for hit in hits {
        finding = finding.because(Evidence::Fact(format!("line {}: {}", hit.line, hit.secret.title())));
    }
    finding
}

/// Looks into files whose name says that they hold credentials, or who may log in.
fn in_named(context: &Context<'_>, root: &Root, path: &TreePath) -> Result<Option<Finding>, HardeningError> {
    let Some(named) = named::by_path(path) else { return Ok(None) };
    let Some(text) = context.named(root, path)? else { return Ok(None) };
    let lines = named.lines(&text);
    if lines.is_empty() {
        return Ok(None);
    }
    let whole = root.whole(path);
    let (kind, message) = match named {
        named::Named::AuthorizedKeys => {
            let keys = if lines.len() == 1 { "one key".to_owned() } else { format!("{} keys", lines.len()) };
            (&AUTHORIZED_KEYS, format!("`{whole}` lets {keys} log in"))
        }
        _ => (&CREDENTIALS, format!("`{whole}` holds {}", named.title())),
    };
    let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    Ok(Some(
        Finding::new(kind, whole.to_string(), message)
            .because(context.evidence(root, path))
            .because(Evidence::Fact(format!("{word} {}", lines.join(", ")))),
    ))
}

#[cfg(test)]
mod tests;
