//! Owners that no list of users or groups names, and as whom no container runs: one finding for each root and number.
//!
//! What kit itself gives a number to, containers that are named as users, is in no list: their configuration says it.

use std::collections::{BTreeMap, BTreeSet};

use kit_tree::{Entry, TreePath};

use crate::finding::{Area, Finding, Kind, Severity};
use crate::hardening::roots::Root;
use crate::hardening::{Context, HardeningError};
use crate::privileges::Privileges;

/// How many files are named as evidence.
const SHOWN: usize = 5;

pub(super) const UNKNOWN_OWNER: Kind = Kind {
    id: "file-unknown-owner",
    area: Area::Hardening,
    severity: Severity::Low,
    title: "files belong to somebody whom no list of users or groups names, and as whom no container runs",
    help: "give the files to a user that the root names, or name the user in its `/etc/passwd` or `/etc/group`",
};

/// Whom the containers of an image run as.
pub(super) struct Running {
    users: BTreeSet<u32>,
    groups: BTreeSet<u32>,
}

impl Running {
    /// Reads it from the configurations; one that can't be read names nobody.
    pub(super) fn of(context: &Context<'_>) -> Self {
        let privileges = Privileges::of(context.image.tree, context.image.blobs);
        let all = || privileges.services.iter().map(|service| &service.user);
        let groups = all().flat_map(|user| user.groups.iter().copied().chain([user.gid]));
        Self { users: all().map(|user| user.uid).collect(), groups: groups.collect() }
    }
}

/// Finds owners of a root's files that its `passwd` and `group` don't name, and no container runs as. Root is always known.
pub(super) fn findings(
    context: &Context<'_>,
    root: &Root,
    running: &Running,
) -> Result<Vec<Finding>, HardeningError> {
    let mut findings = Vec::new();
    for (word, list, of) in [("user", "etc/passwd", Of::User), ("group", "etc/group", Of::Group)] {
        let run_as = match of {
            Of::User => &running.users,
            Of::Group => &running.groups,
        };
        let list = TreePath::new(list).expect("because it is a path");
        let known = numbers(context.named(root, &list)?.as_deref().unwrap_or_default());
        for (number, paths) in owned(root, &of) {
            if number == 0 || known.contains(&number) || run_as.contains(&number) {
                continue;
            }
            let (count, are) = match paths.len() {
                1 => ("one file".to_owned(), "belongs"),
                count => (format!("{count} files"), "belong"),
            };
            let title = root.title();
            let message =
                format!("{count} of {title} {are} to the {word} {number}, which `{list}` doesn't name");
            let mut finding = Finding::new(&UNKNOWN_OWNER, format!("{} {word} {number}", root.name), message);
            for path in paths.into_iter().take(SHOWN) {
                finding = finding.because(context.evidence(root, path));
            }
            findings.push(finding);
        }
    }
    Ok(findings)
}

enum Of {
    User,
    Group,
}

/// Returns the third field of all lines.
fn numbers(list: &str) -> BTreeSet<u32> {
    list.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect()
}

fn owned<'a>(root: &'a Root, of: &Of) -> BTreeMap<u32, Vec<&'a TreePath>> {
    let mut owned: BTreeMap<u32, Vec<&TreePath>> = BTreeMap::new();
    for (path, entry) in root.tree.entries() {
        let (uid, gid) = match entry {
            Entry::Symlink { uid, gid, .. } => (*uid, *gid),
            entry => match entry.meta() {
                Some(meta) => (meta.uid, meta.gid),
                None => continue,
            },
        };
        let number = match of {
            Of::User => uid,
            Of::Group => gid,
        };
        owned.entry(number).or_default().push(path);
    }
    owned
}
