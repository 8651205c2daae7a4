//! No text makes a parser panic, and every problem points into its text.

use kit_recipe::recipe::RecipeName;
use kit_recipe::{Lockfile, Problems, Recipe, Settings};
use proptest::prelude::*;
use proptest::sample::Index;

/// Recipes that have everything.
const SEEDS: [(&str, &str); 3] = [
    (
        "package web",
        "[package]\nname = \"web\"\nversion = '1'\n[sources]\ndebian = { suite = \"bookworm\", packages = [\"ab\", \"cd=1\"] }\n\
         [sources.x]\nlocal = \"a/b\"\ninclude = [\"/**\"]\n[build]\ntools = [\n \"gcc\", # c\n]\nrun = \"\"\"\nmake\n\"\"\"\nenv.CC = \"gcc\"\n\
         [[file]]\npath = \"/a\"\ncontents = '''\nx\n'''\nmode = 0o644\n[[symlink]]\npath = \"/b\"\ntarget = \"a\"\n\
         [[user]]\nname = \"u\"\nuid = 1\n[container]\ncommand = [\"/x\"]\nbinds = [\"/a:/b:ro\"]\ntmpfs = [\"/t:size=1M\"]\n\
         memory = \"1G\"\nsysctl = { \"a.b\" = \"1\" }\nnet = \"host\"\n[tree.prefer]\n\"/a\" = \"x\"\n",
    ),
    (
        "image router",
        "[image]\nname = \"router\"\nformats = [\"tar\"]\nextends = [\"m\"]\n[kernel]\npackage = \"k\"\ncmdline = \"\"\n\
         [init]\npackages = [\"i\"]\n[[onboot]]\nname = \"a\"\npackage = \"b\"\n[[service]]\nname = \"c\"\npackage = \"b\"\n\
         replace = true\nuid = 1\n",
    ),
    ("tools", "[tools]\npackages = [\"qemu\"]\n"),
];

const PIECES: [&str; 24] = [
    "[",
    "]",
    "[[",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "=",
    ",",
    "\n",
    "#",
    "\\",
    "\0",
    "\r",
    "é",
    "\u{feff}",
    "..",
    "1e9",
    "<<<<<<< a\n",
    "[a]\n",
    "x = 1\n",
    "x.y = {}\n",
];

fn check(text: &str, problems: Option<Problems>) -> Result<(), TestCaseError> {
    for problem in problems.into_iter().flatten() {
        for (span, label) in problem.labels() {
            prop_assert!(text.get(span.clone()).is_some(), "{span:?} of {text:?} for {problem:?}");
            prop_assert!(!label.is_empty());
        }
        prop_assert!(!problem.message().is_empty());
        prop_assert!(problem.help().is_some(), "{problem:?}");
    }
    Ok(())
}

fn check_all(text: &str) -> Result<(), TestCaseError> {
    for (name, _) in SEEDS {
        let name: RecipeName = name.parse().expect("the seeds are named");
        check(text, Recipe::parse(&name, text).err())?;
    }
    check(text, Lockfile::parse(text).err())?;
    check(text, Settings::parse(text).err())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text(text in "(?s).{0,200}") {
        check_all(&text)?;
    }

    #[test]
    fn any_toml_like_text(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        check_all(&pieces.concat())?;
    }

    #[test]
    fn mutated_recipes(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<Index>(), 0usize..12, prop::option::of(prop::sample::select(PIECES.to_vec()))), 1..4),
    ) {
        let (name, text) = SEEDS[seed];
        let mut characters: Vec<char> = text.chars().collect();
        for (index, removed, piece) in edits {
            let at = index.index(characters.len() + 1);
            let end = (at + removed).min(characters.len());
            characters.splice(at..end, piece.unwrap_or_default().chars());
        }
        let text: String = characters.into_iter().collect();
        check(&text, Recipe::parse(&name.parse().expect("the seeds are named"), &text).err())?;
    }

    #[test]
    fn mutated_lockfiles(index in any::<Index>(), removed in 0usize..20, piece in prop::sample::select(PIECES.to_vec())) {
        let text = include_str!("problems/lock_structure.toml");
        let mut characters: Vec<char> = text.chars().collect();
        let at = index.index(characters.len());
        let end = (at + removed).min(characters.len());
        characters.splice(at..end, piece.chars());
        let text: String = characters.into_iter().collect();
        check(&text, Lockfile::parse(&text).err())?;
    }
}

#[test]
fn the_seeds_are_right() {
    for (name, text) in SEEDS {
        let parsed = Recipe::parse(&name.parse().expect("the seeds are named"), text);
        assert!(parsed.is_ok(), "{name}: {parsed:#?}");
    }
}

/// What once went wrong.
#[test]
fn known_cases() {
    for text in ["={\n\u{a1}", "a = [\n\"é", "[\"é", "é"] {
        check_all(text).unwrap();
    }
}

#[test]
fn many_errors_are_reported_in_time() {
    let text = "[package\n".repeat(20_000) + &"a = [ \"".repeat(20_000);
    let problems = Recipe::parse(&RecipeName::Tools, &text).unwrap_err();
    assert!(problems.count() <= 50);
}
