//! What is told of a vulnerability that something has, or hasn't.

use serde_json::json;

use crate::advisories::matching::{About, Missed, State, Verdict, about};
use crate::advisories::tests::{debian, osv, snapshot, state, with};

fn missed(about: &About) -> Missed {
    match about.verdicts.as_slice() {
        [(_, Verdict::Missed(missed))] => missed.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vulnerability_goes_by_all_its_names() {
    let dsa = with(
        osv("DSA-5600-1", "Debian:12", "openssl", &["introduced 0", "fixed 3.0.13-1"]),
        json!({"upstream": ["CVE-2024-1", "CVE-2024-2"], "summary": "openssl - security update"}),
    );
    let plain = with(
        osv("CVE-2024-1", "Debian:12", "openssl", &["introduced 0"]),
        json!({"aliases": ["GHSA-xxxx"], "summary": "a flaw"}),
    );
    let snapshot = snapshot(&[dsa, plain], None);
    let ids = |name: &str| {
        let all = about(&snapshot, &[debian("openssl", "3.0.11-1")], name);
        all.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    for name in ["CVE-2024-1", "cve-2024-1", "GHSA-xxxx", "ghsa-XXXX"] {
        assert_eq!(ids(name), ["CVE-2024-1"], "{name}");
    }
    assert_eq!(ids("DSA-5600-1"), ["CVE-2024-1", "CVE-2024-2"]);
    assert_eq!(ids("CVE-2024-3"), [] as [&str; 0]);
    assert_eq!(ids("CVE-2024"), [] as [&str; 0]);
    let [one] = about(&snapshot, &[debian("openssl", "3.0.11-1")], "GHSA-xxxx").try_into().unwrap();
    assert_eq!((one.package.as_str(), one.summary.as_str()), ("openssl", "a flaw"));
    assert_eq!(Vec::from_iter(&one.aliases), ["GHSA-xxxx"]);
    assert_eq!(Vec::from_iter(&one.advisories), ["CVE-2024-1", "DSA-5600-1"]);
    let [(_, Verdict::Hit(found))] = one.verdicts.as_slice() else { panic!("{one:?}") };
    assert_eq!(found.state, State::Affected);
    // Nobody has it where nothing is installed.
    let [one] = about(&snapshot, &[debian("zlib", "1")], "CVE-2024-1").try_into().unwrap();
    assert_eq!(one.verdicts, []);
}

#[test]
fn why_something_hasnt_it_is_told() {
    let record = || osv("DEBIAN-CVE-2024-1", "Debian:12", "a", &["introduced 1", "fixed 2"]);
    let of = |record, status: Option<serde_json::Value>, version: &str| {
        let tracker = status.map(|state| {
            json!({"a": {"CVE-2024-1": {"releases": {"bookworm": state, "sid": {"status": "resolved",
                "fixed_version": "9", "repositories": {}, "urgency": "low"}}}}})
        });
        let snapshot = snapshot(&[record], tracker.as_ref());
        let [one] = about(&snapshot, &[debian("a", version)], "CVE-2024-1").try_into().unwrap();
        missed(&one)
    };
    assert_eq!(of(record(), None, "2"), Missed::Fixed("2".to_owned()));
    assert_eq!(of(record(), None, "3"), Missed::Fixed("2".to_owned()));
    assert_eq!(of(record(), None, "0.1"), Missed::OtherVersions);
    let taken_back = with(record(), json!({"withdrawn": "2024-02-15T00:00:00Z"}));
    assert_eq!(of(taken_back, None, "1"), Missed::Withdrawn);
    let resolved = |version| Some(state("resolved", Some(version), "low"));
    assert_eq!(of(record(), resolved("0"), "1"), Missed::NeverAffected);
    assert_eq!(of(record(), resolved("1.5"), "1.5"), Missed::Fixed("1.5".to_owned()));
    assert_eq!(of(record(), Some(state("open", None, "low")), "10"), Missed::FixedInUnstable("9".to_owned()));
}
