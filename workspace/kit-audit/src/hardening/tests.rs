use std::collections::{BTreeMap, BTreeSet};

use kit_hash::BlobId;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Meta, Mode, Tree, TreePath};

use super::elf::tests::Elf;
use super::{Content, Hardening, HardeningError, Image, hardening, kinds, to_examine};
use crate::finding::{Area, Evidence, Finding, Kind};

/// A small image, and what is said about it.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) tree: Tree,
    pub(crate) blobs: MemoryBlobs,
    pub(crate) config: Option<String>,
    pub(crate) command_line: String,
    pub(crate) sysctls: BTreeMap<String, String>,
    pub(crate) known: BTreeMap<BlobId, Content>,
}

pub(crate) fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

impl Sample {
    /// Puts a file of root's.
    pub(crate) fn file(&mut self, at: &str, content: impl AsRef<[u8]>) -> &mut Self {
        self.owned(at, 0o644, (0, 0), content)
    }

    /// Puts a file that can be executed.
    pub(crate) fn program(&mut self, at: &str, content: impl AsRef<[u8]>) -> &mut Self {
        self.owned(at, 0o755, (0, 0), content)
    }

    pub(crate) fn owned(
        &mut self,
        at: &str,
        mode: u32,
        owner: (u32, u32),
        content: impl AsRef<[u8]>,
    ) -> &mut Self {
        let content = content.as_ref();
        let blob = self.blobs.insert(content.to_vec());
        self.entry(at, Entry::File { meta: meta(mode, owner), blob, size: content.len() as u64 })
    }

    pub(crate) fn entry(&mut self, at: &str, entry: Entry) -> &mut Self {
        self.tree.make_parents(&path(at), &Meta::root(Mode::DIRECTORY)).unwrap();
        self.tree.insert(path(at), entry).unwrap();
        self
    }

    pub(crate) fn audit(&self) -> Result<Hardening, HardeningError> {
        hardening(&Image {
            tree: &self.tree,
            blobs: &self.blobs,
            owner_of: &|path| path.as_bytes().starts_with(b"usr/").then(|| "demo 1.0".to_owned()),
            kernel_config: self.config.as_deref(),
            command_line: &self.command_line,
            sysctls: &self.sysctls,
            known: &self.known,
        })
    }

    /// Returns the findings of some kinds.
    pub(crate) fn findings(&self, kinds: &[Kind]) -> Vec<Finding> {
        let all = self.audit().unwrap().findings;
        all.into_iter().filter(|finding| kinds.iter().any(|kind| kind == finding.kind)).collect()
    }

    /// Returns findings of some kinds as `KIND:KEY severity`.
    pub(crate) fn ids(&self, kinds: &[Kind]) -> Vec<String> {
        self.findings(kinds).iter().map(|f| format!("{} {}", f.id(), f.severity)).collect()
    }
}

pub(crate) fn meta(mode: u32, (uid, gid): (u32, u32)) -> Meta {
    Meta { mode: Mode::new(mode).unwrap(), uid, gid, xattrs: BTreeMap::new() }
}

#[test]
fn kinds_are_told_apart_and_belong_here() {
    let ids: BTreeSet<_> = kinds().map(|kind| kind.id).collect();
    assert_eq!(ids.len(), kinds().count());
    for kind in kinds() {
        assert_eq!(kind.area, Area::Hardening, "{}", kind.id);
        for text in [kind.title, kind.help] {
            assert!(
                !text.is_empty() && !text.ends_with('.') && !text.starts_with(char::is_uppercase),
                "{text}"
            );
        }
        assert!(kind.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", kind.id);
    }
}

#[test]
fn blobs_are_examined_once_and_can_be_known_before() {
    let mut sample = Sample::default();
    let weak = Elf::program().fixed().build();
    sample
        .program("/usr/bin/a", &weak)
        .program("/usr/bin/b", &weak)
        .program("/usr/bin/c", Elf::program().build());
    sample.entry("/usr/bin/d", Entry::HardLink { target: path("/usr/bin/a") });
    assert_eq!(to_examine(&sample.tree).len(), 2);
    let first = sample.audit().unwrap();
    assert_eq!(first.examined.len(), 2);
    let ids: Vec<_> = first.findings.iter().map(Finding::id).collect();
    assert_eq!(ids[..2], ["elf-no-pie:/usr/bin/a", "elf-no-pie:/usr/bin/b"]);
    assert_eq!(
        first.findings[0].evidence,
        [Evidence::File { path: path("/usr/bin/a"), owner: Some("demo 1.0".to_owned()) }]
    );
    // What is known isn't read again: the blobs are gone.
    sample.known = first.examined;
    sample.blobs = MemoryBlobs::new();
    let second = sample.audit().unwrap();
    assert_eq!((second.findings, second.examined.len()), (first.findings, 0));
}

#[test]
fn a_file_without_content_is_named() {
    let mut sample = Sample::default();
    sample.program("/usr/bin/a", "x");
    sample.blobs = MemoryBlobs::new();
    let error = sample.audit().unwrap_err();
    assert_eq!(error.to_string(), "can't read the content of `/usr/bin/a`");
}

#[test]
fn containers_are_roots_of_their_own() {
    let mut sample = Sample::default();
    sample
        .file("/etc/passwd", "root:x:0:0::/:/bin/sh\nuser:x:7:7::/:/bin/sh\n")
        .file("/etc/group", "user:x:7:\n");
    sample.owned("/home/a", 0o644, (7, 7), "a");
    sample.owned("/containers/services/000-web/rootfs/home/a", 0o644, (7, 0), "a");
    sample.owned("/containers/volumes/data/a", 0o644, (7, 7), "a");
    sample
        .entry("/usr/other", Entry::HardLink { target: path("/containers/services/000-web/rootfs/home/a") });
    let found = sample.findings(super::files::KINDS);
    let ids: Vec<_> = found.iter().map(Finding::id).collect();
    assert_eq!(ids, ["file-unknown-owner:services/000-web user 7"]);
    assert_eq!(
        found[0].message,
        "one file of the container `services/000-web` belongs to the user 7, which `/etc/passwd` doesn't name"
    );
}

#[test]
fn findings_come_in_the_order_of_kinds_and_keys() {
    let mut sample = Sample::default();
    sample.owned("/b", 0o4755, (0, 0), "b").owned("/a", 0o4777, (0, 0), "a");
    sample.program("/bin/sh", Elf::program().fixed().build());
    let ids: Vec<_> = sample.audit().unwrap().findings.iter().map(Finding::id).collect();
    let ids: Vec<_> = ids.iter().filter(|id| !id.starts_with("boot") && !id.starts_with("sysctl")).collect();
    let expected = [
        "elf-no-pie:/bin/sh",
        "file-set-uid:/a",
        "file-set-uid:/b",
        "file-writable-program:/a",
        "shell-present:/",
    ];
    assert_eq!(ids, expected.iter().collect::<Vec<_>>());
}
