use std::collections::{BTreeMap, BTreeSet};

use kit_hash::Sha256;

use super::{LockFile, Method, Output, Statement, StatementError, Steps, Verdict};

/// What a verification of a small image says.
pub(crate) fn statement() -> Statement {
    let output = |text: &str| Output { sha256: Sha256::of(text.as_bytes()), rebuilt: None };
    Statement {
        image: "demo".to_owned(),
        lock: LockFile {
            path: "lockfiles/demo.lock".to_owned(),
            sha256: Sha256::of(b"lock"),
            pin: "1".repeat(64).parse().unwrap(),
            epoch: 0,
            architecture: "x86_64".to_owned(),
        },
        method: Method {
            version: "0.1.0".to_owned(),
            depth: "outputs".to_owned(),
            only: None,
            rounds: 1,
            varied: BTreeSet::from(["umask".to_owned(), "host-name".to_owned()]),
            not_varied: BTreeMap::from([("order".to_owned(), "the file system lists names".to_owned())]),
        },
        verifier: None,
        outputs: BTreeMap::from([
            ("demo-kernel".to_owned(), output("kernel")),
            ("demo-initrd.img".to_owned(), output("initrd")),
        ]),
        steps: Steps { same: vec!["build a".to_owned(), "root demo".to_owned()], ..Steps::default() },
    }
}

/// Changes with every change of the form: then other verifiers can't compare any more, so think twice.
#[test]
fn the_bytes_are_pinned() {
    let text = String::from_utf8(statement().to_text().unwrap()).unwrap();
    let expected = concat!(
        r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"configuration":[{"annotations":{"architecture":"x86_64","#,
        r#""epoch":0,"image":"demo","pin":"1111111111111111111111111111111111111111111111111111111111111111"},"#,
        r#""digest":{"sha256":"0c030586945fe504b604ecc2e875c38ede400cd5cd73da9730302162e6b02c6f"},"name":"lockfiles/demo.lock"},"#,
        r#"{"annotations":{"depth":"outputs","notVaried":{"order":"the file system lists names"},"rounds":1,"#,
        r#""varied":["host-name","umask"],"version":"0.1.0"},"name":"kit","uri":"pkg:generic/kit@0.1.0"}],"#,
        r#""failedTests":[],"passedTests":["build a","root demo"],"result":"PASSED","warnedTests":[]},"#,
        r#""predicateType":"https://in-toto.io/attestation/test-result/v0.1","subject":["#,
        r#"{"digest":{"sha256":"09e6c018d2c8c4903308613dd1b72484d57eadf12ec50ddc8f52e5accce470f2"},"name":"demo-initrd.img"},"#,
        r#"{"digest":{"sha256":"6923dd1bc0460082c5d55a831908c24a282860b7f1cd6c2b79cf1bc8857c639c"},"name":"demo-kernel"}]}"#,
        "\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn what_is_written_is_read() {
    let plain = statement();
    let mut full = statement();
    full.verifier = Some("alice".to_owned());
    full.method.only = Some("busybox".to_owned());
    full.steps.different = vec!["build b".to_owned()];
    full.steps.not_done = vec!["output demo tar".to_owned()];
    full.outputs.get_mut("demo-kernel").unwrap().rebuilt = Some(Sha256::of(b"other"));
    let mut without_outputs = statement();
    without_outputs.outputs = BTreeMap::new();
    for statement in [&plain, &full, &without_outputs] {
        assert_eq!(Statement::parse(&statement.to_text().unwrap()).unwrap(), *statement);
    }
    assert_eq!([&plain, &full].map(Statement::verdict), [Verdict::Passed, Verdict::Failed]);
}

#[test]
fn what_is_of_others_is_refused() {
    let text = String::from_utf8(statement().to_text().unwrap()).unwrap();
    let refused = |text: &str| Statement::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(refused("x"), "it is no JSON");
    assert_eq!(refused("{}"), "its _type is missing, not `https://in-toto.io/Statement/v1`");
    assert_eq!(
        refused(&text.replace("attestation/test-result", "attestation/vulns")),
        "its predicateType is `https://in-toto.io/attestation/vulns/v0.1`, not `https://in-toto.io/attestation/test-result/v0.1`"
    );
    assert_eq!(
        refused(&text.replace("\"name\":\"kit\"", "\"name\":\"x\"")),
        "its second configuration is `x`, not `kit`"
    );
    assert!(matches!(
        Statement::parse(text.replace("rounds", "round").as_bytes()),
        Err(StatementError::NotKit(_))
    ));
    assert_eq!(
        refused(&text.replace("PASSED", "FAILED")),
        "it contradicts itself: the result is `FAILED`, what it lists says PASSED"
    );
    assert_eq!(
        refused(&text.replace("demo-kernel", "demo-initrd.img")),
        "it contradicts itself: `demo-initrd.img` is there twice"
    );
    assert_eq!(
        refused(&text.replace("\"pin\":\"1", "\"pin\":\"x")),
        format!("it contradicts itself: `x{}` is no pin", "1".repeat(63))
    );
}
