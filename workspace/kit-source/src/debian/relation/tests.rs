//! Forms of dependency fields, as archives write them.

use proptest::prelude::*;

use super::{Qualifier, parse};
use kit_format::deb::version::Version;

fn shown(field: &str) -> Vec<Vec<String>> {
    parse(field, "amd64")
        .unwrap()
        .iter()
        .map(|group| group.iter().map(ToString::to_string).collect())
        .collect()
}

#[test]
fn reads_groups_alternatives_and_constraints() {
    assert_eq!(
        shown(
            "libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0 , python3:any(<<4),\n default-mta|mail-transport-agent"
        ),
        [
            vec!["libc6 (>= 2.34)"],
            vec!["debconf (>= 0.5)", "debconf-2.0"],
            vec!["python3:any (<< 4)"],
            vec!["default-mta", "mail-transport-agent"],
        ]
    );
    assert_eq!(shown(""), Vec::<Vec<String>>::new());
    assert_eq!(shown("a (< 1), b (> 2), c(=1:2~3-4),"), [["a (<= 1)"], ["b (>= 2)"], ["c (= 1:2~3-4)"]]);
}

#[test]
fn evaluates_architectures_and_ignores_profiles() {
    assert_eq!(
        shown("a [amd64 arm64], b [!amd64], c [!i386] <!nocheck> <cross>, d [i386] | e <stage1>"),
        [["a"], ["c"], ["e"]]
    );
    let qualifiers: Vec<_> = parse("a, a:native, a:amd64, a:any, a:i386", "amd64")
        .unwrap()
        .iter()
        .map(|g| g[0].qualifier)
        .collect();
    assert_eq!(
        qualifiers,
        [Qualifier::Native, Qualifier::Native, Qualifier::Native, Qualifier::Any, Qualifier::Foreign]
    );
}

#[test]
fn refuses_what_is_no_relation() {
    for bad in [
        "a (",
        "a (1.0)",
        "a (== 1)",
        "a (>= )x",
        "(>= 1)",
        "a b",
        "a |",
        "a [amd64",
        "a <x",
        "-a",
        "ä",
        "a (= 1 2)",
    ] {
        assert!(parse(bad, "amd64").is_err(), "{bad}");
    }
}

#[test]
fn admits_by_operator() {
    let admits = |field: &str, version| {
        parse(field, "amd64").unwrap()[0][0].constraint.unwrap().admits(Version::new(version))
    };
    assert!(admits("a (<< 2)", "1.9") && !admits("a (<< 2)", "2"));
    assert!(admits("a (<= 2)", "2") && !admits("a (<= 2)", "2.1"));
    assert!(admits("a (= 2)", "0:2") && !admits("a (= 2)", "2-1"));
    assert!(admits("a (>= 2)", "2") && !admits("a (>= 2)", "2~"));
    assert!(admits("a (>> 2)", "2.1") && !admits("a (>> 2)", "2"));
}

proptest! {
    #[test]
    fn never_panics(field in "[a-z0-9:|,()<>=\\[\\] !~.-]{0,40}") {
        let _ = parse(&field, "amd64");
    }
}
