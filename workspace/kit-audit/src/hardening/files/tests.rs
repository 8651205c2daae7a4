use kit_tree::entry::DeviceKind;
use kit_tree::{Entry, TreePath};
use proptest::prelude::*;

use super::KINDS;
use super::capability::{ATTRIBUTE, CapabilityError, FileCapabilities};
use crate::hardening::elf::tests::Elf;
use crate::hardening::tests::{Sample, meta};

/// What is found of one file, without that its owner isn't known.
fn ids(mode: u32, owner: (u32, u32)) -> Vec<String> {
    let mut sample = Sample::default();
    sample.owned("/a", mode, owner, "a");
    sample.ids(KINDS).into_iter().filter(|id| !id.starts_with("file-unknown-owner")).collect()
}

#[test]
fn modes_and_owners_are_judged() {
    let cases: &[(u32, (u32, u32), &[&str])] = &[
        (0o644, (0, 0), &[]),
        (0o755, (0, 0), &[]),
        (0o600, (7, 7), &[]),
        (0o4755, (0, 0), &["file-set-uid:/a medium"]),
        (0o4755, (7, 0), &["file-set-uid:/a low", "file-writable-program:/a medium"]),
        (0o2755, (0, 7), &["file-set-gid:/a low"]),
        (0o2745, (0, 7), &[]),
        (0o666, (0, 0), &["file-world-writable:/a medium"]),
        (0o777, (0, 0), &["file-writable-program:/a high"]),
        (0o775, (0, 0), &[]),
        (0o775, (0, 7), &["file-writable-program:/a medium"]),
        (0o755, (0, 7), &[]),
        (0o555, (7, 0), &["file-writable-program:/a medium"]),
    ];
    for (mode, owner, expected) in cases {
        assert_eq!(ids(*mode, *owner), *expected, "{mode:o} {owner:?}");
    }
}

#[test]
fn libraries_are_programs_too() {
    let mut sample = Sample::default();
    sample.owned("/usr/lib/a.so", 0o644, (7, 0), Elf::program().build()).owned(
        "/usr/lib/b",
        0o644,
        (7, 0),
        "b",
    );
    sample.file("/etc/passwd", "a:x:7:7::/:\n");
    assert_eq!(sample.ids(KINDS), ["file-writable-program:/usr/lib/a.so medium"]);
}

#[test]
fn directories_pipes_and_devices_are_judged() {
    let mut sample = Sample::default();
    for (at, mode) in [("/open", 0o777), ("/sticky", 0o1777), ("/group", 0o2775)] {
        sample.entry(at, Entry::Directory(meta(mode, (0, 0))));
    }
    sample.entry("/pipe", Entry::Fifo(meta(0o622, (0, 0)))).entry("/pipe2", Entry::Fifo(meta(0o600, (0, 0))));
    for (at, kind, major, minor) in [
        ("/null", DeviceKind::Char, 1, 3),
        ("/mem", DeviceKind::Char, 1, 1),
        ("/kvm", DeviceKind::Char, 10, 232),
        ("/sda", DeviceKind::Block, 8, 0),
    ] {
        sample.entry(at, Entry::Device { meta: meta(0o600, (0, 0)), kind, major, minor });
    }
    assert_eq!(
        sample.ids(KINDS),
        [
            "file-world-writable:/pipe low",
            "directory-world-writable:/open medium",
            "file-device:/kvm low",
            "file-device:/mem high",
            "file-device:/null note",
            "file-device:/sda medium",
        ]
    );
}

#[test]
fn names_with_control_characters_are_told() {
    let mut sample = Sample::default();
    for name in [b"a\nb".as_slice(), b"\x1b[2J", b"c\xc2\x85d", b"caf\xc3\xa9", b"\xff", b"a b"] {
        let path = TreePath::new(name).unwrap();
        sample.tree.insert(path, Entry::directory()).unwrap();
    }
    // What is below an odd name is not odd itself.
    sample.tree.insert(TreePath::new(b"a\nb/c").unwrap(), Entry::directory()).unwrap();
    let odd =
        ["file-odd-name:/\\x1b[2J low", "file-odd-name:/a\\x0ab low", "file-odd-name:/c\\xc2\\x85d low"];
    assert_eq!(sample.ids(KINDS), odd);
}

#[test]
fn owners_are_looked_up_in_their_root() {
    let mut sample = Sample::default();
    sample.file("/etc/passwd", "root:x:0:0::/:\na:x:7:7::/:\nbroken\n").file("/etc/group", "a:x:8:\n");
    sample.owned("/a", 0o644, (7, 8), "a").owned("/b", 0o644, (8, 7), "b").owned("/c", 0o644, (8, 0), "c");
    sample.entry("/d", Entry::Symlink { uid: 9, gid: 0, target: b"a".to_vec() });
    let found = sample.findings(KINDS);
    let messages: Vec<_> =
        found.iter().map(|finding| format!("{}: {}", finding.key, finding.message)).collect();
    assert_eq!(
        messages,
        [
            "/ group 7: one file of the host belongs to the group 7, which `/etc/group` doesn't name",
            "/ user 8: 2 files of the host belong to the user 8, which `/etc/passwd` doesn't name",
            "/ user 9: one file of the host belongs to the user 9, which `/etc/passwd` doesn't name",
        ]
    );
    assert_eq!(found[1].evidence.len(), 2);
}

#[test]
fn whom_a_container_runs_as_is_known() {
    let mut sample = Sample::default();
    let user = r#"{ "process": { "user": { "uid": 102, "gid": 103, "additionalGids": [104] } } }"#;
    sample.file("/containers/services/000-web/config.json", user);
    sample.owned("/var/lib/web", 0o644, (102, 103), "a").owned("/var/lib/log", 0o644, (103, 104), "b");
    sample.owned("/containers/services/000-web/rootfs/srv", 0o644, (102, 105), "c");
    let ids = sample.ids(&[super::owners::UNKNOWN_OWNER]);
    assert_eq!(
        ids,
        ["file-unknown-owner:/ user 103 low", "file-unknown-owner:services/000-web group 105 low"]
    );
}

#[test]
fn capabilities_are_read_in_all_revisions() {
    let attribute = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let read = |words: &[u32]| FileCapabilities::read(&attribute(words));
    let two = read(&[0x0200_0001, 1 << 10, 0, 1 << 7, 0]).unwrap();
    assert_eq!(
        (two.to_string().as_str(), two.effective, two.root),
        ("CAP_NET_BIND_SERVICE, CAP_BPF", true, None)
    );
    let three = read(&[0x0300_0000, 0, 1 << 13, 0, 0, 1000]).unwrap();
    assert_eq!((three.to_string().as_str(), three.effective, three.root), ("CAP_NET_RAW", false, Some(1000)));
    assert_eq!(read(&[0x0100_0000, 1 << 21, 0]).unwrap().names(), ["CAP_SYS_ADMIN"]);
    assert_eq!(read(&[0x0200_0000, 0, 0, 1 << 31, 0]).unwrap().names(), ["CAP_63"]);
    assert_eq!(read(&[0x0200_0000, 0, 0, 0, 0]).unwrap().to_string(), "none");
    assert_eq!(read(&[0x0400_0000, 0, 0]), Err(CapabilityError::Revision(4)));
    assert_eq!(read(&[0x0200_0000, 0, 0]), Err(CapabilityError::Length(12)));
    assert_eq!(read(&[0x0300_0000, 0, 0, 0, 0]), Err(CapabilityError::Length(20)));
    assert_eq!(FileCapabilities::read(b"abc"), Err(CapabilityError::Length(3)));

    let mut sample = Sample::default();
    let cases: [(&str, &[u32]); 3] = [
        ("/admin", &[0x0200_0001, 1 << 21, 0, 0, 0]),
        ("/bind", &[0x0200_0001, 1 << 10, 0, 0, 0]),
        ("/odd", &[0x0900_0000]),
    ];
    for (at, words) in cases {
        sample.program(at, "x");
        let path = at.parse::<TreePath>().unwrap();
        let mut entry = sample.tree.get(&path).unwrap().clone();
        entry.meta_mut().unwrap().xattrs.insert(ATTRIBUTE.to_vec(), attribute(words));
        sample.entry(at, entry);
    }
    assert_eq!(
        sample.ids(KINDS),
        ["file-capabilities:/admin medium", "file-capabilities:/bind low", "file-capabilities:/odd low"]
    );
    assert_eq!(sample.findings(KINDS)[0].message, "`/admin` has capabilities: CAP_SYS_ADMIN");
}

proptest! {
    #[test]
    fn attributes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), revision in 0u8..5) {
        let mut bytes = bytes;
        if let Some(place) = bytes.get_mut(3) {
            *place = revision;
        }
        if let Ok(capabilities) = FileCapabilities::read(&bytes) {
            let _ = capabilities.to_string();
        }
    }
}
