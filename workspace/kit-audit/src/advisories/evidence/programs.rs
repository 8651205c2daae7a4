//! Programs that are a part of their source package, and whose advisories start with their name.

use super::Shipped;

/// A program whose code is in its own file only.
struct Program {
    source: &'static str,
    /// What the text of an advisory starts with.
    starts: &'static [&'static str],
    /// What the path of the program ends with, all that it was ever called.
    files: &'static [&'static str],
}

/// The programs. A row is right only if all of its code is in files of these names, in every version.
const PROGRAMS: &[Program] = &[
    Program { source: "glibc", starts: &["nscd: "], files: &["/nscd"] },
    Program { source: "openssh", starts: &["ssh-agent in OpenSSH "], files: &["/ssh-agent"] },
    Program {
        source: "openssh",
        starts: &["sshd in OpenSSH ", "sshd: "],
        files: &["/sshd", "/sshd-session", "/sshd-auth"],
    },
    Program { source: "openssh", starts: &["scp in OpenSSH "], files: &["/scp"] },
    Program { source: "openssh", starts: &["ssh-keysign in OpenSSH "], files: &["/ssh-keysign"] },
    Program { source: "util-linux", starts: &["wall in util-linux "], files: &["/wall"] },
    Program { source: "shadow", starts: &["su in shadow "], files: &["/su"] },
    Program { source: "gnupg2", starts: &["dirmngr in GnuPG "], files: &["/dirmngr"] },
];

/// Returns why the program that an advisory is about isn't in the image.
pub(super) fn proof(source: &str, summary: &str, shipped: &Shipped) -> Option<String> {
    // An image without any file is one that nothing is known of.
    if shipped.files.is_empty() {
        return None;
    }
    let is_about = |program: &&Program| {
        program.source == source && program.starts.iter().any(|s| summary.starts_with(s))
    };
    let program = PROGRAMS.iter().find(is_about)?;
    if program.files.iter().any(|file| shipped.file(file).is_some()) {
        return None;
    }
    let names: Vec<_> =
        program.files.iter().map(|file| format!("`{}`", file.trim_start_matches('/'))).collect();
    Some(format!("the advisory is about {}, and no file of the image is called so", names.join(", ")))
}
