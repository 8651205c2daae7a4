//! A layout without what was put beside its images: signatures and attestations don't make it another one.

use std::collections::BTreeSet;
use std::io::{self, Read};

use kit_format::oci::artifact::Artifact;
use kit_format::oci::beside::{About, images_of_layout};
use kit_format::oci::graph::{place, read_links};
use kit_format::oci::index::without_documents;
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_hash::{BlobId, Sha256};
use kit_tree::{Blobs, Entry, Tree, TreePath};

/// Files of a layout, and where their contents are.
pub(super) struct Layout<'a> {
    pub(super) tree: Tree,
    contents: [&'a dyn Blobs; 2],
}

impl<'a> Layout<'a> {
    /// Takes away what `found` has beside the images of `expected`, where that is all that its index has more.
    pub(super) fn without_signatures(
        (found, of_found): (&Tree, &'a dyn Blobs),
        (expected, of_expected): (&Tree, &'a dyn Blobs),
    ) -> Self {
        let tree = stripped((found, of_found), (expected, of_expected)).unwrap_or_else(|| found.clone());
        Self { tree, contents: [of_found, of_expected] }
    }
}

impl Blobs for Layout<'_> {
    fn open(&self, id: &BlobId) -> io::Result<Box<dyn Read + '_>> {
        self.contents[0].open(id).or_else(|_| self.contents[1].open(id))
    }
}

/// Returns the files that are left; none where the index has something else, or can't be read.
fn stripped(found: (&Tree, &dyn Blobs), expected: (&Tree, &dyn Blobs)) -> Option<Tree> {
    let index_path = TreePath::new("index.json").ok()?;
    let index = content(found, &index_path)?;
    let images = read_links(&content(expected, &index_path)?).ok()?;
    let (mut about, mut blobs) = (Vec::new(), BTreeSet::new());
    for About { image, document, .. } in images_of_layout(found.0, found.1).ok()?.about {
        if images.iter().all(|link| link.sha256 != image) {
            continue;
        }
        let artifact = Artifact::parse(&content(found, &place(&document.sha256))?).ok()?;
        about.push(document.sha256);
        blobs.insert(document.sha256);
        blobs.extend(artifact.parts.iter().map(|part| part.sha256));
        blobs.extend(artifact.config);
    }
    let own = without_documents(&index, &about).ok().filter(|_| !about.is_empty())?;
    if Sha256::of(&own) != Sha256::of(&content(expected, &index_path)?) {
        return None;
    }
    let mut tree = Tree::new();
    let gone: BTreeSet<_> = blobs.iter().map(place).filter(|path| expected.0.get(path).is_none()).collect();
    for (path, entry) in found.0.entries().filter(|(path, _)| !path.is_root() && !gone.contains(*path)) {
        let entry = if *path == index_path { expected.0.get(path)? } else { entry };
        tree.insert(path.clone(), entry.clone()).ok()?;
    }
    Some(tree)
}

fn content((tree, blobs): (&Tree, &dyn Blobs), path: &TreePath) -> Option<Vec<u8>> {
    match tree.get(path) {
        Some(Entry::File { blob, size, .. }) if *size <= LARGEST_DOCUMENT => blobs.read(blob, *size).ok(),
        _ => None,
    }
}
