use serde_json::json;

use super::*;
use crate::advisories::Moment;
use crate::advisories::matching::find;
use crate::advisories::tests::{crate_of, debian, osv, snapshot, with};
use crate::advisories::vex::{Document, Verdict, judge};

/// A match of a source package whose advisory has the text.
fn found(source: &str, text: &str) -> Match {
    let record = osv("DEBIAN-CVE-2024-1", "Debian:12", source, &["introduced 0"]);
    let record = with(record, json!({"details": text}));
    find(&snapshot(&[record], None), &[debian(source, "1")], None).unwrap().matches.remove(0)
}

/// A kernel of options such as `BTRFS_FS=m` and modules.
fn kernel(options: &[&str], modules: &[&str]) -> Shipped {
    let option = |text: &&str| {
        let (name, value) = text.split_once('=').unwrap();
        let setting = if value == "m" { Setting::Module } else { Setting::BuiltIn };
        (name.to_owned(), setting)
    };
    let options = options.iter().map(option).collect();
    let modules = modules.iter().map(|module| (*module).to_owned()).collect();
    Shipped { files: BTreeSet::new(), kernel: Kernel::Known { options, modules } }
}

fn proof(text: &str, shipped: &Shipped) -> Option<String> {
    propose(&found("linux", text), shipped).map(|proposal| proposal.proof)
}

#[test]
fn a_driver_that_isnt_built_is_no_danger() {
    let text =
        "In the Linux kernel, the following vulnerability has been resolved:\n\nwifi: ath11k: fix a flaw";
    let about = "the advisory is about `wifi: ath11k`, ";
    let without = format!("{about}and the kernel is built without `CONFIG_ATH11K`");
    let absent =
        format!("{about}which `CONFIG_ATH11K` builds as a module, and the image has no module `ath11k*`");
    for (options, modules, expected) in [
        (&["EXT4_FS=y"][..], &[][..], Some(&without)),
        (&["ATH11K=m"], &["ath10k_core", "ext4"], Some(&absent)),
        (&["ATH11K=m"], &["ath11k-pci"], None),
        (&["ATH11K=y"], &[], None),
        // Not even the options are known.
        (&[], &[], None),
    ] {
        assert_eq!(proof(text, &kernel(options, modules)).as_ref(), expected, "{options:?} {modules:?}");
    }
}

#[test]
fn only_what_is_certain_is_proposed() {
    let small = kernel(&["EXT4_FS=y"], &[]);
    for (text, is_proved) in [
        ("btrfs: fix a flaw", true),
        ("btrfs fix a flaw", false),
        ("btrfs/zoned: fix a flaw", false),
        ("fs: btrfs: fix a flaw", false),
        ("ext4: fix a flaw", false),
        ("mm: fix what btrfs: does", false),
        ("drm/i915: fix a flaw", true),
        ("The f function in fs/btrfs/ctree.c in the Linux kernel before 4.10 allows a flaw", true),
        ("The f function in fs/namei.c in the Linux kernel before 4.10 allows a flaw", false),
        ("", false),
    ] {
        assert_eq!(proof(text, &small).is_some(), is_proved, "{text}");
    }
    assert_eq!(proof("drm/i915: fix a flaw", &kernel(&["DRM_XE=m"], &["xe"])), None);
    assert_eq!(proof("btrfs: fix a flaw", &Shipped::default()), None);
    assert_eq!(propose(&found("btrfs-progs", "btrfs: fix a flaw"), &small), None);
}

#[test]
fn headers_without_a_kernel_are_no_danger() {
    let shipped = Shipped { files: BTreeSet::new(), kernel: Kernel::Missing };
    let with = |binaries: &[&str]| {
        let mut found = found("linux", "mm: fix a flaw");
        found.installed.binaries = binaries.iter().map(|name| (*name).to_owned()).collect();
        propose(&found, &shipped).map(|proposal| proposal.proof)
    };
    assert_eq!(
        with(&["linux-libc-dev"]).as_deref(),
        Some("the image has no kernel, and of this source only the headers in `linux-libc-dev`")
    );
    assert_eq!(with(&["linux-libc-dev", "bpftool"]), None);
    assert_eq!(with(&[]), None);
}

#[test]
fn a_program_that_isnt_there_is_no_danger() {
    let files = |paths: &[&str]| Shipped {
        files: paths.iter().map(|path| (*path).to_owned()).collect(),
        kernel: Kernel::Unknown,
    };
    let proof =
        |source: &str, text: &str, shipped: &Shipped| propose(&found(source, text), shipped).map(|p| p.proof);
    let (text, some) = ("nscd: Stack-based buffer overflow", files(&["/usr/lib/libc.so.6"]));
    assert_eq!(
        proof("glibc", text, &some).as_deref(),
        Some("the advisory is about `nscd`, and no file of the image is called so")
    );
    assert_eq!(proof("glibc", text, &files(&["/usr/sbin/nscd"])), None);
    assert_eq!(proof("glibc", text, &files(&[])), None);
    assert_eq!(proof("musl", text, &some), None);
    assert_eq!(proof("glibc", "a flaw in nscd: it", &some), None);
    let wall = "wall in util-linux through 2.40 allows escapes";
    assert!(proof("util-linux", wall, &some).is_some());
    assert_eq!(proof("util-linux", wall, &files(&["/usr/bin/wall"])), None);
    assert!(proof("util-linux", wall, &files(&["/usr/bin/firewall"])).is_some());
    let mut of_crate = found("glibc", text);
    of_crate.installed = crate_of("glibc", "1.0.0");
    assert_eq!(propose(&of_crate, &some), None);
}

#[test]
fn a_proposal_dismisses_its_match() {
    let found = found("linux", "btrfs: fix a flaw");
    let proposal = propose(&found, &kernel(&["EXT4_FS=y"], &[])).unwrap();
    for (image, ids) in [(None, Vec::new()), (Some("pkg:oci/a"), vec!["pkg:oci/a".to_owned()])] {
        let statements = vec![proposal.statement(image)];
        let document = Document::new("kit".to_owned(), Moment::from_seconds(0), statements).unwrap();
        let judged = judge(vec![found.clone()], &[document], &ids);
        let expected = "kit says on 1970-01-01: not affected, `vulnerable_code_not_present`: the advisory is about `btrfs`, \
                        and the kernel is built without `CONFIG_BTRFS_FS`";
        assert_eq!(judged[0].verdict, Verdict::Dismissed(expected.to_owned()));
    }
}
