use serde_json::{Value, json};

use super::*;
use crate::advisories::matching::{Installed, find};
use crate::advisories::tests::{crate_of, debian, osv, snapshot, state, with};
use crate::advisories::vex::judge;

fn finding_of(record: Value, tracker: Option<Value>, installed: Installed) -> Finding {
    let tracker = tracker.map(|state| json!({"openssl": {"CVE-2024-1": {"releases": {"bookworm": state}}}}));
    let found = find(&snapshot(&[record], tracker.as_ref()), &[installed], None).unwrap();
    let [finding] = findings(&judge(found.matches, &[], &[])).try_into().unwrap();
    finding
}

fn openssl() -> Value {
    let record = osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", &["introduced 0", "fixed 3.0.13-1"]);
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
    with(record, json!({"details": "A flaw.", "severity": [{"type": "CVSS_V3", "score": vector}]}))
}

#[test]
fn a_finding_says_it_all() {
    let mut installed = debian("openssl", "3.0.11-1");
    installed.binaries = vec!["libssl3".to_owned(), "openssl".to_owned()];
    installed.update = vec!["web".to_owned(), "ssh".to_owned()];
    installed.evidence = vec![Evidence::Lock("debs libssl3 3.0.11-1 amd64".to_owned())];
    let finding = finding_of(openssl(), Some(state("resolved", Some("3.0.13-1"), "low")), installed);
    assert_eq!(
        finding,
        Finding {
            kind: &KINDS[0],
            key: "CVE-2024-1 openssl".to_owned(),
            severity: Severity::High,
            message: "`openssl` 3.0.11-1 has CVE-2024-1 (CVSS 7.5, low), fixed in 3.0.13-1: A flaw"
                .to_owned(),
            evidence: vec![
                Evidence::Advisory("DEBIAN-CVE-2024-1".to_owned()),
                Evidence::Fact("Debian's security tracker lists CVE-2024-1 for `openssl`".to_owned()),
                Evidence::Fact("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N".to_owned()),
                Evidence::Fact("the image has `libssl3`, `openssl` of it".to_owned()),
                Evidence::Lock("debs libssl3 3.0.11-1 amd64".to_owned()),
            ],
            help: "run `kit lock --update web ssh`".to_owned(),
        }
    );
    assert_eq!(finding.id(), "vulnerability:CVE-2024-1 openssl");
}

#[test]
fn help_says_what_the_tracker_says() {
    let help = |state: Option<Value>| {
        let record = osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", &["introduced 0"]);
        finding_of(record, state, debian("openssl", "1")).help
    };
    let mut ignored = state("open", None, "low");
    ignored["nodsa"] = json!("Minor issue");
    ignored["nodsa_reason"] = json!("ignored");
    assert_eq!(help(Some(ignored)), "Debian makes no advisory for it (`ignored`): Minor issue");
    assert_eq!(help(Some(state("resolved", Some("2"), ""))), "run `kit lock --update`");
    assert_eq!(
        help(Some(state("open", None, "end-of-life"))),
        "the release doesn't support the package any more: use another release, or another package"
    );
    assert_eq!(
        help(Some(state("open", None, "unimportant"))),
        "Debian takes it for no risk in what it ships: nothing has to be done"
    );
    assert_eq!(
        help(Some(state("undetermined", None, ""))),
        "Debian hasn't determined whether it is affected: look at it, and say so in a VEX document"
    );
    assert_eq!(help(None), "nothing fixes it in bookworm yet; see whether a VEX document can dismiss it");
}

#[test]
fn crates_have_notices() {
    let of = |informational: &str| {
        let mut record = osv("RUSTSEC-2024-1", "crates.io", "a", &["introduced 0"]);
        record["affected"][0]["database_specific"]["informational"] = json!(informational);
        let finding = finding_of(record, None, crate_of("a", "1.0.0"));
        (finding.kind.id, finding.severity, finding.message)
    };
    let notice = |text: &str| ("crate-notice", Severity::Note, text.to_owned());
    assert_eq!(of("unmaintained"), notice("`a` 1.0.0 isn't maintained, by RUSTSEC-2024-1"));
    assert_eq!(of("notice"), notice("`a` 1.0.0 has the notice RUSTSEC-2024-1"));
    let unsound = "`a` 1.0.0 is unsound, by RUSTSEC-2024-1";
    assert_eq!(of("unsound"), ("vulnerability", Severity::Low, unsound.to_owned()));
}

#[test]
fn what_is_dismissed_is_a_note_of_why() {
    let found =
        find(&snapshot(&[openssl()], None), &[debian("openssl", "1")], None).unwrap().matches.remove(0);
    let of = |verdict| findings(&[Judged { found: found.clone(), verdict }]).remove(0);
    let dismissed = of(Verdict::Dismissed("Alice says so".to_owned()));
    assert_eq!((dismissed.kind.id, dismissed.severity), ("vulnerability-dismissed", Severity::Note));
    assert_eq!(
        dismissed.message,
        "`openssl` 1 has CVE-2024-1 (CVSS 7.5), fixed in 3.0.13-1: A flaw, which is dismissed: Alice says so"
    );
    let noted = of(Verdict::Noted("Alice says so".to_owned()));
    assert_eq!((noted.kind.id, noted.severity), ("vulnerability", Severity::High));
    assert_eq!(noted.evidence.last(), Some(&Evidence::Fact("Alice says so".to_owned())));
}

#[test]
fn kinds_have_names_of_their_own() {
    let ids: std::collections::BTreeSet<_> = KINDS.iter().map(|kind| kind.id).collect();
    assert_eq!(ids.len(), KINDS.len());
    assert!(KINDS.iter().all(|kind| kind.area == Area::Vulnerabilities));
}
