//! Sources as their authors publish them, files and commits: what must be pinned of them, and how they become trees.
//!
//! The files of a commit come as the one archive that there is for them, which kit makes: from there on, they are a file.

use kit_hash::{Sha256, SourceId, TreeId};
use kit_recipe::git::{CommitId, GitSource, Revision, Submodules};
use kit_recipe::lockfile::FilePin;
use kit_recipe::package::{Package, Source};
use kit_recipe::upstream::{Packing, UrlSource};
use kit_recipe::{Name, Spanned};

use crate::derivation::{Action, Archive, Fetch, Input, Origin, Unpack};
use crate::error::Place;
use crate::planner::Planner;

/// A file or a commit to pin.
#[derive(Debug, Clone)]
pub struct UpstreamFile {
    /// The package.
    pub package: Name,
    /// Its source.
    pub source: Name,
    /// What the recipe asks for.
    pub id: SourceId,
    /// For people: the file's name, or the revision's.
    pub name: String,
    /// Where to ask, in this order.
    pub addresses: Vec<String>,
    /// What is asked for.
    pub asked: Asked,
    /// Where it is written.
    pub place: Place,
}

/// What a recipe asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A file.
    File {
        /// What the recipe says must come.
        sha256: Option<Sha256>,
    },
    /// The files of a commit.
    Commit {
        /// Which one.
        revision: Revision,
        /// What becomes of other repositories inside.
        submodules: Submodules,
    },
}

impl Asked {
    /// Returns who says what must come.
    pub fn vouched_by(&self) -> Voucher {
        let by_recipe = match self {
            Self::File { sha256 } => sha256.is_some(),
            Self::Commit { revision, .. } => revision.commit().is_some(),
        };
        if by_recipe { Voucher::Recipe } else { Voucher::Lock }
    }
}

/// Where a file that its authors publish can be had, and what is known of it. Nothing of it is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Whole addresses, in the order in which they are asked.
    pub addresses: Vec<String>,
    /// The package that it is a source of.
    pub package: Name,
    /// Who says what must come.
    pub vouched_by: Voucher,
    /// The commit whose archive it is; none for a file that is published as it is.
    pub commit: Option<Commit>,
    /// The tree that the pinned file was unpacked to: says what is another one when another file comes.
    pub tree: Option<TreeId>,
}

/// What an archive is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The commit.
    pub id: CommitId,
    /// What becomes of other repositories inside.
    pub submodules: Submodules,
}

/// Who says what must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voucher {
    /// The recipe, by a digest.
    Recipe,
    /// The lockfile alone.
    Lock,
}

impl UpstreamFile {
    /// Takes note of a file.
    pub(crate) fn of_url(
        package: &Package,
        source: (&Name, &Spanned<Source>),
        url: &UrlSource,
        place: Place,
    ) -> Self {
        let asked = Asked::File { sha256: url.sha256.as_ref().map(|sha256| sha256.value) };
        Self::new(package, source, url.file_name().to_owned(), url.addresses(), asked, place)
    }

    /// Takes note of a commit.
    pub(crate) fn of_git(
        package: &Package,
        source: (&Name, &Spanned<Source>),
        git: &GitSource,
        place: Place,
    ) -> Self {
        let (revision, submodules) = (git.revision.value.clone(), git.submodules);
        let name = revision.to_string();
        let asked = Asked::Commit { revision, submodules };
        Self::new(package, source, name, git.addresses(), asked, place)
    }

    fn new(
        package: &Package,
        (source, written): (&Name, &Spanned<Source>),
        name: String,
        addresses: Vec<String>,
        asked: Asked,
        place: Place,
    ) -> Self {
        let (package, source, id) = (package.name.value.clone(), source.clone(), written.id());
        Self { package, source, id, name, addresses, asked, place }
    }
}

impl<'a> Planner<'a> {
    /// Plans the tree of a file that its authors publish.
    pub(crate) fn upstream_file(
        &mut self,
        key: &(Name, Name),
        source: &Source,
        url: &UrlSource,
    ) -> Option<Input> {
        let pin = self.file_pin(key, source)?;
        let vouched_by = if url.sha256.is_some() { Voucher::Recipe } else { Voucher::Lock };
        let upstream = Upstream {
            addresses: url.addresses(),
            package: key.0.clone(),
            vouched_by,
            commit: None,
            tree: pin.tree,
        };
        Some(self.fetch_upstream(key, pin, upstream, url.packing))
    }

    /// Plans the tree of a commit.
    pub(crate) fn commit(&mut self, key: &(Name, Name), source: &Source, git: &GitSource) -> Option<Input> {
        let pin = self.file_pin(key, source)?;
        let Some(id) = pin.commit.clone() else {
            self.unpinned(format!("the commit of source `{}` of package {}", key.1, key.0));
            return None;
        };
        let upstream = Upstream {
            addresses: git.addresses(),
            package: key.0.clone(),
            // A recipe's commit says which files; which archive they make, only the lockfile does.
            vouched_by: Voucher::Lock,
            commit: Some(Commit { id, submodules: git.submodules }),
            tree: pin.tree,
        };
        Some(self.fetch_upstream(key, pin, upstream, Packing::Unpacked))
    }

    fn file_pin(&mut self, key: &(Name, Name), source: &Source) -> Option<&'a FilePin> {
        let pin = self.inputs.lock.files.get(key).filter(|pin| pin.source == source.id());
        if pin.is_none() {
            self.unpinned(format!("the source `{}` of package {}", key.1, key.0));
        }
        pin
    }

    fn fetch_upstream(
        &mut self,
        key: &(Name, Name),
        pin: &FilePin,
        upstream: Upstream,
        packing: Packing,
    ) -> Input {
        let origin = Origin::Upstream(upstream);
        let fetch = Fetch { file_name: pin.name.clone(), size: Some(pin.size), sha256: pin.sha256, origin };
        let fetched = self.plan.add(format!("fetch {}", pin.name), Action::Fetch(fetch));
        let id = match packing {
            Packing::Kept => fetched,
            Packing::Unpacked => {
                let unpack = Unpack { input: Input::Derivation(fetched), archive: Archive::Sources };
                self.plan.add(format!("unpack {}", pin.name), Action::Unpack(unpack))
            }
        };
        self.plan.upstream.insert(key.clone(), id);
        Input::Derivation(id)
    }
}
