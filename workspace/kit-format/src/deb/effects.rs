//! What maintainer scripts would have done, since they never run.
//!
//! The scripts that run at a first installation (`preinst`, `postinst`) are read as text. Commands that only look, talk, or start
//! services say nothing about the files of an image; those that change it are reported by kind, with the command as written. A
//! command that isn't known is reported too: whoever declares the package looks at it once.

use std::collections::BTreeSet;

use super::control::{Control, Script};
use super::shell::{self, Command};

/// What a command changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EffectKind {
    /// Makes a user.
    User,
    /// Makes a group, or adds a user to one.
    Group,
    /// Makes a link that the alternatives system owns.
    Alternative,
    /// Rebuilds `/etc/ld.so.cache`.
    LibraryCache,
    /// Rebuilds the bundle of trusted certificates.
    Certificates,
    /// Renames another package's file.
    Diversion,
    /// Changes owner or mode of a file.
    Ownership,
    /// Gives a file capabilities.
    Capability,
    /// Rebuilds the kernel's table of module dependencies.
    Modules,
    /// Rebuilds the initial root file system.
    Initramfs,
    /// Compiles something that programs can also do without.
    Cache,
    /// Makes, changes, moves or removes files.
    File,
    /// Something else.
    Unknown,
}

/// Something that a script would have done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// What it changes.
    pub kind: EffectKind,
    /// In which script.
    pub script: Script,
    /// The command as written, without quotes, or for a script that is no shell script what it starts with.
    pub command: String,
}

/// Returns what the scripts of a package would have done at its first installation, sorted, each command once.
pub fn maintainer_effects(control: &Control) -> Vec<Effect> {
    let mut effects = BTreeSet::new();
    for script in [Script::Preinst, Script::Postinst] {
        let Some(bytes) = control.scripts.get(&script) else { continue };
        if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| is_shell(text)) {
            effects.extend(shell_effects(script, text));
        } else {
            let start = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
            let command = kit_tree::path::Escaped(&start[..start.len().min(80)]).to_string();
            effects.insert(Effect { kind: EffectKind::Unknown, script, command });
        }
    }
    if let Some(triggers) = control.scripts.get(&Script::Triggers) {
        effects.extend(trigger_effects(&String::from_utf8_lossy(triggers)));
    }
    effects.into_iter().collect()
}

fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let program = first.strip_prefix("#!").and_then(|line| line.split_whitespace().next());
    program.is_some_and(|program| ["/sh", "/bash", "/dash"].iter().any(|shell| program.ends_with(shell)))
}

fn shell_effects(script: Script, text: &str) -> Vec<Effect> {
    let shell::Commands { commands, functions } = shell::commands(&without_service_sections(text));
    let effect = |command: &Command| {
        let kind = classify(command).filter(|_| {
            // a function's own commands are looked at where they stand
            !command.words.first().is_some_and(|word| functions.contains(word))
        })?;
        let outputs = command.outputs.iter().map(|file| format!("> {file}"));
        let words: Vec<_> = command.words.iter().cloned().chain(outputs).collect();
        Some(Effect { kind, script, command: words.join(" ") })
    };
    commands.iter().filter_map(effect).collect()
}

/// Leaves out what debhelper generates to start, stop and enable services: an image's own init does that.
fn without_service_sections(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut skipping = false;
    for line in text.lines() {
        let section = line.strip_prefix("# Automatically added by ").unwrap_or_default();
        skipping |= SERVICE_SECTIONS.iter().any(|helper| section.starts_with(helper));
        if !skipping {
            kept.push_str(line);
            kept.push('\n');
        }
        skipping &= !line.starts_with("# End automatically added section");
    }
    kept
}

/// Helpers whose generated sections only concern running services and upgrades.
const SERVICE_SECTIONS: [&str; 5] =
    ["dh_installinit", "dh_installsystemd", "dh_runit", "dh_installmenu", "dh_installdeb"];

/// Triggers activate scripts of other packages.
fn trigger_effects(text: &str) -> Vec<Effect> {
    let lines = text.lines().filter(|line| line.starts_with("activate"));
    let effect = |line: &str| {
        let kind = match line.split_whitespace().nth(1)? {
            "ldconfig" => EffectKind::LibraryCache,
            "update-initramfs" => EffectKind::Initramfs,
            "update-ca-certificates" | "update-ca-certificates-fresh" => EffectKind::Certificates,
            _ => EffectKind::Cache,
        };
        Some(Effect { kind, script: Script::Triggers, command: line.trim().to_owned() })
    };
    lines.filter_map(effect).collect()
}

/// Returns what a command changes; none when it changes nothing that an image holds.
fn classify(command: &Command) -> Option<EffectKind> {
    if !command.outputs.iter().all(|file| is_harmless(file)) {
        return Some(EffectKind::File);
    }
    let mut words = command.words.iter().map(String::as_str);
    let program = words.next()?;
    let arguments: Vec<&str> = words.collect();
    let has = |argument: &str| arguments.contains(&argument);
    Some(match program.rsplit('/').next().unwrap_or(program) {
        "adduser" | "useradd" | "usermod" | "systemd-sysusers" | "chsh" | "passwd" | "chage" => {
            EffectKind::User
        }
        "addgroup" | "groupadd" | "groupmod" | "gpasswd" => EffectKind::Group,
        "update-alternatives" if !has("--remove") => EffectKind::Alternative,
        "ldconfig" => EffectKind::LibraryCache,
        "update-ca-certificates" => EffectKind::Certificates,
        "dpkg-divert" if !has("--truename") && !has("--list") && !has("--listpackage") => {
            EffectKind::Diversion
        }
        "dpkg-statoverride" if has("--list") => return None,
        "chown" | "chgrp" | "chmod" | "setfacl" | "dpkg-statoverride" => EffectKind::Ownership,
        "setcap" => EffectKind::Capability,
        "depmod" => EffectKind::Modules,
        "update-initramfs" | "linux-update-symlinks" => EffectKind::Initramfs,
        "sed" | "perl" if arguments.iter().any(|a| a.starts_with("-i") || a.starts_with("-pi")) => {
            EffectKind::File
        }
        "ln"
        | "cp"
        | "mv"
        | "mkdir"
        | "mknod"
        | "mkfifo"
        | "touch"
        | "install"
        | "rm"
        | "rmdir"
        | "tee"
        | "ucf"
        | "ucfr"
        | "systemd-tmpfiles"
        | "ssh-keygen"
        | "systemd-machine-id-setup"
        | "pam-auth-update" => EffectKind::File,
        program if CACHES.contains(&program) => EffectKind::Cache,
        program if HARMLESS.contains(&program) || program.starts_with("db_") => return None,
        _ => EffectKind::Unknown,
    })
}

/// Whether nothing that an image holds is written to `file`.
fn is_harmless(file: &str) -> bool {
    ["/dev/", "/run/", "/proc/"].iter().any(|start| file.starts_with(start))
}

/// Programs that compile what other programs can do without.
const CACHES: &[&str] = &[
    "fc-cache",
    "glib-compile-schemas",
    "gtk-update-icon-cache",
    "mandb",
    "py3compile",
    "pycompile",
    "systemd-hwdb",
    "update-desktop-database",
    "update-icon-caches",
    "update-menus",
    "update-mime-database",
];

/// Programs that look, talk, calculate, keep the package manager's own books, or start and stop services.
const HARMLESS: &[&str] = &[
    ".",
    ":",
    "[",
    "[[",
    "awk",
    "basename",
    "bash",
    "break",
    "cat",
    "cd",
    "cmp",
    "command",
    "continue",
    "cut",
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "diff",
    "dirname",
    "dpkg",
    "dpkg-divert",
    "dpkg-maintscript-helper",
    "dpkg-query",
    "dpkg-realpath",
    "dpkg-trigger",
    "echo",
    "egrep",
    "eval",
    "exec",
    "exit",
    "export",
    "expr",
    "false",
    "fgrep",
    "find",
    "getent",
    "grep",
    "head",
    "hostname",
    "id",
    "invoke-rc.d",
    "ischroot",
    "kill",
    "local",
    "ls",
    "md5sum",
    "mktemp",
    "mountpoint",
    "pidof",
    "printf",
    "pwd",
    "read",
    "readlink",
    "realpath",
    "restorecon",
    "return",
    "runit-helper",
    "service",
    "set",
    "sha256sum",
    "shift",
    "sleep",
    "sort",
    "source",
    "start-stop-daemon",
    "stat",
    "systemctl",
    "tail",
    "tempfile",
    "test",
    "tr",
    "trap",
    "true",
    "type",
    "udevadm",
    "umask",
    "uname",
    "uniq",
    "unset",
    "update-alternatives",
    "update-rc.d",
    "wc",
    "which",
    "xargs",
    "sed",
    "perl",
];
