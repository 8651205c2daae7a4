//! The page of an audit: one file that needs nothing else, the same bytes for the same audit.
//!
//! `kit_audit::report::page` says what is on it. Names and contents are foreign: the template escapes all of them but the data of the search,
//! which is JSON without a character that HTML knows, and its policy lets no script run but its own, by digest. Whoever changes the script
//! has to change the digest, too; a test says which.

use askama::Template;
use kit_audit::report::page::Page;

use crate::Failure;
use crate::escape;

#[derive(Template)]
#[template(path = "audit.html")]
struct Html<'a> {
    page: &'a Page,
}

/// Returns the page of an audit.
pub(super) fn page(page: &Page) -> Result<String, Failure> {
    let html = Html { page };
    let text =
        html.render().map_err(|source| Failure::Evidence { what: "page", source: Box::new(source) })?;
    // Nothing is left to be done, since texts come without control characters; but that is promised elsewhere.
    Ok(escape::text(&text).into_owned())
}

#[cfg(test)]
mod tests;
