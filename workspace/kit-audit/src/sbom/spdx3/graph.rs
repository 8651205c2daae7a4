//! Which elements a document has, written one after the other.

use std::collections::{BTreeMap, BTreeSet};

use kit_recipe::recipe::RecipeName;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::elements::{
    Agent, Annotation, Build, CREATION, CreationInfo, Entry, Expression, File, Hash, Package, Relationship,
    Rooted, Sbom, SpdxDocument, Text,
};
use super::{Graph, Iri};
use crate::inventory::ComponentId;
use crate::licence::references;
use crate::provenance::BUILD_TYPE;
use crate::sbom::Scope;
use crate::sbom::outline::{Listed, Member, RelationKind};
use crate::sbom::write::{Each, Shown};

/// What the documents keep to.
const PROFILES: [&str; 3] = ["core", "simpleLicensing", "software"];
/// What the document of the build keeps to.
const BUILD_PROFILES: [&str; 4] = ["build", "core", "simpleLicensing", "software"];
/// The licence of all documents, which the format asks for.
const DATA_LICENCE: &str = "CC0-1.0";

impl Serialize for Graph<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut to = to.serialize_seq(None)?;
        self.frame(&mut to)?;
        for member in &self.outline.members {
            to.serialize_element(&self.package(member))?;
            for (number, fact) in member.facts().into_iter().enumerate() {
                self.annotation(&mut to, member, number, fact)?;
            }
        }
        self.licences(&mut to)?;
        self.relations(&mut to)?;
        for member in &self.outline.members {
            self.files(&mut to, member)?;
        }
        to.end()
    }
}

impl<'a> Graph<'a> {
    fn iri<'k>(&'k self, kind: &'static str, key: &'k str) -> Iri<'k> {
        Iri { prefix: &self.prefix, kind, key }
    }

    fn member<'k>(&'k self, member: &'k Member<'_>) -> Iri<'k> {
        self.iri("package", &member.key)
    }

    fn file<'k>(&'k self, file: &'k Listed<'_>) -> Iri<'k> {
        self.iri("file", &file.key)
    }

    /// Who made the document, the document, and the list in it.
    fn frame<S: SerializeSeq>(&self, to: &mut S) -> Result<(), S::Error> {
        let outline = self.outline;
        let kit = self.iri("kit", "");
        to.serialize_element(&CreationInfo {
            id: CREATION,
            created: &outline.created,
            created_by: [kit],
            spec_version: "3.0.1",
            kind: "CreationInfo",
        })?;
        let name = format!("kit {}", self.version);
        to.serialize_element(&Agent {
            creation_info: CREATION,
            name: &name,
            spdx_id: kit,
            kind: "SoftwareAgent",
        })?;
        if outline.members.iter().any(Member::is_debian) {
            let debian = self.iri("debian", "");
            to.serialize_element(&Agent {
                creation_info: CREATION,
                name: "Debian",
                spdx_id: debian,
                kind: "Organization",
            })?;
        }
        let profile_conformance: &[&str] = match outline.scope {
            Scope::Shipped => &PROFILES,
            Scope::Build => &BUILD_PROFILES,
        };
        to.serialize_element(&SpdxDocument {
            creation_info: CREATION,
            data_license: self.iri("data-licence", ""),
            name: &outline.title,
            profile_conformance,
            root_element: [self.iri("sbom", "")],
            spdx_id: self.iri("document", ""),
            kind: "SpdxDocument",
        })?;
        declare(to, self.iri("data-licence", ""), DATA_LICENCE, Vec::new())?;
        let members = outline.members.iter();
        let files = members.clone().flat_map(|member| &member.files);
        let elements = members.map(|member| self.member(member)).chain(files.map(|file| self.file(file)));
        to.serialize_element(&Sbom {
            creation_info: CREATION,
            element: Each(elements),
            name: &outline.title,
            profile_conformance,
            root_element: [self.member(&outline.members[0])],
            sbom_type: ["build"],
            spdx_id: self.iri("sbom", ""),
            kind: "software_Sbom",
        })?;
        match outline.scope {
            Scope::Shipped => Ok(()),
            Scope::Build => self.build(to),
        }
    }

    fn build<S: SerializeSeq>(&self, to: &mut S) -> Result<(), S::Error> {
        let build = self.iri("build", "");
        let image = &self.outline.members[0];
        to.serialize_element(&Build {
            id: image.pin.as_deref().unwrap_or_default(),
            build_type: BUILD_TYPE,
            creation_info: CREATION,
            spdx_id: build,
            kind: "build_Build",
        })?;
        relation(to, build, "hasOutput", self.iri("has-output", "build"), [self.member(image)])
    }

    fn package<'k>(&'k self, member: &'k Member<'_>) -> Package<'k> {
        let component = member.component;
        let source = component.source.as_ref();
        Package {
            creation_info: CREATION,
            name: &component.name,
            url: component.purl.as_deref(),
            version: component.version.as_deref(),
            purpose: purpose(member.id),
            source: source.map(|source| format!("Debian source package {} {}", source.name, source.version)),
            spdx_id: self.member(member),
            summary: component.summary.as_deref(),
            supplied_by: member.is_debian().then(|| self.iri("debian", "")),
            kind: "software_Package",
            verified_using: component
                .sha256
                .iter()
                .map(|sha256| Hash::new("sha256", sha256.as_bytes()))
                .collect(),
        }
    }

    fn annotation<S: SerializeSeq>(
        &self,
        to: &mut S,
        member: &Member<'_>,
        number: usize,
        (name, value): (&str, String),
    ) -> Result<(), S::Error> {
        let key = format!("{}-{number}", member.key);
        to.serialize_element(&Annotation {
            annotation_type: "other",
            creation_info: CREATION,
            spdx_id: self.iri("annotation", &key),
            statement: format!("{name}={value}"),
            subject: self.member(member),
            kind: "Annotation",
        })
    }

    /// Each expression once, what it refers to, and what is under it.
    fn licences<S: SerializeSeq>(&self, to: &mut S) -> Result<(), S::Error> {
        for (name, text) in &self.outline.texts {
            let text = if text.is_empty() { "NOASSERTION" } else { text };
            let spdx_id = self.iri("text", name);
            let kind = "simplelicensing_SimpleLicensingText";
            to.serialize_element(&Text { creation_info: CREATION, name, text, spdx_id, kind })?;
        }
        let members = self.outline.members.iter();
        let all: BTreeSet<&str> = members.clone().flat_map(expressions).flatten().collect();
        let keys: BTreeMap<&str, String> = all
            .into_iter()
            .enumerate()
            .map(|(number, expression)| (expression, number.to_string()))
            .collect();
        for (expression, key) in &keys {
            let entry = |name| Entry { key: name, kind: "DictionaryEntry", value: self.iri("text", name) };
            let texts = references(expression).into_iter().map(entry).collect();
            declare(to, self.iri("licence", key), expression, texts)?;
        }
        for member in members {
            let kinds = [
                ("has-declared-license", "hasDeclaredLicense"),
                ("has-concluded-license", "hasConcludedLicense"),
            ];
            for ((name, kind), expression) in kinds.into_iter().zip(expressions(member)) {
                let Some(key) = expression.and_then(|expression| keys.get(expression)) else { continue };
                let id = self.iri(name, &member.key);
                relation(to, self.member(member), kind, id, [self.iri("licence", key)])?;
            }
        }
        Ok(())
    }

    /// How components belong together. The format says from a part what it generates, so those are turned round.
    fn relations<S: SerializeSeq>(&self, to: &mut S) -> Result<(), S::Error> {
        let outline = self.outline;
        let mut generated: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for relation in outline.relations.iter().filter(|relation| relation.kind == RelationKind::MadeOf) {
            generated.entry(relation.to).or_default().push(relation.from);
        }
        for (at, member) in outline.members.iter().enumerate() {
            let from = self.member(member);
            let contained: Vec<_> =
                outline.related(at, RelationKind::Contains).map(|other| self.member(other)).collect();
            if !contained.is_empty() {
                relation(to, from, "contains", self.iri("contains", &member.key), contained)?;
            }
            if let Some(made) = generated.get(&at) {
                let made: Vec<_> = made.iter().map(|made| self.member(&outline.members[*made])).collect();
                relation(to, from, "generates", self.iri("generates", &member.key), made)?;
            }
            let tools: Vec<_> =
                outline.related(at, RelationKind::MadeWith).map(|other| self.member(other)).collect();
            if !tools.is_empty() {
                to.serialize_element(&Relationship {
                    completeness: None,
                    creation_info: CREATION,
                    from,
                    relationship_type: "usesTool",
                    scope: Some("build"),
                    spdx_id: self.iri("uses-tool", &member.key),
                    to: tools,
                    kind: "LifecycleScopedRelationship",
                })?;
            }
        }
        Ok(())
    }

    /// The files of a component, all of them.
    fn files<S: SerializeSeq>(&self, to: &mut S, member: &'a Member<'a>) -> Result<(), S::Error> {
        if member.files.is_empty() {
            return Ok(());
        }
        to.serialize_element(&Relationship {
            completeness: Some("complete"),
            creation_info: CREATION,
            from: self.member(member),
            relationship_type: "contains",
            scope: None,
            spdx_id: self.iri("files", &member.key),
            to: Each(member.files.iter().map(|file| self.file(file))),
            kind: "Relationship",
        })?;
        for file in &member.files {
            to.serialize_element(&File {
                comment: file.comment(),
                creation_info: CREATION,
                name: Shown(Rooted(&file.path)),
                spdx_id: self.file(file),
                kind: "software_File",
                verified_using: (
                    Hash::new("sha1", &file.digests.sha1),
                    Hash::new("sha256", file.digests.sha256.as_bytes()),
                ),
            })?;
        }
        Ok(())
    }
}

fn purpose(id: &ComponentId) -> Option<&'static str> {
    match id {
        ComponentId::Recipe(RecipeName::Image(_)) | ComponentId::Foreign(_) => Some("operatingSystem"),
        ComponentId::Image(_) => Some("container"),
        ComponentId::DebianSource(_) | ComponentId::File { .. } => Some("source"),
        ComponentId::Crate { .. } => Some("library"),
        ComponentId::Debian(_)
        | ComponentId::Apk { .. }
        | ComponentId::Recipe(RecipeName::Package(_) | RecipeName::Tools) => None,
    }
}

fn declare<S: SerializeSeq>(
    to: &mut S,
    spdx_id: Iri<'_>,
    expression: &str,
    texts: Vec<Entry<'_>>,
) -> Result<(), S::Error> {
    to.serialize_element(&Expression {
        creation_info: CREATION,
        texts,
        expression,
        list: spdx::identifiers::VERSION,
        spdx_id,
        kind: "simplelicensing_LicenseExpression",
    })
}

fn relation<S: SerializeSeq>(
    to: &mut S,
    from: Iri<'_>,
    relationship_type: &'static str,
    spdx_id: Iri<'_>,
    others: impl Serialize,
) -> Result<(), S::Error> {
    to.serialize_element(&Relationship {
        completeness: None,
        creation_info: CREATION,
        from,
        relationship_type,
        scope: None,
        spdx_id,
        to: others,
        kind: "Relationship",
    })
}

/// Returns what a component declares, and what was concluded.
fn expressions<'m>(member: &'m Member<'_>) -> [Option<&'m str>; 2] {
    [&member.licence, &member.concluded].map(Option::as_deref)
}
