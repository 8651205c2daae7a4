//! A layer of an image by itself, in the form that [`kit_tree::layers`] lays over others.

use std::io::Read;

use kit_tree::layers::{Layer, LayerError};
use kit_tree::{BlobSink, Tree};

use crate::compression::Decoder;
use crate::limits::Limits;
use crate::tar::{Devices, Duplicates, TarOptions, TarReadError, read_tar_with_parents};

/// Why a layer is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadLayerError {
    /// The archive is refused.
    #[error(transparent)]
    Tar(#[from] TarReadError),
    /// What it says about other layers is refused.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// It can't be read.
    #[error("the layer can't be read")]
    Io(#[from] std::io::Error),
}

/// Reads a layer, compressed or not. Devices are refused: a container's are made when it starts.
pub fn read_layer(reader: impl Read, sink: &dyn BlobSink, limits: &Limits) -> Result<Tree, ReadLayerError> {
    let options = TarOptions { duplicates: Duplicates::LastWins, devices: Devices::Refuse };
    let (tree, implied) = read_tar_with_parents(Decoder::sniff(reader, limits)?, sink, limits, options)?;
    Ok(Layer::new(tree, implied)?.into_tree())
}
