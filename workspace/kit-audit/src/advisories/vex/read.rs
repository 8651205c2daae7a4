//! Reads `OpenVEX` documents of others.

use serde::Deserialize;
use serde_json::Value;

use super::{CONTEXT, Document, Justification, Product, Statement, Status};
use crate::advisories::{AdvisoryError, Moment, json, text};

/// The most bytes that a document may have.
pub const LIMIT: u64 = 64 << 20;

/// Why a text is no document of `OpenVEX`.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// It is too long, or nested too deep.
    #[error(transparent)]
    Costly(#[from] AdvisoryError),
    /// It is broken, or of another form.
    #[error("`{file}` is no OpenVEX document")]
    Json {
        /// The file.
        file: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// It is of another version.
    #[error("the `@context` of `{file}` is {found}, not `{CONTEXT}`")]
    Context {
        /// The file.
        file: String,
        /// What it is.
        found: String,
    },
    /// A time is none.
    #[error("{field} of `{file}` is `{found}`, not a time of RFC 3339")]
    Time {
        /// The file.
        file: String,
        /// The field.
        field: &'static str,
        /// What it is.
        found: String,
    },
    /// A statement says nothing.
    #[error("statement {number} of `{file}`, about `{vulnerability}`, {reason}")]
    Statement {
        /// The file.
        file: String,
        /// Which one, from 1.
        number: u64,
        /// Its vulnerability.
        vulnerability: String,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "@context")]
    context: Option<Value>,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(rename = "@id")]
    id: String,
    author: String,
    timestamp: String,
    statements: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    vulnerability: Vulnerability,
    timestamp: Option<String>,
    products: Option<Vec<Component>>,
    status: String,
    status_notes: Option<String>,
    justification: Option<String>,
    impact_statement: Option<String>,
    action_statement: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    name: String,
    aliases: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "@id")]
    id: Option<String>,
    identifiers: Option<Identifiers>,
    subcomponents: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct Identifiers {
    purl: Option<String>,
}

impl Document {
    /// Reads a document.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, VexError> {
        json::check(file, bytes, LIMIT)?;
        let broken = |source| VexError::Json { file: file.to_owned(), source };
        let context: Context = serde_json::from_slice(bytes).map_err(broken)?;
        match context.context.as_ref().map(Value::as_str) {
            Some(Some(CONTEXT)) => {}
            found => {
                let found = found.flatten().map(|found| format!("`{}`", text::shown(found)));
                let found = found.unwrap_or_else(|| "missing".to_owned());
                return Err(VexError::Context { file: file.to_owned(), found });
            }
        }
        let whole: Whole = serde_json::from_slice(bytes).map_err(broken)?;
        let timestamp = time(file, "timestamp", &whole.timestamp)?;
        let statements = whole.statements.into_iter().enumerate();
        let statements =
            statements.map(|(index, written)| statement(file, index, written)).collect::<Result<_, _>>()?;
        Ok(Self { id: whole.id, author: whole.author, timestamp, statements })
    }
}

fn time(file: &str, field: &'static str, found: &str) -> Result<Moment, VexError> {
    let error = || VexError::Time { file: file.to_owned(), field, found: text::shown(found) };
    Moment::parse(found).ok_or_else(error)
}

fn statement(file: &str, index: usize, written: Written) -> Result<Statement, VexError> {
    let vulnerability = written.vulnerability.name.clone();
    let wrong = |reason: String| VexError::Statement {
        file: file.to_owned(),
        number: index as u64 + 1,
        vulnerability: text::shown(&vulnerability),
        reason,
    };
    if vulnerability.is_empty() {
        return Err(wrong("names no vulnerability".to_owned()));
    }
    let timestamp = written.timestamp.as_deref().map(|found| time(file, "timestamp of a statement", found));
    let timestamp = timestamp.transpose()?;
    let products = written.products.as_deref().unwrap_or_default();
    let products: Vec<_> = products.iter().map(product).collect();
    if products.is_empty() || products.iter().any(|product| product.ids.is_empty()) {
        return Err(wrong("has a product without an identifier, or none".to_owned()));
    }
    Ok(Statement {
        status: status(&written).map_err(&wrong)?,
        vulnerability: written.vulnerability.name,
        aliases: written.vulnerability.aliases.unwrap_or_default(),
        products,
        notes: line(written.status_notes.as_ref()),
        timestamp,
    })
}

fn status(written: &Written) -> Result<Status, String> {
    match written.status.as_str() {
        "not_affected" => {
            let word = written.justification.as_deref().filter(|word| !word.is_empty());
            let justification = word.map(|word| {
                Justification::from_word(word)
                    .ok_or_else(|| format!("has the unknown justification `{}`", text::shown(word)))
            });
            let justification = justification.transpose()?;
            let impact = line(written.impact_statement.as_ref());
            if justification.is_none() && impact.is_none() {
                return Err("says `not_affected` without a justification".to_owned());
            }
            Ok(Status::NotAffected { justification, impact })
        }
        "affected" => match line(written.action_statement.as_ref()) {
            Some(action) => Ok(Status::Affected { action }),
            None => Err("says `affected` without an action statement".to_owned()),
        },
        "fixed" => Ok(Status::Fixed),
        "under_investigation" => Ok(Status::UnderInvestigation),
        other => Err(format!("has the unknown status `{}`", text::shown(other))),
    }
}

fn product(component: &Component) -> Product {
    let parts = component.subcomponents.as_deref().unwrap_or_default();
    Product { ids: ids(component), subcomponents: parts.iter().map(ids).collect() }
}

fn ids(component: &Component) -> Vec<String> {
    let purl = component.identifiers.as_ref().and_then(|identifiers| identifiers.purl.clone());
    let mut ids: Vec<_> = component.id.clone().into_iter().chain(purl).filter(|id| !id.is_empty()).collect();
    ids.dedup();
    ids
}

/// Returns a text of people as one line, where it says something.
fn line(written: Option<&String>) -> Option<String> {
    written.map(|written| text::summary(written.as_str())).filter(|line| !line.is_empty())
}
