//! SPDX 2.3 in JSON.
//!
//! ```text
//! SPDXRef-DOCUMENT   DESCRIBES       the image
//! the image          CONTAINS        each component that has files in it; its own files
//! a component        CONTAINS        its files; components that it takes together
//! a component        GENERATED_FROM  what a script made it of
//! a tool             BUILD_TOOL_OF   what was made with it (in the document of the build)
//! ```
//! Places aren't identities, so `downloadLocation` is always `NOASSERTION`; what tells a package is its package URL and its digest. Files
//! are analysed where they are listed: `packageVerificationCode` is over all of them.
#![expect(clippy::struct_field_names, reason = "the fields are called as the format calls them")]

use std::fmt;

use kit_hash::Sha256;
use kit_recipe::recipe::RecipeName;
use serde::Serialize;
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use super::outline::{Listed, Member, Outline, RelationKind};
use super::write::{Each, Hex, Shown, named};
use super::{SbomError, SbomInputs, Scope};
use crate::inventory::ComponentId;

/// What the format has for what isn't said.
const NO_ASSERTION: &str = "NOASSERTION";

/// Writes a document.
pub fn write(inputs: SbomInputs<'_>, scope: Scope) -> Result<Vec<u8>, SbomError> {
    let outline = Outline::new(inputs, scope)?;
    named(|uuid| document(&outline, inputs.version, uuid))
}

/// The name of an element in the document.
#[derive(Debug, Clone, Copy)]
enum Ref<'a> {
    Document,
    Package(&'a str),
    File(&'a str),
}

impl fmt::Display for Ref<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document => f.write_str("SPDXRef-DOCUMENT"),
            Self::Package(key) => ["SPDXRef-", key].iter().try_for_each(|part| f.write_str(part)),
            Self::File(key) => ["SPDXRef-f-", key].iter().try_for_each(|part| f.write_str(part)),
        }
    }
}

impl Serialize for Ref<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, P, F, R> {
    #[serde(rename = "SPDXID")]
    id: Ref<'a>,
    creation_info: CreationInfo<'a>,
    data_license: &'static str,
    document_namespace: String,
    files: F,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<Extracted<'a>>,
    name: &'a str,
    packages: P,
    relationships: R,
    spdx_version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreationInfo<'a> {
    created: &'a str,
    creators: [String; 1],
    license_list_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extracted<'a> {
    extracted_text: &'a str,
    license_id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    #[serde(rename = "SPDXID")]
    id: Ref<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum<'a>>,
    copyright_text: &'static str,
    download_location: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef<'a>>,
    files_analyzed: bool,
    license_concluded: &'a str,
    license_declared: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_verification_code: Option<VerificationCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_package_purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    supplier: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation<'a> {
    annotation_date: &'a str,
    annotation_type: &'static str,
    annotator: String,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    algorithm: &'static str,
    checksum_value: Hex<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    reference_category: &'static str,
    reference_locator: &'a str,
    reference_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationCode {
    package_verification_code_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "SPDXID")]
    id: Ref<'a>,
    checksums: (Checksum<'a>, Checksum<'a>),
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    file_name: Shown<Below<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_types: Option<[&'static str; 1]>,
}

/// A path as the format has it: `./usr/bin/x`.
#[derive(Debug, Clone, Copy)]
struct Below<'a>(&'a str);

impl fmt::Display for Below<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("./")?;
        f.write_str(self.0)
    }
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship<'a> {
    related_spdx_element: Ref<'a>,
    relationship_type: &'static str,
    spdx_element_id: Ref<'a>,
}

fn document<'a>(outline: &'a Outline<'_>, version: &str, uuid: Uuid) -> impl Serialize + use<'a> {
    let members = outline.members.iter();
    let tool = format!("Tool: kit-{version}");
    let packages: Vec<_> = members.clone().map(|member| package(member, outline, &tool)).collect();
    Document {
        id: Ref::Document,
        creation_info: CreationInfo {
            created: &outline.created,
            creators: [tool],
            license_list_version: list_version(),
        },
        data_license: "CC0-1.0",
        document_namespace: format!("urn:uuid:{uuid}"),
        files: Each(members.flat_map(|member| member.files.iter().map(file))),
        has_extracted_licensing_infos: outline
            .texts
            .iter()
            .map(|(name, text)| extracted(name, text))
            .collect(),
        name: &outline.title,
        packages,
        relationships: Each(relationships(outline)),
        spdx_version: "SPDX-2.3",
    }
}

/// The version of the list of licences, in the two numbers that the format has for it.
fn list_version() -> String {
    let mut numbers = spdx::identifiers::VERSION.split('.');
    format!("{}.{}", numbers.next().unwrap_or("3"), numbers.next().unwrap_or("0"))
}

fn extracted<'a>(name: &'a str, text: &'a str) -> Extracted<'a> {
    let extracted_text = if text.is_empty() { NO_ASSERTION } else { text };
    Extracted { extracted_text, license_id: name, name: name.trim_start_matches("LicenseRef-") }
}

fn package<'a>(member: &'a Member<'_>, outline: &'a Outline<'_>, tool: &str) -> Package<'a> {
    let component = member.component;
    let annotation = |(name, value): (&str, String)| Annotation {
        annotation_date: &outline.created,
        annotation_type: "OTHER",
        annotator: tool.to_owned(),
        comment: format!("{name}={value}"),
    };
    let facts = member.facts().into_iter().filter(|(name, _)| *name != "kit:source-package");
    Package {
        id: Ref::Package(&member.key),
        annotations: facts.map(annotation).collect(),
        checksums: component.sha256.iter().map(|sha256| sha256_sum(sha256)).collect(),
        copyright_text: NO_ASSERTION,
        download_location: NO_ASSERTION,
        external_refs: component.purl.iter().map(|purl| external(purl)).collect(),
        files_analyzed: !member.files.is_empty(),
        license_concluded: member.concluded.as_deref().unwrap_or(NO_ASSERTION),
        license_declared: member.licence.as_deref().unwrap_or(NO_ASSERTION),
        name: &component.name,
        package_verification_code: verification_code(&member.files),
        primary_package_purpose: purpose(member.id),
        source_info: component
            .source
            .as_ref()
            .map(|source| format!("built from the Debian source package {} {}", source.name, source.version)),
        summary: component.summary.as_deref(),
        supplier: if member.is_debian() { "Organization: Debian" } else { NO_ASSERTION },
        version_info: component.version.as_deref(),
    }
}

fn external(purl: &str) -> ExternalRef<'_> {
    ExternalRef { reference_category: "PACKAGE-MANAGER", reference_locator: purl, reference_type: "purl" }
}

fn sha256_sum(sha256: &Sha256) -> Checksum<'_> {
    Checksum { algorithm: "SHA256", checksum_value: Hex(sha256.as_bytes()) }
}

/// Returns the digest over the sorted digests of files, as the specification has it.
fn verification_code(files: &[Listed<'_>]) -> Option<VerificationCode> {
    if files.is_empty() {
        return None;
    }
    let mut digests: Vec<[u8; 20]> = files.iter().map(|file| file.digests.sha1).collect();
    digests.sort_unstable();
    let joined: String = digests.iter().map(|digest| Hex(digest).to_string()).collect();
    let code: [u8; 20] = Sha1::digest(&joined).into();
    Some(VerificationCode { package_verification_code_value: Hex(&code).to_string() })
}

fn purpose(id: &ComponentId) -> Option<&'static str> {
    match id {
        ComponentId::Recipe(RecipeName::Image(_)) | ComponentId::Foreign(_) => Some("OPERATING-SYSTEM"),
        ComponentId::Image(_) => Some("CONTAINER"),
        ComponentId::DebianSource(_) | ComponentId::File { .. } => Some("SOURCE"),
        ComponentId::Crate { .. } => Some("LIBRARY"),
        ComponentId::Debian(_)
        | ComponentId::Apk { .. }
        | ComponentId::Recipe(RecipeName::Package(_) | RecipeName::Tools) => None,
    }
}

fn file<'a>(file: &'a Listed<'_>) -> File<'a> {
    File {
        id: Ref::File(&file.key),
        checksums: (
            Checksum { algorithm: "SHA1", checksum_value: Hex(&file.digests.sha1) },
            sha256_sum(&file.digests.sha256),
        ),
        comment: file.comment(),
        file_name: Shown(Below(&file.path)),
        file_types: file_type(file).map(|kind| [kind]),
    }
}

/// Says what a file is, where its place leaves no doubt.
fn file_type(file: &Listed<'_>) -> Option<&'static str> {
    let path: &str = &file.path;
    let is_binary = path.starts_with("boot/vmlinuz")
        || (path.contains("lib/modules/") && path.rsplit_once('.').is_some_and(|(_, end)| end == "ko"));
    let is_documentation = path.starts_with("usr/share/doc/") || path.starts_with("usr/share/man/");
    match (is_binary, is_documentation) {
        (true, _) => Some("BINARY"),
        (_, true) => Some("DOCUMENTATION"),
        (false, false) => None,
    }
}

fn relationships<'a>(outline: &'a Outline<'_>) -> impl Iterator<Item = Relationship<'a>> + Clone {
    let describes =
        outline.members.first().map(|image| related(Ref::Document, "DESCRIBES", package_ref(image)));
    let between = outline.relations.iter().map(|relation| {
        let from = package_ref(&outline.members[relation.from]);
        let to = package_ref(&outline.members[relation.to]);
        match relation.kind {
            RelationKind::Contains => related(from, "CONTAINS", to),
            RelationKind::MadeOf => related(from, "GENERATED_FROM", to),
            RelationKind::MadeWith => related(to, "BUILD_TOOL_OF", from),
        }
    });
    let files = outline.members.iter().flat_map(|member| {
        let of = move |file: &'a Listed<'_>| related(package_ref(member), "CONTAINS", Ref::File(&file.key));
        member.files.iter().map(of)
    });
    describes.into_iter().chain(between).chain(files)
}

fn package_ref<'a>(member: &'a Member<'_>) -> Ref<'a> {
    Ref::Package(&member.key)
}

fn related<'a>(from: Ref<'a>, kind: &'static str, to: Ref<'a>) -> Relationship<'a> {
    Relationship { related_spdx_element: to, relationship_type: kind, spdx_element_id: from }
}
