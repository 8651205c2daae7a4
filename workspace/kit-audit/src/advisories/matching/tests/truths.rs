//! The table of truths: a package in a version, an advisory, and whether the former has what the latter is about.

use serde_json::{Value, json};

use super::super::*;
use crate::advisories::tests::{crate_of, debian, osv, snapshot, state, with};

/// What OSV says. Names of packages are source packages.
fn records() -> Vec<Value> {
    let deb = |id: &str, name: &str, events: &[&str]| osv(id, "Debian:12", name, events);
    let rust = |id: &str, name: &str, events: &[&str]| osv(id, "crates.io", name, events);
    let mut several = deb("DEBIAN-CVE-2024-20", "several", &["introduced 1.0-1", "fixed 1.4-1"]);
    let more = json!([{"introduced": "2.0-1"}, {"fixed": "2.3-1"}, {"introduced": "2.5-1"}, {"last_affected": "2.6-1"}]);
    several["affected"][0]["ranges"]
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "ECOSYSTEM", "events": more}));
    let mut listed = deb("DEBIAN-CVE-2024-21", "listed", &[]);
    listed["affected"][0]["versions"] = json!(["1.0-1", "1:1.2-1"]);
    let mut twice = deb("DEBIAN-CVE-2024-22", "twice", &["introduced 0", "fixed 1.0-1"]);
    let again = deb("x", "twice", &["introduced 3.0-1", "fixed 3.1-1"])["affected"][0].clone();
    twice["affected"].as_array_mut().unwrap().push(again);
    vec![
        deb("DEBIAN-CVE-2024-1", "openssl", &["introduced 0", "fixed 3.0.13-1~deb12u1"]),
        deb("DEBIAN-CVE-2024-2", "glibc", &["introduced 0", "fixed 2.36-9+deb12u4"]),
        deb("DEBIAN-CVE-2024-3", "vim", &["introduced 0", "fixed 2:9.0.1378-2+deb12u1"]),
        deb("DEBIAN-CVE-2024-4", "zlib", &["introduced 0"]),
        deb("DEBIAN-CVE-2024-5", "systemd", &["introduced 0", "fixed 252.22-1~deb12u1"]),
        deb("DEBIAN-CVE-2024-6", "tracked", &["introduced 0"]),
        deb("DEBIAN-CVE-2024-7", "tracked", &["introduced 0"]),
        deb("DEBIAN-CVE-2024-8", "tracked", &["introduced 0"]),
        deb("DEBIAN-CVE-2024-9", "tracked", &["introduced 0", "fixed 9"]),
        with(
            deb("DEBIAN-CVE-2024-11", "gone", &["introduced 0"]),
            json!({"withdrawn": "2024-01-05T00:00:00Z"}),
        ),
        deb("DEBIAN-CVE-2024-12", "later", &["introduced 1.5-1"]),
        deb("DEBIAN-CVE-2024-13", "last", &["introduced 0", "last_affected 1.5-1"]),
        with(
            deb("DSA-5600-1", "advised", &["introduced 0", "fixed 1.0-1+deb12u1"]),
            json!({"upstream": ["CVE-2024-14"]}),
        ),
        with(
            deb("DSA-5601-1", "advised", &["introduced 0", "fixed 2.0-1"]),
            json!({"related": ["CVE-2024-15"]}),
        ),
        with(
            deb("DSA-5602-1", "advised", &["introduced 0", "fixed 2.0-1"]),
            json!({"upstream": ["CVE-2024-16"]}),
        ),
        deb("DEBIAN-CVE-2024-16", "advised", &["introduced 0", "fixed 1.0-1"]),
        with(deb("DSA-5603-1", "advised", &["introduced 0", "fixed 2.0-1"]), json!({"upstream": []})),
        deb("DEBIAN-CVE-2024-17", "limited", &["introduced 0", "limit 2.0-1"]),
        several,
        listed,
        twice,
        osv("CVE-2024-23", "Debian", "everywhere", &["introduced 0", "fixed 2"]),
        osv("CVE-2024-24", "Debian:11", "older", &["introduced 0"]),
        rust("RUSTSEC-2020-0071", "time", &["introduced 0.0.0-0", "fixed 0.2.0-0"]),
        with(
            rust("RUSTSEC-2024-1", "crates", &["introduced 1.0.0-0", "fixed 1.2.3"]),
            json!({"aliases": ["CVE-2024-30"]}),
        ),
        with(
            rust("GHSA-aaaa-bbbb-cccc", "crates", &["introduced 1.1.0", "fixed 1.2.3"]),
            json!({"aliases": ["CVE-2024-30", "RUSTSEC-2024-1"]}),
        ),
        rust("RUSTSEC-2024-2", "pre", &["introduced 2.0.0-alpha.2", "fixed 2.0.0-rc.1"]),
        rust("RUSTSEC-2024-3", "inclusive", &["introduced 0", "last_affected 1.9.10"]),
        deb("DEBIAN-CVE-2024-25", "linux", &["introduced 0", "fixed 6.1.76-1"]),
        deb("DEBIAN-CVE-2024-26", "grub2", &["introduced 0", "fixed 2.06-13+deb12u1"]),
        // The same name as a source package of Debian.
        rust("RUSTSEC-2024-4", "zlib", &["introduced 0", "fixed 2.0.0"]),
    ]
}

/// What the tracker says of `tracked` and others.
fn tracker() -> Value {
    let issue = |bookworm: Value| json!({"releases": {"bookworm": bookworm}});
    let with_sid = |bookworm: Value, sid: &str| json!({"releases": {"bookworm": bookworm, "sid": state("resolved", Some(sid), "low")}});
    let no_dsa = |reason: &str| {
        let mut state = state("open", None, "not yet assigned");
        state["nodsa"] = json!("Minor issue");
        state["nodsa_reason"] = json!(reason);
        state
    };
    json!({
        "tracked": {
            "CVE-2024-6": issue(state("resolved", Some("0"), "not yet assigned")),
            "CVE-2024-7": issue(state("undetermined", None, "not yet assigned")),
            "CVE-2024-8": issue(state("resolved", Some("2:1.0-1+deb12u1"), "not yet assigned")),
            "CVE-2024-9": issue(state("open", None, "unimportant")),
            "CVE-2024-50": issue(no_dsa("")),
            "CVE-2024-51": issue(no_dsa("ignored")),
            "CVE-2024-52": issue(no_dsa("postponed")),
            "CVE-2024-53": with_sid(state("open", None, "low"), "2:1.5-1"),
            "CVE-2024-54": with_sid(state("undetermined", None, "low"), "2:1.5-1"),
            "CVE-2024-55": {"releases": {"sid": state("open", None, "low")}},
            "TEMP-0000000-ABCDEF": issue(state("open", None, "low")),
        },
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    No,
    Maybe,
    /// It is, and what fixes it, `-` where nothing does.
    Yes(&'static str),
}

use Truth::{Maybe, No, Yes};

const DEBIAN: &[(&str, &str, &str, Truth)] = &[
    // `~` is before the end, `+` behind it; the fix itself isn't affected
    ("openssl", "3.0.11-1~deb12u2", "CVE-2024-1", Yes("3.0.13-1~deb12u1")),
    ("openssl", "3.0.13-1~deb12u1~1", "CVE-2024-1", Yes("3.0.13-1~deb12u1")),
    ("openssl", "3.0.13-1~deb12u1", "CVE-2024-1", No),
    ("openssl", "3.0.13-1", "CVE-2024-1", No),
    ("openssl", "3.0.9-1", "CVE-2024-1", Yes("3.0.13-1~deb12u1")),
    ("openssl", "3.0.100-1", "CVE-2024-1", No),
    ("openssl", "1:1.0-1", "CVE-2024-1", No),
    ("glibc", "2.36-9", "CVE-2024-2", Yes("2.36-9+deb12u4")),
    ("glibc", "2.36-9+deb12u3", "CVE-2024-2", Yes("2.36-9+deb12u4")),
    ("glibc", "2.36-9+deb12u4", "CVE-2024-2", No),
    ("glibc", "2.36-9+deb12u10", "CVE-2024-2", No),
    ("glibc", "2.36-10", "CVE-2024-2", No),
    // epochs
    ("vim", "9.1-1", "CVE-2024-3", Yes("2:9.0.1378-2+deb12u1")),
    ("vim", "2:9.0.1378-2", "CVE-2024-3", Yes("2:9.0.1378-2+deb12u1")),
    ("vim", "2:9.0.1378-2+deb12u1", "CVE-2024-3", No),
    ("vim", "2:9.0.1378-2+deb12u1~bpo11+1", "CVE-2024-3", Yes("2:9.0.1378-2+deb12u1")),
    ("vim", "1:99-1", "CVE-2024-3", Yes("2:9.0.1378-2+deb12u1")),
    ("vim", "3:1.0-1", "CVE-2024-3", No),
    // a rebuild is behind its source's version: with the latter, as callers give it, it is affected
    ("systemd", "252.22-1~deb12u1~x", "CVE-2024-5", Yes("252.22-1~deb12u1")),
    ("systemd", "252.21-1+b1", "CVE-2024-5", Yes("252.22-1~deb12u1")),
    ("systemd", "252.22-1~deb12u1+b1", "CVE-2024-5", No),
    // what Debian signs has a source package of its own
    ("linux-signed-amd64", "6.1.69+1", "CVE-2024-25", Yes("6.1.76-1")),
    ("linux-signed-amd64", "6.1.76+1", "CVE-2024-25", No),
    ("grub-efi-amd64-signed", "1+2.06+13", "CVE-2024-26", Yes("2.06-13+deb12u1")),
    ("grub-efi-amd64-signed", "1+2.06+13+deb12u1", "CVE-2024-26", No),
    // nothing fixes it
    ("zlib", "1:1.2.13.dfsg-1", "CVE-2024-4", Yes("-")),
    // names of binary packages are no source packages
    ("zlib1g", "1:1.2.13.dfsg-1", "CVE-2024-4", No),
    ("libssl3", "3.0.11-1~deb12u2", "CVE-2024-1", No),
    ("xxd", "2:9.0.1378-2", "CVE-2024-3", No),
    ("linux-image-amd64", "6.1.69-1", "CVE-2024-25", No),
    // the tracker decides: what is resolved since `0` never was affected, in whatever version
    ("tracked", "1.0-1", "CVE-2024-6", No),
    ("tracked", "0~0", "CVE-2024-6", No),
    ("tracked", "3:9-1", "CVE-2024-6", No),
    ("tracked", "1.0-1", "CVE-2024-7", Maybe),
    ("tracked", "2:1.0-1", "CVE-2024-8", Yes("2:1.0-1+deb12u1")),
    ("tracked", "2:1.0-1+deb12u1", "CVE-2024-8", No),
    ("tracked", "10", "CVE-2024-9", Yes("-")),
    ("tracked", "1.0-1", "CVE-2024-50", Yes("-")),
    ("tracked", "1.0-1", "CVE-2024-51", Yes("-")),
    ("tracked", "1.0-1", "CVE-2024-52", Yes("-")),
    ("tracked", "1.0-1", "TEMP-0000000-ABCDEF", Yes("-")),
    // what is as new as unstable has its fix
    ("tracked", "2:1.4-1", "CVE-2024-53", Yes("-")),
    ("tracked", "2:1.5-1~bpo12+1", "CVE-2024-53", Yes("-")),
    ("tracked", "2:1.5-1", "CVE-2024-53", No),
    ("tracked", "2:1.4-1", "CVE-2024-54", Maybe),
    ("tracked", "2:1.6-1", "CVE-2024-54", No),
    // another release's
    ("tracked", "1.0-1", "CVE-2024-55", No),
    ("older", "1.0-1", "CVE-2024-24", No),
    ("everywhere", "1.0-1", "CVE-2024-23", Yes("2")),
    ("everywhere", "2", "CVE-2024-23", No),
    ("everywhere", "0:2-0", "CVE-2024-23", No),
    // taken back
    ("gone", "1.0-1", "CVE-2024-11", No),
    // not from the start, and up to a version
    ("later", "1.4-1", "CVE-2024-12", No),
    ("later", "1.5-1", "CVE-2024-12", Yes("-")),
    ("last", "1.5-1", "CVE-2024-13", Yes("-")),
    ("last", "1.5-1+deb12u1", "CVE-2024-13", No),
    ("limited", "1.9-1", "CVE-2024-17", Yes("-")),
    ("limited", "2.0-1", "CVE-2024-17", No),
    // several ranges
    ("several", "0.9-1", "CVE-2024-20", No),
    ("several", "1.3-1", "CVE-2024-20", Yes("1.4-1")),
    ("several", "1.4-1", "CVE-2024-20", No),
    ("several", "2.0-1", "CVE-2024-20", Yes("2.3-1")),
    ("several", "2.4-1", "CVE-2024-20", No),
    ("several", "2.6-1", "CVE-2024-20", Yes("-")),
    ("several", "2.6-2", "CVE-2024-20", No),
    ("twice", "0.9-1", "CVE-2024-22", Yes("1.0-1")),
    ("twice", "2.0-1", "CVE-2024-22", No),
    ("twice", "3.0-2", "CVE-2024-22", Yes("3.1-1")),
    // lists of versions
    ("listed", "1.0-1", "CVE-2024-21", Yes("-")),
    ("listed", "0:1.0-1", "CVE-2024-21", Yes("-")),
    ("listed", "1.1-1", "CVE-2024-21", No),
    ("listed", "1.2-1", "CVE-2024-21", No),
    // advisories go under the name of what they are about; a record about that alone knows more
    ("advised", "1.0-1", "CVE-2024-14", Yes("1.0-1+deb12u1")),
    ("advised", "1.0-1+deb12u1", "CVE-2024-14", No),
    ("advised", "1.0-1", "DSA-5600-1", No),
    ("advised", "1.0-1", "CVE-2024-15", Yes("2.0-1")),
    ("advised", "1.0-1", "CVE-2024-16", No),
    ("advised", "0.9-1", "CVE-2024-16", Yes("1.0-1")),
    ("advised", "1.0-1", "DSA-5603-1", Yes("2.0-1")),
];

const CRATES: &[(&str, &str, &str, Truth)] = &[
    ("time", "0.1.45", "RUSTSEC-2020-0071", Yes("0.2.0-0")),
    ("time", "0.2.0-alpha.1", "RUSTSEC-2020-0071", No),
    ("time", "0.3.0", "RUSTSEC-2020-0071", No),
    ("crates", "0.9.9", "CVE-2024-30", No),
    ("crates", "1.0.0-beta", "CVE-2024-30", Yes("1.2.3")),
    ("crates", "1.2.2", "CVE-2024-30", Yes("1.2.3")),
    ("crates", "1.2.3-rc.1", "CVE-2024-30", Yes("1.2.3")),
    ("crates", "1.2.3", "CVE-2024-30", No),
    ("crates", "1.2.3+build.1", "CVE-2024-30", No),
    ("crates", "1.10.0", "CVE-2024-30", No),
    ("crates", "1.2.2", "RUSTSEC-2024-1", No),
    ("pre", "2.0.0-alpha.1", "RUSTSEC-2024-2", No),
    ("pre", "2.0.0-alpha.10", "RUSTSEC-2024-2", Yes("2.0.0-rc.1")),
    ("pre", "2.0.0-beta", "RUSTSEC-2024-2", Yes("2.0.0-rc.1")),
    ("pre", "2.0.0-rc.1", "RUSTSEC-2024-2", No),
    ("pre", "2.0.0", "RUSTSEC-2024-2", No),
    ("inclusive", "1.9.9", "RUSTSEC-2024-3", Yes("-")),
    ("inclusive", "1.9.10", "RUSTSEC-2024-3", Yes("-")),
    ("inclusive", "1.9.11", "RUSTSEC-2024-3", No),
    ("zlib", "1.2.13", "RUSTSEC-2024-4", Yes("2.0.0")),
    ("zlib", "1.2.13", "CVE-2024-4", No),
];

#[test]
fn truths() {
    let snapshot = snapshot(&records(), Some(&tracker()));
    let bytes = snapshot.to_bytes();
    let debians = DEBIAN.iter().map(|row| (debian(row.0, row.1), row));
    let crates = CRATES.iter().map(|row| (crate_of(row.0, row.1), row));
    let mut wrong = Vec::new();
    for (installed, row) in debians.chain(crates) {
        let (_, _, id, expected) = *row;
        // The same from the bytes, with only this package decoded.
        let wanted =
            crate::advisories::Wanted::only([(installed.origin.ecosystem(), installed.known_as().0)]);
        let read = Snapshot::read(&bytes, snapshot.release(), &wanted).unwrap();
        for snapshot in [&snapshot, &read] {
            let found = find(snapshot, std::slice::from_ref(&installed), None).unwrap().matches;
            let ids: BTreeSet<_> = found.iter().map(|found| &found.id).collect();
            assert_eq!(ids.len(), found.len(), "{row:?} is there twice");
            let found = found.iter().find(|found| found.id == id);
            let truth = found.map(|found| (found.state, found.fixed.as_deref().unwrap_or("-")));
            let expected = match expected {
                No => None,
                Maybe => Some((State::Undetermined, "-")),
                Yes(fixed) => Some((State::Affected, fixed)),
            };
            if truth != expected {
                wrong.push(format!("{row:?}: {truth:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(DEBIAN.len() + CRATES.len() >= 40);
}
