//! Images that the command line names, whoever made them: files, directories, and what registries have.
//!
//! | module | what |
//! |---|---|
//! | [`kind`] | what a file can be |
//! | [`archive`] | what is in a file |
//! | [`machine`] | what is in a disk, a disc, a file system, a program |
//! | [`directory`] | what is in a directory |
//! | [`layout`] | the root that the layers of an image make |
//! | [`error`] | why something can't be opened |
//!
//! All content goes to the store, where nothing keeps it: the next `kit store gc` takes it away.

pub(crate) mod archive;
pub(crate) mod directory;
pub(crate) mod error;
pub(crate) mod kind;
mod layout;
pub(crate) mod machine;

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::Path;

use kit_audit::inventory::foreign::OsRelease;
use kit_build::network::Pull;
use kit_format::oci::pull::Settings;
use kit_hash::{PinId, Sha256, Sha256Reader};
use kit_recipe::Reference;
use kit_recipe::image::ExtensionKind;
use kit_store::Store;
use kit_tree::resolve::Resolved;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use self::archive::Found;
use self::error::OpenError;
use self::kind::Kind;
use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::project::{canonical, open_file};
use crate::signed::Named;
use crate::unsigned::Unsigned;
use crate::workbench::with_engine;

/// The longest `os-release` that is looked at, in bytes.
const LONGEST_RELEASE: u64 = 64 << 10;

/// An image, opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What the command line calls it.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Its root file system; the contents are in the store.
    pub(crate) root: Tree,
    /// What it says of how it is run, where its form says that.
    pub(crate) configured: Option<Configured>,
    /// The digest of the pins of the lockfile that it says it is from.
    pub(crate) pin: Option<PinId>,
    /// What lies beside it in the directory that was opened and is part of the image: how its name ends, and its digest.
    pub(crate) beside: Vec<(String, Sha256)>,
    /// The digest of the file, of a program without its signatures; none of a directory and of what a registry has.
    pub(crate) file: Option<Sha256>,
    /// That of the file without its signatures, which are no part of what was built, where it has some.
    pub(crate) unsigned: Option<Sha256>,
    /// The files of the layout or the archive, where it is one of images.
    pub(crate) layout: Option<Tree>,
    /// What its own signatures are about: of a registry the very thing that was fetched.
    pub(crate) named: Named,
}

/// The configuration of an image that containers are made of.
#[derive(Debug)]
pub(crate) struct Configured {
    /// Its name in the layout.
    pub(crate) name: Option<String>,
    /// OCI's words for the operating system and the architecture.
    pub(crate) platform: (String, String),
    /// The digest of its manifest; that of its configuration where it has none.
    pub(crate) manifest: Sha256,
    /// The digest of its configuration.
    pub(crate) config: Sha256,
    pub(crate) settings: Settings,
}

/// Which image is meant where there are several.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Choice<'a> {
    /// `linux/arm64`; that of this machine where it is none.
    pub(crate) platform: Option<&'a str>,
    /// Its name in a layout, an archive, or a directory of outputs.
    pub(crate) image: Option<&'a str>,
}

impl Choice<'_> {
    /// Returns the platform that is meant where there are several.
    fn platform(&self) -> String {
        let own = || format!("linux/{}", kit_plan::registry::oci_architecture(std::env::consts::ARCH));
        self.platform.map_or_else(own, str::to_owned)
    }
}

impl Opened {
    /// Opens a file or a directory.
    pub(crate) fn path(path: &Path, choice: Choice<'_>, store: &Store) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let failed = |source| Failure::Open { name: name.clone(), source };
        let real = canonical(path)?;
        let (mut file, mut unsigned) = (None, None);
        let found = if real.is_dir() {
            match directory::look(&real, choice)? {
                directory::Inside::Layout => {
                    let tree = crate::layouts::take(store, path)?;
                    Found::Layout(Kind::Oci, tree)
                }
                directory::Inside::Started(format) => {
                    let opened = Self::path(&path.join("initrd.img"), choice, store)?;
                    let beside = directory::beside_started(&real, format)?;
                    return Ok(Self { name, kind: Kind::Other(format), beside, ..opened });
                }
                directory::Inside::Output(file) => {
                    // Which image is meant is said already, unless there are several in what is opened.
                    let choice = Choice { image: None, ..choice };
                    let opened = Self::path(&path.join(&file), choice, store)?;
                    return Ok(Self { beside: directory::beside(&real, &file)?, ..opened });
                }
            }
        } else {
            let mut opened = open_file(path)?;
            file = Some(digest(&mut opened).map_err(|error| failed(error.into()))?);
            let program = opened.try_clone().map_err(|error| failed(error.into()))?;
            let found = archive::read(opened, store).map_err(failed)?;
            if let Found::Root(kind, _) = found {
                unsigned = without_signatures(kind, &program).map_err(failed)?;
            }
            found
        };
        let (kind, root, configured, layout) = match found {
            Found::CommandLine => return Err(failed(OpenError::CommandLine)),
            Found::Root(kind, root) => {
                choice.refuse().map_err(failed)?;
                (kind, root, None, None)
            }
            Found::Layout(kind, tree) => {
                let (root, configured) = layout::of_layout(&tree, store, choice).map_err(failed)?;
                (kind, root, Some(configured), Some(tree))
            }
            Found::Saved(tree, saved) => {
                let (root, configured) = layout::of_saved(&tree, &saved, store, choice).map_err(failed)?;
                (Kind::DockerArchive, root, Some(configured), Some(tree))
            }
        };
        let pin = pin_of(&root, store);
        let named = if real.is_dir() { Named::Layout(real) } else { Named::File(path.to_owned()) };
        Ok(Self { name, kind, root, configured, pin, beside: Vec::new(), file, unsigned, layout, named })
    }

    /// Fetches an image of a registry.
    pub(crate) fn reference(
        reference: &Reference,
        choice: Choice<'_>,
        context: &Context,
        store: &Store,
    ) -> Result<Self, Failure> {
        // Where there is no project, there are no settings of one.
        context.project_or_here()?;
        let progress = Progress::new(&context.output);
        let platform = choice.platform();
        let pulled = with_engine(context, store, &progress, |_, network| {
            let pull = Pull { reference, platform: Some(&platform), jobs: context.jobs() };
            Ok(network.pull(&pull, &progress)?)
        });
        progress.finish();
        let name = reference.to_string();
        let pulled = pulled?;
        let opened = layout::of_layout(&pulled.layout, store, choice);
        let (root, configured) = opened.map_err(|source| Failure::Open { name: name.clone(), source })?;
        let pin = pin_of(&root, store);
        let (kind, configured) = (Kind::Registry, Some(configured));
        // A tag can lead elsewhere by the time that its signatures are asked for.
        let named = Named::Registry(reference.at(pulled.named));
        let layout = Some(pulled.layout);
        Ok(Self {
            name,
            kind,
            root,
            configured,
            pin,
            beside: Vec::new(),
            file: None,
            unsigned: None,
            layout,
            named,
        })
    }
}

impl Choice<'_> {
    /// Refuses a choice where there is none.
    fn refuse(&self) -> Result<(), OpenError> {
        match (self.platform, self.image) {
            (Some(_), _) => Err(OpenError::NoChoice { flag: "--platform" }),
            (None, Some(_)) => Err(OpenError::NoChoice { flag: "--image" }),
            (None, None) => Ok(()),
        }
    }
}

/// Returns the digest of a file without its signatures; none where it has none.
fn without_signatures(kind: Kind, file: &File) -> Result<Option<Sha256>, OpenError> {
    let part = |source| OpenError::Part { what: "table of signatures", source: Box::new(source) };
    let unsigned = Unsigned::of(kind, file).map_err(part)?;
    if !unsigned.is_signed() {
        return Ok(None);
    }
    let mut reader = Sha256Reader::new(unsigned.stream(file)?);
    io::copy(&mut reader, &mut io::sink())?;
    Ok(Some(reader.finish()))
}

/// Returns the digest of a file, and goes back to its start.
fn digest(file: &mut File) -> io::Result<Sha256> {
    let mut reader = Sha256Reader::new(&mut *file);
    io::copy(&mut reader, &mut io::sink())?;
    let digest = reader.finish();
    file.rewind()?;
    Ok(digest)
}

/// Returns the digest of the pins that a root carries: what its `os-release` says, or, of an extension, the file that says what it is for.
pub(crate) fn pin_of(root: &Tree, store: &Store) -> Option<PinId> {
    let constant = |text: &str| -> TreePath { text.parse().expect("because it is a constant path") };
    let mut places = vec![constant("/etc/os-release")];
    for kind in [ExtensionKind::System, ExtensionKind::Configuration] {
        let directory = constant(kind.release_directory());
        let is_in = |path: &&TreePath| path.parent().is_some_and(|parent| parent == directory);
        places.extend(root.entries().map(|(path, _)| path).filter(is_in).cloned());
    }
    places.iter().find_map(|place| {
        let Resolved::There(path, _) = root.resolve(place) else { return None };
        let Some(Entry::File { blob, size, .. }) = root.inode(&path) else { return None };
        if *size > LONGEST_RELEASE {
            return None;
        }
        let text = store.read(blob, LONGEST_RELEASE).ok()?;
        OsRelease::parse(String::from_utf8_lossy(&text)).pin?.parse().ok()
    })
}
