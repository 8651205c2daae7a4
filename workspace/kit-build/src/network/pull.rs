//! Images of registries into layouts, as they are there: all platforms, or one.

use std::time::Instant;

use kit_format::oci::graph::{self, Graph, Link, layout_files, link_to};
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_format::oci::{DockerImage, with_docker_manifest};
use kit_format::tar::TarStream;
use kit_hash::{BlobId, Sha256};
use kit_recipe::lockfile::image::Document;
use kit_recipe::{ImageReference, Reference};
use kit_tree::{BlobSink as _, Blobs as _, Mode, Tree, TreePath};

use super::CONNECTIONS;
use super::{Network, links};
use crate::parallel::each;
use crate::registry::ImageError;
use crate::seams::Finished;
use crate::{BuildError, Event, Events};

/// What is pulled.
#[derive(Debug, Clone, Copy)]
pub struct Pull<'a> {
    /// Which image.
    pub reference: &'a Reference,
    /// `os/architecture[/variant]`; none for all that there are.
    pub platform: Option<&'a str>,
    /// How many blobs at a time.
    pub jobs: usize,
}

/// What was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// What the reference leads to: an index where the image was chosen from several.
    pub named: Sha256,
    /// The image.
    pub top: Link,
    /// The tree of a layout that has it.
    pub layout: Tree,
    /// All that it leads to.
    pub graph: Graph,
    /// Blobs that were fetched.
    pub fetched: usize,
    /// Bytes of those.
    pub bytes: u64,
}

impl Network<'_> {
    /// Fetches an image; nothing that the store has is fetched again.
    pub fn pull(&self, pull: &Pull<'_>, events: &dyn Events) -> Result<Pulled, BuildError> {
        let (named, top) = self.chosen(pull.reference, pull.platform)?;
        let graph = self.leads_to(pull.reference, &top)?;
        let links: Vec<_> = graph.blobs.values().collect();
        let mut missing = Vec::new();
        for link in &links {
            if self.store.blob_of_sha256(&link.sha256)?.is_none() {
                missing.push(*link);
            }
        }
        let bytes = missing.iter().map(|link| link.size).sum();
        let (steps, reused) = (missing.len(), links.len() - missing.len());
        events.event(Event::Planned { steps, reused, fetch_bytes: bytes });
        each(&missing, pull.jobs.min(CONNECTIONS), &|link| self.pull_blob(pull.reference, link, events))?;
        let image = ImageReference::Registry(pull.reference.clone());
        let mut layout = Tree::new();
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| BuildError::Write {
            title: format!("layout of {}", pull.reference),
            source,
        };
        for link in graph.documents.iter().chain(links) {
            let blob = self.blob(&image, &document(link), &mut |_| {})?;
            let path = graph::place(&link.sha256);
            layout.insert_file(path, Mode::FILE, blob, link.size).map_err(|e| failed(Box::new(e)))?;
        }
        for (name, text) in layout_files(&top).map_err(|e| failed(Box::new(e)))? {
            let blob = self.store.put_bytes(&text)?;
            let path = TreePath::new(name).expect("because it is a constant path");
            let inserted = layout.insert_file(path, Mode::FILE, blob, text.len() as u64);
            inserted.map_err(|e| failed(Box::new(e)))?;
        }
        Ok(Pulled { named, top, layout, graph, fetched: steps, bytes })
    }

    /// Returns what a reference leads to, with the names that it has in a layout.
    pub fn named(&self, reference: &Reference, platform: Option<&str>) -> Result<Link, BuildError> {
        self.chosen(reference, platform).map(|(_, top)| top)
    }

    /// Returns the same, behind the digest of what the reference itself leads to.
    fn chosen(&self, reference: &Reference, platform: Option<&str>) -> Result<(Sha256, Link), BuildError> {
        let image = ImageReference::Registry(reference.clone());
        let odd = |source| ImageError::Document { reference: image.clone(), source };
        let (_, bytes) = self.top(&image, "")?;
        let mut top = link_to(&bytes).map_err(odd)?;
        let named = top.sha256;
        if let Some(wanted) = platform
            && graph::is_index(&top.media_type)
        {
            let links = graph::read_links(&bytes).map_err(odd)?;
            top = graph::for_platform(&links, wanted).map_err(odd)?;
        }
        top.platform = None;
        top.ref_name = Some(reference.tag().map_or_else(|| top.sha256.short(), ToOwned::to_owned));
        top.image_name =
            reference.tag().map(|tag| format!("{}/{}:{tag}", reference.registry(), reference.repository()));
        Ok((named, top))
    }

    /// Follows all links of a document in a registry; its documents are in the store then.
    pub fn leads_to(&self, reference: &Reference, top: &Link) -> Result<Graph, BuildError> {
        let image = ImageReference::Registry(reference.clone());
        links::graph(reference, top, &|link| {
            let known = self.store.blob_of_sha256(&link.sha256)?;
            match known.map(|blob| self.store.read(&blob, LARGEST_DOCUMENT)) {
                Some(Ok(bytes)) => Ok(bytes),
                _ => self.document(&image, &document(link)),
            }
        })
    }

    fn pull_blob(
        &self,
        reference: &Reference,
        link: &Link,
        events: &dyn Events,
    ) -> Result<BlobId, BuildError> {
        let title = format!("fetch blob {}", link.sha256.short());
        events.event(Event::Started { title: &title, bytes: Some(link.size) });
        let started = Instant::now();
        let mut progress = |bytes| events.event(Event::Fetched { title: &title, bytes });
        let image = ImageReference::Registry(reference.clone());
        let blob = self.blob(&image, &document(link), &mut progress);
        let how = if blob.is_ok() { Finished::Done } else { Finished::Failed };
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        events.event(Event::Finished { title: &title, how, millis });
        let blob = blob?;
        self.store.put_sha256(&link.sha256, &blob)?;
        Ok(blob)
    }

    /// Returns one file that `docker load` reads, of an image for one platform.
    pub fn docker_archive(
        &self,
        reference: &Reference,
        pulled: &Pulled,
    ) -> Result<(BlobId, u64), BuildError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| BuildError::Write {
            title: format!("archive of {reference}"),
            source,
        };
        let named = ImageReference::Registry(reference.clone());
        let bytes = self.document(&named, &document(&pulled.top))?;
        let parts = kit_format::oci::pull::read_manifest(&bytes)
            .map_err(|source| ImageError::Document { reference: named, source })?;
        let image = DockerImage {
            tag: pulled.top.image_name.clone(),
            config: parts.config.sha256,
            layers: parts.layers.iter().map(|layer| layer.sha256).collect(),
        };
        let whole = with_docker_manifest(pulled.layout.clone(), &[image], self.store);
        let whole = whole.map_err(|e| failed(Box::new(e)))?;
        let mut stream = TarStream::new(&whole, self.store, 0).map_err(|e| failed(Box::new(e)))?;
        self.store.put(&mut stream).map_err(|e| failed(Box::new(e)))
    }
}

fn document(link: &Link) -> Document {
    Document { size: link.size, sha256: link.sha256 }
}
