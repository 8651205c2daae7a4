//! What the documents of all formats say: which components they have, how these belong together, and whose each file is.

mod files;
mod members;

use std::borrow::Cow;
use std::collections::BTreeMap;

use kit_hash::Sha256;
use kit_recipe::recipe::RecipeName;

use super::references::References;
use super::{FileDigests, KernelFacts, SbomError, SbomInputs, Scope};
use crate::inventory::{Component, ComponentId, Place};
use crate::licence::Licence;

/// What a document says.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub(super) scope: Scope,
    /// The image, and which of the two documents: the name of the document.
    pub(super) title: String,
    /// The source date.
    pub(super) created: String,
    /// The components, the image first, the others in the order of their identities.
    pub(super) members: Vec<Member<'a>>,
    /// How they belong together: by from, kind and to.
    pub(super) relations: Vec<Relation>,
    /// The licences that SPDX doesn't list, with their texts.
    pub(super) texts: BTreeMap<String, &'a str>,
}

/// A component of a document.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// What tells it from all others, of letters, digits, `-` and `.`.
    pub(super) key: String,
    pub(super) id: &'a ComponentId,
    pub(super) component: &'a Component,
    /// What it declares: an SPDX expression with the references of the document.
    pub(super) licence: Option<String>,
    /// What was concluded from a text that declares it for people, the same way.
    pub(super) concluded: Option<String>,
    /// Its files.
    pub(super) files: Vec<Listed<'a>>,
    /// Of the image, the digest of what its lockfile pins.
    pub(super) pin: Option<String>,
    /// What is known of the kernel that it has.
    pub(super) kernel: Option<&'a KernelFacts>,
}

/// A file of a document.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    /// The first digits of the digest of its place and path.
    pub(super) key: String,
    /// Its path, from the root, without a slash before it.
    pub(super) path: Cow<'a, str>,
    pub(super) place: Place,
    pub(super) digests: FileDigests,
    /// Its other names.
    pub(super) names: Vec<Cow<'a, str>>,
}

/// What a component is to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RelationKind {
    /// All of the other's files that are in the image, are in this one.
    Contains,
    /// A script made this one of the other.
    MadeOf,
    /// This one was made with the other, of which nothing is left in it.
    MadeWith,
}

/// How two components belong together, by their places in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Relation {
    pub(super) from: usize,
    pub(super) kind: RelationKind,
    pub(super) to: usize,
}

impl<'a> Outline<'a> {
    /// Chooses what a document says.
    pub(super) fn new(inputs: SbomInputs<'a>, scope: Scope) -> Result<Self, SbomError> {
        let inventory = inputs.inventory;
        let no_image = || SbomError::NoImage { image: inventory.image.clone() };
        let is_image = |id: &&ComponentId| id.is_image(&inventory.image);
        let image = inventory.components.keys().find(is_image).ok_or_else(no_image)?;
        let ids = members::choose(inventory, image, scope);
        let mut references = References::default();
        ids.iter().filter_map(|id| inputs.licences.get(id)).for_each(|licence| references.add(licence));
        let relations = members::relations(inventory, &ids, scope);
        let mut members: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let licence = inputs.licences.get(id);
                let named = |expression: fn(&Licence) -> Option<&str>| {
                    licence.and_then(|licence| Some(references.named(licence, expression(licence)?)))
                };
                Member {
                    key: key(id),
                    id,
                    component: &inventory.components[id],
                    licence: named(Licence::declared),
                    concluded: named(Licence::concluded),
                    files: Vec::new(),
                    pin: inventory.pin.filter(|_| id == image).map(|pin| pin.to_string()),
                    kernel: None,
                }
            })
            .collect();
        if scope == Scope::Shipped {
            files::list(inputs, &mut members)?;
        }
        let seconds = u32::try_from(inventory.source_date).unwrap_or(u32::MAX);
        Ok(Self {
            scope,
            title: format!("{}-{}-{}", inventory.image, inventory.architecture, scope.word()),
            created: kit_format::date::rfc3339(seconds),
            members,
            relations,
            texts: references.all(),
        })
    }

    /// Returns the relations of a kind from a component.
    pub(super) fn related(
        &self,
        from: usize,
        kind: RelationKind,
    ) -> impl Iterator<Item = &Member<'a>> + Clone {
        let start = self.relations.partition_point(|relation| (relation.from, relation.kind) < (from, kind));
        let these = self.relations[start..].iter();
        these
            .take_while(move |relation| (relation.from, relation.kind) == (from, kind))
            .map(|relation| &self.members[relation.to])
    }
}

impl Member<'_> {
    /// Returns facts that no format has a field for.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(kernel) = self.kernel {
            facts.push(("kit:kernel-config-sha256", kernel.config_sha256.to_string()));
            facts.push(("kit:kernel-release", kernel.release.clone()));
        }
        if let Some(pin) = &self.pin {
            facts.push(("kit:pin", pin.clone()));
        }
        facts.push(("kit:role", self.component.role.word().to_owned()));
        if let Some(source) = &self.component.source {
            facts.push(("kit:source-package", format!("{} {}", source.name, source.version)));
        }
        facts
    }

    /// Whether Debian supplies it: other distributions have packages of the same form.
    pub(super) fn is_debian(&self) -> bool {
        let purl = self.component.purl.as_deref().unwrap_or_default();
        let has_form = matches!(self.id, ComponentId::Debian(_) | ComponentId::DebianSource(_));
        has_form && purl.starts_with("pkg:deb/debian/")
    }
}

impl Listed<'_> {
    /// Says what its format has no field for.
    pub(super) fn comment(&self) -> Option<String> {
        let place = (self.place == Place::Boot).then(|| "loaded before the root file system".to_owned());
        let names = (!self.names.is_empty()).then(|| format!("also at /{}", self.names.join(", /")));
        match (place, names) {
            (Some(place), Some(names)) => Some(format!("{place}; {names}")),
            (place, names) => place.or(names),
        }
    }
}

/// Names a component for documents: what people call it, and the start of the digest of what tells it from all others.
fn key(id: &ComponentId) -> String {
    let (kind, name, exact) = match id {
        ComponentId::Debian(key) => {
            ("debian", key.name.clone(), format!("{}\0{}", key.version, key.architecture))
        }
        ComponentId::DebianSource(source) => ("debian-source", source.name.clone(), source.version.clone()),
        ComponentId::Crate { name, version } => ("crate", name.clone(), version.clone()),
        ComponentId::File { package, source } => ("file", package.to_string(), source.to_string()),
        ComponentId::Image(reference) => ("container", reference.to_string(), String::new()),
        ComponentId::Recipe(RecipeName::Image(name)) => ("image", name.to_string(), String::new()),
        ComponentId::Recipe(RecipeName::Package(name)) => ("package", name.to_string(), String::new()),
        ComponentId::Recipe(RecipeName::Tools) => ("tools", "kit".to_owned(), String::new()),
        ComponentId::Apk { name, version } => ("apk", name.clone(), version.clone()),
        ComponentId::Foreign(name) => ("image", name.clone(), String::new()),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let digest = Sha256::of(format!("{kind}\0{name}\0{exact}").as_bytes());
    format!("{kind}-{}-{}", name.chars().map(plain).collect::<String>(), digest.short())
}
