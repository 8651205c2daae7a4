//! Files that came, went, or changed: content, mode, owner, capabilities and the rest.

use std::collections::{BTreeMap, BTreeSet};

use kit_tree::path::Escaped;
use kit_tree::{DeviceKind, Entry, Meta, TreePath};

use super::state::Owned;
use crate::hardening::files::capability::{ATTRIBUTE as CAPABILITIES, FileCapabilities};
use crate::inventory::Place;
use crate::report::shown;

/// Something of a file that can be another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Whether it is a file, a directory, a link.
    Kind,
    /// Permissions.
    Mode,
    /// User and group.
    Owner,
    /// What a program may do whoever starts it.
    Capabilities,
    /// Another extended attribute.
    Attribute(String),
    /// What a link points to.
    Target,
    /// The numbers of a device.
    Device,
    /// What is in it.
    Content,
}

impl Aspect {
    /// Returns the word for it, also in JSON.
    pub fn word(&self) -> &str {
        match self {
            Self::Kind => "kind",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Capabilities => "capabilities",
            Self::Attribute(name) => name,
            Self::Target => "target",
            Self::Device => "device",
            Self::Content => "content",
        }
    }
}

/// A path that isn't what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Which part of the image it is in.
    pub place: Place,
    /// Where.
    pub path: TreePath,
    /// What stood there.
    pub before: Option<Owned>,
    /// What stands there.
    pub after: Option<Owned>,
    /// What of it is another one: before and now, in words. Empty where it is new or gone.
    pub aspects: BTreeMap<Aspect, (String, String)>,
}

impl FileChange {
    /// Whether who may do what with it, or by it, is another one.
    pub fn is_about_rights(&self) -> bool {
        let is_content = |aspect: &Aspect| matches!(aspect, Aspect::Content | Aspect::Target);
        if self.aspects.is_empty() {
            return self.after.as_ref().is_some_and(|after| is_mighty(&after.entry));
        }
        !self.aspects.keys().all(is_content)
    }
}

/// Whether a file gives whoever starts it more than they have, or everybody can write it.
fn is_mighty(entry: &Entry) -> bool {
    let Some(meta) = entry.meta() else { return false };
    let mode = meta.mode.bits();
    let is_file = matches!(entry, Entry::File { .. });
    is_file && mode & 0o6000 != 0
        || mode & 0o1002 == 0o0002
        || matches!(entry, Entry::Device { .. })
        || meta.xattrs.contains_key(CAPABILITIES)
}

type Files = BTreeMap<(Place, TreePath), Owned>;

/// Compares files, those whose rights changed first.
pub(super) fn files(before: &Files, after: &Files) -> Vec<FileChange> {
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed = |key: &&(Place, TreePath)| {
        before.get(*key).map(|owned| &owned.entry) != after.get(*key).map(|owned| &owned.entry)
    };
    let change = |key: &(Place, TreePath)| {
        let (before, after) = (before.get(key).cloned(), after.get(key).cloned());
        let aspects = match (&before, &after) {
            (Some(before), Some(after)) => aspects(&before.entry, &after.entry),
            _ => BTreeMap::new(),
        };
        FileChange { place: key.0, path: key.1.clone(), before, after, aspects }
    };
    let mut changes: Vec<_> = paths.into_iter().filter(changed).map(change).collect();
    changes.sort_by_key(|change| !change.is_about_rights());
    changes
}

fn aspects(before: &Entry, after: &Entry) -> BTreeMap<Aspect, (String, String)> {
    let (one, other) = (words(before), words(after));
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let word =
        |side: &BTreeMap<Aspect, String>, key| side.get(key).map_or_else(|| "none".to_owned(), Clone::clone);
    let differs = |key: &&&Aspect| one.get(**key) != other.get(**key);
    let all: BTreeMap<_, _> = keys
        .iter()
        .filter(differs)
        .map(|key| ((*key).clone(), (word(&one, key), word(&other, key))))
        .collect();
    if all.contains_key(&Aspect::Kind) {
        // Of something else, all is another one.
        return BTreeMap::from([(Aspect::Kind, (describe(before), describe(after)))]);
    }
    all
}

/// Says all of an entry, each in words.
fn words(entry: &Entry) -> BTreeMap<Aspect, String> {
    let mut all = BTreeMap::from([(Aspect::Kind, kind(entry).to_owned())]);
    if let Some(Meta { mode, uid, gid, xattrs }) = entry.meta() {
        all.insert(Aspect::Mode, mode.to_string());
        all.insert(Aspect::Owner, format!("{uid}:{gid}"));
        for (name, value) in xattrs {
            if name == CAPABILITIES {
                all.insert(Aspect::Capabilities, capabilities(value));
            } else {
                all.insert(Aspect::Attribute(Escaped(name).to_string()), Escaped(value).to_string());
            }
        }
    }
    match entry {
        Entry::File { blob, size, .. } => {
            all.insert(Aspect::Content, format!("{} {}", shown::bytes(*size), blob.short()));
        }
        Entry::Symlink { uid, gid, target } => {
            all.insert(Aspect::Owner, format!("{uid}:{gid}"));
            all.insert(Aspect::Target, Escaped(target).to_string());
        }
        Entry::HardLink { target } => {
            all.insert(Aspect::Target, target.to_string());
        }
        Entry::Device { major, minor, .. } => {
            all.insert(Aspect::Device, format!("{major}:{minor}"));
        }
        Entry::Directory(_) | Entry::Fifo(_) => {}
    }
    all
}

/// Returns the word for what an entry is, as the dump of trees has it.
pub(super) fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Directory(_) => "dir",
        Entry::File { .. } => "file",
        Entry::Symlink { .. } => "symlink",
        Entry::HardLink { .. } => "link",
        Entry::Device { kind: DeviceKind::Char, .. } => "char",
        Entry::Device { kind: DeviceKind::Block, .. } => "block",
        Entry::Fifo(_) => "fifo",
    }
}

/// Says in a line what an entry is.
pub(super) fn describe(entry: &Entry) -> String {
    let all = words(entry);
    let rest = all.iter().filter_map(|(aspect, word)| match (aspect, entry) {
        (Aspect::Content, Entry::File { size, .. }) => Some(shown::bytes(*size)),
        (Aspect::Kind | Aspect::Content, _) => None,
        (Aspect::Target, _) => Some(format!("to {word}")),
        (Aspect::Mode | Aspect::Owner | Aspect::Device, _) => Some(word.clone()),
        (Aspect::Capabilities | Aspect::Attribute(_), _) => Some(format!("{}={word}", aspect.word())),
    });
    let words: Vec<_> = [kind(entry).to_owned()].into_iter().chain(rest).collect();
    words.join(" ")
}

/// Names capabilities; what can't be read is shown as it is.
pub(super) fn capabilities(value: &[u8]) -> String {
    match FileCapabilities::read(value) {
        Ok(capabilities) => {
            let late = (!capabilities.effective).then(|| "(not in effect from the start)".to_owned());
            let inherited = (capabilities.inheritable != 0)
                .then(|| format!("(inheritable {:#x})", capabilities.inheritable));
            let root = capabilities.root.map(|root| format!("(root is user {root})"));
            let names = [Some(capabilities.to_string()), late, inherited, root];
            names.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        Err(_) => Escaped(value).to_string(),
    }
}
