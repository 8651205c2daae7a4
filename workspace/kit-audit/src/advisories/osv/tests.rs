use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::advisories::tests::{bookworm, osv, with};
use crate::advisories::{Event, Informational, Range};

fn read(record: &Value) -> Result<Record, AdvisoryError> {
    super::read("a.json", record.to_string().as_bytes(), &bookworm(), &Wanted::Everything)
}

fn odd(record: &Value) -> Vec<String> {
    read(record).unwrap().not_understood.into_iter().map(|odd| odd.reason).collect()
}

#[test]
fn a_record_is_read_as_far_as_it_counts() {
    let record = with(
        osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", &["introduced 0", "fixed 3.0.13-1~deb12u1"]),
        json!({
            "details": "In the Linux kernel, the following vulnerability has been resolved:\n\nbtrfs:  a \"fix\"\n",
            "severity": [
                {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"},
                {"type": "Ubuntu", "score": "medium"}
            ],
        }),
    );
    let mut record = record;
    let listed = json!(["3.0.11-1", "3.0.13-1", "0"]);
    record["affected"][0]["versions"] = listed;
    record["affected"][0]["ecosystem_specific"]["urgency"] = json!("low**");
    let other = osv("x", "Debian:11", "openssl", &["introduced 0"])["affected"][0].clone();
    record["affected"].as_array_mut().unwrap().push(other);
    let read = read(&record).unwrap();
    let key = (Ecosystem::Debian, "openssl".to_owned());
    let events = vec![Event::Introduced("0".to_owned()), Event::Fixed("3.0.13-1~deb12u1".to_owned())];
    assert_eq!(read.not_understood, BTreeSet::new());
    assert_eq!(read.packages.keys().collect::<Vec<_>>(), [&key]);
    assert_eq!(
        read.packages[&key],
        Advisory {
            modified: Moment::parse("2024-02-01T00:00:00Z").unwrap(),
            published: Moment::parse("2024-01-01T00:00:00Z"),
            withdrawn: None,
            aliases: BTreeSet::new(),
            upstream: BTreeSet::from(["CVE-2024-1".to_owned()]),
            summary: "btrfs: a \"fix\"".to_owned(),
            vectors: BTreeSet::from(["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N".to_owned()]),
            rating: Some(Rating::Low),
            informational: None,
            ranges: vec![Range { events, limits: BTreeSet::new() }],
            // What the range has anyway isn't kept.
            versions: BTreeSet::from(["3.0.13-1".to_owned()]),
        }
    );
}

#[test]
fn ecosystems_of_others_dont_count() {
    for (ecosystem, counts) in [
        ("Debian:12", true),
        ("Debian", true),
        ("Debian:bookworm", true),
        ("Debian:11", false),
        ("Debian:120", false),
        ("Ubuntu:12", false),
        ("crates.io", true),
        ("npm", false),
    ] {
        let record = read(&osv("CVE-2024-1", ecosystem, "a", &["introduced 0"])).unwrap();
        assert_eq!(
            (record.packages.len() == 1, record.ecosystems.len() == 1),
            (counts, counts),
            "{ecosystem}"
        );
    }
    let wanted = Wanted::only([(Ecosystem::Debian, "b")]);
    let record = osv("CVE-2024-1", "Debian:12", "a", &["introduced 0"]).to_string();
    let record = super::read("a.json", record.as_bytes(), &bookworm(), &wanted).unwrap();
    assert_eq!((record.packages.len(), record.ecosystems.len()), (0, 1));
}

#[test]
fn notices_and_ratings_of_crates_are_read() {
    let mut record = osv("RUSTSEC-2024-1", "crates.io", "a", &["introduced 0.0.0-0"]);
    record["affected"][0]["database_specific"] = json!({
        "categories": [],
        "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        "informational": "unmaintained"
    });
    record["database_specific"] = json!({"severity": "MODERATE", "cwe_ids": ["CWE-1"]});
    let read = read(&record).unwrap();
    let advisory = &read.packages[&(Ecosystem::CratesIo, "a".to_owned())];
    assert_eq!(advisory.informational, Some(Informational::Unmaintained));
    assert_eq!((advisory.rating, advisory.vectors.len()), (Some(Rating::Medium), 1));
    assert_eq!(read.not_understood, BTreeSet::new());
}

#[test]
fn what_isnt_understood_is_named() {
    let events = |events: Value| {
        let mut record = osv("R", "crates.io", "a", &[]);
        record["affected"][0]["ranges"] = json!([{"type": "SEMVER", "events": events}]);
        odd(&record)
    };
    let nothing = "it names no version of `a`".to_owned();
    assert_eq!(events(json!([{"introduced": "v1"}])), ["`v1` is no version of a crate", &nothing]);
    assert_eq!(events(json!([{"introduced": "0"}, {}])), ["an event of a range isn't exactly one", &nothing]);
    assert_eq!(
        events(json!([{"introduced": "0", "fixed": "1.0.0"}])),
        ["an event of a range isn't exactly one", &nothing]
    );
    assert_eq!(events(json!([{"fixed": "1.0.0"}])), ["a range says not where it starts", &nothing]);
    assert_eq!(odd(&osv("R", "Debian:12", "a", &[])), ["it names no version of `a`"]);

    let mut record = osv("R", "Debian:12", "a", &["introduced 0"]);
    record["affected"][0]["ranges"][0]["type"] = json!("GIT");
    assert_eq!(odd(&record), ["it names only commits of `a`"]);
    record["affected"][0]["ranges"][0]["type"] = json!("SEMVER");
    assert_eq!(odd(&record), ["it has a range of type `SEMVER` for Debian", &nothing]);
    let record = osv("R", "Debian:12", "a", &["introduced 0"]);
    let bad = json!({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:X"}]});
    assert_eq!(odd(&with(record.clone(), bad)), ["its CVSS_V3 vector `CVSS:3.1/AV:X` has no score"]);
    assert_eq!(
        odd(&with(record, json!({"database_specific": {"severity": "awful"}}))),
        ["its urgency is `awful`"]
    );
    let mut record = osv("R", "crates.io", "a", &["introduced 0"]);
    record["affected"][0]["database_specific"]["informational"] = json!("odd");
    assert_eq!(odd(&record), ["it is informational: `odd`"]);
}

#[test]
fn broken_records_are_errors_with_names() {
    let good = osv("R", "Debian:12", "a", &["introduced 0"]);
    let text = good.to_string();
    let error = |text: &str| {
        let error = super::read("a.json", text.as_bytes(), &bookworm(), &Wanted::Everything).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    };
    assert_eq!(error(""), "`a.json` is no record of OSV: EOF while parsing a value at line 1 column 0");
    assert!(error(&text[..40]).starts_with("`a.json` is no record of OSV: EOF"), "{}", error(&text[..40]));
    assert!(error(&text.replacen('{', r#"{"id":"S","#, 1)).contains("duplicate field `id`"));
    assert!(error(&text.replace(r#""id":"R""#, r#""id":3"#)).contains("invalid type: integer `3`"));
    assert!(error(&text.replace(r#""modified""#, r#""changed""#)).contains("missing field `modified`"));
    assert!(error(&format!("{text} x")).contains("trailing characters"));
    assert_eq!(
        error(&text.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(70), "]".repeat(70)), 1)),
        "`a.json` is nested deeper than 64 levels at byte 68"
    );
    let field = |field: &str, value: Value| error(&with(good.clone(), json!({ field: value })).to_string());
    assert_eq!(
        field("modified", json!("now")),
        "modified of `R` in `a.json` is `now`, not a time of RFC 3339"
    );
    assert_eq!(field("withdrawn", json!("")), "withdrawn of `R` in `a.json` is ``, not a time of RFC 3339");
    assert_eq!(
        field("aliases", json!(["a b\u{1b}"])),
        "aliases of `R` in `a.json` is `a b\u{fffd}`, not a word of at most 200 characters"
    );
    assert_eq!(
        field("id", json!("x".repeat(300))),
        format!("id of `{0}…` in `a.json` is `{0}…`, not a word of at most 200 characters", "x".repeat(60))
    );
    assert_eq!(
        field("aliases", json!(vec!["a"; 100_001])),
        "aliases of `R` in `a.json` has 100001 entries, more than 100000"
    );
    let bytes = text.replace('R', "\u{0}").into_bytes();
    let bytes: Vec<_> = bytes.into_iter().map(|byte| if byte == 0 { 0xff } else { byte }).collect();
    assert!(super::read("a.json", &bytes, &bookworm(), &Wanted::Everything).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(at in 0_usize..600, byte in any::<u8>(), bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
        let good = osv("DSA-1-1", "Debian:12", "a", &["introduced 0", "fixed 1", "limit 3"]);
        let mut text = with(good, json!({"related": ["CVE-1-1"]})).to_string().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        for bytes in [&text, &bytes] {
            let _ = super::read("a.json", bytes, &bookworm(), &Wanted::Everything);
        }
    }
}
