//! Where an image isn't what its lockfile gives: each path, how, and whose it should be.

use kit_tree::{Entry, Meta, Tree, TreePath};

use super::component::{Component, ComponentId, Role};
use super::{File, Inventory, Place};

/// Whether a form of images has extended attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes {
    /// It has.
    Kept,
    /// It hasn't, so none say nothing.
    Left,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is there in both, with another content, mode, owner or kind.
    Changed,
    /// It isn't in the lockfile's image.
    Added,
    /// It is in the lockfile's image alone.
    Missing,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Changed, Self::Added, Self::Missing];

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Missing => "missing",
        }
    }
}

/// A path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// Where.
    pub path: TreePath,
    /// How.
    pub how: How,
    /// What of it, in words: `content`, `mode 0755 is 4755`.
    pub what: Vec<String>,
    /// Whose it should be; none where it shouldn't be at all.
    pub owner: Option<ComponentId>,
}

impl Inventory {
    /// Compares the root that was found with the one that the lockfile gives, and has the files of the one that was found from then on.
    ///
    /// What differs belongs to none of the components: it is the image's, as it was found.
    pub fn take_found(&mut self, locked: &Tree, found: &Tree, attributes: Attributes) -> Vec<Altered> {
        let altered = self.compare(locked, found, attributes);
        if altered.is_empty() {
            return altered;
        }
        let foreign = ComponentId::Foreign(format!("{}, altered", self.image));
        let mut files = Vec::new();
        for (path, entry) in found.entries() {
            // Both are in the order of paths.
            let is_altered = altered.binary_search_by(|one| one.path.cmp(path)).is_ok();
            let owner = self.file(path).map(|file| &file.owner).filter(|_| !is_altered);
            let owner = owner.unwrap_or(&foreign).clone();
            files.push(File { place: Place::Root, path: path.clone(), entry: entry.clone(), owner });
        }
        files.extend(self.files.drain(..).filter(|file| file.place != Place::Root));
        self.files = files;
        let summary = Some("what isn't as the lockfile gives it".to_owned());
        let component = Component {
            summary,
            role: Role::Shipped,
            ..Component::named(format!("{}, altered", self.image))
        };
        self.components.insert(foreign, component);
        for component in self.components.values_mut() {
            (component.files, component.bytes) = (0, 0);
        }
        self.count_files();
        altered
    }

    fn compare(&self, locked: &Tree, found: &Tree, attributes: Attributes) -> Vec<Altered> {
        let owner = |path: &TreePath| self.file(path).map(|file| file.owner.clone());
        let mut all = Vec::new();
        for (path, _) in locked.entries() {
            let (Some(before), after) = (locked.inode(path), found.inode(path)) else { continue };
            let (how, what) = match after {
                None => (How::Missing, Vec::new()),
                Some(after) => (How::Changed, differences(before, after, attributes)),
            };
            if how == How::Missing || !what.is_empty() {
                all.push(Altered { path: path.clone(), how, what, owner: owner(path) });
            }
        }
        let added = found.entries().filter(|(path, _)| locked.get(path).is_none());
        all.extend(added.map(|(path, _)| Altered {
            path: path.clone(),
            how: How::Added,
            what: Vec::new(),
            owner: None,
        }));
        all.sort_by(|one, other| one.path.cmp(&other.path));
        all
    }
}

/// Says what differs between two things at the same path.
fn differences(before: &Entry, after: &Entry, attributes: Attributes) -> Vec<String> {
    let mut what = Vec::new();
    match (before, after) {
        (Entry::File { blob, size, .. }, Entry::File { blob: other, size: other_size, .. }) => {
            if blob != other {
                what.push(format!("content of {size} bytes is another one of {other_size}"));
            }
        }
        (Entry::Symlink { uid, gid, target }, Entry::Symlink { uid: u, gid: g, target: other }) => {
            if target != other {
                let shown = |target: &[u8]| String::from_utf8_lossy(target).into_owned();
                what.push(format!("leads to `{}` instead of `{}`", shown(other), shown(target)));
            }
            if (uid, gid) != (u, g) {
                what.push(format!("owner {uid}:{gid} is {u}:{g}"));
            }
        }
        (Entry::Device { kind, major, minor, .. }, Entry::Device { kind: k, major: ma, minor: mi, .. }) => {
            if (kind, major, minor) != (k, ma, mi) {
                what.push(format!("device {major}:{minor} is {ma}:{mi}"));
            }
        }
        (Entry::Directory(_), Entry::Directory(_)) | (Entry::Fifo(_), Entry::Fifo(_)) => {}
        (before, after) => what.push(format!("{} is {}", kind(before), kind(after))),
    }
    if let (Some(before), Some(after)) = (before.meta(), after.meta()) {
        what.extend(metadata(before, after, attributes));
    }
    what
}

fn metadata(before: &Meta, after: &Meta, attributes: Attributes) -> Vec<String> {
    let mut what = Vec::new();
    if before.mode != after.mode {
        what.push(format!("mode {:04o} is {:04o}", before.mode.bits(), after.mode.bits()));
    }
    if (before.uid, before.gid) != (after.uid, after.gid) {
        what.push(format!("owner {}:{} is {}:{}", before.uid, before.gid, after.uid, after.gid));
    }
    if attributes == Attributes::Kept && before.xattrs != after.xattrs {
        what.push("extended attributes are others".to_owned());
    }
    what
}

fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Directory(_) => "a directory",
        Entry::File { .. } | Entry::HardLink { .. } => "a file",
        Entry::Symlink { .. } => "a link",
        Entry::Device { .. } => "a device",
        Entry::Fifo(_) => "a pipe",
    }
}

#[cfg(test)]
mod tests;
