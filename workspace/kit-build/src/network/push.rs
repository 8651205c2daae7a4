//! Images of a layout into a registry.

use std::io;
use std::time::Instant;

use kit_format::oci::graph::{self, Graph, Link, link_to};
use kit_format::oci::index::{self, IndexError};
use kit_format::oci::pull::{self, ACCEPTED, DocumentError, LARGEST_DOCUMENT};
use kit_format::oci::referrers;
use kit_hash::{BlobId, Sha256};
use kit_recipe::{ImageReference, Reference};
use kit_source::http::{Encryption, Expected};
use kit_source::registry::{Arrived, Registries, Repository, There, Upload};
use kit_tree::{Blobs as _, Entry, Tree};

use super::CONNECTIONS;
use super::registry::repository;
use super::{Network, links};
use crate::parallel::each;
use crate::registry::ImageError;
use crate::seams::Finished;
use crate::{BuildError, Event, Events};

/// What is pushed, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Push<'a> {
    /// The tree of a layout.
    pub layout: &'a Tree,
    /// What of it.
    pub top: &'a Link,
    /// Under which name.
    pub reference: &'a Reference,
    /// Repositories of the same registry that may have some of it.
    pub mount_from: &'a [String],
    /// What becomes of what the tag has.
    pub tagging: Tagging<'a>,
    /// How many blobs at a time.
    pub jobs: usize,
}

/// What becomes of what a tag has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagging<'a> {
    /// It is replaced.
    Replace,
    /// It is, or becomes, an index, in which the manifest of this platform is replaced.
    Index,
    /// It stays: what another tag has is replaced.
    Other(&'a str),
    /// It stays: what is pushed has its digest for a name, and says itself what it is about.
    Untouched,
}

/// What became of an image that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// What the tag has now.
    pub top: Sha256,
    /// Blobs that were sent.
    pub sent: usize,
    /// Bytes of those.
    pub bytes: u64,
    /// Blobs that were taken over from other repositories.
    pub mounted: usize,
    /// Blobs that were there.
    pub there: usize,
}

impl Network<'_> {
    /// Puts an image of a layout into a registry: first what isn't there yet, then the manifests that name it.
    pub fn push(&self, push: &Push<'_>, events: &dyn Events) -> Result<Pushed, BuildError> {
        let (registries, repository) = (self.registries_themselves(), repository(push.reference));
        Pushing { network: self, push, registries, repository, events }.run()
    }
}

struct Pushing<'p> {
    network: &'p Network<'p>,
    push: &'p Push<'p>,
    registries: Registries<'p>,
    repository: Repository<'p>,
    events: &'p dyn Events,
}

/// A blob that has to come into the repository.
struct Missing<'g> {
    link: &'g Link,
    mount_from: Option<String>,
}

impl Pushing<'_> {
    fn run(&self) -> Result<Pushed, BuildError> {
        let graph = self.graph()?;
        let blobs: Vec<_> = graph.blobs.values().collect();
        // One question alone: with its answer comes the login for all others.
        let (first, others) = blobs.split_at(blobs.len().min(1));
        let mut missing = each(first, 1, &|link| self.look(link))?;
        missing.extend(each(others, self.push.jobs.min(CONNECTIONS), &|link| self.look(link))?);
        let missing: Vec<_> = missing.into_iter().flatten().collect();
        let to_send = missing.iter().filter(|missing| missing.mount_from.is_none());
        let bytes = to_send.map(|missing| missing.link.size).sum();
        self.events.event(Event::Sending { blobs: missing.len(), there: blobs.len() - missing.len(), bytes });
        let arrived = each(&missing, self.push.jobs.min(CONNECTIONS), &|missing| self.put(missing))?;
        let sent = || missing.iter().zip(&arrived).filter(|(_, arrived)| **arrived == Arrived::Sent);
        Ok(Pushed {
            top: self.put_documents(&graph)?,
            sent: sent().count(),
            bytes: sent().map(|(missing, _)| missing.link.size).sum(),
            mounted: missing.len() - sent().count(),
            there: blobs.len() - missing.len(),
        })
    }

    fn named(&self) -> ImageReference {
        ImageReference::Registry(self.push.reference.clone())
    }

    fn graph(&self) -> Result<Graph, BuildError> {
        links::graph(self.push.reference, self.push.top, &|link| self.bytes(link))
    }

    /// Returns a blob of the layout.
    fn blob(&self, link: &Link) -> Result<BlobId, BuildError> {
        match self.push.layout.inode(&graph::place(&link.sha256)) {
            Some(Entry::File { blob, size, .. }) if *size == link.size => Ok(*blob),
            _ => Err(BuildError::Write {
                title: format!("push {}", self.push.reference),
                source: format!("the layout hasn't got {} with {} bytes", link.sha256.oci(), link.size)
                    .into(),
            }),
        }
    }

    /// Returns a document of the layout.
    fn bytes(&self, link: &Link) -> Result<Vec<u8>, BuildError> {
        let io = |source: io::Error| BuildError::Io { what: format!("read {}", link.sha256.oci()), source };
        let bytes = self.network.store.read(&self.blob(link)?, LARGEST_DOCUMENT).map_err(io)?;
        let found = Sha256::of(&bytes);
        if found != link.sha256 {
            return Err(io(io::Error::other(format!("it is {}", found.oci()))));
        }
        Ok(bytes)
    }

    /// Asks for a blob; returns what has to be done when it isn't there.
    fn look<'g>(&self, link: &'g Link) -> Result<Option<Missing<'g>>, BuildError> {
        let there = self.registries.has_blob(self.repository, &link.sha256).map_err(ImageError::Registry)?;
        if there == There::Yes {
            return Ok(None);
        }
        for path in self.mount_from() {
            let other = Repository { registry: self.repository.registry, path: &path };
            if self.registries.could_give(other, &link.sha256).map_err(ImageError::Registry)? == There::Yes {
                return Ok(Some(Missing { link, mount_from: Some(path) }));
            }
        }
        Ok(Some(Missing { link, mount_from: None }))
    }

    /// Returns the other repositories of the registry that may have something: those that are named, and the one that the image was
    /// pulled from.
    fn mount_from(&self) -> Vec<String> {
        let pulled = self.push.top.image_name.as_ref().and_then(|name| name.parse::<Reference>().ok());
        let pulled = pulled.filter(|reference| reference.registry() == self.repository.registry);
        let pulled = pulled.map(|reference| reference.repository().to_owned());
        let all = self.push.mount_from.iter().cloned().chain(pulled);
        all.filter(|path| path != self.repository.path).collect()
    }

    fn put(&self, missing: &Missing<'_>) -> Result<Arrived, BuildError> {
        let Missing { link, mount_from } = missing;
        let blob = self.blob(link)?;
        let title = format!("push blob {}", link.sha256.short());
        self.events.event(Event::Started { title: &title, bytes: Some(link.size) });
        let started = Instant::now();
        let upload = Upload { sha256: link.sha256, size: link.size, mount_from: mount_from.as_deref() };
        let mut progress = |bytes| self.events.event(Event::Sent { title: &title, bytes });
        let mut open = || self.network.store.open(&blob);
        let put = self.registries.put_blob(self.repository, &upload, &mut open, &mut progress);
        let how = if put.is_ok() { Finished::Done } else { Finished::Failed };
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.events.event(Event::Finished { title: &title, how, millis });
        Ok(put.map_err(ImageError::Registry)?)
    }

    /// Puts the documents, each behind what it names; returns what the tag has then.
    fn put_documents(&self, graph: &Graph) -> Result<Sha256, BuildError> {
        let tag = self.push.reference.tag().unwrap_or_default();
        let replaced = match self.push.tagging {
            Tagging::Replace => Some(tag),
            Tagging::Other(other) => Some(other),
            Tagging::Index | Tagging::Untouched => None,
        };
        for link in &graph.documents {
            let tag = replaced.filter(|_| link.sha256 == self.push.top.sha256);
            let name = tag.map_or_else(|| link.sha256.oci(), ToOwned::to_owned);
            self.put_document(&name, &link.media_type, &self.bytes(link)?)?;
        }
        match self.push.tagging {
            Tagging::Index => self.put_index(tag),
            Tagging::Replace | Tagging::Other(_) | Tagging::Untouched => Ok(self.push.top.sha256),
        }
    }

    fn put_document(&self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), BuildError> {
        let put = self.registries.put_manifest(self.repository, name, media_type, bytes);
        let kept = put.map_err(ImageError::Registry)?;
        let subject = referrers::subject(bytes)
            .map_err(|source| ImageError::Document { reference: self.named(), source })?;
        match subject {
            Some(subject) if kept.is_none() => self.refer(&subject, bytes),
            _ => Ok(()),
        }
    }

    /// Lists a document among those about an image, in a registry that doesn't do so by itself.
    fn refer(&self, subject: &Sha256, document: &[u8]) -> Result<(), BuildError> {
        let tag = referrers::tag(subject);
        let before = self.tagged(&tag)?;
        let list = referrers::with_referrer(before.as_deref(), document);
        let Some(list) = list.map_err(|error| self.odd_index(error))? else { return Ok(()) };
        let put = self.registries.put_manifest(self.repository, &tag, &index::media_type(&list), &list);
        Ok(put.map(drop).map_err(ImageError::Registry)?)
    }

    fn odd_index(&self, error: IndexError) -> BuildError {
        match error {
            IndexError::Document(source) => ImageError::Document { reference: self.named(), source }.into(),
            json @ IndexError::Json(_) => BuildError::Write {
                title: format!("index of {}", self.push.reference),
                source: Box::new(json),
            },
        }
    }

    /// Adds the manifest to the index that the tag has; one manifest alone becomes an index.
    fn put_index(&self, tag: &str) -> Result<Sha256, BuildError> {
        let odd = |source| ImageError::Document { reference: self.named(), source };
        let index_odd = |error| self.odd_index(error);
        let read = |link: &Link| self.bytes(link);
        let own = self.with_platform(self.push.top, &read)?;
        let before = match self.tagged(tag)? {
            None => None,
            Some(bytes) => {
                let top = link_to(&bytes).map_err(odd)?;
                if graph::is_index(&top.media_type) {
                    Some(bytes)
                } else {
                    let fetch = |link: &Link| {
                        if link.sha256 == top.sha256 { Ok(bytes.clone()) } else { self.remote_blob(link) }
                    };
                    let top = self.with_platform(&top, &fetch)?;
                    Some(index::with_manifest(None, &top).map_err(index_odd)?)
                }
            }
        };
        let bytes = index::with_manifest(before.as_deref(), &own).map_err(index_odd)?;
        self.put_document(tag, &index::media_type(&bytes), &bytes)?;
        Ok(Sha256::of(&bytes))
    }

    /// Returns what a tag has.
    fn tagged(&self, tag: &str) -> Result<Option<Vec<u8>>, BuildError> {
        let expected = Expected::at_most(LARGEST_DOCUMENT);
        match self.registries.document(self.repository, tag, ACCEPTED, &expected) {
            Err(error) if error.code() == "kit::registry::unknown" => Ok(None),
            other => Ok(Some(other.map_err(ImageError::Registry)?)),
        }
    }

    fn remote_blob(&self, link: &Link) -> Result<Vec<u8>, BuildError> {
        if link.size > LARGEST_DOCUMENT {
            return Err(ImageError::LargeDocument { reference: self.named(), size: link.size }.into());
        }
        let (scratch, mut file) = self.network.scratch_file()?;
        let expected =
            Expected { encryption: Encryption::Optional, ..Expected::exactly(link.size, link.sha256) };
        let fetched = self.registries.blob(self.repository, &link.sha256, &expected, &mut file, &mut |_| {});
        fetched.map_err(ImageError::Registry)?;
        let mut bytes = Vec::new();
        let io = |source| kit_store::StoreError::io("read", scratch.path(), source);
        io::Seek::rewind(&mut file).map_err(io)?;
        io::Read::read_to_end(&mut file, &mut bytes).map_err(io)?;
        Ok(bytes)
    }

    /// Returns the link to a manifest with its platform: as it is said, else what its configuration says.
    fn with_platform(
        &self,
        top: &Link,
        read: &dyn Fn(&Link) -> Result<Vec<u8>, BuildError>,
    ) -> Result<Link, BuildError> {
        let odd = |source| ImageError::Document { reference: self.named(), source };
        if graph::is_index(&top.media_type) {
            let kind = "index that is to go into an index".to_owned();
            return Err(odd(DocumentError::Kind { kind }).into());
        }
        if top.platform.is_some() {
            return Ok(top.clone());
        }
        let parts = pull::read_manifest(&read(top)?).map_err(odd)?;
        let (size, sha256) = (parts.config.size, parts.config.sha256);
        let config = read(&Link { size, sha256, ..top.clone() })?;
        let platform = index::platform_of(&config).map_err(odd)?;
        Ok(Link { platform: Some(platform), ..top.clone() })
    }
}
