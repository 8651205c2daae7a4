//! Images that lie in the project (layouts of the image specification, such layouts in an archive, what `docker save` writes), and in the
//! user's store of containers.
//!
//! A directory is read where it is. An archive is read once, into the store, and its files are taken from there: it may be compressed, and
//! its files can be links to each other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use cap_std::fs::Dir;
use kit_format::compression::{Compression, Decoder};
use kit_format::limits::Limits;
use kit_format::oci::choose;
use kit_format::oci::graph::Link;
use kit_format::oci::pull::{LARGEST_DOCUMENT, Referred};
use kit_format::tar::{Devices, Duplicates, Links, TarOptions, read_tar};
use kit_hash::{BlobId, Sha256, Sha256Reader};
use kit_recipe::image_reference::ImageForm;
use kit_recipe::lockfile::image::Document;
use kit_recipe::{ImageReference, Reference};
use kit_source::http::{Counted, Progress};
use kit_tree::resolve::Resolved;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::Network;
use super::stored_image::Stored;
use crate::BuildError;
use crate::registry::{ImageError, PlaceError};

/// The images that were opened.
pub(super) type OpenImages = Mutex<BTreeMap<ImageReference, Arc<OpenImage>>>;

/// An image that lies in the project, ready to be read.
#[derive(Debug)]
pub(super) enum OpenImage {
    /// A layout directory.
    Directory(Dir),
    /// A layout in an archive: its files, which are in the store.
    Archive(Tree),
    /// An image of an archive that `docker save` wrote: its manifest, which is made here. All that it names is in the store.
    Saved(Vec<u8>),
    /// An image in the user's store of containers.
    Stored(Stored),
}

impl Network<'_> {
    /// Returns what an image's name leads to, an index or a manifest, for an architecture in OCI's words.
    pub(super) fn local_top(
        &self,
        image: &ImageReference,
        architecture: &str,
    ) -> Result<(Document, Vec<u8>), BuildError> {
        let open = self.open_image(image)?;
        if let OpenImage::Saved(manifest) | OpenImage::Stored(Stored { manifest, .. }) = &*open {
            let document = Document { size: manifest.len() as u64, sha256: Sha256::of(manifest) };
            return Ok((document, manifest.clone()));
        }
        let odd = |source| ImageError::Document { reference: image.clone(), source };
        choose::check_layout(&self.small_file(image, &open, "oci-layout")?).map_err(odd)?;
        let index = self.small_file(image, &open, "index.json")?;
        let name = if let ImageReference::Project(place) = image { place.name() } else { None };
        // What isn't there or is too long is nothing that is about an image.
        let mut read = |link: &Link| {
            let is_short = link.size <= LARGEST_DOCUMENT;
            let blob = is_short.then(|| self.local_blob(image, &link.sha256, &mut |_| {}).ok()).flatten()?;
            self.store.read(&blob, LARGEST_DOCUMENT).ok()
        };
        let found = choose::choose(&index, name, architecture, &mut read).map_err(odd)?;
        let Referred { size, sha256 } = found;
        let document = Document { size, sha256 };
        Ok((document, self.local_document(image, &document)?))
    }

    /// Returns a manifest or an index.
    pub(super) fn local_document(
        &self,
        image: &ImageReference,
        wanted: &Document,
    ) -> Result<Vec<u8>, BuildError> {
        let blob = self.local_blob(image, &wanted.sha256, &mut |_| {})?;
        let io = |source| BuildError::Io { what: format!("read a document of `{image}`"), source };
        self.store.read(&blob, LARGEST_DOCUMENT).map_err(io)
    }

    /// Puts a blob into the store.
    pub(super) fn local_blob(
        &self,
        image: &ImageReference,
        sha256: &Sha256,
        progress: &mut Progress<'_>,
    ) -> Result<BlobId, BuildError> {
        let open = self.open_image(image)?;
        if let Some(blob) = self.store.blob_of_sha256(sha256)? {
            return Ok(blob);
        }
        let path = blob_path(sha256);
        let mut reader = Counted::new(self.open_blob(image, &open, sha256)?, 0, progress);
        let digests = self.store.put_download(&mut reader)?;
        checked(image, &path, sha256, digests.sha256)?;
        Ok(digests.blob)
    }

    /// Copies a pinned file into `file`.
    pub(super) fn fetch_local(
        &self,
        image: &ImageReference,
        sha256: &Sha256,
        file: &mut File,
        progress: &mut Progress<'_>,
    ) -> Result<(), BuildError> {
        let open = self.open_image(image)?;
        let reader = Counted::new(self.open_blob(image, &open, sha256)?, 0, progress);
        let mut reader = Sha256Reader::new(reader);
        let io = |source| BuildError::Io { what: format!("copy {} of `{image}`", sha256.oci()), source };
        io::copy(&mut reader, file).and_then(|_| file.flush()).map_err(io)?;
        checked(image, &blob_path(sha256), sha256, reader.finish())
    }

    fn open_image(&self, image: &ImageReference) -> Result<Arc<OpenImage>, BuildError> {
        // Whoever else wants it waits, rather than read an archive twice.
        let mut all = self.open_images.lock().expect("because no holder panics");
        if let Some(open) = all.get(image) {
            return Ok(Arc::clone(open));
        }
        let open = match image {
            ImageReference::Registry(_) => unreachable!("because it isn't on this machine"),
            ImageReference::Storage(reference) => OpenImage::Stored(self.stored(image, reference)?),
            ImageReference::Project(place) => match place.form() {
                ImageForm::OciDirectory => OpenImage::Directory(self.image_directory(image, place.path())?),
                ImageForm::OciArchive => OpenImage::Archive(self.image_archive(image, place.path())?),
                ImageForm::DockerArchive => {
                    let tree = self.image_archive(image, place.path())?;
                    OpenImage::Saved(self.saved_manifest(image, place.name(), &tree)?)
                }
            },
        };
        let open = Arc::new(open);
        all.insert(image.clone(), Arc::clone(&open));
        Ok(open)
    }

    fn image_directory(&self, image: &ImageReference, path: &str) -> Result<Dir, BuildError> {
        let opened = match self.places.project.open_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PlaceError::Missing),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(PlaceError::NoDirectory),
            other => other.map_err(|source| PlaceError::Read { file: path.to_owned(), source }),
        };
        opened.map_err(|error| at(image, error))
    }

    /// Reads an archive into the store.
    fn image_archive(&self, image: &ImageReference, path: &str) -> Result<Tree, BuildError> {
        let file = open_file(&self.places.project, path);
        let file = file.map_err(|source| PlaceError::Read { file: path.to_owned(), source });
        let file = file.and_then(|file| file.ok_or(PlaceError::Missing)).map_err(|error| at(image, error))?;
        let limits = Limits::standard();
        let options =
            TarOptions { duplicates: Duplicates::LastWins, devices: Devices::Refuse, links: Links::Within };
        let read = |source| PlaceError::Read { file: path.to_owned(), source };
        let decoder = Decoder::sniff(file, &limits).map_err(|error| at(image, read(error)))?;
        let tree = read_tar(decoder, self.store, &limits, options);
        tree.map_err(|error| at(image, PlaceError::Archive(error.into())))
    }

    /// Finds an image in an archive that `docker save` wrote; returns its manifest.
    fn saved_manifest(
        &self,
        image: &ImageReference,
        name: Option<&str>,
        tree: &Tree,
    ) -> Result<Vec<u8>, BuildError> {
        let odd = |source| ImageError::Document { reference: image.clone(), source };
        let manifest = Self::blob_at(image, tree, "manifest.json")?;
        let io = |source| BuildError::Io { what: format!("read `manifest.json` of `{image}`"), source };
        let bytes = self.store.read(&manifest, LARGEST_DOCUMENT).map_err(io)?;
        let all = choose::read_saved(&bytes).map_err(odd)?;
        let is_it =
            |tag: &str| tag.parse::<Reference>().is_ok_and(|tag| Some(tag.to_string().as_str()) == name);
        let saved = choose::choose_saved(&all, name, &is_it).map_err(odd)?;
        let (config, _) = self.named_file(image, tree, &saved.config)?;
        let layers = saved.layers.iter().map(|layer| self.named_file(image, tree, layer));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        let manifest = choose::manifest_of(&config, &layers).map_err(odd)?;
        self.keep(&manifest)?;
        Ok(manifest)
    }

    /// Finds out what a file of an archive is, so that it is found by its digest from now on.
    fn named_file(
        &self,
        image: &ImageReference,
        tree: &Tree,
        path: &str,
    ) -> Result<(Referred, Compression), BuildError> {
        let blob = Self::blob_at(image, tree, path)?;
        let io = |source| BuildError::Io { what: format!("read `{path}` of `{image}`"), source };
        let mut start = Vec::new();
        let mut first = self.store.open(&blob).map_err(io)?.take(Compression::MAGIC_BYTES as u64);
        first.read_to_end(&mut start).map_err(io)?;
        let mut reader = Sha256Reader::new(self.store.open(&blob).map_err(io)?);
        let size = io::copy(&mut reader, &mut io::sink()).map_err(io)?;
        let sha256 = reader.finish();
        self.store.put_sha256(&sha256, &blob)?;
        Ok((Referred { size, sha256 }, Compression::sniff(&start)))
    }

    /// Returns the blob of a file of an archive, through its links.
    fn blob_at(image: &ImageReference, tree: &Tree, path: &str) -> Result<BlobId, BuildError> {
        let missing = || at(image, PlaceError::File { file: path.to_owned() });
        let place = TreePath::new(path).map_err(|_| missing())?;
        match tree.resolve(&place) {
            Resolved::There(_, Entry::File { blob, .. }) => Ok(*blob),
            _ => Err(missing()),
        }
    }

    /// Opens a blob of an image.
    fn open_blob<'o>(
        &'o self,
        image: &ImageReference,
        open: &'o OpenImage,
        sha256: &Sha256,
    ) -> Result<Box<dyn Read + 'o>, BuildError> {
        let gone = || at(image, PlaceError::Blob { sha256: *sha256 });
        let io = |source| BuildError::Io { what: format!("read {} of `{image}`", sha256.oci()), source };
        let path = blob_path(sha256);
        match open {
            OpenImage::Directory(directory) => {
                let file = open_file(directory, &path);
                let file = file.map_err(|source| at(image, PlaceError::Read { file: path, source }))?;
                Ok(Box::new(file.ok_or_else(gone)?))
            }
            OpenImage::Archive(tree) => {
                let blob = Self::blob_at(image, tree, &path).map_err(|_| gone())?;
                self.store.open(&blob).map_err(io)
            }
            OpenImage::Stored(stored) if stored.layers.contains_key(sha256) => {
                stored.open_layer(image, sha256)
            }
            OpenImage::Saved(_) | OpenImage::Stored(_) => {
                let blob = self.store.blob_of_sha256(sha256)?.ok_or_else(gone)?;
                self.store.open(&blob).map_err(io)
            }
        }
    }

    /// Reads a document that has its place by its name.
    fn small_file(
        &self,
        image: &ImageReference,
        open: &OpenImage,
        name: &str,
    ) -> Result<Vec<u8>, BuildError> {
        let missing = || at(image, PlaceError::File { file: name.to_owned() });
        let read = |source| at(image, PlaceError::Read { file: name.to_owned(), source });
        match open {
            OpenImage::Directory(directory) => small_file(image, directory, name, LARGEST_DOCUMENT),
            OpenImage::Archive(tree) => {
                let blob = Self::blob_at(image, tree, name)?;
                self.store.read(&blob, LARGEST_DOCUMENT).map_err(read)
            }
            OpenImage::Saved(_) | OpenImage::Stored(_) => Err(missing()),
        }
    }
}

/// Reads a file that everything of the kind has.
pub(super) fn small_file(
    image: &ImageReference,
    directory: &Dir,
    name: &str,
    limit: u64,
) -> Result<Vec<u8>, BuildError> {
    let read = |source| at(image, PlaceError::Read { file: name.to_owned(), source });
    let file = open_file(directory, name).map_err(read)?;
    let file = file.ok_or_else(|| at(image, PlaceError::File { file: name.to_owned() }))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > limit {
        return Err(ImageError::LargeDocument { reference: image.clone(), size: bytes.len() as u64 }.into());
    }
    Ok(bytes)
}

/// Opens a file that no link may lead out of the directory to; none when there is none.
pub(super) fn open_file(directory: &Dir, path: &str) -> io::Result<Option<File>> {
    match directory.metadata(path) {
        // Nothing that waits for somebody else, or never ends.
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other("it is something else than a file")),
        Ok(_) => Ok(Some(directory.open(path)?.into_std())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn at(image: &ImageReference, error: PlaceError) -> BuildError {
    ImageError::Place { image: image.clone(), error }.into()
}

fn blob_path(sha256: &Sha256) -> String {
    format!("blobs/sha256/{sha256}")
}

fn checked(image: &ImageReference, file: &str, expected: &Sha256, actual: Sha256) -> Result<(), BuildError> {
    if *expected == actual {
        return Ok(());
    }
    Err(at(image, PlaceError::Content { file: file.to_owned(), actual }))
}
