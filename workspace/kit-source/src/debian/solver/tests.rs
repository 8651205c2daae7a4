//! Closures of real packages against what apt chose, and small archives for each rule.

use super::{Dependencies, SolveError, solve};
use crate::debian::packages::Packages;

/// Stanzas of bookworm: everything that the sets need, and what could have been taken instead.
const BOOKWORM: &str = include_str!("bookworm.packages");

/// `names: packages`, as `apt-get -s install --no-install-recommends` chose them on an empty system.
const EXPECTED: &str = include_str!("bookworm.expected");

fn names(text: &str, wanted: &[&str], dependencies: Dependencies) -> Result<Vec<String>, SolveError> {
    let packages = Packages::parse(text.into()).unwrap();
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let found = solve(&packages, "amd64", &wanted, dependencies)?;
    let mut names: Vec<String> = found
        .into_iter()
        .map(|id| packages.entry(id))
        .map(|entry| match packages.named(entry.name()).len() {
            1 => entry.name().to_owned(),
            _ => format!("{}={}", entry.name(), entry.version()),
        })
        .collect();
    names.sort();
    Ok(names)
}

/// Makes an index from `name version; Field: value; …` lines.
fn archive(lines: &str) -> String {
    let stanza = |line: &str| {
        let mut parts = line.trim().split("; ");
        let (name, version) = parts.next().unwrap().split_once(' ').unwrap();
        let fields: Vec<&str> = parts.collect();
        let fields = fields.join("\n");
        let architecture = if line.contains("Architecture:") { "" } else { "Architecture: amd64\n" };
        format!("Package: {name}\nVersion: {version}\n{architecture}{fields}\n\n")
    };
    let stanzas: Vec<String> = lines.lines().map(stanza).collect();
    stanzas.concat()
}

fn closure(lines: &str, wanted: &[&str]) -> Vec<String> {
    names(&archive(lines), wanted, Dependencies::Closure).unwrap_or_else(|error| panic!("{error}"))
}

fn failure(lines: &str, wanted: &[&str]) -> SolveError {
    names(&archive(lines), wanted, Dependencies::Closure).unwrap_err()
}

#[test]
fn chooses_what_apt_chooses() {
    for line in EXPECTED.lines() {
        let (wanted, expected) = line.split_once(": ").unwrap();
        let mut wanted: Vec<&str> = wanted.split(' ').collect();
        let expected: Vec<&str> = expected.split(' ').collect();
        assert_eq!(names(BOOKWORM, &wanted, Dependencies::Closure).unwrap(), expected, "{wanted:?}");
        wanted.reverse();
        assert_eq!(
            names(BOOKWORM, &wanted, Dependencies::Closure).unwrap(),
            expected,
            "the order of names is nothing"
        );
    }
}

#[test]
fn takes_the_named_packages_alone() {
    assert_eq!(names(BOOKWORM, &["systemd", "bash"], Dependencies::None).unwrap(), ["bash", "systemd"]);
}

#[test]
fn follows_pre_depends_and_depends_only() {
    let lines = "a 1; Pre-Depends: b; Depends: c; Recommends: d; Suggests: e\nb 1\nc 1; Depends: a\nd 1\ne 1";
    assert_eq!(closure(lines, &["a"]), ["a", "b", "c"]);
}

#[test]
fn prefers_the_first_alternative_and_keeps_what_is_there() {
    let lines = "a 1; Depends: x | y\nb 1; Depends: y\nx 1\ny 1\nz 1; Depends: none | y";
    assert_eq!(closure(lines, &["a"]), ["a", "x"]);
    assert_eq!(closure(lines, &["a", "y"]), ["a", "y"]);
    assert_eq!(closure(lines, &["z"]), ["y", "z"]);
}

#[test]
fn takes_the_highest_version_that_fits() {
    let lines = "a 1; Depends: v (<< 3)\nb 1; Depends: v\nv 1\nv 2\nv 10";
    assert_eq!(closure(lines, &["b"]), ["b", "v=10"]);
    assert_eq!(closure(lines, &["a", "b"]), ["a", "b", "v=2"]);
    assert_eq!(closure(lines, &["v=1", "b"]), ["b", "v=1"]);
}

#[test]
fn chooses_providers_as_apt_does() {
    let real = "a 1; Depends: x\nx 1\np 1; Provides: x; Priority: required";
    assert_eq!(closure(real, &["a"]), ["a", "x"], "the package itself first");
    let priority = "a 1; Depends: v\np 1; Provides: v; Priority: optional\nq 1; Provides: v; Priority: important\nr 1; Provides: v; Priority: extra";
    assert_eq!(closure(priority, &["a"]), ["a", "q"]);
    let essential = "a 1; Depends: v\np 1; Provides: v; Essential: yes; Priority: extra\nq 1; Provides: v; Priority: required";
    assert_eq!(closure(essential, &["a"]), ["a", "p"]);
    let mention = "a 1; Depends: v\np 1; Provides: v\nq 1; Provides: v";
    assert_eq!(closure(mention, &["a"]), ["a", "q"], "the one mentioned last for the first time");
    let early = "a 1; Depends: v; Suggests: q\np 1; Provides: v\nq 1; Provides: v";
    assert_eq!(closure(early, &["a"]), ["a", "p"]);
}

#[test]
fn holds_provided_versions_against_constraints() {
    let lines = "a 1; Depends: v (>= 2)\np 1; Provides: v\nq 1; Provides: v (= 1)\nr 1; Provides: v (= 3)";
    assert_eq!(closure(lines, &["a"]), ["a", "r"]);
    assert!(matches!(
        failure("a 1; Depends: v (>= 2)\np 9; Provides: v", &["a"]),
        SolveError::Conflict { .. }
    ));
}

#[test]
fn obeys_multi_arch_and_architectures() {
    let lines = "a 1; Depends: x:any\nb 1; Depends: y:any\nx 1; Multi-Arch: allowed\ny 1; Multi-Arch: foreign\n\
                 c 1; Depends: x:arm64\nd 1; Depends: e\ne 2; Architecture: arm64\ne 1; Architecture: all\nf 1; Depends: y:native, x:amd64";
    assert_eq!(closure(lines, &["a"]), ["a", "x"]);
    assert!(matches!(failure(lines, &["b"]), SolveError::Conflict { .. }));
    assert!(matches!(failure(lines, &["c"]), SolveError::Conflict { .. }));
    assert_eq!(closure(lines, &["d"]), ["d", "e=1"]);
    assert_eq!(closure(lines, &["f"]), ["f", "x", "y"]);
}

#[test]
fn obeys_conflicts_and_breaks() {
    let lines = "a 1; Depends: x | y\nb 1; Conflicts: x\nc 1; Breaks: v\nx 1\ny 1\np 1; Provides: v; Conflicts: v\nq 1; Provides: v\nd 1; Depends: v\n\
                 e 1; Breaks: x (<< 1)\nf 1; Depends: w\ng 1; Conflicts: w (<< 2)\nw 1\nw 2";
    assert_eq!(closure(lines, &["a", "b"]), ["a", "b", "y"], "another way round a conflict");
    assert_eq!(closure(lines, &["p"]), ["p"], "no package conflicts with what it provides itself");
    assert_eq!(closure(lines, &["a", "e"]), ["a", "e", "x"]);
    assert_eq!(closure(lines, &["f", "g"]), ["f", "g", "w=2"]);
    for wanted in [&["c", "d"][..], &["p", "q"], &["b", "x"]] {
        let error = failure(lines, wanted);
        assert_eq!(error.code(), "kit::debian::conflict", "{wanted:?}");
        assert!(wanted.iter().all(|name| error.to_string().contains(name)), "{error}");
    }
}

#[test]
fn explains_what_is_missing() {
    let error = failure("a 1; Depends: b (>= 2)\nb 1; Depends: c\nc 1", &["a"]);
    assert_eq!(
        error.to_string(),
        "no set of packages satisfies a:\na cannot be installed because there are no viable options:\n\
         └─ a 1 would require\n   └─ b (>= 2), for which no candidates were found."
    );
    let error = failure("libfoo1 1\nlibfoo-dev 1\nother 1", &["libfo1"]);
    let SolveError::Unknown { name, similar } = &error else { panic!("{error}") };
    assert_eq!((name.as_str(), similar.as_slice()), ("libfo1", &["libfoo1".to_owned()][..]));
    assert_eq!(error.help().unwrap(), "did you mean `libfoo1`?");
    let lines = "a 1\na 2\np 1; Provides: v\nq 1; Provides: v, u";
    assert!(
        matches!(failure(lines, &["a=3"]), SolveError::Version { available, .. } if available == ["2", "1"])
    );
    assert!(
        matches!(failure(lines, &["v"]), SolveError::Virtual { providers, .. } if providers == ["p", "q"])
    );
    assert_eq!(closure(lines, &["u"]), ["q"]);
    assert!(matches!(failure(lines, &["no such name"]), SolveError::Unknown { .. }));
    assert!(matches!(failure("a 1; Depends: (", &["a"]), SolveError::Relation { .. }));
}
