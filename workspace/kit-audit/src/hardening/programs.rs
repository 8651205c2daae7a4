//! What an image needs least once it runs: shells, package managers, compilers, debuggers; one finding for each root and kind.

use std::collections::BTreeMap;

use kit_tree::resolve::Resolved;
use kit_tree::{Entry, TreePath};

use super::elf::contains;
use super::roots::Root;
use super::{Context, HardeningError};
use crate::finding::{Area, Finding, Kind, Severity};

const fn kind(id: &'static str, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::Hardening, severity: Severity::Note, title, help }
}

const SHELL: Kind =
    kind("shell-present", "a shell is in the image", "leave it out where nothing is started by a script");
const PACKAGE_MANAGER: Kind = kind(
    "package-manager-present",
    "a package manager is in the image",
    "leave it out: an image is changed by its recipe, not where it runs",
);
const COMPILER: Kind = kind(
    "compiler-present",
    "a compiler is in the image",
    "leave it out: build in the recipe, not where it runs",
);
const DEBUGGER: Kind = kind(
    "debugger-present",
    "a debugger is in the image",
    "leave it out, or put it into an image of its own for finding mistakes",
);

/// The kinds of findings about programs that are present.
pub const KINDS: &[Kind] = &[SHELL, PACKAGE_MANAGER, COMPILER, DEBUGGER];

const SHELLS: [&str; 12] =
    ["ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "sh", "tcsh", "zsh"];
const PACKAGE_MANAGERS: [&str; 24] = [
    "apk", "apt", "apt-get", "aptitude", "cargo", "conda", "dnf", "dpkg", "gem", "microdnf", "nix", "npm",
    "opkg", "pacman", "pip", "pip3", "pipx", "pnpm", "rpm", "snap", "tdnf", "yarn", "yum", "zypper",
];
const COMPILERS: [&str; 17] = [
    "as", "c++", "cc", "clang", "clang++", "cpp", "g++", "gcc", "gfortran", "ghc", "go", "javac", "ld",
    "make", "rustc", "tcc", "zig",
];
const DEBUGGERS: [&str; 10] =
    ["bpftrace", "gdb", "gdbserver", "lldb", "ltrace", "perf", "radare2", "strace", "systemtap", "valgrind"];
/// Programs that are many in one: with what they would have to hold, they are a shell as well.
const MANY_IN_ONE: [&str; 3] = ["busybox", "busybox.static", "toybox"];

/// Where programs are looked for.
const DIRECTORIES: [&str; 6] = ["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"];
/// The most that a program that is many in one may have, in bytes.
const LIMIT: u64 = 16 << 20;

/// Finds what each root has.
pub(super) fn findings(context: &Context<'_>) -> Result<Vec<Finding>, HardeningError> {
    let mut findings = Vec::new();
    for root in &context.roots {
        let mut found: BTreeMap<&'static str, (&'static Kind, Vec<TreePath>)> = BTreeMap::new();
        for (path, entry) in root.tree.entries() {
            let Some(name) = program(path, entry) else { continue };
            let Some(kind) = kind_of(context, root, path, name)? else { continue };
            if is_runnable(root, path) {
                found.entry(kind.id).or_insert((kind, Vec::new())).1.push(path.clone());
            }
        }
        findings.extend(found.into_values().map(|(kind, paths)| about(context, root, kind, &paths)));
    }
    Ok(findings)
}

fn about(context: &Context<'_>, root: &Root, kind: &'static Kind, paths: &[TreePath]) -> Finding {
    let names = paths.iter().filter_map(TreePath::file_name);
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let message = format!("{} has {}", root.title(), names.join(", "));
    let finding = Finding::new(kind, root.name.clone(), message);
    paths.iter().fold(finding, |finding, path| finding.because(context.evidence(root, path)))
}

/// Returns the name of what stands where programs are.
fn program<'a>(path: &'a TreePath, entry: &Entry) -> Option<&'a str> {
    let path = path.as_bytes();
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let is_there = DIRECTORIES.iter().any(|directory| path[..slash] == *directory.as_bytes());
    if !is_there || entry.is_directory() {
        return None;
    }
    std::str::from_utf8(&path[slash + 1..]).ok()
}

fn kind_of(
    context: &Context<'_>,
    root: &Root,
    path: &TreePath,
    name: &str,
) -> Result<Option<&'static Kind>, HardeningError> {
    let named = [(&SHELL, &SHELLS[..]), (&PACKAGE_MANAGER, &PACKAGE_MANAGERS), (&DEBUGGER, &DEBUGGERS)];
    if let Some((kind, _)) = named.into_iter().find(|(_, names)| names.contains(&name)) {
        return Ok(Some(kind));
    }
    if COMPILERS.contains(&plain(name)) {
        return Ok(Some(&COMPILER));
    }
    let is_shell = MANY_IN_ONE.contains(&name) && has_shell(context, root, path)?;
    Ok(is_shell.then_some(&SHELL))
}

/// Returns a compiler's name without its machine and version: `gcc` for `x86_64-linux-gnu-gcc-12`.
fn plain(name: &str) -> &str {
    let name = match name.rsplit_once('-') {
        Some((start, version)) if version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => start,
        _ => name,
    };
    name.rsplit_once("-linux-gnu-")
        .or_else(|| name.rsplit_once("-linux-musl-"))
        .map_or(name, |(_, name)| name)
}

/// Whether a path leads to a file that can be executed.
fn is_runnable(root: &Root, path: &TreePath) -> bool {
    match root.tree.resolve(path) {
        Resolved::There(_, Entry::File { meta, .. }) => meta.mode.is_executable(),
        _ => false,
    }
}

/// Whether a program that is many in one has a shell among its names, which stand in it one after the other between zero bytes.
fn has_shell(context: &Context<'_>, root: &Root, path: &TreePath) -> Result<bool, HardeningError> {
    let Resolved::There(_, Entry::File { blob, size, .. }) = root.tree.resolve(path) else {
        return Ok(false);
    };
    if *size > LIMIT {
        return Ok(false);
    }
    let read = context.image.blobs.read(blob, LIMIT);
    let bytes = read.map_err(|source| HardeningError::Read { path: root.whole(path), source })?;
    Ok(contains(&bytes, b"\0sh\0"))
}

#[cfg(test)]
mod tests;
