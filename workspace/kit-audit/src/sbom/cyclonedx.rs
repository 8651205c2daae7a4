//! `CycloneDX` 1.6 in JSON.
//!
//! Components are flat, each with its files below it, as components of the type `file`. `dependencies` says which component is made of or
//! with which others. The lists of files are complete, which `compositions` says. What the format has no field for is in `properties`:
//!
//! | property | what |
//! |---|---|
//! | `kit:role` | `shipped`, `part` or `tool` |
//! | `kit:source-package` | name and version of the Debian source package |
//! | `kit:kernel-release`, `kit:kernel-config-sha256` | the kernel, and the digest of its configuration |
//! | `kit:pin` | the digest of what the image's lockfile pins |
//! | `kit:place` | `boot`: a file that is loaded before the root file system |
//! | `kit:hard-link` | another name of a file |

use std::borrow::Cow;

use kit_recipe::recipe::RecipeName;
use serde::Serialize;
use uuid::Uuid;

use super::outline::{Listed, Member, Outline, RelationKind};
use super::write::{Each, Hex, Shown, named};
use super::{SbomError, SbomInputs, Scope};
use crate::inventory::{ComponentId, Place};

/// Writes a document.
pub fn write(inputs: SbomInputs<'_>, scope: Scope) -> Result<Vec<u8>, SbomError> {
    let outline = Outline::new(inputs, scope)?;
    named(|uuid| document(&outline, inputs.version, uuid))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, C, D> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    components: C,
    compositions: [Composition<'a>; 1],
    dependencies: D,
    metadata: Metadata<'a>,
    serial_number: String,
    spec_version: &'static str,
    version: u32,
}

#[derive(Serialize)]
struct Composition<'a> {
    aggregate: &'static str,
    assemblies: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a, I> {
    depends_on: I,
    #[serde(rename = "ref")]
    of: &'a str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    component: Component<'a>,
    lifecycles: [Lifecycle; 1],
    timestamp: &'a str,
    tools: Tools<'a>,
}

#[derive(Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Tool<'a>; 1],
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Component<'a> {
    bom_ref: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Files<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Expression<'a>>,
    name: &'a str,
    properties: Vec<Property<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// The files of a component.
struct Files<'a>(&'a [Listed<'a>]);

impl Serialize for Files<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(file))
    }
}

#[derive(Serialize)]
struct Evidence<'a> {
    licenses: Vec<Licensed<'a>>,
}

#[derive(Serialize)]
struct Licensed<'a> {
    license: Text<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    name: &'a str,
    text: Content<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    content: &'a str,
}

#[derive(Serialize)]
struct Hash<'a> {
    alg: &'static str,
    content: Hex<'a>,
}

#[derive(Serialize)]
struct Expression<'a> {
    acknowledgement: &'static str,
    expression: &'a str,
}

#[derive(Serialize)]
struct Property<'a> {
    name: &'static str,
    value: Cow<'a, str>,
}

#[derive(Serialize)]
struct Supplier {
    name: &'static str,
}

#[derive(Serialize)]
struct File<'a> {
    hashes: (Hash<'a>, Hash<'a>),
    name: Shown<Rooted<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// A path from the root.
#[derive(Debug, Clone, Copy)]
struct Rooted<'a>(&'a str);

impl std::fmt::Display for Rooted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("/")?;
        f.write_str(self.0)
    }
}

fn document<'a>(outline: &'a Outline<'a>, version: &'a str, uuid: Uuid) -> impl Serialize + use<'a> {
    let members = outline.members.iter();
    let with_files = members.clone().filter(|member| !member.files.is_empty());
    Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        components: Each(members.skip(1).map(move |member| component(member, outline))),
        compositions: [Composition {
            aggregate: "complete",
            assemblies: with_files.map(|member| member.key.as_str()).collect(),
        }],
        dependencies: Each((0..outline.members.len()).map(move |at| dependency(outline, at))),
        metadata: Metadata {
            component: component(&outline.members[0], outline),
            lifecycles: [Lifecycle { phase: "build" }],
            timestamp: &outline.created,
            tools: Tools { components: [Tool { name: "kit", kind: "application", version }] },
        },
        serial_number: format!("urn:uuid:{uuid}"),
        spec_version: "1.6",
        version: 1,
    }
}

fn dependency<'a>(outline: &'a Outline<'a>, at: usize) -> impl Serialize + use<'a> {
    let mut keys: Vec<&str> = [RelationKind::Contains, RelationKind::MadeOf, RelationKind::MadeWith]
        .into_iter()
        .flat_map(|kind| outline.related(at, kind))
        .map(|member| member.key.as_str())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    Dependency { depends_on: keys, of: &outline.members[at].key }
}

fn component<'a>(member: &'a Member<'a>, outline: &'a Outline<'a>) -> Component<'a> {
    let of = member.component;
    let properties =
        member.facts().into_iter().map(|(name, value)| Property { name, value: Cow::Owned(value) });
    Component {
        bom_ref: &member.key,
        components: (!member.files.is_empty()).then_some(Files(&member.files)),
        description: of.summary.as_deref(),
        evidence: evidence(member, outline),
        hashes: of
            .sha256
            .iter()
            .map(|sha256| Hash { alg: "SHA-256", content: Hex(sha256.as_bytes()) })
            .collect(),
        licenses: expression(member).into_iter().collect(),
        name: &of.name,
        properties: properties.collect(),
        purl: of.purl.as_deref(),
        supplier: member.is_debian().then_some(Supplier { name: "Debian" }),
        kind: kind(member.id),
        version: of.version.as_deref(),
    }
}

/// Returns what was concluded, else what is declared: the format takes one expression.
fn expression<'a>(member: &'a Member<'_>) -> Option<Expression<'a>> {
    let concluded = member.concluded.as_deref().map(|expression| ("concluded", expression));
    let declared = member.licence.as_deref().map(|expression| ("declared", expression));
    concluded.or(declared).map(|(acknowledgement, expression)| Expression { acknowledgement, expression })
}

/// Returns the texts of what SPDX doesn't list; beside an expression the format has no other place for them.
fn evidence<'a>(member: &'a Member<'_>, outline: &'a Outline<'_>) -> Option<Evidence<'a>> {
    let names = member.licence.as_deref().map(crate::licence::references)?;
    let text = |name: &str| {
        let (name, text) = outline.texts.get_key_value(name)?;
        let text = Content { content: text };
        (!text.content.is_empty()).then_some(Licensed { license: Text { name, text } })
    };
    let licenses: Vec<_> = names.into_iter().filter_map(text).collect();
    (!licenses.is_empty()).then_some(Evidence { licenses })
}

/// What is neither a library nor anything else for sure is an application, as the specification asks for.
fn kind(id: &ComponentId) -> &'static str {
    match id {
        ComponentId::Recipe(RecipeName::Image(_)) | ComponentId::Foreign(_) => "operating-system",
        ComponentId::Image(_) => "container",
        ComponentId::Crate { .. } => "library",
        ComponentId::Debian(_)
        | ComponentId::DebianSource(_)
        | ComponentId::File { .. }
        | ComponentId::Apk { .. }
        | ComponentId::Recipe(RecipeName::Package(_) | RecipeName::Tools) => "application",
    }
}

fn file<'a>(file: &'a Listed<'_>) -> File<'a> {
    let mut properties: Vec<_> = file
        .names
        .iter()
        .map(|name| Property { name: "kit:hard-link", value: Cow::Owned(format!("/{name}")) })
        .collect();
    match file.place {
        Place::Root => {}
        Place::Boot => properties.push(Property { name: "kit:place", value: Cow::Borrowed("boot") }),
    }
    File {
        hashes: (
            Hash { alg: "SHA-1", content: Hex(&file.digests.sha1) },
            Hash { alg: "SHA-256", content: Hex(file.digests.sha256.as_bytes()) },
        ),
        name: Shown(Rooted(&file.path)),
        properties,
        kind: "file",
    }
}
