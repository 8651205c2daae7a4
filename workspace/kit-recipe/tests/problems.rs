//! Annotated files: each of `tests/problems/` begins with the problems that it has.
//!
//! ```toml
//! # file: package web
//! # error[kit::recipe::unknown_key] 7:1-8 unknown key `vresion` in `[package]`
//! #   label: not a key of `[package]`
//! #   also 3:1-5: (the other end of a contradiction)
//! #   help: did you mean `version`?
//! ```
//!
//! Places are lines and columns from 1, the end excluded. `KIT_REWRITE=1 cargo test -p kit-recipe --test problems`
//! writes the annotations anew.
#![expect(clippy::disallowed_methods, reason = "the fixtures are read and rewritten in place")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use kit_recipe::policy::Words;
use kit_recipe::problem::{Fault, Problem};

use kit_recipe::{Lockfile, Policy, Recipe, Settings};

/// The words that fixtures of policies may use.
const WORDS: Words<'_> = Words {
    kinds: &["elf-no-pie", "vulnerability", "world-writable"],
    is_licence: &|text| ["MIT", "GPL-2.0-or-later"].contains(&text),
    licences: &["MIT", "GPL-2.0-or-later"],
};
const TAKES: &str = "a string takes everything";
const READ: &str = "the fixtures can be read";

/// Parses a text as the file that `# file:` names, and returns its problems.
fn problems(file: &str, text: &str) -> Vec<Problem> {
    let problems = match file {
        "lock" => Lockfile::parse(text).err(),
        "settings" => Settings::parse(text).err(),
        "policy" => Policy::parse(text, WORDS).err(),
        name => Recipe::parse(&name.parse().expect("a fixture names its recipe"), text).err(),
    };
    problems.into_iter().flatten().collect()
}

/// Splits a fixture into the name of its file and its text without annotations.
fn split(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once('\n').expect("a fixture has several lines");
    let file = first.strip_prefix("# file: ").expect("a fixture begins with `# file: `");
    let mut body = rest;
    while body.starts_with("# error[") || body.starts_with("#   ") {
        body = body.split_once('\n').expect("a fixture has a text below its annotations").1;
    }
    (file, body)
}

fn place(text: &str, span: &Range<usize>) -> String {
    let point = |at: usize| {
        let before = text.get(..at).expect("a span is inside its text, between characters");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().expect("a split has a last part").chars().count() + 1;
        (line, column)
    };
    let ((line, column), (end_line, end_column)) = (point(span.start), point(span.end));
    if line == end_line {
        format!("{line}:{column}-{end_column}")
    } else {
        format!("{line}:{column}-{end_line}:{end_column}")
    }
}

fn annotations(text: &str, problems: &[Problem]) -> String {
    let mut lines = String::new();
    for problem in problems {
        let labels = problem.labels();
        let (primary, others) = labels.split_first().expect("a problem has a label");
        writeln!(lines, "# error[{}] {} {}", problem.code(), place(text, &primary.0), problem.message())
            .expect(TAKES);
        writeln!(lines, "#   label: {}", primary.1).expect(TAKES);
        for (span, label) in others {
            writeln!(lines, "#   also {}: {label}", place(text, span)).expect(TAKES);
        }
        if let Some(help) = problem.help() {
            writeln!(lines, "#   help: {help}").expect(TAKES);
        }
    }
    lines
}

/// Writes the annotations that a fixture should have. They are comments, so they move places but change nothing else.
fn annotated(text: &str) -> (String, Vec<Problem>) {
    let (file, body) = split(text);
    let bare = format!("# file: {file}\n{body}");
    let block = annotations(&bare, &problems(file, &bare));
    let with_block = format!("# file: {file}\n{block}{body}");
    let found = problems(file, &with_block);
    let block = annotations(&with_block, &found);
    (format!("# file: {file}\n{block}{body}"), found)
}

fn fixtures() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect(READ).map(|entry| entry.expect(READ).path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).expect(READ))).collect()
}

#[test]
fn every_annotation_is_right() {
    let rewrite = std::env::var_os("KIT_REWRITE").is_some();
    let mut wrong = String::new();
    for (path, text) in fixtures() {
        let (expected, _) = annotated(&text);
        if expected == text {
            continue;
        }
        if rewrite {
            std::fs::write(&path, expected).unwrap();
        } else {
            let head = |text: &str| text[..text.len() - split(text).1.len()].to_owned();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            write!(wrong, "\n{name} has\n{}but is annotated\n{}", head(&expected), head(&text)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_fault_has_a_fixture() {
    let shown: BTreeSet<_> = fixtures()
        .iter()
        .flat_map(|(_, text)| annotated(text).1)
        .map(|problem| problem.code().rsplit("::").next().unwrap().to_owned())
        .collect();
    let missing: Vec<_> = Fault::SLUGS.iter().filter(|slug| !shown.contains(**slug)).collect();
    assert!(missing.is_empty(), "no file in tests/problems shows {missing:?}");
}

#[test]
fn every_problem_has_three_different_sentences() {
    for (path, text) in fixtures() {
        for problem in annotated(&text).1 {
            let mut sentences = vec![problem.message()];
            sentences.extend(problem.labels().into_iter().map(|(_, label)| label));
            sentences.extend(problem.help());
            assert!(problem.help().is_some(), "{path:?}: {} has no help", problem.code());
            for sentence in &sentences {
                assert!(!sentence.ends_with('.'), "{path:?}: {sentence}");
                assert!(!sentence.starts_with(|c: char| c.is_ascii_uppercase()), "{path:?}: {sentence}");
            }
            let different: BTreeSet<_> = sentences.iter().collect();
            assert_eq!(different.len(), sentences.len(), "{path:?}: {sentences:?}");
        }
    }
}

#[test]
fn problems_are_in_the_order_of_the_text() {
    for (path, text) in fixtures() {
        let starts: Vec<_> = annotated(&text).1.iter().map(|problem| problem.at.start).collect();
        assert!(starts.is_sorted(), "{path:?}");
    }
}
