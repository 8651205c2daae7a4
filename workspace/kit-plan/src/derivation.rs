//! One closed, hashed step of a plan.
//!
//! The identity `kit:derivation:v1` says what was asked: action number, the action's fields in the order of its type,
//! inputs as (0, derivation id) or (1, tree id). `kit:resolved:v1` is the same with each derivation replaced by
//! the tree that it turned out to be, so that an input that was rebuilt to the same tree changes nothing.
//!
//! | number | action | result |
//! |---|---|---|
//! | 0 | [`Fetch`] | one file, checked by digest |
//! | 1 | [`Unpack`] | the tree of an archive |
//! | 2 | [`Run`] | what a script left in `/out` |
//! | 3 | [`Compose`] | trees laid over each other, filtered, with additions |
//! | 4 | [`Image`] | the files of an output format |

mod board;
mod image;
mod update;

use std::collections::BTreeMap;

use kit_hash::{BlobId, DerivationId, Encoder, ResolvedId, Sha256, TreeId};
use kit_tree::{Entry, Meta, TreePath};

use crate::registry::ImageFile;
use crate::upstream::Upstream;

pub use self::board::RaspberryPi;
pub use self::image::{DirectoryLoader, Disk, Extension, Image, ImageFormat, Loaders, Slots};
pub use self::update::Update;

/// What an action takes: another derivation's result, or a tree known beforehand (the project's own files).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// The result of a derivation.
    Derivation(DerivationId),
    /// A tree in the store.
    Tree(TreeId),
}

/// A step and its identity; can't be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    id: DerivationId,
    title: String,
    action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Gets a file.
    Fetch(Fetch),
    /// Reads an archive.
    Unpack(Unpack),
    /// Runs a script in the sandbox.
    Run(Run),
    /// Puts trees together.
    Compose(Compose),
    /// Writes an output format.
    Image(Image),
}

/// Gets a file of known digest. Hashed: name, size, digest; not where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Name of the file in the resulting tree.
    pub file_name: String,
    /// Length in bytes; none where the source doesn't say.
    pub size: Option<u64>,
    /// Digest.
    pub sha256: Sha256,
    /// Where to look for it.
    pub origin: Origin,
}

/// Where a file can be had; a location is not an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A Debian archive.
    Debian {
        /// Suite that lists it.
        suite: String,
        /// Place below the archive.
        filename: String,
        /// Date of the suite's release, for archives that keep old states, seconds since 1970.
        date: u64,
    },
    /// The crates registry.
    Crate {
        /// Crate name.
        name: String,
        /// Crate version.
        version: String,
    },
    /// Wherever its authors publish it.
    Upstream(Upstream),
    /// Where an image is: a registry, or the project.
    Image(ImageFile),
}

/// Reads an archive, the one file of `input`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpack {
    /// A fetched file.
    pub input: Input,
    /// What it is.
    pub archive: Archive,
}

/// Kinds of archives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
    /// 0: a Debian binary package; the result has the merged-`/usr` layout.
    Deb,
    /// 1: a crate; the result has one directory, as cargo's vendored sources do, with its `.cargo-checksum.json`.
    Crate {
        /// Digest of the archive, which cargo wants to see.
        sha256: Sha256,
        /// `name-version`, the directory.
        directory: String,
    },
    /// 2: a file as its authors publish it: an archive, told by its content, in its
    /// [form for scripts](kit_tree::Tree::into_sources), or the file itself.
    Sources,
    /// 3: a layer of an image, in the raw form of [`kit_tree::layers`].
    Layer {
        /// Digest of the uncompressed archive, which is checked.
        diff_id: Sha256,
    },
}

/// Runs a script in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The tree that is `/`.
    pub root: Input,
    /// Trees below `/src`, by name.
    pub sources: BTreeMap<String, Input>,
    /// The script, for `/bin/sh -eu`.
    pub script: String,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Seconds until it is stopped. Not hashed: a result doesn't depend on it.
    pub timeout: u64,
    /// Processors that it may use, as far as there are. Not hashed: a result may not depend on how many there are.
    pub processors: u32,
}

/// Puts trees together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compose {
    /// What is laid over each other.
    pub parts: Vec<Part>,
    /// By which rule.
    pub laying: Laying,
    /// The part that wins at a path.
    pub prefer: BTreeMap<TreePath, usize>,
    /// Globs of what is taken; empty takes all.
    pub include: Vec<String>,
    /// Globs of what is left out.
    pub exclude: Vec<String>,
    /// What is put over the result, in this order.
    pub additions: Vec<Added>,
    /// Directories, 0755 and root's, that are made where nothing is.
    pub ensure: Vec<TreePath>,
    /// Places for what is bound in containers, made where nothing is.
    pub mount_points: Vec<MountPoint>,
    /// Lines of `/etc/passwd`, put behind those that are there.
    pub passwd: Vec<String>,
    /// Lines of `/etc/group`, put behind those that are there.
    pub group: Vec<String>,
}

/// A place where something is bound: a file for a file of the composed tree, else a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// Where.
    pub path: TreePath,
    /// What is bound there, in the composed tree, if it is there.
    pub source: TreePath,
}

/// By which rule trees are laid over each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Laying {
    /// What contradicts is an error, unless it is settled by `prefer`.
    #[default]
    Union,
    /// As layers of an image: a later one replaces and hides.
    Layers,
}

/// One tree of a composition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The tree.
    pub input: Input,
    /// Who it belongs to, for messages. Not hashed.
    pub owner: String,
    /// Directory below which it goes.
    pub at: TreePath,
}

/// Something put over a composed tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Where; missing parents are made, 0755 and root's.
    pub path: TreePath,
    /// What.
    pub what: AddedEntry,
}

/// What can be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedEntry {
    /// 0: a file with content that the plan carries.
    Inline {
        /// Mode and owner.
        meta: Meta,
        /// Content.
        content: Vec<u8>,
    },
    /// 1: any entry; a file's content is in the store.
    Entry(Entry),
}

/// An image in an OCI layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciImage {
    /// Its root file system.
    pub root: Input,
    /// What the root was put together from, which gives [its layers](kit_tree::split); empty where it has but one.
    pub shares: Vec<Share>,
    /// Program and arguments.
    pub command: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// `uid:gid`.
    pub user: String,
    /// `amd64`, in OCI's words.
    pub architecture: String,
}

/// A tree that a root was put together from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// The tree.
    pub input: Input,
    /// Where it lies in the root.
    pub at: TreePath,
}

impl Derivation {
    /// Closes an action. The title is for people: it names the step in progress, logs and lockfiles and isn't hashed.
    pub fn new(title: impl Into<String>, action: Action) -> Self {
        let mut e = Encoder::new("derivation", 1);
        action.encode(&mut e, &mut |e, input| match input {
            Input::Derivation(id) => _ = e.variant(0).id(id),
            Input::Tree(id) => _ = e.variant(1).id(id),
        });
        Self { id: e.id_of(), title: title.into(), action }
    }

    /// Returns the recipe hash.
    pub fn id(&self) -> DerivationId {
        self.id
    }

    /// Returns what people call it.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns what it does.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Returns the identity with inputs replaced by the trees that `tree_of` says they are.
    pub fn resolved(&self, tree_of: &dyn Fn(&DerivationId) -> TreeId) -> ResolvedId {
        let mut e = Encoder::new("resolved", 1);
        self.action.encode(&mut e, &mut |e, input| match input {
            Input::Derivation(id) => _ = e.id(&tree_of(id)),
            Input::Tree(id) => _ = e.id(id),
        });
        e.id_of()
    }
}

/// Writes an input, as what depends on the identity that is wanted.
type EncodeInput<'a> = &'a mut dyn FnMut(&mut Encoder, &Input);

impl Action {
    /// Returns what it takes, in encoding order.
    pub fn inputs(&self) -> Vec<Input> {
        let mut inputs = Vec::new();
        self.encode(&mut Encoder::new("derivation", 1), &mut |_, input| inputs.push(*input));
        inputs
    }

    fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        match self {
            Self::Fetch(fetch) => {
                e.variant(0).str(&fetch.file_name).option(fetch.size, |e, size| _ = e.u64(size));
                e.sha256(&fetch.sha256);
            }
            Self::Unpack(unpack) => {
                e.variant(1).u64(UNPACK_REVISION);
                input(e, &unpack.input);
                match &unpack.archive {
                    Archive::Deb => _ = e.variant(0),
                    Archive::Crate { sha256, directory } => _ = e.variant(1).sha256(sha256).str(directory),
                    Archive::Sources => _ = e.variant(2),
                    Archive::Layer { diff_id } => _ = e.variant(3).sha256(diff_id),
                }
            }
            Self::Run(run) => {
                e.variant(2).u64(RUN_REVISION);
                input(e, &run.root);
                e.list(&run.sources, |e, (name, source)| {
                    e.str(name);
                    input(e, source);
                });
                e.str(&run.script).list(&run.env, |e, (name, value)| _ = e.str(name).str(value));
            }
            Self::Compose(compose) => compose.encode(e.variant(3).u64(COMPOSE_REVISION), input),
            Self::Image(image) => image.encode(e.variant(4).u64(IMAGE_REVISION), input),
        }
    }
}

/// Changes when an archive unpacks to another tree than before.
const UNPACK_REVISION: u64 = 0;
/// Changes when a script sees another sandbox than before.
const RUN_REVISION: u64 = 0;
/// Changes when the same composition gives another tree than before.
const COMPOSE_REVISION: u64 = 0;
/// Changes when a writer writes other bytes than before, within epoch 0 too, so that no store takes old bytes for new ones.
const IMAGE_REVISION: u64 = 1;

impl Compose {
    fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        e.list(&self.parts, |e, part| {
            input(e, &part.input);
            e.bytes(part.at.as_bytes());
        });
        e.list(&self.prefer, |e, (path, part)| _ = e.bytes(path.as_bytes()).u64(*part as u64));
        for globs in [&self.include, &self.exclude] {
            e.list(globs, |e, glob| _ = e.str(glob));
        }
        e.list(&self.additions, |e, added| {
            e.bytes(added.path.as_bytes());
            match &added.what {
                AddedEntry::Inline { meta, content } => {
                    let (blob, size) = (BlobId::of(content), content.len() as u64);
                    e.variant(0);
                    kit_tree::encoding::encode_entry(e, &Entry::File { meta: meta.clone(), blob, size });
                }
                AddedEntry::Entry(entry) => kit_tree::encoding::encode_entry(e.variant(1), entry),
            }
        });
        e.list(&self.ensure, |e, path| _ = e.bytes(path.as_bytes()));
        for lines in [&self.passwd, &self.group] {
            e.list(lines, |e, line| _ = e.str(line));
        }
        // Left out where it is as usual, as before there was another rule.
        if self.laying == Laying::Layers {
            e.variant(1);
        }
        // Left out where there are none, in the same way.
        if !self.mount_points.is_empty() {
            e.variant(2).list(&self.mount_points, |e, point| {
                e.bytes(point.path.as_bytes()).bytes(point.source.as_bytes());
            });
        }
    }
}

#[cfg(test)]
mod tests;
