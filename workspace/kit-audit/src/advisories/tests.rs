use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

pub(super) fn bookworm() -> Release {
    Release::of_codename("bookworm").unwrap()
}

/// A source package of bookworm.
pub(super) fn debian(name: &str, version: &str) -> Installed {
    installed(Origin::Debian(bookworm()), name, version)
}

pub(super) fn crate_of(name: &str, version: &str) -> Installed {
    installed(Origin::CratesIo, name, version)
}

fn installed(origin: Origin, name: &str, version: &str) -> Installed {
    Installed {
        origin,
        name: name.to_owned(),
        version: version.to_owned(),
        binaries: Vec::new(),
        update: Vec::new(),
        evidence: Vec::new(),
    }
}

/// A record that says nothing but its names.
pub(super) fn advisory(aliases: &[&str], upstream: &[&str]) -> Advisory {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Advisory {
        modified: Moment::from_seconds(0),
        published: None,
        withdrawn: None,
        aliases: names(aliases),
        upstream: names(upstream),
        summary: String::new(),
        vectors: BTreeSet::new(),
        rating: None,
        informational: None,
        ranges: Vec::new(),
        versions: BTreeSet::new(),
    }
}

/// A record of OSV; events are such as `introduced 0`.
pub(super) fn osv(id: &str, ecosystem: &str, name: &str, events: &[&str]) -> Value {
    let events: Vec<_> = events
        .iter()
        .map(|event| {
            let (what, version) = event.split_once(' ').unwrap();
            json!({ what: version })
        })
        .collect();
    let kind = if ecosystem == "crates.io" { "SEMVER" } else { "ECOSYSTEM" };
    let ranges = if events.is_empty() { json!([]) } else { json!([{"type": kind, "events": events}]) };
    json!({
        "schema_version": "1.7.0",
        "id": id,
        "published": "2024-01-01T00:00:00Z",
        "modified": "2024-02-01T00:00:00.123Z",
        "upstream": id.strip_prefix("DEBIAN-").map(|cve| vec![cve]).unwrap_or_default(),
        "affected": [{
            "package": {"ecosystem": ecosystem, "name": name, "purl": "pkg:generic/x"},
            "ranges": ranges,
            "ecosystem_specific": {"urgency": "not yet assigned"},
            "database_specific": {"source": "somewhere"}
        }],
        "references": [{"type": "WEB", "url": "http://localhost"}]
    })
}

/// Sets fields of a record.
pub(super) fn with(mut record: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("no object") };
    record.as_object_mut().unwrap().extend(fields);
    record
}

pub(super) fn builder(records: &[Value]) -> Builder {
    let mut builder = Builder::new(bookworm(), Wanted::Everything);
    for record in records {
        let file = format!("{}.json", record["id"].as_str().unwrap());
        builder.osv(&file, record.to_string().as_bytes()).unwrap();
    }
    builder
}

pub(super) fn snapshot(records: &[Value], tracker: Option<&Value>) -> Snapshot {
    let mut builder = builder(records);
    if let Some(tracker) = tracker {
        let fetched = Moment::parse("2024-03-01T00:00:00Z");
        builder.tracker("tracker.json", tracker.to_string().as_bytes(), fetched).unwrap();
    }
    builder.finish()
}

/// What the tracker says about one release.
pub(super) fn state(status: &str, fixed: Option<&str>, urgency: &str) -> Value {
    let mut state = json!({"status": status, "repositories": {"bookworm": "1"}, "urgency": urgency});
    if let Some(fixed) = fixed {
        state["fixed_version"] = json!(fixed);
    }
    state
}

#[test]
fn releases_have_two_names() {
    assert_eq!(bookworm().to_string(), "Debian 12 (bookworm)");
    assert_eq!(Release::of_codename("hamm"), None);
}

#[test]
fn only_what_is_wanted_is_had() {
    let wanted = Wanted::only([(Ecosystem::Debian, "time"), (Ecosystem::CratesIo, "serde")]);
    assert!(wanted.has(Ecosystem::Debian, "time") && wanted.has(Ecosystem::CratesIo, "serde"));
    assert!(!wanted.has(Ecosystem::CratesIo, "time") && !wanted.has(Ecosystem::Debian, "serde"));
    assert!(Wanted::Everything.has(Ecosystem::Debian, "serde"));
}
