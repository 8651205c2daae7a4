//! Vulnerabilities: what is known of what is in the image, and nothing else.

use std::io::Write as _;

use kit_tests::server::{Answer, Site, nobody, with_server};
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
    // A policy can't be applied without them, but recipes can be checked.
    other.project.write("policy.toml", "");
    let said = other.kit(&["check", "small"]).succeeded();
    assert!(said.stderr.contains("the advisories that the lockfile pins aren't in the store"), "{said}");
    other.kit(&["build", "small"]).failed(1, &["error[kit::audit::no_snapshot]"]);
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

/// A zip of one file, which claims to have `size` bytes.
fn zip(name: &str, content: &[u8], size: u32) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("because memory takes all");
    let packed = encoder.finish().expect("because memory takes all");
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let number = |length: usize| u32::try_from(length).expect("it is short").to_le_bytes();
    let mut about = [20, 0, 0, 0, 8, 0, 0, 0, 33, 0].to_vec();
    for part in [crc.sum().to_le_bytes(), number(packed.len()), size.to_le_bytes()] {
        about.extend(part);
    }
    about.extend(&number(name.len())[..2]);
    about.extend([0, 0]);
    let mut bytes = [b"PK\x03\x04", about.as_slice(), name.as_bytes(), &packed].concat();
    let directory = number(bytes.len());
    bytes.extend([b"PK\x01\x02\x14\x00", about.as_slice(), &[0; 14], name.as_bytes()].concat());
    let length = number(bytes.len() - packed.len() - name.len() - 30);
    bytes.extend([b"PK\x05\x06\0\0\0\0\x01\0\x01\0", length.as_slice(), &directory, &[0, 0]].concat());
    bytes
}

#[test]
fn advisories_are_fetched_from_addresses() {
    let small = with_advisories();
    let elsewhere = record(OTHERS[2]);
    let length = u32::try_from(ZLIB.len()).expect("it is short");
    let answers = [
        ("/all.zip", zip("CVE-2026-0001.json", ZLIB.as_bytes(), length)),
        ("/record.json", ZLIB.as_bytes().to_vec()),
        ("/page", b"\n<!doctype html><title>Sign in</title>".to_vec()),
        ("/bomb.zip", zip("large.json", b"[]", u32::MAX - 1)),
        (
            "/trixie.zip",
            zip(
                "CVE-2026-0004.json",
                elsewhere.as_bytes(),
                u32::try_from(elsewhere.len()).expect("it is short"),
            ),
        ),
    ];
    let site: Site = answers.map(|(path, bytes)| (path.to_owned(), Answer::Bytes(bytes))).into();
    let before = small.project.read("lockfiles/small.lock");
    with_server(site, |server| {
        let lock =
            |path: &str| small.kit(&["lock", "small", "--advisories", &format!("{}{path}", server.base)]);
        for (path, code, texts) in [
            ("/nowhere", 3, ["error[kit::source::gone]", "404"]),
            ("/page", 1, ["error[kit::audit::advisories]", "a page for browsers"]),
            ("/bomb.zip", 1, ["error[kit::audit::advisories]", "limit"]),
            ("/trixie.zip", 1, ["error[kit::audit::no_advisories]", "Debian 12 (bookworm)"]),
        ] {
            lock(path).failed(code, &texts);
            assert_eq!(small.project.read("lockfiles/small.lock"), before, "{path}: nothing is written");
        }
        let said = lock("/all.zip").succeeded();
        assert!(
            said.stderr.contains(&format!("{}/all.zip: ", server.base)) && said.stderr.contains(", sha256 "),
            "{said}"
        );
        let after = small.project.read("lockfiles/small.lock");
        assert!(after.starts_with(&before) && after.contains("[advisories]\nsnapshot = "), "{after}");
        assert!(!after.contains("127.0.0.1"), "a location is not an identity: {after}");
        assert_eq!(vulnerabilities(&small, &[]), ["vulnerability:CVE-2026-0001 zlib"]);
        // The same record by itself is the same snapshot; so it is by the settings.
        lock("/record.json").succeeded();
        assert_eq!(small.project.read("lockfiles/small.lock"), after);
        small.project.write("lockfiles/small.lock", &before);
        small
            .kit(&["lock", "small", "--advisories"])
            .failed(2, &["error[kit::audit::no_advisories]", "[advisories] from"]);
        let names = format!("[advisories]\nfrom = [\"{}/all.zip\", \"advisories\"]\n", server.base);
        small.project.write("kit.toml", &names);
        small.kit(&["lock", "small", "--advisories"]).succeeded();
        assert_ne!(small.project.read("lockfiles/small.lock"), before);
        small.kit(&["lock", "small", "--advisories", "--offline"]).failed(3, &["offline"]);
    });
    // Nobody in between may change what nothing vouches for.
    let plain = nobody().replace("127.0.0.1", "advisories.example");
    small.kit(&["lock", "small", "--advisories", &plain]).failed(3, &["error[kit::source::gone]", "encrypt"]);
    small.project.write("kit.toml", "[advisories]\nfrom = [\"ftp://advisories.example/all.zip\"]\n");
    small.kit(&["lock", "small"]).failed(1, &["kit.toml:2", "ftp://"]);
}
