//! Signatures and attestations of an image in a registry: found by its referrers API, by the tag that stands in for it, and by cosign's tags.

use std::collections::BTreeMap;

use kit_audit::signature::attached::Attached;
use kit_format::oci::artifact::{Artifact, Part};
use kit_format::oci::cosign::{Tagged, with_layer};
use kit_format::oci::graph::{Link, is_index, link_to};
use kit_format::oci::pull::{ACCEPTED, LARGEST_DOCUMENT};
use kit_format::oci::referrers::{self, Referrer};
use kit_hash::Sha256;
use kit_recipe::lockfile::image::Document;
use kit_recipe::{ImageReference, Reference};
use kit_source::http::{Encryption, Expected};
use kit_source::registry::{Registries, RegistryError};
use kit_tree::{Blobs as _, Tree};

use super::registry::repository;
use super::{Connected, Network, Push, Pushed, Tagging};
use crate::attached::piece::add;
use crate::attached::{About, By, Finding, MOST, Piece, TooMany, bytes, is_looked_at};
use crate::registry::ImageError;
use crate::{BuildError, Events};

/// No mirrors: what is written goes to the registry itself, and what is read for it comes from there.
const NO_MIRRORS: &BTreeMap<String, Vec<String>> = &BTreeMap::new();

impl Network<'_> {
    /// Returns the registries themselves, without their mirrors.
    pub(super) fn registries_themselves(&self) -> Registries<'_> {
        let Connected { client, logins, granted, .. } = self.connected();
        Registries { client, mirrors: NO_MIRRORS, logins, granted }
    }

    /// Returns the manifest or index that a tag has in the registry itself; none where it has none.
    pub fn tagged(&self, reference: &Reference, tag: &str) -> Result<Option<Vec<u8>>, BuildError> {
        document(&self.registries_themselves(), reference, tag)
    }

    /// Returns the manifest or index that a reference leads to, and its digest.
    pub fn manifest(&self, reference: &Reference) -> Result<(Sha256, Vec<u8>), BuildError> {
        let (document, bytes) = self.top(&ImageReference::Registry(reference.clone()), "")?;
        Ok((document.sha256, bytes))
    }

    /// Returns what a reference leads to in the registry itself.
    pub fn top_itself(&self, reference: &Reference) -> Result<(Link, Vec<u8>), BuildError> {
        let digest = reference.digest().map(Sha256::oci);
        let name = digest.as_deref().or(reference.tag()).unwrap_or_default();
        let encryption = Encryption::Optional;
        let expected =
            Expected { size: None, sha256: reference.digest().copied(), limit: LARGEST_DOCUMENT, encryption };
        let bytes = self.registries_themselves().document(repository(reference), name, ACCEPTED, &expected);
        let bytes = bytes.map_err(ImageError::Registry)?;
        let odd = |source| ImageError::Document { reference: reference.clone().into(), source };
        Ok((link_to(&bytes).map_err(odd)?, bytes))
    }

    /// Puts something beside an image.
    pub fn push_piece(
        &self,
        reference: &Reference,
        piece: &Piece,
        events: &dyn Events,
    ) -> Result<Pushed, BuildError> {
        let layout = piece.tree(self.store)?;
        let tagging = piece.tag.as_deref().map_or(Tagging::Untouched, Tagging::Other);
        self.push(
            &Push { layout: &layout, top: &piece.document, reference, mount_from: &[], tagging, jobs: 1 },
            events,
        )
    }

    /// Puts what a layout has about an image beside the image; what others put under the same tag stays.
    pub fn push_about(
        &self,
        reference: &Reference,
        layout: &Tree,
        about: &About,
        events: &dyn Events,
    ) -> Result<Pushed, BuildError> {
        let push = |layout: &Tree, top: &Link, tagging| {
            self.push(&Push { layout, top, reference, mount_from: &[], tagging, jobs: 1 }, events)
        };
        let Some(tag) = &about.tag else { return push(layout, &about.document, Tagging::Untouched) };
        let before = self.tagged(reference, tag)?;
        let Some(mut manifest) = before.filter(|before| Sha256::of(before) != about.document.sha256) else {
            return push(layout, &about.document, Tagging::Other(tag));
        };
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| BuildError::Write {
            title: format!("push {reference}"),
            source,
        };
        let mut layout = layout.clone();
        let own = bytes(&layout, self.store, &about.document.sha256, LARGEST_DOCUMENT)
            .map_err(|why| failed(why.into()))?;
        let own = Artifact::parse(&own).map_err(|error| failed(Box::new(error)))?;
        for part in &own.parts {
            let written = with_layer(Some(&manifest), part).map_err(|error| failed(Box::new(error)))?;
            let Some(written) = written else { continue };
            add(&mut layout, self.store, &written.config)?;
            manifest = written.manifest;
        }
        add(&mut layout, self.store, &manifest)?;
        let top = link_to(&manifest).map_err(|error| failed(Box::new(error)))?;
        push(&layout, &top, Tagging::Other(tag))
    }

    /// Returns all that is found about an image, whatever it is worth. What a registry can't give as it says is among it, as broken.
    pub fn attached(&self, reference: &Reference, image: &Sha256) -> Result<Vec<Attached>, BuildError> {
        let registries = self.registries();
        let mut finding = Finding::about(*image);
        let listed = listed(&registries, reference, image)?;
        let named = ImageReference::Registry(reference.clone());
        for referrer in listed {
            let at = referrer.sha256.oci();
            if !finding.is_new(&referrer.sha256) {
                continue;
            }
            let wanted = Document { size: referrer.size, sha256: referrer.sha256 };
            match told(self.document(&named, &wanted))? {
                Ok(manifest) => {
                    finding.take(&at, (&manifest, By::Subject), &mut |part| self.part(&named, part))?;
                }
                Err(why) => finding.broken(&at, why),
            }
        }
        for tagged in Tagged::ALL {
            let tag = tagged.tag(image);
            if let Some(manifest) = document(&registries, reference, &tag)? {
                finding.take(&tag, (&manifest, By::Tag), &mut |part| self.part(&named, part))?;
            }
        }
        Ok(finding.all)
    }

    fn part(&self, reference: &ImageReference, part: &Part) -> Result<Result<Vec<u8>, String>, BuildError> {
        let wanted = Document { size: part.size, sha256: part.sha256 };
        let blob = match told(self.blob(reference, &wanted, &mut |_| {}))? {
            Ok(blob) => blob,
            Err(why) => return Ok(Err(why)),
        };
        // One that was there already may be longer than is said.
        if let Some(size) = self.store.blob_size(&blob)?.filter(|size| *size != part.size) {
            return Ok(Err(format!("it has {size} bytes, not {}", part.size)));
        }
        let io = |source| BuildError::Io { what: format!("read {}", part.sha256.oci()), source };
        self.store.read(&blob, part.size).map(Ok).map_err(io)
    }
}

/// Returns the documents that lists name, those of the registry and those of the tag.
fn listed(
    registries: &Registries<'_>,
    reference: &Reference,
    image: &Sha256,
) -> Result<Vec<Referrer>, BuildError> {
    let odd = |source| {
        let reference = ImageReference::Registry(reference.clone());
        BuildError::from(ImageError::Document { reference, source })
    };
    let asked = registries.referrers(repository(reference), image, LARGEST_DOCUMENT);
    let mut lists = asked.map_err(ImageError::Registry)?.unwrap_or_default();
    if let Some(list) = document(registries, reference, &referrers::tag(image))?
        && link_to(&list).is_ok_and(|link| is_index(&link.media_type))
    {
        lists.push(list);
    }
    let mut all = Vec::new();
    for list in lists {
        let referrers = referrers::read(&list).map_err(odd)?;
        all.extend(referrers.into_iter().filter(|one| is_looked_at(one.artifact_type.as_deref())));
    }
    all.sort();
    all.dedup_by_key(|one| one.sha256);
    if all.len() > MOST { Err(TooMany { found: all.len() }.into()) } else { Ok(all) }
}

fn document(
    registries: &Registries<'_>,
    reference: &Reference,
    tag: &str,
) -> Result<Option<Vec<u8>>, BuildError> {
    let expected = Expected::at_most(LARGEST_DOCUMENT);
    match registries.document(repository(reference), tag, ACCEPTED, &expected) {
        Err(error) if error.code() == "kit::registry::unknown" => Ok(None),
        other => Ok(Some(other.map_err(ImageError::Registry)?)),
    }
}

/// Tells what one document or blob is at fault for, which is no reason to look at no other, from what fails all of them.
fn told<T>(result: Result<T, BuildError>) -> Result<Result<T, String>, BuildError> {
    let is_its_own = |error: &RegistryError| {
        let own = [
            "kit::registry::unknown",
            "kit::http::digest_mismatch",
            "kit::http::size_mismatch",
            "kit::http::too_large",
        ];
        own.contains(&error.code())
    };
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(BuildError::Image { error: ImageError::Registry(error), .. }) if is_its_own(&error) => {
            Ok(Err(format!("the registry doesn't give it: {}", error.to_string().replace("\n  ", ": "))))
        }
        Err(BuildError::Image { error: error @ ImageError::LargeDocument { .. }, .. }) => {
            Ok(Err(error.to_string()))
        }
        Err(error) => Err(error),
    }
}
