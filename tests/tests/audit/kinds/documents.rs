//! What is known of the images besides: advisories, what was judged of them, statements of verifiers, policies.

use kit_recipe::Lockfile;
use kit_tests::TestProject;
use serde_json::{Value, json};

/// Writes all documents.
pub(super) fn write(project: &TestProject, wrong: &Lockfile, right: &Lockfile) {
    let put = |path: &str, value: &Value| _ = project.write(path, &value.to_string());
    for (id, ecosystem, package, fixed) in [
        ("CVE-2024-9001", "Debian:12", "unclear", "1.0-2"),
        ("CVE-2024-9002", "Debian:12", "textless", "1.0-2"),
        ("CVE-2024-9003", "Debian:12", "clear", "1.0-1"),
        ("CVE-2024-9004", "Debian:13", "clear", "1.0-2"),
        ("RUSTSEC-2024-9001", "crates.io", "stale-crate", "2.0.0"),
        ("RUSTSEC-2024-9002", "crates.io", "fresh-crate", "1.0.0"),
    ] {
        put(&format!("advisories/{id}.json"), &advisory(id, ecosystem, package, fixed));
    }
    put("wrong.openvex.json", &dismissal("CVE-2024-9002", "wrong"));
    put("right.json", &statement(right, "right", "careful", None));
    put("failed.json", &statement(wrong, "wrong", "careful", Some("a")));
    put("one.json", &statement(wrong, "wrong", "one", None));
    let mut other = statement(wrong, "wrong", "other", None);
    other["subject"][0]["digest"]["sha256"] = json!("b".repeat(64));
    put("other.json", &other);
    project.write("wrong.policy.toml", WRONG);
    project.write("right.policy.toml", RIGHT);
}

const WRONG: &str = r#"
[size]
image = "1 kB"
[licences]
denied = ["Apache-2.0"]
[forbidden]
files = ["/usr/bin/gdb"]
capabilities = ["CAP_SYS_ADMIN"]
packages = ["unclear"]
[[exception]]
finding = "file-set-uid:/usr/bin/su"
reason = "it was needed then"
until = 2026-01-01
[[exception]]
finding = "file-set-gid:/usr/bin/nothing"
reason = "there was something once"
until = 2026-12-31
"#;

/// The same questions.
const RIGHT: &str = r#"
[size]
image = "1 GB"
[licences]
denied = ["Apache-2.0"]
[forbidden]
files = ["/usr/bin/gdb"]
capabilities = ["CAP_SYS_ADMIN"]
packages = ["unclear"]
[[exception]]
finding = "suite-key:bookworm-fixtures"
reason = "we made the key"
until = 2026-12-31
"#;

/// A record of OSV; those about crates say that nobody maintains them.
fn advisory(id: &str, ecosystem: &str, package: &str, fixed: &str) -> Value {
    let notice =
        if ecosystem == "crates.io" { json!({ "informational": "unmaintained" }) } else { json!({}) };
    json!({
        "schema_version": "1.7.0", "id": id, "summary": "a fixture",
        "published": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z",
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": package }, "database_specific": notice,
            "ranges": [{
                "type": if ecosystem == "crates.io" { "SEMVER" } else { "ECOSYSTEM" },
                "events": [{ "introduced": "0" }, { "fixed": fixed }],
            }],
        }],
    })
}

fn dismissal(id: &str, image: &str) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:a", "author": "me", "version": 1,
        "timestamp": "2024-02-01T00:00:00Z",
        "statements": [{
            "vulnerability": { "name": id }, "products": [{ "@id": format!("pkg:generic/{image}") }],
            "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path",
        }],
    })
}

/// What somebody's rebuild of an image came to: the same, or for one output a digest of this digit alone.
fn statement(lock: &Lockfile, image: &str, verifier: &str, other: Option<&str>) -> Value {
    let mut subjects: Vec<_> = lock
        .outputs
        .iter()
        .map(|(name, output)| json!({ "name": name, "digest": { "sha256": output.sha256.to_string() } }))
        .collect();
    if let Some(digit) = other {
        subjects[0]["annotations"] = json!({ "rebuilt": digit.repeat(64) });
    }
    let path = format!("lockfiles/{image}.lock");
    let notes =
        json!({ "image": image, "pin": lock.pin_id().to_string(), "epoch": 0, "architecture": "x86_64" });
    let method = json!({ "version": "1.0.0", "depth": "outputs", "rounds": 1, "varied": ["time"], "notVaried": {}, "verifier": verifier });
    json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": subjects,
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": if other.is_some() { "FAILED" } else { "PASSED" },
            "configuration": [
                { "name": path, "digest": { "sha256": "c".repeat(64) }, "annotations": notes },
                { "name": "kit", "uri": "pkg:generic/kit@1.0.0", "annotations": method },
            ],
            "passedTests": [], "failedTests": [], "warnedTests": [],
        },
    })
}
