//! What somebody who wrote an unknown key probably meant.

use crate::parse::closest;

/// What was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Another key of the same block.
    Key(String),
    /// The same key in another block.
    Block(&'static str),
    /// Something that kit's recipes have and LinuxKit's files haven't.
    Recipe,
}

/// What other tools call the keys of a container, and people by habit.
const OTHERS: [(&str, &str); 22] = [
    ("args", "command"),
    ("cap_add", "capabilities.add"),
    ("cmd", "cmdline"),
    ("cmd", "command"),
    ("dest", "path"),
    ("dir", "directory"),
    ("entrypoint", "command"),
    ("environment", "env"),
    ("group", "gid"),
    ("link", "symlink"),
    ("network", "net"),
    ("network_mode", "net"),
    ("permissions", "mode"),
    ("privileged", "capabilities"),
    ("src", "source"),
    ("target", "symlink"),
    ("target", "destination"),
    ("text", "contents"),
    ("ulimits", "rlimits"),
    ("user", "uid"),
    ("volumes", "binds"),
    ("workdir", "cwd"),
];

/// Keys by the block that has them.
const BLOCKS: [(&str, &[&str]); 3] = [
    ("kernel", &["binary", "cmdline", "tar", "ucode"]),
    ("resources", &["blockio", "cpu", "hugepageLimits", "memory", "pids"]),
    ("runtime", &["bindNS", "cgroups", "interfaces", "mkdir", "namespace"]),
];

/// What kit's recipes have.
const RECIPES: [&str; 10] = [
    "after",
    "apparmor",
    "depends_on",
    "health",
    "healthcheck",
    "landlock",
    "ready",
    "requires",
    "restart",
    "seccomp",
];

/// Returns what was probably meant by a key that isn't among the known ones.
pub(super) fn of(written: &str, known: &[&'static str]) -> Option<Hint> {
    let lower = written.to_lowercase().replace("working_dir", "workdir");
    let by_habit =
        OTHERS.iter().find(|(other, key)| meant(&lower, &[other]).is_some() && known.contains(key));
    let by_habit = by_habit.map(|(_, key)| (*key).to_owned());
    if let Some(key) = meant(written, known).or(by_habit) {
        return Some(Hint::Key(key));
    }
    let block = |(block, keys): &(&'static str, &[&str])| {
        (keys.contains(&written) && (known.contains(block) || block == &"kernel"))
            .then_some(Hint::Block(block))
    };
    BLOCKS.iter().find_map(block).or_else(|| RECIPES.contains(&lower.as_str()).then_some(Hint::Recipe))
}

/// Returns the word that was probably meant: one that differs in capitals and dashes alone, or in few letters.
pub(super) fn meant(written: &str, known: &[&'static str]) -> Option<String> {
    let plain = |text: &str| text.replace(['-', '_', '.'], "").to_lowercase();
    let same = known.iter().find(|word| plain(word) == plain(written)).map(|word| (*word).to_owned());
    same.or_else(|| closest(written, known.iter().copied()))
}
