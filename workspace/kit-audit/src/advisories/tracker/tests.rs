use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::advisories::Rating;
use crate::advisories::tests::{bookworm, state};

fn read(file: &str) -> Result<Tracker, AdvisoryError> {
    super::read("tracker.json", file.as_bytes(), &bookworm(), &Wanted::Everything)
}

fn file(issue: &Value) -> String {
    json!({"openssl": {"CVE-2024-1": issue}}).to_string()
}

fn one(bookworm: &Value) -> Tracked {
    let text = file(&json!({
        "description": "a\nflaw",
        "scope": "remote",
        "debianbug": 1,
        "releases": {"bookworm": bookworm, "sid": state("resolved", Some("3.2-1"), "low"), "buster": state("open", None, "low")}
    }));
    read(&text).unwrap().packages["openssl"]["CVE-2024-1"].clone()
}

#[test]
fn states_are_read() {
    let open = Tracked {
        status: Status::Open,
        rating: Some(Rating::Low),
        no_dsa: None,
        unstable: Some("3.2-1".to_owned()),
        summary: "a flaw".to_owned(),
    };
    assert_eq!(one(&state("open", None, "low")), open);
    let with = |status: Status, rating: Option<Rating>| Tracked { status, rating, ..open.clone() };
    assert_eq!(one(&state("open", Some("1"), "high**")), with(Status::Open, Some(Rating::High)));
    assert_eq!(
        one(&state("resolved", Some("3.0-1"), "not yet assigned")),
        with(Status::Resolved("3.0-1".to_owned()), None)
    );
    assert_eq!(
        one(&state("resolved", Some("0"), "unimportant")),
        with(Status::NotAffected, Some(Rating::Unimportant))
    );
    assert_eq!(
        one(&state("undetermined", None, "end-of-life")),
        with(Status::Undetermined, Some(Rating::EndOfLife))
    );
    for (reason, decision) in [
        (json!(""), Decision::NoDsa),
        (json!("postponed"), Decision::Postponed),
        (json!("ignored"), Decision::Ignored),
    ] {
        let mut state = state("open", None, "low");
        state["nodsa"] = json!("Minor issue");
        state["nodsa_reason"] = reason;
        assert_eq!(one(&state).no_dsa, Some(NoDsa { decision, reason: "Minor issue".to_owned() }));
    }
}

#[test]
fn what_isnt_understood_is_named() {
    let odd = |state: Value| {
        let text = json!({"a": {"CVE-1-1": {"releases": {"bookworm": state}}, "CVE-1-2": {"releases": {"bookworm": {"status": "open"}}}}});
        let tracker = read(&text.to_string()).unwrap();
        let odd: Vec<_> =
            tracker.not_understood.into_iter().map(|odd| format!("{}: {}", odd.record, odd.reason)).collect();
        (tracker.packages["a"].len(), odd.join("; "))
    };
    assert_eq!(
        odd(state("resolved", None, "low")),
        (1, "a CVE-1-1: it is resolved in no version".to_owned())
    );
    assert_eq!(odd(state("maybe", None, "low")), (1, "a CVE-1-1: its status is `maybe`".to_owned()));
    assert_eq!(odd(state("open", None, "awful")), (2, "a CVE-1-1: its urgency is `awful`".to_owned()));
}

#[test]
fn broken_files_are_errors_with_names() {
    let error = |text: &str| {
        let error = read(text).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    };
    let broken = "`tracker.json` is no file of Debian's security tracker: ";
    let good = file(&json!({"releases": {"bookworm": state("open", None, "low")}}));
    assert!(read(&good).is_ok());
    assert!(
        error("[]")
            .starts_with(&format!("{broken}invalid type: sequence, expected an object by source packages"))
    );
    assert!(error(&format!("{good}{good}")).starts_with(&format!("{broken}trailing characters")));
    assert!(error(&good[..good.len() - 1]).starts_with(&format!("{broken}EOF")));
    assert!(error(r#"{"a":{},"a":{}}"#).starts_with(&format!("{broken}`a` is there twice")));
    assert!(
        error(r#"{"a":{"C":{"releases":{}},"C":{"releases":{}}}}"#)
            .starts_with(&format!("{broken}`C` is there twice"))
    );
    assert!(error(r#"{"a":{"C":{}}}"#).starts_with(&format!("{broken}`C` of `a`: missing field `releases`")));
    assert!(error(r#"{"a b":{}}"#).starts_with(&format!("{broken}`a b` is no name of a source package")));
    let twice = r#"{"a":{"C":{"releases":{"sid":{"status":"open"},"sid":{"status":"open"}}}}}"#;
    assert!(
        error(twice).starts_with(&format!("{broken}`C` of `a`: `sid` is there twice")),
        "{}",
        error(twice)
    );
    assert!(
        error(&good.replace(r#""open""#, "7"))
            .contains("`CVE-2024-1` of `openssl`: invalid type: integer `7`")
    );
    assert_eq!(error("{}"), "`tracker.json` says nothing about bookworm");
    assert_eq!(error(&good.replace("bookworm", "buster")), "`tracker.json` says nothing about bookworm");
    assert!(error(&"[".repeat(100)).contains("is nested deeper than 64 levels"));
}

#[test]
fn what_isnt_wanted_costs_nothing() {
    let wanted = Wanted::only([(Ecosystem::Debian, "b")]);
    let text = r#"{"a":{"C":{"releases":7}},"b":{"C":{"releases":{"bookworm":{"status":"open"}}}}}"#;
    let tracker = super::read("tracker.json", text.as_bytes(), &bookworm(), &wanted).unwrap();
    assert_eq!(tracker.packages.keys().collect::<Vec<_>>(), ["b"]);
    assert!(read(text).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(at in 0_usize..200, byte in any::<u8>()) {
        let mut text = file(&json!({"releases": {"bookworm": state("open", None, "low")}})).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let _ = super::read("tracker.json", &text, &bookworm(), &Wanted::Everything);
    }
}
