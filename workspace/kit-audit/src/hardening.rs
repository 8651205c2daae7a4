//! What an image's files, kernel and settings leave open: findings about hardening.
//!
//! | module | what |
//! |---|---|
//! | [`content`] | what a blob's bytes say by themselves, whatever its path: kept by digest |
//! | [`elf`] | programs and libraries: position, relocations, stack, search paths |
//! | [`kernel`] | the kernel's configuration against the Kernel Self Protection Project's list |
//! | [`boot`] | the command line of the kernel |
//! | [`sysctl`] | settings that are made while the machine runs |
//! | [`files`] | modes, owners, capabilities, devices, names |
//! | [`secrets`] | keys, credentials, password hashes |
//! | [`programs`] | shells, package managers, compilers, debuggers |
//! | `roots` | the host's root and the containers', each as a tree of its own |
//!
//! Every distinct blob is read once, however many paths it has. What was found in it depends on nothing but its bytes, so a caller can
//! keep it by the blob's digest ([`Content::encode`]) and give it back the next time, and can examine many at once ([`to_examine`]).

pub mod boot;
pub mod content;
pub mod elf;
pub mod files;
pub mod kernel;
pub mod programs;
mod roots;
pub mod secrets;
pub mod sysctl;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use kit_hash::BlobId;
use kit_tree::resolve::Resolved;
use kit_tree::{Blobs, Entry, Tree, TreePath};

pub use self::content::Content;
use self::kernel::KernelConfig;
use self::roots::Root;
use crate::finding::{Evidence, Finding, Kind};

/// All kinds of findings about hardening, module by module.
pub const KINDS: &[&[Kind]] =
    &[elf::KINDS, kernel::KINDS, boot::KINDS, sysctl::KINDS, files::KINDS, secrets::KINDS, programs::KINDS];

/// Lists all kinds of findings about hardening.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied().flatten()
}

/// The most that a file that is read as text for its name may have, in bytes.
const NAMED_LIMIT: u64 = 1 << 20;

/// What is examined.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// The root file system, with the containers' roots below `/containers`.
    pub tree: &'a Tree,
    /// What is in its files.
    pub blobs: &'a dyn Blobs,
    /// Says what a path belongs to, such as `openssl 3.0.15-1`.
    pub owner_of: &'a dyn Fn(&TreePath) -> Option<String>,
    /// The text of the kernel's configuration, where it is known.
    pub kernel_config: Option<&'a str>,
    /// The command line that the kernel is started with.
    pub command_line: &'a str,
    /// Settings that are made in other ways than by files of the image: name with dots, and value.
    pub sysctls: &'a BTreeMap<String, String>,
    /// What is known of blobs already.
    pub known: &'a BTreeMap<BlobId, Content>,
}

impl fmt::Debug for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("tree", &self.tree.id()).finish_non_exhaustive()
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardening {
    /// The findings, by kind in the order of [`KINDS`], then by key.
    pub findings: Vec<Finding>,
    /// What was examined because it wasn't known yet.
    pub examined: BTreeMap<BlobId, Content>,
}

/// Why an image can't be examined.
#[derive(Debug, thiserror::Error)]
pub enum HardeningError {
    /// A file's content can't be had.
    #[error("can't read the content of `{path}`")]
    Read {
        /// One of the file's paths.
        path: TreePath,
        /// Why.
        source: io::Error,
    },
}

/// Lists the distinct blobs whose content matters, each with its size and one of its paths.
pub fn to_examine(tree: &Tree) -> BTreeMap<BlobId, (u64, TreePath)> {
    blobs_of(&roots::split(tree))
}

fn blobs_of(roots: &[Root]) -> BTreeMap<BlobId, (u64, TreePath)> {
    let mut found = BTreeMap::new();
    for root in roots {
        for (path, entry) in root.tree.entries() {
            if let Entry::File { blob, size, .. } = entry
                && (elf::concerns(path) || secrets::concerns(path))
            {
                found.entry(*blob).or_insert_with(|| (*size, root.whole(path)));
            }
        }
    }
    found
}

/// Finds what an image leaves open.
pub fn hardening(image: &Image<'_>) -> Result<Hardening, HardeningError> {
    let roots = roots::split(image.tree);
    let mut examined = BTreeMap::new();
    for (blob, (size, path)) in blobs_of(&roots) {
        if !image.known.contains_key(&blob) {
            let content = Content::examine(image.blobs, &blob, size)
                .map_err(|source| HardeningError::Read { path, source })?;
            examined.insert(blob, content);
        }
    }
    let config = image.kernel_config.map(KernelConfig::parse);
    let known_config = config.as_ref().and_then(|config| config.as_ref().ok());
    let context = Context { image, roots, examined: &examined };
    let mut findings = elf::findings(&context);
    if let Some(config) = &config {
        findings.extend(kernel::findings(config.as_ref()));
    }
    findings.extend(boot::findings(image.command_line, known_config));
    findings.extend(sysctl::findings(&context, known_config)?);
    findings.extend(files::findings(&context)?);
    findings.extend(secrets::findings(&context)?);
    findings.extend(programs::findings(&context)?);
    Ok(Hardening { findings: sorted(findings), examined })
}

/// Sorts findings by kind, then by key; of equal ones the first stays.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    let order: BTreeMap<&str, usize> = kinds().enumerate().map(|(at, kind)| (kind.id, at)).collect();
    findings.sort_by(|a, b| (order.get(a.kind.id), &a.key).cmp(&(order.get(b.kind.id), &b.key)));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert((finding.kind.id, finding.key.clone())));
    findings
}

/// What the checks of all modules look at.
struct Context<'a> {
    image: &'a Image<'a>,
    roots: Vec<Root>,
    examined: &'a BTreeMap<BlobId, Content>,
}

impl Context<'_> {
    /// Returns what is known of a blob.
    fn content(&self, blob: &BlobId) -> Option<&Content> {
        self.image.known.get(blob).or_else(|| self.examined.get(blob))
    }

    /// Returns a path of a root as evidence.
    fn evidence(&self, root: &Root, path: &TreePath) -> Evidence {
        let path = root.whole(path);
        Evidence::File { owner: (self.image.owner_of)(&path), path }
    }

    /// Reads a whole file of a root for what it is called, following links; none where no file of a sensible size is there.
    fn named(&self, root: &Root, path: &TreePath) -> Result<Option<String>, HardeningError> {
        match root.tree.resolve(path) {
            Resolved::There(_, Entry::File { blob, size, .. }) if *size <= NAMED_LIMIT => {
                let bytes = self
                    .image
                    .blobs
                    .read(blob, NAMED_LIMIT)
                    .map_err(|source| HardeningError::Read { path: root.whole(path), source })?;
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
