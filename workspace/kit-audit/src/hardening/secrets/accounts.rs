//! Accounts with an empty or a built-in password.

use kit_tree::TreePath;

use crate::finding::{Area, Evidence, Finding, Kind, Severity};
use crate::hardening::roots::Root;
use crate::hardening::{Context, HardeningError};

pub(super) const EMPTY_PASSWORD: Kind = Kind {
    id: "password-empty",
    area: Area::Hardening,
    severity: Severity::High,
    title: "an account has no password",
    help: "put `*` or `!` where the password would be, so that nobody can log in with one",
};
pub(super) const PASSWORD_HASH: Kind = Kind {
    id: "password-built-in",
    area: Area::Hardening,
    severity: Severity::Medium,
    title: "an account's password is part of the image",
    help: "put `*` where it is, and let people in by keys, or set the password when the machine runs",
};

/// The files that hold passwords, one account a line, the password second; whether everybody can read them.
const FILES: [(&str, Readers); 4] = [
    ("etc/passwd", Readers::All),
    ("etc/shadow", Readers::Root),
    ("etc/group", Readers::All),
    ("etc/gshadow", Readers::Root),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    All,
    Root,
}

/// What the field of a password says.
#[derive(Debug, PartialEq, Eq)]
enum Field<'a> {
    /// Nobody can log in with a password, or it is in another file.
    None,
    /// Anybody can.
    Empty,
    /// A hash, and by which scheme.
    Hash(&'a str, Strength),
    /// A hash behind a mark that turns the account off.
    Locked(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Weak,
    Usual,
}

/// Finds accounts of a root that can be entered, or whose password can be guessed by all who have the image.
pub(super) fn findings(context: &Context<'_>, root: &Root) -> Result<Vec<Finding>, HardeningError> {
    let mut findings = Vec::new();
    for (file, readers) in FILES {
        let path = TreePath::new(file).expect("because it is a path");
        let Some(text) = context.named(root, &path)? else { continue };
        let whole = root.whole(&path);
        for (at, line) in text.lines().enumerate() {
            let mut fields = line.split(':');
            let (Some(name), Some(password)) = (fields.next(), fields.next()) else { continue };
            // A group without a password is the usual one.
            let is_group = file.ends_with("group") || file.ends_with("gshadow");
            let Some((kind, severity, what)) = judge(&field(password), readers, is_group) else { continue };
            let key = format!("{whole} {}", name.escape_debug());
            let message = format!("the account `{}` in `{whole}` {what}", name.escape_debug());
            let finding = Finding::new(kind, key, message).as_bad_as(severity);
            let finding = finding.because(context.evidence(root, &path));
            findings.push(finding.because(Evidence::Fact(format!("line {}", at + 1))));
        }
    }
    Ok(findings)
}

fn judge(field: &Field<'_>, readers: Readers, is_group: bool) -> Option<(&'static Kind, Severity, String)> {
    Some(match field {
        Field::None => return None,
        Field::Empty if is_group => return None,
        Field::Empty => (&EMPTY_PASSWORD, Severity::High, "has no password".to_owned()),
        Field::Locked(scheme) => {
            (&PASSWORD_HASH, Severity::Low, format!("is turned off, but its password is there ({scheme})"))
        }
        Field::Hash(scheme, strength) => {
            let is_bad = readers == Readers::All || *strength == Strength::Weak;
            let severity = if is_bad { Severity::High } else { Severity::Medium };
            (&PASSWORD_HASH, severity, format!("has a built-in password ({scheme})"))
        }
    })
}

fn field(password: &str) -> Field<'_> {
    match password {
        "" => Field::Empty,
        "x" | "*" => Field::None,
        _ => match password.strip_prefix(['!', '*']) {
            Some(rest) => match scheme(rest.trim_start_matches(['!', '*'])) {
                Some((scheme, _)) => Field::Locked(scheme),
                None => Field::None,
            },
            None => match scheme(password) {
                Some((scheme, strength)) => Field::Hash(scheme, strength),
                None => Field::None,
            },
        },
    }
}

/// Returns the name of the scheme of a hash.
fn scheme(hash: &str) -> Option<(&'static str, Strength)> {
    let known = [
        ("$1$", "MD5", Strength::Weak),
        ("$2", "bcrypt", Strength::Usual),
        ("$3$", "NT", Strength::Weak),
        ("$5$", "SHA-256", Strength::Usual),
        ("$6$", "SHA-512", Strength::Usual),
        ("$7$", "scrypt", Strength::Usual),
        ("$y$", "yescrypt", Strength::Usual),
        ("$gy$", "gost-yescrypt", Strength::Usual),
        ("$sha1", "SHA-1", Strength::Weak),
        ("$md5", "MD5", Strength::Weak),
        ("$argon2", "argon2", Strength::Usual),
        ("_", "DES", Strength::Weak),
        ("$", "of a scheme that isn't known", Strength::Weak),
    ];
    let found = known.into_iter().find(|(start, ..)| hash.starts_with(start));
    let is_des = || {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
        hash.len() == 13 && hash.bytes().all(is_part)
    };
    found.map(|(_, name, strength)| (name, strength)).or_else(|| is_des().then_some(("DES", Strength::Weak)))
}

#[cfg(test)]
mod tests;
