//! What lies beside images in a layout: it is in the layout's index, as it would be in a registry's lists.

use kit_audit::signature::attached::Attached;
use kit_format::oci::artifact::Part;
use kit_format::oci::beside::About;
use kit_format::oci::graph;
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_hash::Sha256;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree};

use super::{By, Finding};
use crate::BuildError;

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
