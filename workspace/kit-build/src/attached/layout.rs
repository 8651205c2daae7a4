//! What lies beside images in a layout: it is in the layout's index, as it would be in a registry's lists.

use kit_audit::signature::attached::Attached;
use kit_format::oci::artifact::{Artifact, Part};
use kit_format::oci::cosign::image_of_tag;
use kit_format::oci::graph::{self, Link};
use kit_format::oci::pull::{DocumentError, LARGEST_DOCUMENT};
use kit_hash::Sha256;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree};

use super::{By, Finding};
use crate::BuildError;

/// The images of a layout, and what is about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutImages {
    /// What the layout is for.
    pub images: Vec<Link>,
    /// What is in it about images, there or elsewhere.
    pub about: Vec<About>,
}

/// A document about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The image.
    pub image: Sha256,
    /// The document.
    pub document: Link,
    /// The tag under which it is looked for; none where it names the image itself.
    pub tag: Option<String>,
}

/// Returns what a layout has in its index, sorted by what it is for. What is about an image that the layout hasn't got is what it is for.
pub fn images_of_layout(layout: &Tree, store: &Store) -> Result<LayoutImages, DocumentError> {
    let links = graph::entries(layout, store)?;
    let is_there = |image: &Sha256| links.iter().any(|link| link.sha256 == *image);
    let mut found = LayoutImages { images: Vec::new(), about: Vec::new() };
    for link in &links {
        let of_tag =
            link.ref_name.as_deref().and_then(|name| Some((image_of_tag(name)?, Some(name.to_owned()))));
        let about = of_tag.or_else(|| {
            // What can't be read is no artifact; whoever needs it says what is wrong with it.
            let bytes = bytes(layout, store, &link.sha256, LARGEST_DOCUMENT).ok()?;
            Some((Artifact::parse(&bytes).ok()?.subject?, None))
        });
        match about.filter(|(image, _)| is_there(image)) {
            Some((image, tag)) => found.about.push(About { image, document: link.clone(), tag }),
            None => found.images.push(link.clone()),
        }
    }
    Ok(found)
}

/// Returns what a layout has about an image.
pub fn attached_in_layout(
    layout: &Tree,
    store: &Store,
    about: &[About],
    image: &Sha256,
) -> Result<Vec<Attached>, BuildError> {
    let mut finding = Finding::about(*image);
    for About { document, tag, .. } in about.iter().filter(|about| about.image == *image) {
        let at = tag.clone().unwrap_or_else(|| document.sha256.oci());
        if !finding.is_new(&document.sha256) {
            continue;
        }
        let by = if tag.is_some() { By::Tag } else { By::Subject };
        let mut read = |part: &Part| Ok(bytes(layout, store, &part.sha256, part.size));
        match bytes(layout, store, &document.sha256, LARGEST_DOCUMENT) {
            Ok(manifest) => finding.take(&at, (&manifest, by), &mut read)?,
            Err(why) => finding.broken(&at, why),
        }
    }
    Ok(finding.all)
}

/// Returns bytes of a layout, or why it can't give them.
pub(crate) fn bytes(layout: &Tree, store: &Store, sha256: &Sha256, limit: u64) -> Result<Vec<u8>, String> {
    let Some(Entry::File { blob, size, .. }) = layout.inode(&graph::place(sha256)) else {
        return Err(format!("the layout hasn't got {}", sha256.oci()));
    };
    if *size > limit {
        return Err(format!("{} has {size} bytes, and may have {limit}", sha256.oci()));
    }
    let bytes = store.read(blob, limit).map_err(|error| error.to_string())?;
    let found = Sha256::of(&bytes);
    if found == *sha256 { Ok(bytes) } else { Err(format!("{} is {}", sha256.oci(), found.oci())) }
}
