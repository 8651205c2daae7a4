//! Writes `OpenVEX` documents: the same statements give the same bytes.

use kit_format::json::{JsonError, canonical};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{CONTEXT, Document, Product, Statement, Status};
use crate::advisories::Moment;

/// Why a document can't be written.
#[derive(Debug, thiserror::Error)]
pub enum VexWriteError {
    /// Nothing is said.
    #[error("a VEX document needs a statement")]
    Empty,
    /// A statement names nothing that it is about.
    #[error("the statement about `{vulnerability}` names no product")]
    NoProduct {
        /// Its vulnerability.
        vulnerability: String,
    },
    /// Only a label can be read by programs.
    #[error("the statement that `{vulnerability}` affects nothing has no justification")]
    NoJustification {
        /// Its vulnerability.
        vulnerability: String,
    },
    /// Who is affected has to be told what to do.
    #[error("the statement that `{vulnerability}` affects something says nothing about what to do")]
    NoAction {
        /// Its vulnerability.
        vulnerability: String,
    },
    /// It has no canonical form.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl Document {
    /// Makes a document whose identifier is of its content.
    pub fn new(author: String, timestamp: Moment, statements: Vec<Statement>) -> Result<Self, VexWriteError> {
        if statements.is_empty() {
            return Err(VexWriteError::Empty);
        }
        statements.iter().try_for_each(check)?;
        let mut document = Self { id: String::new(), author, timestamp, statements };
        let content = canonical(&document.to_value())?;
        document.id =
            Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_URL, CONTEXT.as_bytes()), &content).urn().to_string();
        Ok(document)
    }

    /// Returns its text: canonical JSON and a line end.
    pub fn to_text(&self) -> Result<Vec<u8>, VexWriteError> {
        let mut text = canonical(&self.to_value())?;
        text.push(b'\n');
        Ok(text)
    }

    fn to_value(&self) -> Value {
        json!({
            "@context": CONTEXT,
            "@id": self.id,
            "author": self.author,
            "timestamp": self.timestamp.to_string(),
            "version": 1,
            "statements": self.statements.iter().map(statement).collect::<Vec<_>>(),
        })
    }
}

fn check(statement: &Statement) -> Result<(), VexWriteError> {
    let vulnerability = || statement.vulnerability.clone();
    let is_nameless =
        |product: &Product| product.ids.is_empty() || product.subcomponents.iter().any(Vec::is_empty);
    if statement.products.is_empty() || statement.products.iter().any(is_nameless) {
        return Err(VexWriteError::NoProduct { vulnerability: vulnerability() });
    }
    match &statement.status {
        Status::NotAffected { justification: None, .. } => {
            Err(VexWriteError::NoJustification { vulnerability: vulnerability() })
        }
        Status::Affected { action } if action.trim().is_empty() => {
            Err(VexWriteError::NoAction { vulnerability: vulnerability() })
        }
        Status::NotAffected { .. } | Status::Affected { .. } | Status::Fixed | Status::UnderInvestigation => {
            Ok(())
        }
    }
}

fn statement(statement: &Statement) -> Value {
    let mut vulnerability = Map::new();
    vulnerability.insert("name".to_owned(), json!(statement.vulnerability));
    if !statement.aliases.is_empty() {
        vulnerability.insert("aliases".to_owned(), json!(statement.aliases));
    }
    let mut written = Map::new();
    written.insert("vulnerability".to_owned(), Value::Object(vulnerability));
    written.insert("products".to_owned(), statement.products.iter().map(product).collect());
    written.insert("status".to_owned(), json!(statement.status.word()));
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            written.insert(key.to_owned(), Value::String(value));
        }
    };
    add("status_notes", statement.notes.clone());
    add("timestamp", statement.timestamp.map(|moment| moment.to_string()));
    match &statement.status {
        Status::NotAffected { justification, impact } => {
            add("justification", justification.map(|justification| justification.word().to_owned()));
            add("impact_statement", impact.clone());
        }
        Status::Affected { action } => add("action_statement", Some(action.clone())),
        Status::Fixed | Status::UnderInvestigation => {}
    }
    Value::Object(written)
}

fn product(product: &Product) -> Value {
    let mut written = component(&product.ids);
    if !product.subcomponents.is_empty() {
        let parts = product.subcomponents.iter().map(|ids| Value::Object(component(ids))).collect();
        written.insert("subcomponents".to_owned(), Value::Array(parts));
    }
    Value::Object(written)
}

/// The first identifier is the component's own; the first package URL is one among its identifiers, too.
fn component(ids: &[String]) -> Map<String, Value> {
    let mut written = Map::new();
    written.extend(ids.first().map(|id| ("@id".to_owned(), json!(id))));
    let purl = ids.iter().rev().find(|id| id.starts_with("pkg:"));
    written.extend(purl.map(|purl| ("identifiers".to_owned(), json!({ "purl": purl }))));
    written
}
