//! The index over small texts, and over hostile ones.

use proptest::prelude::*;

use super::{Packages, PackagesError};

const TEXT: &str = "Package: b\nVersion: 1\nProvides: v (= 2),w\nDescription: x\n\nPackage: a\nVersion: 2\nProvides: v,\n u\n\n\n\
                    Package: b\nVersion: 3\nDescription: Provides: no\n";

#[test]
fn finds_names_and_providers() {
    let index = Packages::parse(TEXT.into()).unwrap();
    assert_eq!(index.len(), 3);
    let versions =
        |name: &str| index.named(name).map(|id| index.entry(id).version().to_string()).collect::<Vec<_>>();
    assert_eq!(versions("b"), ["1", "3"]);
    assert_eq!(versions("a"), ["2"]);
    assert!(versions("c").is_empty());
    let providers = |name: &str| index.providers(name).map(|id| index.entry(id).name()).collect::<Vec<_>>();
    assert_eq!(providers("v"), ["b", "a"]);
    assert_eq!(providers("u"), ["a"]);
    assert_eq!(providers("w"), ["b"]);
    assert!(providers("no").is_empty());
    assert_eq!(index.names().collect::<Vec<_>>(), ["a", "b", "b"]);
    assert_eq!(
        index.entries().next().unwrap().stanza(),
        "Package: b\nVersion: 1\nProvides: v (= 2),w\nDescription: x\n"
    );
}

#[test]
fn refuses_what_is_no_index() {
    assert_eq!(Packages::parse(b"Version: 1\n".into()).unwrap_err(), PackagesError::Name { at: 0 });
    assert_eq!(Packages::parse(b"\n\nPackage: a/b\n".into()).unwrap_err(), PackagesError::Name { at: 2 });
    assert_eq!(Packages::parse(b"Package: \xff\n".into()).unwrap_err(), PackagesError::Text);
    let long = format!("Package: a\nDescription: {}\n", "x".repeat(super::STANZA_LIMIT));
    assert!(matches!(Packages::parse(long.into()).unwrap_err(), PackagesError::Stanza { at: 0, .. }));
    assert!(Packages::parse(Vec::new()).unwrap().is_empty());
}

proptest! {
    #[test]
    fn never_panics(text in "(Package: ?a?\n|package: b\n|Provides: |Version:|[a-z,( ]|\n|ä){0,30}") {
        if let Ok(index) = Packages::parse(text.into()) {
            for entry in index.entries() {
                prop_assert!(index.named(entry.name()).len() > 0);
            }
        }
    }
}
