use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::advisories::matching::find;
use crate::advisories::tests::{debian, osv, snapshot, with};
use crate::advisories::{Match, purl::Purl};

fn found() -> Match {
    let record = with(
        osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", &["introduced 0"]),
        json!({"aliases": ["GHSA-x"]}),
    );
    let mut openssl = debian("openssl", "3.0.11-1");
    openssl.binaries = vec!["libssl3".to_owned()];
    find(&snapshot(&[record], None), &[openssl], None).unwrap().matches.remove(0)
}

fn statement(status: Status) -> Statement {
    Statement {
        vulnerability: "CVE-2024-1".to_owned(),
        aliases: Vec::new(),
        products: vec![Product::of(Purl::of(&found().installed))],
        status,
        notes: None,
        timestamp: None,
    }
}

fn not_affected() -> Status {
    let justification = Some(Justification::VulnerableCodeNotPresent);
    Status::NotAffected { justification, impact: Some("the image has no such file".to_owned()) }
}

fn document(statements: Vec<Statement>) -> Document {
    let timestamp = Moment::parse("2024-03-01T00:00:00Z").unwrap();
    Document::new("Alice".to_owned(), timestamp, statements).unwrap()
}

/// Changes with every change of the form: then a document of the same statements has another identifier.
#[test]
fn the_bytes_are_pinned() {
    let text = document(vec![statement(not_affected())]).to_text().unwrap();
    let expected = concat!(
        r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"urn:uuid:e1210d3a-b80a-535c-8701-bc464fce2d61","author":"Alice","statements":["#,
        r#"{"impact_statement":"the image has no such file","justification":"vulnerable_code_not_present","products":["#,
        r#"{"@id":"pkg:deb/debian/openssl@3.0.11-1?arch=source&distro=bookworm","identifiers":{"#,
        r#""purl":"pkg:deb/debian/openssl@3.0.11-1?arch=source&distro=bookworm"}}],"status":"not_affected","#,
        r#""vulnerability":{"name":"CVE-2024-1"}}],"timestamp":"2024-03-01T00:00:00Z","version":1}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn what_is_written_is_read() {
    let mut full = statement(Status::Affected { action: "update it".to_owned() });
    full.aliases = vec!["GHSA-x".to_owned()];
    full.notes = Some("seen".to_owned());
    full.timestamp = Moment::parse("2024-03-02T00:00:00Z");
    full.products = vec![Product {
        ids: vec!["https://example.org/image".to_owned(), "pkg:oci/image".to_owned()],
        subcomponents: vec![vec!["pkg:deb/debian/openssl".to_owned()]],
    }];
    let statements = vec![
        full,
        statement(not_affected()),
        statement(Status::Fixed),
        statement(Status::UnderInvestigation),
    ];
    let document = document(statements);
    assert_eq!(Document::parse("a.json", &document.to_text().unwrap()).unwrap(), document);
    let other = Document::new("Bob".to_owned(), document.timestamp, document.statements.clone()).unwrap();
    assert_ne!(other.id, document.id);
}

#[test]
fn nothing_that_says_nothing_is_written() {
    let error = |statements| {
        Document::new("Alice".to_owned(), Moment::from_seconds(0), statements).unwrap_err().to_string()
    };
    assert_eq!(error(Vec::new()), "a VEX document needs a statement");
    let unjustified = Status::NotAffected { justification: None, impact: Some("trust me".to_owned()) };
    assert_eq!(
        error(vec![statement(unjustified)]),
        "the statement that `CVE-2024-1` affects nothing has no justification"
    );
    let idle = Status::Affected { action: " ".to_owned() };
    assert_eq!(
        error(vec![statement(idle)]),
        "the statement that `CVE-2024-1` affects something says nothing about what to do"
    );
    let mut nameless = statement(Status::Fixed);
    nameless.products = vec![Product::default()];
    assert_eq!(error(vec![nameless]), "the statement about `CVE-2024-1` names no product");
}

/// A document of somebody else with one statement.
fn foreign(fields: &Value) -> String {
    let mut statement = json!({
        "vulnerability": {"name": "CVE-2024-1"},
        "products": [{"@id": "pkg:deb/debian/openssl"}],
        "status": "fixed"
    });
    statement.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex",
        "author": "Bob",
        "role": "vendor",
        "timestamp": "2024-01-08T18:02:03.647787998-06:00",
        "version": 1,
        "statements": [statement]
    })
    .to_string()
}

#[test]
fn documents_that_say_nothing_are_refused() {
    let error = |text: &str| Document::parse("a.json", text.as_bytes()).unwrap_err().to_string();
    let statement = |fields: Value| error(&foreign(&fields));
    let about = "statement 1 of `a.json`, about `CVE-2024-1`, ";
    let good = foreign(&json!({}));
    assert!(Document::parse("a.json", good.as_bytes()).is_ok());
    assert_eq!(error("x"), "`a.json` is no OpenVEX document");
    assert_eq!(error("{}"), "the `@context` of `a.json` is missing, not `https://openvex.dev/ns/v0.2.0`");
    assert_eq!(
        error(&good.replace("v0.2.0", "v9")),
        "the `@context` of `a.json` is `https://openvex.dev/ns/v9`, not `https://openvex.dev/ns/v0.2.0`"
    );
    assert_eq!(
        error(&good.replace("2024-01-08T", "2024-01-32T")),
        "timestamp of `a.json` is `2024-01-32T18:02:03.647787998-06:00`, not a time of RFC 3339"
    );
    assert_eq!(error(&good.replace("\"author\"", "\"by\"")), "`a.json` is no OpenVEX document");
    assert_eq!(error(&good.replacen('{', r#"{"author":"x","#, 1)), "`a.json` is no OpenVEX document");
    assert_eq!(
        statement(json!({"status": "not_affected"})),
        format!("{about}says `not_affected` without a justification")
    );
    assert_eq!(
        statement(json!({"status": "not_affected", "justification": "because"})),
        format!("{about}has the unknown justification `because`")
    );
    assert_eq!(
        statement(json!({"status": "affected"})),
        format!("{about}says `affected` without an action statement")
    );
    assert_eq!(statement(json!({"status": "fine"})), format!("{about}has the unknown status `fine`"));
    assert_eq!(
        statement(json!({"products": []})),
        format!("{about}has a product without an identifier, or none")
    );
    assert_eq!(
        statement(json!({"products": [{}]})),
        format!("{about}has a product without an identifier, or none")
    );
    assert_eq!(
        statement(json!({"vulnerability": {"name": ""}})),
        "statement 1 of `a.json`, about ``, names no vulnerability"
    );
    assert!(error(&"[".repeat(100)).contains("is nested deeper"));
}

fn verdict(documents: &[Document], image: &[&str]) -> Verdict {
    let image: Vec<_> = image.iter().map(|id| (*id).to_owned()).collect();
    judge(vec![found()], documents, &image).remove(0).verdict
}

#[test]
fn statements_are_about_packages_and_images() {
    let dismisses = |fields: Value, image: &[&str]| {
        let document = Document::parse("a.json", foreign(&fields).as_bytes()).unwrap();
        matches!(verdict(&[document], image), Verdict::Dismissed(_))
    };
    let image = "pkg:oci/image@sha256%3Aab";
    let part =
        |product: &str, part: &str| json!({"products": [{"@id": product, "subcomponents": [{"@id": part}]}]});
    for (fields, ids, expected) in [
        (json!({}), &[][..], true),
        (
            json!({"products": [{"@id": "x", "identifiers": {"purl": "pkg:deb/debian/libssl3@3.0.11-1%2Bb1?arch=amd64"}}]}),
            &[],
            true,
        ),
        (json!({"products": [{"@id": "pkg:deb/debian/openssl@3.0.11-2"}]}), &[], false),
        (json!({"products": [{"@id": "pkg:deb/debian/zlib"}, {"@id": "pkg:deb/debian/openssl"}]}), &[], true),
        (json!({"products": [{"@id": image}]}), &[image], true),
        (json!({"products": [{"@id": image}]}), &[], false),
        (part(image, "pkg:deb/debian/openssl"), &[image], true),
        (part(image, "pkg:deb/debian/zlib"), &[image], false),
        (part("other", "pkg:deb/debian/openssl"), &[image], false),
        (json!({"vulnerability": {"name": "GHSA-x"}}), &[], true),
        (json!({"vulnerability": {"name": "VENDOR-1", "aliases": ["CVE-2024-1"]}}), &[], true),
        (json!({"vulnerability": {"name": "CVE-2024-2"}}), &[], false),
    ] {
        assert_eq!(dismisses(fields.clone(), ids), expected, "{fields}");
    }
}

#[test]
fn statements_say_what_comes_of_a_match() {
    let of = |status| verdict(&[document(vec![statement(status)])], &[]);
    let said = "Alice says on 2024-03-01: ";
    assert_eq!(
        of(not_affected()),
        Verdict::Dismissed(format!(
            "{said}not affected, `vulnerable_code_not_present`: the image has no such file"
        ))
    );
    assert_eq!(of(Status::Fixed), Verdict::Dismissed(format!("{said}fixed")));
    assert_eq!(of(Status::UnderInvestigation), Verdict::Noted(format!("{said}under investigation")));
    let action = Status::Affected { action: "update it".to_owned() };
    assert_eq!(of(action), Verdict::Noted(format!("{said}affected; update it")));
    assert_eq!(verdict(&[], &[]), Verdict::Stands);
}

#[test]
fn the_latest_statement_counts() {
    let at = |status: Status, time: &str| {
        let mut statement = statement(status);
        statement.timestamp = Some(Moment::parse(time).unwrap());
        statement
    };
    let (early, late) = ("2024-01-01T00:00:00Z", "2024-04-01T00:00:00Z");
    let is_dismissed = |statements: Vec<Statement>| {
        let documents: Vec<_> = statements.into_iter().map(|one| document(vec![one])).collect();
        matches!(verdict(&documents, &[]), Verdict::Dismissed(_))
    };
    assert!(!is_dismissed(vec![at(Status::UnderInvestigation, late), at(Status::Fixed, early)]));
    assert!(is_dismissed(vec![at(Status::Fixed, late), at(Status::UnderInvestigation, early)]));
    assert!(!is_dismissed(vec![at(Status::Fixed, late), at(Status::UnderInvestigation, late)]));
    // Without a time of its own a statement is as old as its document.
    assert!(is_dismissed(vec![statement(Status::Fixed), at(Status::UnderInvestigation, early)]));
    assert!(!is_dismissed(vec![statement(Status::Fixed), at(Status::UnderInvestigation, late)]));
}

proptest! {
    #[test]
    fn no_bytes_panic(at in any::<usize>(), byte in any::<u8>()) {
        let mut text = foreign(&json!({})).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let _ = Document::parse("a.json", &text);
    }
}
