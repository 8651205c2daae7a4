//! OCI images (image specification 1.1): a layout directory of content-addressed blobs.
//!
//! ```text
//! oci-layout              {"imageLayoutVersion":"1.0.0"}
//! index.json              one descriptor for each image, with its name and platform
//! blobs/sha256/<digest>   manifests, configurations, layers
//! ```
//!
//! Layers are tar archives, compressed with gzip unless asked otherwise: it is the one compression that every registry, runtime and scanner
//! takes, and a layer's identity, the `DiffID`, is that of the uncompressed archive anyhow. JSON is canonical.
//!
//! | module | what |
//! |---|---|
//! | [`artifact`] | files that are no image |
//! | [`choose`] | which of several images is meant |
//! | [`config`] | [`ImageConfig`]: what runs, and on which platform |
//! | [`cosign`] | signatures where cosign looks for them |
//! | [`docker`] | the archive of `docker save` |
//! | [`graph`] | what documents lead to, whatever platforms and kinds |
//! | [`index`] | the index of a tag, to which the builds of several platforms add theirs |
//! | [`layer`] | one layer, by itself |
//! | [`pull`] | the documents of images that others made |
//! | [`referrers`] | what is said about an image, where its registry keeps no account of it |
//! | [`stored`] | images in a store of containers |
//! | [`tar_split`] | [`tar_split::TarSplitReader`]: layers of such a store as archives again |
//! | [`mod@write`] | [`write_layout`]: images into a layout |
//! | [`mod@read`] | [`read_layout`]: what is in a layout, every digest checked |

pub mod artifact;
pub mod beside;
pub mod choose;
pub mod config;
pub mod cosign;
pub mod docker;
mod document;
pub mod graph;
pub mod index;
pub mod layer;
pub mod pull;
pub mod read;
pub mod referrers;
pub mod stored;
pub mod tar_split;
pub mod write;

pub use config::{ImageConfig, Platform};
pub use docker::{DockerImage, docker_tag, with_docker_manifest};
pub use document::MANIFEST;
pub use read::{LayoutError, LayoutImage, LayoutLayer, read_layout};
pub use write::{LayerCompression, LayerDigests, OciDigests, OciError, OciImage, OciLayout, write_layout};

#[cfg(test)]
mod tests;
