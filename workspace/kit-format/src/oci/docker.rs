//! The archive of `docker save` (its format 1.2 and later): a layout in one tar file, beside it `manifest.json`, which says what is in it to
//! readers that know no layouts.
//!
//! ```text
//! blobs/sha256/<digest>, index.json, oci-layout   the layout
//! manifest.json                                   [{"Config":"blobs/…","Layers":["blobs/…"],"RepoTags":["name:tag"]}]
//! ```
//!
//! Blobs are those of the layout, compressed layers too: every reader takes them.

use kit_hash::Sha256;
use kit_tree::{BlobSink, Mode, Tree, TreePath};
use serde::Serialize;

use super::write::{OciError, blob_path};
use crate::json::canonical;

/// An image of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerImage {
    /// What it is called once it is loaded: `repository:tag`; none where it has a digest alone.
    pub tag: Option<String>,
    /// Digest of its configuration.
    pub config: Sha256,
    /// Digests of its layers, the lowest first.
    pub layers: Vec<Sha256>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    layers: Vec<String>,
    repo_tags: Option<Vec<String>>,
}

/// Puts `manifest.json` into a layout that has these images; the archive is a tar of the result.
pub fn with_docker_manifest(
    mut layout: Tree,
    images: &[DockerImage],
    sink: &dyn BlobSink,
) -> Result<Tree, OciError> {
    let item = |image: &DockerImage| Item {
        config: blob_path(&image.config),
        layers: image.layers.iter().map(blob_path).collect(),
        repo_tags: image.tag.clone().map(|tag| vec![tag]),
    };
    let text = canonical(&images.iter().map(item).collect::<Vec<_>>())?;
    let (blob, size) = sink.put(&mut text.as_slice()).map_err(OciError::Keep)?;
    let path = TreePath::new("manifest.json").expect("because it is a constant path");
    layout.insert_file(path, Mode::FILE, blob, size)?;
    Ok(layout)
}

/// Returns the tag under which an image of this name is loaded; none where Docker can't call a repository so.
pub fn docker_tag(name: &str) -> Option<String> {
    let separators = ["", ".", "_", "__"];
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |text: &str| separators.contains(&text) || text.bytes().all(|b| b == b'-');
    let fits =
        name.starts_with(is_word) && name.ends_with(is_word) && name.split(is_word).skip(1).all(is_separator);
    fits.then(|| format!("{name}:latest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_names_that_docker_takes() {
        for name in ["web", "a.b", "a_b", "a__b", "a---b", "minimal-shell", "3"] {
            assert_eq!(docker_tag(name), Some(format!("{name}:latest")));
        }
        for name in ["c++", "a..b", "a.-b", "a-", "-a", "", "A", "a___b", "a/b"] {
            assert_eq!(docker_tag(name), None, "{name}");
        }
    }
}
