//! `mounts`: their options, split into what the kernel takes as attributes of the mount and what the file system
//! itself takes.

use crate::json::{Node, Problem};
use crate::sys::mount::{
    ATIME, NOATIME, NODEV, NODIRATIME, NOEXEC, NOSUID, NOSYMFOLLOW, RDONLY, Reach, STRICTATIME,
};

/// One mount of a container.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Absolute path inside the container.
    pub(crate) destination: String,
    /// What appears there.
    pub(crate) origin: Origin,
    /// `MOUNT_ATTR_*` to set.
    pub(crate) set: u64,
    /// `MOUNT_ATTR_*` to clear.
    pub(crate) clear: u64,
    /// How it spreads; nothing is `rprivate`.
    pub(crate) spread: Option<(u64, Reach)>,
}

/// Where a mount's content comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A new file system.
    FileSystem {
        /// Its type as the kernel names it.
        kind: String,
        /// What `/proc/mounts` shows as its source.
        source: String,
        /// `key=value` and `key` options, in their order.
        options: Vec<(String, Option<String>)>,
    },
    /// A directory or file of the machine.
    Bind {
        /// Absolute path on the machine.
        source: String,
        /// `bind` or `rbind`.
        reach: Reach,
    },
}

impl Mount {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let destination = node.get("destination");
        let path = destination.required_text()?;
        if !path.starts_with('/') || path.split('/').any(|name| name == "..") {
            return Err(destination.problem("expected an absolute path without `..`"));
        }
        let mut options = Options::default();
        for item in node.get("options").items()? {
            options.add(&item)?;
        }
        let kind = node.get("type").text()?.unwrap_or("");
        let source = node.get("source").text()?.unwrap_or("");
        let origin = if kind == "bind" || options.bind.is_some() {
            if let Some((key, _)) = options.file_system.first() {
                return Err(node.get("options").problem(format!("`{key}` is not an option of a bind mount")));
            }
            if !source.starts_with('/') {
                return Err(node.get("source").problem("expected an absolute path"));
            }
            Origin::Bind { source: source.to_owned(), reach: options.bind.unwrap_or(Reach::One) }
        } else {
            let kind = if kind == "cgroup" { "cgroup2" } else { kind };
            if kind.is_empty() {
                return Err(node.get("type").problem("expected the type of a file system, or `bind`"));
            }
            let source = if source.is_empty() { kind } else { source };
            Origin::FileSystem {
                kind: kind.to_owned(),
                source: source.to_owned(),
                options: options.file_system,
            }
        };
        let Options { set, clear, spread, .. } = options;
        Ok(Self { destination: path.to_owned(), origin, set, clear, spread })
    }
}

/// Reads how mounts spread: `MS_*` flag, and whether it holds for all below.
pub(crate) fn propagation(word: &str) -> Option<(u64, Reach)> {
    let (word, reach) = match word.strip_prefix('r') {
        Some(word) => (word, Reach::Recursive),
        None => (word, Reach::One),
    };
    let flag = match word {
        "private" => libc::MS_PRIVATE,
        "slave" => libc::MS_SLAVE,
        "shared" => libc::MS_SHARED,
        "unbindable" => libc::MS_UNBINDABLE,
        _ => return None,
    };
    Some((flag, reach))
}

#[derive(Default)]
struct Options {
    set: u64,
    clear: u64,
    bind: Option<Reach>,
    spread: Option<(u64, Reach)>,
    file_system: Vec<(String, Option<String>)>,
}

impl Options {
    /// Takes one option; of two that contradict each other the later one holds, as in mount(8).
    fn add(&mut self, node: &Node<'_>) -> Result<(), Problem> {
        match node.required_text()? {
            "ro" => self.attribute(RDONLY, 0),
            "rw" => self.attribute(0, RDONLY),
            "nosuid" => self.attribute(NOSUID, 0),
            "suid" => self.attribute(0, NOSUID),
            "nodev" => self.attribute(NODEV, 0),
            "dev" => self.attribute(0, NODEV),
            "noexec" => self.attribute(NOEXEC, 0),
            "exec" => self.attribute(0, NOEXEC),
            "noatime" => self.attribute(NOATIME, ATIME),
            "strictatime" => self.attribute(STRICTATIME, ATIME),
            "relatime" | "atime" | "norelatime" | "nostrictatime" => self.attribute(0, ATIME),
            "nodiratime" => self.attribute(NODIRATIME, 0),
            "diratime" => self.attribute(0, NODIRATIME),
            "nosymfollow" => self.attribute(NOSYMFOLLOW, 0),
            "symfollow" => self.attribute(0, NOSYMFOLLOW),
            "bind" => self.bind = self.bind.or(Some(Reach::One)),
            "rbind" => self.bind = Some(Reach::Recursive),
            "defaults" => {}
            "remount" => return Err(node.problem("`remount` is not supported")),
            option if propagation(option).is_some() => self.spread = propagation(option),
            option => {
                let (key, value) = match option.split_once('=') {
                    Some((key, value)) => (key, Some(value.to_owned())),
                    None => (option, None),
                };
                self.file_system.push((key.to_owned(), value));
            }
        }
        Ok(())
    }

    fn attribute(&mut self, set: u64, clear: u64) {
        self.set = self.set & !clear | set;
        self.clear = self.clear & !set | clear;
        // The kernel wants the whole access time mask cleared before one of its modes is set.
        if self.set & ATIME != 0 {
            self.clear |= ATIME;
        }
    }
}
