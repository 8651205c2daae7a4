//! Documents as statements about an image (in-toto, Statement v1), to be put into envelopes.
//!
//! | document | predicate |
//! |---|---|
//! | SPDX 2 and 3 | `https://spdx.dev/Document` |
//! | `CycloneDX` | `https://cyclonedx.org/bom` |
//! | an in-toto statement, such as provenance | its own; the image becomes one of its subjects |

use kit_format::json::{JsonError, canonical};
use kit_hash::Sha256;
use serde_json::{Value, json};

/// What in-toto calls a statement.
const TYPE: &str = "https://in-toto.io/Statement/v1";

/// Why a document can't be put into a statement.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// It isn't JSON.
    #[error("it is no JSON")]
    Json(#[source] serde_json::Error),
    /// It is nothing that kit knows.
    #[error("it is neither SPDX, nor CycloneDX, nor an in-toto statement")]
    Unknown,
    /// It has no canonical form.
    #[error("it can't be written in canonical JSON")]
    Written(#[from] JsonError),
}

/// A statement, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The statement: JSON in which the document is as it was, but for the image that a statement didn't name.
    pub statement: Vec<u8>,
    /// What it says something of.
    pub predicate: String,
}

/// Makes a statement of a document, about the image of this name and digest.
pub fn about_image(name: &str, image: &Sha256, document: &[u8]) -> Result<Attested, AttestationError> {
    let value: Value = serde_json::from_slice(document).map_err(AttestationError::Json)?;
    let subject = json!({ "name": name, "digest": { "sha256": image.to_string() } });
    if value["predicateType"].is_string() && value["subject"].is_array() {
        return of_statement(value, document, subject);
    }
    let predicate = predicate(&value).ok_or(AttestationError::Unknown)?;
    let mut statement =
        canonical(&json!({ "_type": TYPE, "subject": [subject], "predicateType": predicate }))?;
    // The document is in it byte by byte: not every number has a canonical form.
    statement.pop();
    statement.extend([br#","predicate":"#, document.trim_ascii(), b"}"].concat());
    Ok(Attested { statement, predicate: predicate.to_owned() })
}

/// Adds the image to what a statement is about; one that is about it already stays as it is.
fn of_statement(mut statement: Value, document: &[u8], subject: Value) -> Result<Attested, AttestationError> {
    let predicate = statement["predicateType"].as_str().unwrap_or_default().to_owned();
    let Value::Array(subjects) = &mut statement["subject"] else { return Err(AttestationError::Unknown) };
    if subjects.iter().any(|other| other["digest"]["sha256"] == subject["digest"]["sha256"]) {
        return Ok(Attested { statement: document.to_vec(), predicate });
    }
    subjects.push(subject);
    let statement = serde_json::to_vec(&statement).map_err(AttestationError::Json)?;
    Ok(Attested { statement, predicate })
}

fn predicate(document: &Value) -> Option<&'static str> {
    let is_spdx3 = || document["@context"].as_str().is_some_and(|context| context.contains("spdx.org/rdf/3"));
    if document["spdxVersion"].is_string() || is_spdx3() {
        Some("https://spdx.dev/Document")
    } else if document["bomFormat"] == "CycloneDX" {
        Some("https://cyclonedx.org/bom")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> Value {
        let image = Sha256::of(b"image");
        let attested = about_image("registry.example/web", &image, document.as_bytes()).unwrap();
        let statement: Value = serde_json::from_slice(&attested.statement).unwrap();
        assert_eq!(statement["predicateType"], attested.predicate);
        statement
    }

    #[test]
    fn documents_become_statements_about_the_image() {
        let hex = Sha256::of(b"image").to_string();
        for (document, predicate) in [
            (r#"{"spdxVersion":"SPDX-2.3"}"#, "https://spdx.dev/Document"),
            (r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#, "https://spdx.dev/Document"),
            (r#"{"bomFormat":"CycloneDX"}"#, "https://cyclonedx.org/bom"),
        ] {
            let statement = read(document);
            assert_eq!(statement["predicateType"], predicate);
            assert_eq!(statement["predicate"].to_string(), document);
            assert_eq!(
                statement["subject"],
                json!([{ "name": "registry.example/web", "digest": { "sha256": hex } }])
            );
        }
    }

    #[test]
    fn statements_keep_their_subjects() {
        let statement = read(
            r#"{"_type":"t","predicateType":"p","predicate":{"a":1},"subject":[{"name":"a","digest":{"sha256":"00"}}]}"#,
        );
        assert_eq!((&statement["_type"], &statement["predicate"]["a"]), (&json!("t"), &json!(1)));
        assert_eq!(statement["subject"].as_array().map(Vec::len), Some(2));
        let again = read(&statement.to_string());
        assert_eq!(again, statement);
    }

    #[test]
    fn numbers_of_any_kind_stay() {
        let document = r#"{ "bomFormat": "CycloneDX", "score": 7.5, "large": 123456789012345678901234567890, "odd": 1.10 }"#;
        let image = Sha256::of(b"image");
        let whole = |document: &str| {
            String::from_utf8(about_image("a", &image, document.as_bytes()).unwrap().statement).unwrap()
        };
        let statement = whole(&format!("\n{document}\n"));
        assert!(statement.ends_with(&format!(",\"predicate\":{document}}}")), "{statement}");
        assert_eq!(whole(&statement), statement, "a statement about the image stays as it is");
        read(&statement);
        let other = read(r#"{"_type":"t","predicateType":"p","predicate":{"score":7.5},"subject":[]}"#);
        assert_eq!(other["predicate"]["score"].to_string(), "7.5");
    }

    #[test]
    fn what_is_no_such_document_is_refused() {
        let image = Sha256::of(b"image");
        for document in ["", "[]", "{}", "1", r#"{"predicateType":"p"}"#, r#"{"@context":1}"#] {
            assert!(about_image("a", &image, document.as_bytes()).is_err(), "{document}");
        }
    }
}
