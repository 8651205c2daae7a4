//! A layer of an image by itself, in the form that [`kit_tree::layers`] lays over others.

use std::io::Read;

use kit_hash::{Sha256, Sha256Reader};
use kit_tree::layers::{Layer, LayerError};
use kit_tree::{BlobSink, Tree};

use crate::compression::Decoder;
use crate::limits::Limits;
use crate::tar::{Devices, Duplicates, Links, TarOptions, TarReadError, WithGaps, read_tar_with_gaps};

/// Why a layer is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadLayerError {
    /// The archive is refused.
    #[error(transparent)]
    Tar(#[from] TarReadError),
    /// What it says about other layers is refused.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// It is another layer than the image's configuration says.
    #[error("it unpacks to {}, and the configuration of its image says {}", actual.oci(), expected.oci())]
    DiffId {
        /// What the configuration says.
        expected: Sha256,
        /// What it is.
        actual: Sha256,
    },
    /// It can't be read.
    #[error("the layer can't be read")]
    Io(#[from] std::io::Error),
}

/// Reads a layer, compressed or not, whose uncompressed archive has the digest `diff_id`.
pub fn read_layer(
    reader: impl Read,
    diff_id: &Sha256,
    sink: &dyn BlobSink,
    limits: &Limits,
    devices: Devices,
) -> Result<Tree, ReadLayerError> {
    let options = TarOptions { duplicates: Duplicates::LastWins, devices, links: Links::Elsewhere };
    let mut archive = Sha256Reader::new(Decoder::sniff(reader, limits)?);
    let WithGaps { tree, implied, elsewhere } = read_tar_with_gaps(&mut archive, sink, limits, options)?;
    // The archive was read to its end.
    let actual = archive.finish();
    if actual != *diff_id {
        return Err(ReadLayerError::DiffId { expected: *diff_id, actual });
    }
    Ok(Layer::new(tree, implied, elsewhere)?.into_tree())
}
