//! Holds statements against what was found.

use super::{Document, Product, Statement, Status};
use crate::advisories::matching::Match;
use crate::advisories::purl::Purl;

/// A match, and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What was found.
    pub found: Match,
    /// What comes of it.
    pub verdict: Verdict,
}

/// What comes of a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody says anything about it.
    Stands,
    /// Somebody does, but it stands: what, in a sentence.
    Noted(String),
    /// Somebody says that it counts for nothing: why, in a sentence.
    Dismissed(String),
}

/// Says what the documents say about what was found; `image` has the identifiers of the image (package URLs, digests).
pub fn judge(found: Vec<Match>, documents: &[Document], image: &[String]) -> Vec<Judged> {
    let one = |found: Match| {
        let verdict = latest(&found, documents, image)
            .map_or(Verdict::Stands, |(document, statement)| verdict(document, statement));
        Judged { found, verdict }
    };
    found.into_iter().map(one).collect()
}

fn latest<'a>(
    found: &Match,
    documents: &'a [Document],
    image: &[String],
) -> Option<(&'a Document, &'a Statement)> {
    let all =
        documents.iter().flat_map(|document| document.statements.iter().map(move |one| (document, one)));
    let about = all.filter(|(_, statement)| names(statement, found) && covers(statement, found, image));
    // Of several maxima the last is returned.
    about.max_by_key(|(document, statement)| statement.timestamp.unwrap_or(document.timestamp))
}

fn names(statement: &Statement, found: &Match) -> bool {
    let is_name = |name: &String| *name == found.id || found.aliases.contains(name);
    is_name(&statement.vulnerability) || statement.aliases.iter().any(is_name)
}

fn covers(statement: &Statement, found: &Match, image: &[String]) -> bool {
    let is_package = |ids: &[String]| {
        ids.iter().filter_map(|id| Purl::parse(id)).any(|purl| purl.is_about(&found.installed))
    };
    let is_covered = |product: &Product| {
        if product.subcomponents.is_empty() {
            is_package(&product.ids) || product.ids.iter().any(|id| image.contains(id))
        } else {
            // A package as a part of another product is about that one.
            product.ids.iter().any(|id| image.contains(id))
                && product.subcomponents.iter().any(|ids| is_package(ids))
        }
    };
    statement.products.iter().any(is_covered)
}

fn verdict(document: &Document, statement: &Statement) -> Verdict {
    let when = statement.timestamp.unwrap_or(document.timestamp).date();
    let said = |what: String| {
        let notes = statement.notes.as_ref().map(|notes| format!(" ({notes})")).unwrap_or_default();
        format!("{} says on {when}: {what}{notes}", document.author)
    };
    match &statement.status {
        Status::NotAffected { justification, impact } => {
            let why: Vec<_> = justification
                .iter()
                .map(|label| format!("`{label}`"))
                .chain(impact.iter().cloned())
                .collect();
            Verdict::Dismissed(said(format!("not affected, {}", why.join(": "))))
        }
        Status::Fixed => Verdict::Dismissed(said("fixed".to_owned())),
        Status::Affected { action } => Verdict::Noted(said(format!("affected; {action}"))),
        Status::UnderInvestigation => Verdict::Noted(said("under investigation".to_owned())),
    }
}
