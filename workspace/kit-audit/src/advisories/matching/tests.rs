mod abouts;
mod truths;

use serde_json::json;

use super::*;
use crate::advisories::tests::{bookworm, crate_of, debian, osv, snapshot, state, with};
use crate::advisories::{Builder, Wanted};

fn only(found: Found) -> Match {
    let [found] = found.matches.try_into().unwrap();
    found
}

#[test]
fn records_about_one_vulnerability_are_found_once() {
    let dsa = with(
        osv("DSA-5600-1", "Debian:12", "openssl", &["introduced 0", "fixed 3.0.13-1"]),
        json!({"upstream": ["CVE-2024-1", "CVE-2024-2"], "summary": "openssl - security update"}),
    );
    let cve = with(
        osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", &["introduced 0", "fixed 3.0.13-1"]),
        json!({"summary": "a flaw", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}]}),
    );
    let plain =
        with(osv("CVE-2024-1", "Debian", "openssl", &["introduced 0"]), json!({"aliases": ["GHSA-x"]}));
    let snapshot = snapshot(&[dsa, cve, plain], None);
    let found =
        find(&snapshot, &[debian("openssl", "3.0.11-1"), debian("openssl", "3.0.11-1")], None).unwrap();
    let ids: Vec<_> = found.matches.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-1", "CVE-2024-2"]);
    let first = &found.matches[0];
    assert_eq!(Vec::from_iter(&first.advisories), ["CVE-2024-1", "DEBIAN-CVE-2024-1", "DSA-5600-1"]);
    assert_eq!(Vec::from_iter(&first.aliases), ["GHSA-x"]);
    assert_eq!((first.severity, first.summary.as_str()), (Severity::High, "a flaw"));
    assert_eq!(first.fixed.as_deref(), Some("3.0.13-1"));
    assert_eq!(found.matches[1].summary, "openssl - security update");
}

#[test]
fn the_severity_is_of_the_vector_then_of_words() {
    let vector =
        json!({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}]});
    let record = || osv("DEBIAN-CVE-2024-1", "Debian:12", "a", &["introduced 0"]);
    let of = |record, state: Option<serde_json::Value>| {
        let tracker = state.map(|state| json!({"a": {"CVE-2024-1": {"releases": {"bookworm": state}}}}));
        only(find(&snapshot(&[record], tracker.as_ref()), &[debian("a", "1")], None).unwrap()).severity
    };
    let mut no_dsa = state("open", None, "not yet assigned");
    no_dsa["nodsa"] = json!("Minor issue");
    assert_eq!(of(with(record(), vector.clone()), Some(state("open", None, "low"))), Severity::Critical);
    assert_eq!(of(with(record(), vector.clone()), Some(no_dsa.clone())), Severity::Critical);
    assert_eq!(of(with(record(), vector.clone()), Some(state("open", None, "unimportant"))), Severity::Note);
    assert_eq!(of(with(record(), vector), Some(state("undetermined", None, "high"))), Severity::Note);
    assert_eq!(of(record(), Some(state("open", None, "high"))), Severity::High);
    assert_eq!(of(record(), Some(state("open", None, "end-of-life"))), Severity::Medium);
    assert_eq!(of(record(), Some(no_dsa)), Severity::Low);
    assert_eq!(of(record(), None), Severity::Medium);
    assert_eq!(
        of(with(record(), json!({"database_specific": {"severity": "CRITICAL"}})), None),
        Severity::Critical
    );
}

#[test]
fn what_was_known_then() {
    let record =
        |fields| with(osv("DEBIAN-CVE-2024-1", "Debian:12", "a", &["introduced 0", "fixed 2"]), fields);
    let notes = |record, tracker: Option<&serde_json::Value>, date: &str| {
        let as_of = Moment::parse_end_of_day(date);
        assert!(as_of.is_some(), "{date}");
        let found = find(&snapshot(&[record], tracker), &[debian("a", "1")], as_of).unwrap();
        found.matches.into_iter().next().map(|found| found.unknown.join("; "))
    };
    let plain = record(json!({}));
    let changed = "`DEBIAN-CVE-2024-1` was changed on 2024-02-01; what it said before isn't known";
    assert_eq!(notes(plain.clone(), None, "2023-12-31"), None);
    assert_eq!(notes(plain.clone(), None, "2024-01-01").as_deref(), Some(changed));
    assert_eq!(notes(plain.clone(), None, "2024-02-01").as_deref(), Some(""));
    let undated = record(json!({"published": null}));
    let no_date = "`DEBIAN-CVE-2024-1` doesn't say when it was published";
    assert_eq!(notes(undated, None, "2024-02-01").as_deref(), Some(no_date));
    // What was taken back later still counted.
    let withdrawn = record(json!({"withdrawn": "2024-02-15T00:00:00Z"}));
    assert_eq!(notes(withdrawn.clone(), None, "2024-02-14").as_deref(), Some(""));
    assert_eq!(notes(withdrawn, None, "2024-02-15"), None);
    let tracker = json!({"a": {"CVE-2024-1": {"releases": {"bookworm": state("open", None, "low")}}}});
    let read_later = "Debian's security tracker was read on 2024-03-01; what it said before isn't known";
    assert_eq!(notes(plain.clone(), Some(&tracker), "2024-02-10").as_deref(), Some(read_later));
    assert_eq!(notes(plain.clone(), Some(&tracker), "2024-03-01").as_deref(), Some(""));
    // The tracker has no dates: a vulnerability that only it lists isn't older than its year.
    assert_eq!(notes(plain.clone(), Some(&tracker), "2023-12-31"), None);
    let other = osv("CVE-2020-1", "Debian:12", "b", &["introduced 0"]);
    assert_eq!(notes(other.clone(), Some(&tracker), "2023-12-31"), None);
    assert_eq!(notes(other, Some(&tracker), "2024-01-01").as_deref(), Some(read_later));
}

#[test]
fn what_the_tracker_doesnt_list_is_told() {
    let record = osv("DEBIAN-CVE-2024-1", "Debian:12", "a", &["introduced 0"]);
    let tracker = json!({"b": {"CVE-2024-1": {"releases": {"bookworm": state("open", None, "low")}}}});
    let found = only(find(&snapshot(&[record], Some(&tracker)), &[debian("a", "1")], None).unwrap());
    assert_eq!(found.unknown, ["Debian's security tracker doesn't list it for this package"]);
}

#[test]
fn nothing_is_found_for_what_isnt_covered() {
    let records = [osv("DEBIAN-CVE-2024-1", "Debian:12", "a", &["introduced 0"])];
    let snapshot = snapshot(&records, None);
    let found = find(&snapshot, &[crate_of("time", "0.1.0"), debian("b", "1")], None).unwrap();
    assert_eq!(found, Found { matches: Vec::new(), not_covered: BTreeSet::from([Ecosystem::CratesIo]) });
    let error = |snapshot: &Snapshot, installed| find(snapshot, &[installed], None).unwrap_err().to_string();
    let mut trixie = debian("a", "1");
    trixie.origin = Origin::Debian(Release::of_codename("trixie").unwrap());
    assert_eq!(
        error(&snapshot, trixie),
        "the advisories are for Debian 12 (bookworm), `a` 1 is from Debian 13 (trixie)"
    );
    assert_eq!(error(&snapshot, crate_of("time", "latest")), "`latest` of crate `time` is no version");
    let fewer = Builder::new(bookworm(), Wanted::only([(Ecosystem::Debian, "b")])).finish();
    assert_eq!(
        error(&fewer, debian("a", "1")),
        "the advisories of `a` from Debian were left out of the snapshot"
    );
}
