//! The page of a difference: one file that needs nothing else, the same bytes for the same difference.
//!
//! Names are foreign: the template escapes all of them, and its policy lets no script run but its own, by digest. Whoever changes the
//! script has to change the digest, too; a test says which.

use askama::Template;
use kit_audit::difference::Difference;
use kit_audit::difference::table::{Detail, Row, Sign, Table, Weight, tables};

use crate::Failure;
use crate::escape;

/// How many rows of a part are open; longer parts are folded.
const OPEN: usize = 100;

#[derive(Template)]
#[template(path = "diff.html")]
struct Html {
    before: String,
    after: String,
    pins: Vec<(&'static str, String)>,
    differs: bool,
    version: &'static str,
    tables: Vec<Table>,
}

impl Html {
    fn is_open(table: &Table) -> bool {
        table.rows.len() <= OPEN
    }

    fn class(row: &Row) -> &'static str {
        match (row.weight, row.sign) {
            (Weight::Worse, _) => "bad",
            (Weight::Better, _) => "good",
            (Weight::Plain, Sign::More | Sign::Less | Sign::Other) => "plain",
        }
    }
}

/// Returns the page.
pub(super) fn page(found: &Difference) -> Result<String, Failure> {
    let sides = [("before", &found.before), ("after", &found.after)];
    let pins = sides.into_iter().filter_map(|(word, side)| Some((word, side.pin?.to_string())));
    let html = Html {
        before: escape::line(&found.before.name),
        after: escape::line(&found.after.name),
        pins: pins.collect(),
        differs: !found.is_empty(),
        version: env!("CARGO_PKG_VERSION"),
        tables: tables(found, Detail::All),
    };
    let text =
        html.render().map_err(|source| Failure::Evidence { what: "page", source: Box::new(source) })?;
    Ok(escape::text(&text).into_owned())
}

#[cfg(test)]
mod tests;
