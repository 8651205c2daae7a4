//! Images in layers: OCI layouts, and archives of them for `docker load`.

use std::collections::BTreeMap;

use kit_format::oci::{
    self, DockerImage, ImageConfig, LayerCompression, OciLayout, Platform, docker_tag, with_docker_manifest,
};
use kit_format::tar::TarStream;
use kit_hash::TreeId;
use kit_plan::derivation::{Input, OciImage};
use kit_tree::split::{Share, split};
use kit_tree::{BlobSink as _, Tree, TreePath};

use super::Writer;
use crate::BuildError;

/// The most layers of an image: old runtimes take no more than 127, and people put some on top. Another number gives other images: with it
/// goes the revision of the derivation.
const MOST_LAYERS: usize = 64;

/// An image in its layers.
pub(super) struct Layered<'i> {
    name: &'i str,
    image: &'i OciImage,
    layers: Vec<Tree>,
}

/// Whether images of a layout have the names under which they are loaded.
#[derive(Clone, Copy)]
enum Loadable {
    Yes,
    No,
}

impl Writer<'_> {
    pub(super) fn oci(&self, images: &[Layered<'_>]) -> Result<Tree, BuildError> {
        let layout = self.layout(images, Loadable::No)?;
        let directory = TreePath::new(format!("{}.oci", self.image.name)).map_err(|e| self.failed(e))?;
        layout.tree.moved_below(&directory).map_err(|e| self.failed(e))
    }

    /// Splits the root of each image into its layers.
    pub(super) fn layered<'i>(
        &self,
        images: &'i BTreeMap<String, OciImage>,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Vec<Layered<'i>>, BuildError> {
        let mut layered = Vec::new();
        for (name, image) in images {
            let root = self.store.tree(&tree_of(&image.root))?;
            let trees: Result<Vec<_>, _> =
                image.shares.iter().map(|share| self.store.tree(&tree_of(&share.input))).collect();
            let trees = trees?;
            let shares = image.shares.iter().zip(&trees).map(|(share, tree)| Share { tree, at: &share.at });
            let shares: Vec<_> = shares.collect();
            let layers = if shares.is_empty() { vec![root] } else { split(&root, &shares, MOST_LAYERS) };
            layered.push(Layered { name, image, layers });
        }
        Ok(layered)
    }

    fn layout(&self, images: &[Layered<'_>], loadable: Loadable) -> Result<OciLayout, BuildError> {
        let image_name = |name: &str| match loadable {
            Loadable::Yes => docker_tag(name).map(|tag| format!("docker.io/library/{tag}")),
            Loadable::No => None,
        };
        let images: Vec<_> = images
            .iter()
            .map(|Layered { name, image, layers }| oci::OciImage {
                layers: layers.iter().collect(),
                config: config(image),
                annotations: BTreeMap::new(),
                ref_name: Some((*name).to_owned()),
                image_name: image_name(name),
            })
            .collect();
        oci::write_layout(&images, LayerCompression::Gzip, self.mtime()?, self.store, self.store)
            .map_err(|e| self.failed(e))
    }

    pub(super) fn docker_archive(&self, images: &[Layered<'_>]) -> Result<Tree, BuildError> {
        let layout = self.layout(images, Loadable::Yes)?;
        let named = images.iter().zip(&layout.images).map(|(image, digests)| DockerImage {
            tag: docker_tag(image.name),
            config: digests.config,
            layers: digests.layers.iter().map(|layer| layer.digest).collect(),
        });
        let images: Vec<_> = named.collect();
        let whole = with_docker_manifest(layout.tree, &images, self.store);
        let whole = whole.map_err(|e| self.failed(e))?;
        let mut stream = TarStream::new(&whole, self.store, self.mtime()?).map_err(|e| self.failed(e))?;
        let content = self.store.put(&mut stream).map_err(|e| self.failed(e))?;
        let mut tree = Tree::new();
        self.put(&mut tree, ".docker.tar", content)?;
        Ok(tree)
    }
}

fn config(image: &OciImage) -> ImageConfig {
    let platform =
        Platform { os: "linux".to_owned(), architecture: image.architecture.clone(), variant: None };
    let env = image.env.iter().filter_map(|pair| pair.split_once('='));
    ImageConfig {
        entrypoint: image.command.clone(),
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        working_dir: Some(image.cwd.clone()),
        user: Some(image.user.clone()),
        ..ImageConfig::new(platform)
    }
}
