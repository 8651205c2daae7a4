//! What an image leads to, wherever its documents are.

use kit_format::oci::graph::{Graph, Link, follow};
use kit_format::oci::pull::DocumentError;
use kit_recipe::{ImageReference, Reference};

use crate::BuildError;
use crate::registry::ImageError;

/// Why a document can't be followed: by what is in it, or because it can't be read.
enum Failed {
    Document(DocumentError),
    Read(BuildError),
}

impl From<DocumentError> for Failed {
    fn from(error: DocumentError) -> Self {
        Self::Document(error)
    }
}

/// Follows all links of an image; `read` returns a document, whose digest it has checked.
pub(super) fn graph(
    reference: &Reference,
    top: &Link,
    read: &dyn Fn(&Link) -> Result<Vec<u8>, BuildError>,
) -> Result<Graph, BuildError> {
    follow(top, &mut |link| read(link).map_err(Failed::Read)).map_err(|failed| match failed {
        Failed::Document(source) => {
            ImageError::Document { reference: ImageReference::Registry(reference.clone()), source }.into()
        }
        Failed::Read(error) => error,
    })
}
