//! A difference as tables: what all outputs for people show, in the same order and words.

mod rows;

use self::rows::Rows;
use super::{Compared, Difference};
use crate::report::shown;

/// What became of something, for signs and colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// There is more.
    More,
    /// There is less.
    Less,
    /// It is another one.
    Other,
}

impl Sign {
    /// Returns the character of differences.
    pub fn character(self) -> char {
        match self {
            Self::More => '+',
            Self::Less => '-',
            Self::Other => '~',
        }
    }
}

/// Whether somebody who reads little should read a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It makes the image less safe.
    Worse,
    /// It makes it safer.
    Better,
    /// Neither.
    Plain,
}

/// A line of a table. Its texts can be foreign, and have no dangerous characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What became of it.
    pub sign: Sign,
    /// The same in a word.
    pub word: &'static str,
    /// What it is.
    pub what: String,
    /// What it was; empty where it wasn't.
    pub before: String,
    /// What it is now; empty where it isn't.
    pub after: String,
    /// What else is known of it.
    pub note: String,
    /// How much it matters.
    pub weight: Weight,
}

impl Row {
    fn new(sign: Sign, word: &'static str, what: impl AsRef<str>) -> Self {
        Self {
            sign,
            word,
            what: shown::line(what.as_ref()),
            before: String::new(),
            after: String::new(),
            note: String::new(),
            weight: Weight::Plain,
        }
    }

    fn between(mut self, before: impl AsRef<str>, after: impl AsRef<str>) -> Self {
        self.before = shown::short(before.as_ref(), LONGEST);
        self.after = shown::short(after.as_ref(), LONGEST);
        self
    }

    fn with_note(mut self, note: impl AsRef<str>) -> Self {
        self.note = shown::short(note.as_ref(), LONGEST);
        self
    }

    fn weighing(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }
}

/// The most characters of a cell that are shown.
const LONGEST: usize = 400;

/// One part of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Stable: lower-case words with hyphens.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// All of it in a line.
    pub summary: String,
    /// The single changes.
    pub rows: Vec<Row>,
}

/// How closely it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Each path has a row.
    All,
    /// What is below a directory that is new or gone is counted in its row.
    Folded,
}

/// Returns all parts, those without changes too.
pub fn tables(difference: &Difference, detail: Detail) -> Vec<Table> {
    let mut tables = vec![
        table("packages", "Packages", &difference.packages, |changes| rows::packages(changes)),
        table("recipes", "Recipes", &difference.recipes, |changes| rows::recipes(changes)),
        table("files", "Files", &difference.files, |changes| rows::files(changes, detail)),
        table("services", "Services", &difference.services, |changes| rows::services(changes)),
        table("kernel", "Kernel options", &difference.kernel, |changes| rows::options(changes)),
        table("command-line", "Command line", &difference.command_line, rows::command_line),
        table("licences", "Licences", &difference.licences, |changes| rows::licences(changes)),
        table("vulnerabilities", "Vulnerabilities", &difference.vulnerabilities, |changes| {
            rows::vulnerabilities(changes)
        }),
        table("size", "Size", &difference.sizes, rows::sizes),
    ];
    if !difference.images.is_empty() {
        let rows = rows::images(&difference.images);
        tables.push(Table { id: "images", title: "Containers", summary: rows.summary, rows: rows.rows });
    }
    tables.push(table("downloads", "Downloads", &difference.downloads, |changes| rows::downloads(changes)));
    tables.push(Table {
        id: "blobs",
        title: "Layers",
        summary: rows::moved(&difference.blobs, "blob", "new"),
        rows: Vec::new(),
    });
    tables.push(Table {
        id: "sources",
        title: "Sources",
        summary: rows::moved(&difference.sources, "source", "to download for a build"),
        rows: Vec::new(),
    });
    // Nothing is said of what neither side can have.
    tables.retain(|table| match table.id {
        "blobs" => difference.blobs.all > 0,
        "sources" => difference.sources.all > 0,
        _ => true,
    });
    tables
}

fn table<T>(
    id: &'static str,
    title: &'static str,
    compared: &Compared<T>,
    rows: impl FnOnce(&T) -> Rows,
) -> Table {
    match compared {
        Compared::Known(found) => {
            let Rows { summary, rows } = rows(found);
            Table { id, title, summary, rows }
        }
        Compared::Unknown(sides) => {
            let sides: Vec<_> = sides.iter().map(|side| format!("`{}`", shown::line(side))).collect();
            Table { id, title, summary: format!("not known for {}", sides.join(" and ")), rows: Vec::new() }
        }
    }
}
