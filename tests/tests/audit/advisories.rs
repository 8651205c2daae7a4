//! Vulnerabilities: what is known of what is in the image, and nothing else.

use kit_tests::small::Small;
use kit_tests::validators;

use super::{at, found, json};

/// A record about zlib, of which the image has a version without the fix.
pub(super) const ZLIB: &str = r#"{
  "schema_version": "1.7.0", "id": "DEBIAN-CVE-2026-0001", "upstream": ["CVE-2026-0001"],
  "published": "2026-08-01T00:00:00Z", "modified": "2026-08-02T00:00:00Z",
  "summary": "zlib: a buffer is too small", "details": "",
  "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
  "affected": [{ "package": { "ecosystem": "Debian:12", "name": "zlib" },
    "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1:1.2.13.dfsg-1+deb12u9" }] }] }]
}"#;
/// One about acl, long mended; one about busybox, which is a tool here; one about a release that isn't this one.
const OTHERS: [(&str, &str, &str, &str); 3] = [
    ("CVE-2026-0002", "Debian:12", "acl", "2.2.0-1"),
    ("CVE-2026-0003", "Debian:12", "busybox", "1:9.0-1"),
    ("CVE-2026-0004", "Debian:13", "zlib", "1:9.0-1"),
];

fn record((id, ecosystem, package, fixed): (&str, &str, &str, &str)) -> String {
    format!(
        r#"{{ "schema_version": "1.7.0", "id": "{id}", "published": "2026-01-01T00:00:00Z",
  "modified": "2026-01-01T00:00:00Z", "affected": [{{ "package": {{ "ecosystem": "{ecosystem}", "name": "{package}" }},
  "ranges": [{{ "type": "ECOSYSTEM", "events": [{{ "introduced": "0" }}, {{ "fixed": "{fixed}" }}] }}] }}] }}"#
    )
}

fn with_advisories() -> Small {
    let small = Small::new();
    small.project.write("advisories/0001.json", ZLIB);
    for other in OTHERS {
        small.project.write(&format!("advisories/{}.json", other.0), &record(other));
    }
    small
}

fn vulnerabilities(small: &Small, arguments: &[&str]) -> Vec<String> {
    let ids = found(small, &[&["--only", "vulnerabilities"], arguments].concat());
    ids.into_iter().filter(|id| id.starts_with("vulnerability")).collect()
}

#[test]
fn what_is_shipped_is_found_and_nothing_else() {
    let small = with_advisories();
    let named = ["--advisories", "advisories"];
    assert_eq!(vulnerabilities(&small, &named), ["vulnerability:CVE-2026-0001 zlib"]);
    let said = small.kit(&["audit", "small", "--only", "vulnerabilities", "--advisories", "advisories"]);
    let said = said.failed(1, &["error[kit::audit::denied]"]);
    for text in ["1:1.2.13.dfsg-1+deb12u9", "CVSS 9.8", "kit lock --update libraries", "critical"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    // What wasn't known then isn't found.
    let earlier = [&named[..], &["--as-of", "2026-07-31"]].concat();
    assert_eq!(vulnerabilities(&small, &earlier), [] as [&str; 0]);
    let said = small.kit(&["audit", "small", "--only", "vulnerabilities"]).succeeded();
    assert!(said.stderr.contains("weren't looked at"), "{said}");
}

#[test]
fn what_a_lockfile_pins_is_asked_and_goes_along_in_bundles() {
    let small = with_advisories();
    let before = small.project.read("lockfiles/small.lock");
    small.kit(&["lock", "small", "--advisories", "advisories"]).succeeded();
    let after = small.project.read("lockfiles/small.lock");
    assert!(after.starts_with(&before) && after.contains("[advisories]\nsnapshot = "), "{after}");
    assert_eq!(vulnerabilities(&small, &[]), ["vulnerability:CVE-2026-0001 zlib"]);
    // Nothing but the flag changes it.
    small.kit(&["lock", "small"]).succeeded();
    assert_eq!(small.project.read("lockfiles/small.lock"), after);
    small.kit(&["lock", "small", "--check"]).succeeded();
    small.kit(&["vendor", "small"]).succeeded();
    let other = Small::new();
    other.project.write("lockfiles/small.lock", &after);
    let vendor = at(&small, "vendor").display().to_string();
    let said = other.kit(&["audit", "small", "--only", "vulnerabilities"]);
    said.failed(1, &["error[kit::audit::no_snapshot]", "--vendor"]);
    let audit = ["audit", "small", "--only", "vulnerabilities", "--vendor", &vendor, "--offline"];
    other.kit(&audit).failed(1, &["error[kit::audit::denied]"]);
}

#[test]
fn a_lockfile_alone_is_audited_as_far_as_it_goes() {
    let small = with_advisories();
    let audit = ["audit", "lockfiles/small.lock", "--advisories", "advisories"];
    let said = small.kit(&audit).failed(1, &["error[kit::audit::denied]"]);
    for text in ["the lockfile alone was read", "CVE-2026-0001", "CVE-2026-0003"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
}

#[test]
fn what_was_judged_before_is_taken_over() {
    let small = with_advisories();
    let vex = r#"{ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:a", "author": "me", "timestamp": "2026-08-03T00:00:00Z",
  "version": 1, "statements": [{ "vulnerability": { "name": "CVE-2026-0001" },
  "products": [{ "@id": "pkg:generic/small" }], "status": "not_affected",
  "justification": "vulnerable_code_not_in_execute_path" }] }"#;
    small.project.write("small.openvex.json", vex);
    let arguments = ["--advisories", "advisories", "--vex", "small.openvex.json"];
    assert_eq!(vulnerabilities(&small, &arguments), ["vulnerability-dismissed:CVE-2026-0001 zlib"]);
    small.kit(&[&["audit", "small", "--only", "vulnerabilities"], &arguments[..]].concat()).succeeded();
    small.project.write("broken.json", &vex.replace("not_affected", "harmless"));
    let audit = ["audit", "small", "--advisories", "advisories", "--vex", "broken.json"];
    small.kit(&audit).failed(1, &["error[kit::audit::advisories]", "broken.json"]);
}

#[test]
fn broken_and_hostile_advisories_are_refused_by_name() {
    let small = with_advisories();
    let deep = "[".repeat(100_000);
    for (content, said) in [
        ("{ \"id\": \"X\", \"modified\": ", "broken.json"),
        ("{ \"id\": 5 }", "broken.json"),
        (&format!("{{ \"id\": \"X\", \"affected\": {deep}"), "broken.json"),
        ("\u{0}\u{1}", "broken.json"),
    ] {
        small.project.write("advisories/broken.json", content);
        let audit = ["audit", "small", "--advisories", "advisories"];
        small.kit(&audit).failed(1, &["error[kit::audit::advisories]", said]);
    }
    small.project.write("bomb.zip", "PK\u{3}\u{4}nothing that follows is a zip");
    small.kit(&["audit", "small", "--advisories", "bomb.zip"]).failed(1, &["error[kit::audit::advisories]"]);
    small.kit(&["audit", "small", "--advisories", "nowhere"]).failed(3, &["nowhere"]);
}

#[test]
fn sarif_of_an_audit_without_findings_is_a_log_too() {
    let small = Small::new();
    let said = small.kit(&["audit", "small", "--only", "reproducibility", "--sarif", "a.sarif"]).succeeded();
    assert!(said.stdout.contains("not-verified"), "{said}");
    validators::accepted("sarif", &at(&small, "a.sarif"));
    let log = json(&at(&small, "a.sarif"));
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(1), "{log:#}");
}
