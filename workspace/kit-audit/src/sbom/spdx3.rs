//! SPDX 3.0.1 in JSON-LD.
//!
//! ```text
//! SpdxDocument        rootElement         software_Sbom
//! software_Sbom       rootElement         the image; element: all components and files
//! a component         contains            its files; components that it takes together
//! a part              generates           what a script made of it
//! a component         usesTool            what it was made with (LifecycleScopedRelationship, scope build)
//! a component         hasDeclaredLicense  simplelicensing_LicenseExpression
//! build_Build         hasOutput           the image (in the document of the build)
//! ```
//! Elements are called `urn:uuid:<the document>#<key>`. What the format has no property for is in annotations, `name=value`.

mod elements;
mod graph;

use std::fmt;

use serde::{Serialize, Serializer};

use super::outline::Outline;
use super::write::named;
use super::{SbomError, SbomInputs, Scope};

/// Writes a document.
pub fn write(inputs: SbomInputs<'_>, scope: Scope) -> Result<Vec<u8>, SbomError> {
    let outline = Outline::new(inputs, scope)?;
    named(|uuid| Document {
        context: "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        graph: Graph { outline: &outline, version: inputs.version, prefix: format!("urn:uuid:{uuid}#") },
    })
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@graph")]
    graph: Graph<'a>,
}

/// The elements of a document.
struct Graph<'a> {
    outline: &'a Outline<'a>,
    version: &'a str,
    /// What the names of all elements start with.
    prefix: String,
}

/// The name of an element, in all the world.
#[derive(Debug, Clone, Copy)]
struct Iri<'a> {
    prefix: &'a str,
    kind: &'static str,
    key: &'a str,
}

impl fmt::Display for Iri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix)?;
        f.write_str(self.kind)?;
        if self.key.is_empty() {
            return Ok(());
        }
        f.write_str("-")?;
        f.write_str(self.key)
    }
}

impl Serialize for Iri<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
