use kit_hash::Sha256;

use super::*;
use crate::statement::tests::statement;

fn pin() -> PinId {
    "1".repeat(64).parse().unwrap()
}

fn by(verifier: &str) -> Statement {
    Statement { verifier: Some(verifier.to_owned()), ..statement() }
}

fn ids(statements: &[Statement]) -> Vec<String> {
    found(statements).iter().map(Finding::id).collect()
}

fn found(statements: &[Statement]) -> Vec<Finding> {
    let named = |(at, statement): (usize, &Statement)| (format!("{at}.json"), statement.clone());
    let named: Vec<_> = statements.iter().enumerate().map(named).collect();
    findings("demo", &pin(), &named)
}

#[test]
fn without_statements_it_is_not_verified() {
    assert_eq!(ids(&[]), ["not-verified:demo"]);
}

#[test]
fn who_verified_is_told() {
    let found = found(&[by("alice"), statement()]);
    let ids: Vec<_> = found.iter().map(Finding::id).collect();
    assert_eq!(ids, ["verified:alice", "verified:1.json"]);
    assert_eq!(found[0].severity, Severity::Note);
    assert_eq!(found[0].message, "`alice` rebuilt `demo` and came to the same (outputs)");
    assert_eq!(
        found[0].evidence,
        [
            Evidence::Fact("`0.json`, by kit 0.1.0".to_owned()),
            Evidence::Fact("rebuilt once, varied: host-name, umask".to_owned())
        ]
    );
}

#[test]
fn a_part_is_not_all() {
    let mut only = by("alice");
    only.method.only = Some("busybox".to_owned());
    let mut sources = by("bob");
    sources.method.depth = "sources".to_owned();
    assert_eq!(ids(&[only, sources]), ["verified:alice", "verified:bob", "not-verified:demo"]);
}

#[test]
fn what_differs_is_told() {
    let mut failed = by("alice");
    failed.outputs.get_mut("demo-kernel").unwrap().rebuilt = Some(Sha256::of(b"other"));
    failed.steps.not_done = vec!["output demo tar".to_owned()];
    let found = found(&[failed]);
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((finding.id().as_str(), finding.severity), ("verification-failed:alice", Severity::High));
    let facts: Vec<_> = finding.evidence.iter().map(|evidence| format!("{evidence:?}")).collect();
    assert!(facts.iter().any(|fact| fact.contains("`demo-kernel`")), "{facts:?}");
    assert!(facts.iter().any(|fact| fact.contains("`output demo tar` wasn't done")), "{facts:?}");
}

#[test]
fn another_lock_is_another_thing() {
    let mut before = by("alice");
    before.lock.pin = "2".repeat(64).parse().unwrap();
    let other = Statement { image: "other".to_owned(), ..by("bob") };
    let expected =
        ["verification-of-another-lock:0.json", "verification-of-another-lock:1.json", "not-verified:demo"];
    assert_eq!(ids(&[before.clone(), other]), expected);
    // Those of another lock neither fail nor dispute anything.
    before.steps.different = vec!["build a".to_owned()];
    assert_eq!(ids(&[before, by("bob")]), ["verification-of-another-lock:0.json", "verified:bob"]);
}

#[test]
fn verifiers_who_disagree_are_told() {
    let mut other = by("bob");
    other.outputs.get_mut("demo-kernel").unwrap().sha256 = Sha256::of(b"other");
    assert_eq!(
        ids(&[by("alice"), other.clone()]),
        ["verified:alice", "verified:bob", "verification-disputed:demo"]
    );
    other.verifier = Some("alice".to_owned());
    let found = found(&[by("alice"), other]);
    let disputed = found.last().unwrap();
    assert_eq!(disputed.id(), "verification-disputed:demo");
    assert!(disputed.evidence.contains(&Evidence::Fact("`alice` contradicts itself".to_owned())));
    assert_eq!(ids(&[by("alice"), by("bob")]), ["verified:alice", "verified:bob"]);
}
