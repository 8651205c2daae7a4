//! The elements of SPDX 3.0.1 that documents have, their properties in the order of the keys.
#![expect(clippy::struct_field_names, reason = "the fields are called as the format calls them")]

use serde::Serialize;

use super::Iri;
use crate::sbom::write::{Hex, Shown};

/// The one note about who made the document, and when.
pub(super) const CREATION: &str = "_:creation";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationInfo<'a> {
    #[serde(rename = "@id")]
    pub(super) id: &'static str,
    pub(super) created: &'a str,
    pub(super) created_by: [Iri<'a>; 1],
    pub(super) spec_version: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

/// Who did something.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Agent<'a> {
    pub(super) creation_info: &'static str,
    pub(super) name: &'a str,
    pub(super) spdx_id: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpdxDocument<'a> {
    pub(super) creation_info: &'static str,
    pub(super) data_license: Iri<'a>,
    pub(super) name: &'a str,
    pub(super) profile_conformance: &'static [&'static str],
    pub(super) root_element: [Iri<'a>; 1],
    pub(super) spdx_id: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sbom<'a, E> {
    pub(super) creation_info: &'static str,
    pub(super) element: E,
    pub(super) name: &'a str,
    pub(super) profile_conformance: &'static [&'static str],
    pub(super) root_element: [Iri<'a>; 1],
    #[serde(rename = "software_sbomType")]
    pub(super) sbom_type: [&'static str; 1],
    pub(super) spdx_id: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package<'a> {
    pub(super) creation_info: &'static str,
    pub(super) name: &'a str,
    #[serde(rename = "software_packageUrl", skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<&'a str>,
    #[serde(rename = "software_packageVersion", skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'a str>,
    #[serde(rename = "software_primaryPurpose", skip_serializing_if = "Option::is_none")]
    pub(super) purpose: Option<&'static str>,
    #[serde(rename = "software_sourceInfo", skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    pub(super) spdx_id: Iri<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplied_by: Option<Iri<'a>>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) verified_using: Vec<Hash<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    pub(super) creation_info: &'static str,
    pub(super) name: Shown<Rooted<'a>>,
    pub(super) spdx_id: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) verified_using: (Hash<'a>, Hash<'a>),
}

/// A path from the root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rooted<'a>(pub(super) &'a str);

impl std::fmt::Display for Rooted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("/")?;
        f.write_str(self.0)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hash<'a> {
    pub(super) algorithm: &'static str,
    pub(super) hash_value: Hex<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

impl<'a> Hash<'a> {
    pub(super) fn new(algorithm: &'static str, bytes: &'a [u8]) -> Self {
        Self { algorithm, hash_value: Hex(bytes), kind: "Hash" }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completeness: Option<&'static str>,
    pub(super) creation_info: &'static str,
    pub(super) from: Iri<'a>,
    pub(super) relationship_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    pub(super) spdx_id: Iri<'a>,
    pub(super) to: T,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Expression<'a> {
    pub(super) creation_info: &'static str,
    #[serde(rename = "simplelicensing_customIdToUri", skip_serializing_if = "Vec::is_empty")]
    pub(super) texts: Vec<Entry<'a>>,
    #[serde(rename = "simplelicensing_licenseExpression")]
    pub(super) expression: &'a str,
    #[serde(rename = "simplelicensing_licenseListVersion")]
    pub(super) list: &'static str,
    pub(super) spdx_id: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) value: Iri<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Text<'a> {
    pub(super) creation_info: &'static str,
    pub(super) name: &'a str,
    #[serde(rename = "simplelicensing_licenseText")]
    pub(super) text: &'a str,
    pub(super) spdx_id: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotation<'a> {
    pub(super) annotation_type: &'static str,
    pub(super) creation_info: &'static str,
    pub(super) spdx_id: Iri<'a>,
    pub(super) statement: String,
    pub(super) subject: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
pub(super) struct Build<'a> {
    #[serde(rename = "build_buildId")]
    pub(super) id: &'a str,
    #[serde(rename = "build_buildType")]
    pub(super) build_type: &'static str,
    #[serde(rename = "creationInfo")]
    pub(super) creation_info: &'static str,
    #[serde(rename = "spdxId")]
    pub(super) spdx_id: Iri<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}
