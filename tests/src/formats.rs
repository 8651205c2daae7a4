//! What tests have seen of each output format, and the table in `docs/formats.md` that says so.
//!
//! A test that has seen something [records](record) it. What isn't in the table then fails that test, with the command that writes the table
//! anew: of what the tests of this very `kit` have seen, and of nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use kit_recipe::image::Format;

use crate::program;

const START: &str =
    "<!-- seen: written by `KIT_REWRITE=1 cargo test -p kit-tests --test formats_table` -->\n";
const END: &str = "<!-- end of what was seen -->";
const HEAD: &str = "| format | written | read back by | booted by |\n|---|---|---|---|\n";

/// What a test has seen of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen<'a> {
    /// `kit build` wrote it.
    Written,
    /// This tool read it and had nothing to say, or said what is in it.
    ReadBy(&'a str),
    /// It booted to its service's line, by this: `BIOS`, `UEFI`, `UEFI with Secure Boot`, `kernel`, `microvm`, `iPXE`.
    BootedBy(&'a str),
}

/// All that was seen, by the format's word: its column and what stands there.
type Facts = BTreeMap<String, BTreeSet<(usize, String)>>;

impl Seen<'_> {
    fn fact(self) -> (usize, String) {
        match self {
            Self::Written => (1, "yes".to_owned()),
            Self::ReadBy(tool) => (2, tool.to_owned()),
            Self::BootedBy(what) => (3, what.to_owned()),
        }
    }
}

/// Records what was seen; fails the test when the table doesn't say it and isn't being written anew.
#[track_caller]
pub fn record(format: &str, seen: Seen<'_>) {
    assert!(Format::from_word(format).is_some(), "`{format}` is no format");
    let (column, text) = seen.fact();
    assert!(!text.contains(['|', '\n', ',', '/']), "`{text}` can't stand in the table");
    let place = place().join(format).join(column.to_string());
    std::fs::create_dir_all(&place).expect("a directory");
    std::fs::write(place.join(&text), "").expect("a file");
    if std::env::var_os("KIT_REWRITE").is_none() {
        let said = parse(&table()).get(format).is_some_and(|facts| facts.contains(&(column, text.clone())));
        assert!(
            said,
            "docs/formats.md doesn't say of `{format}` what was seen: {seen:?}; after all tests of formats, \
             `KIT_REWRITE=1 cargo test -p kit-tests --test formats_table` writes it"
        );
    }
}

/// Writes the table anew, of what was seen.
pub fn rewrite() {
    let path = program::repository().join("docs/formats.md");
    let text = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = text.split_once(START).expect("the table has a start");
    let (_, after) = rest.split_once(END).expect("the table has an end");
    std::fs::write(path, format!("{before}{START}{}{END}{after}", render(&seen())))
        .expect("it can be written");
}

/// Fails when the table isn't one that [`rewrite`] writes.
pub fn check() {
    let table = table();
    assert_eq!(table, render(&parse(&table)), "docs/formats.md was edited by hand");
}

/// Where facts lie: apart for each build of `kit`, so that nothing is said of one that another has done.
fn place() -> PathBuf {
    let metadata = program::kit().metadata().expect("it is built");
    let modified = metadata.modified().expect("a time").duration_since(UNIX_EPOCH).expect("after 1970");
    let directory = program::kit().parent().expect("because a binary lies in a directory");
    directory.join("formats-seen").join(format!("{}-{}", metadata.len(), modified.as_nanos()))
}

fn seen() -> Facts {
    let list = |path: PathBuf| -> Vec<String> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().expect("plain names")).collect()
    };
    let mut facts = Facts::new();
    for format in list(place()) {
        for column in list(place().join(&format)) {
            for text in list(place().join(&format).join(&column)) {
                let column = column.parse().expect("a number");
                facts.entry(format.clone()).or_default().insert((column, text));
            }
        }
    }
    facts
}

/// Returns the table of the page.
fn table() -> String {
    let text = std::fs::read_to_string(program::repository().join("docs/formats.md")).expect("the page");
    let (_, rest) = text.split_once(START).expect("the table has a start");
    rest.split_once(END).expect("the table has an end").0.to_owned()
}

/// Each format that lists show has a row, whatever was seen of it; of others, those of which something was.
fn render(facts: &Facts) -> String {
    let words = Format::all()
        .map(Format::word)
        .filter(|word| facts.contains_key(*word) || Format::listed().any(|listed| listed == *word));
    let mut text = HEAD.to_owned();
    for word in words {
        let of = |column: usize| -> String {
            let found = facts.get(word).into_iter().flatten().filter(|(at, _)| *at == column);
            found.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", ")
        };
        writeln!(text, "| `{word}` | {} | {} | {} |", of(1), of(2), of(3)).expect("a string takes it");
    }
    text
}

fn parse(table: &str) -> Facts {
    let mut facts = Facts::new();
    for line in table.lines().skip(2) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, word, cells @ .., _] = cells.as_slice() else { continue };
        let row = facts.entry(word.trim_matches('`').to_owned()).or_default();
        for (index, cell) in cells.iter().enumerate() {
            let texts = cell.split(", ").filter(|text| !text.is_empty());
            row.extend(texts.map(|text| (index + 1, text.to_owned())));
        }
    }
    facts
}
