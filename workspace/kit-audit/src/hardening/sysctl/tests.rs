use std::collections::BTreeMap;

use kit_tree::Entry;
use proptest::prelude::*;

use super::table::SETTINGS;
use super::{KINDS, settings};
use crate::hardening::tests::Sample;

fn has(sample: &Sample, name: &str) -> bool {
    sample.ids(KINDS).iter().any(|id| id.starts_with(&format!("sysctl-not-hardened:{name} ")))
}

#[test]
fn lines_are_read() {
    let text = "# a = 1\n; b = 2\nc = 3\n-d=4\n e.f = 5 6 \nnet/ipv4/conf/eth0.1/forwarding = 1\nnothing\n";
    let expected = [("c", "3"), ("d", "4"), ("e.f", "5 6"), ("net.ipv4.conf.eth0/1.forwarding", "1")];
    let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(settings(text), expected);
}

#[test]
fn every_setting_is_reported_when_it_is_not_made() {
    for setting in SETTINGS {
        let name = setting.name;
        let mut sample = Sample::default();
        assert_eq!(has(&sample, name), !setting.is_default, "{name}");
        sample.sysctls.insert(name.to_owned(), setting.recommended.to_string());
        assert!(!has(&sample, name), "{name}");
        for bad in ["77777", "no", ""] {
            sample.sysctls.insert(name.to_owned(), bad.to_owned());
            assert!(has(&sample, name), "{name} {bad}");
        }
        if !setting.needs.is_empty() {
            sample.config = Some(String::new());
            assert!(!has(&sample, name), "{name} without what it needs");
        }
        if !setting.default.is_empty() {
            let on = setting.default.iter().chain(setting.needs).filter(|option| !option.starts_with('!'));
            let on: Vec<String> = on.map(|option| format!("CONFIG_{option}=y")).collect();
            let sample = Sample { config: Some(on.join("\n")), ..Sample::default() };
            assert!(!has(&sample, name), "{name} by the kernel itself");
        }
        assert!(setting.wanted.contains(&setting.recommended), "{name}");
    }
}

#[test]
fn settings_are_made_in_an_order() {
    let name = "kernel.kptr_restrict";
    let container = "/containers/onboot/000-sysctl/rootfs/etc/sysctl.d/00-kit.conf";
    let mut sample = Sample { command_line: format!("sysctl.{name}=2"), ..Sample::default() };
    assert!(!has(&sample, name));
    sample.file("/usr/lib/sysctl.d/50-a.conf", format!("{name} = 0\n"));
    assert!(has(&sample, name));
    // A file of the same name in /etc takes its place, a later name wins, and what is no .conf doesn't count.
    sample.file("/etc/sysctl.d/50-a.conf", "");
    assert!(!has(&sample, name));
    sample.file("/etc/sysctl.d/60-b.conf", format!("{name} = 0\n"));
    assert!(has(&sample, name));
    sample
        .file("/etc/sysctl.d/70-c.conf", format!("-{name} = 1\n"))
        .file("/etc/sysctl.d/80", format!("{name}=0"));
    assert!(!has(&sample, name));
    sample.file("/etc/sysctl.conf", format!("{name} = 0\n"));
    assert!(has(&sample, name));
    sample.file(container, "kernel/kptr_restrict=2");
    assert!(!has(&sample, name));
    sample.sysctls = BTreeMap::from([(name.to_owned(), "0".to_owned())]);
    assert!(has(&sample, name));
}

#[test]
fn a_finding_says_what_sets_it() {
    let mut sample = Sample::default();
    sample
        .file("/etc/shared", "fs.suid_dumpable=2")
        .entry("/etc/sysctl.d/a.conf", Entry::symlink("../shared"));
    let found = sample.findings(KINDS);
    let finding = found.iter().find(|finding| finding.key == "fs.suid_dumpable").unwrap();
    assert_eq!(
        format!("{} {:?}", finding.message, finding.evidence),
        "`fs.suid_dumpable` is set to `2`, not to `0`: memory of set-uid programs is written to files \
         [File { path: /etc/sysctl.d/a.conf, owner: None }]"
    );
}

proptest! {
    #[test]
    fn texts_never_panic(text in ".{0,60}") {
        let _ = settings(&text);
    }
}
