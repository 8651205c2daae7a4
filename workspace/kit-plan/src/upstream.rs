//! Sources as their authors publish them: what must be pinned of them, and how they become trees.

use kit_hash::{Sha256, SourceId, TreeId};
use kit_recipe::package::{Package, Source};
use kit_recipe::upstream::{Packing, UrlSource};
use kit_recipe::{Name, Spanned};

use crate::derivation::{Action, Archive, Fetch, Input, Origin, Unpack};
use crate::error::Place;
use crate::planner::Planner;

/// A file to pin.
#[derive(Debug, Clone)]
pub struct UpstreamFile {
    /// The package.
    pub package: Name,
    /// Its source.
    pub source: Name,
    /// What the recipe asks for.
    pub id: SourceId,
    /// The file's name.
    pub name: String,
    /// Where to ask, in this order.
    pub addresses: Vec<String>,
    /// What the recipe says must come.
    pub sha256: Option<Sha256>,
    /// Where it is written.
    pub place: Place,
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
    /// The tree that the pinned file was unpacked to: says what is another one when another file comes.
    pub tree: Option<TreeId>,
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
    /// Takes note of a source.
    pub(crate) fn new(
        package: &Package,
        source: &Name,
        asked: &Spanned<Source>,
        url: &UrlSource,
        place: Place,
    ) -> Self {
        Self {
            package: package.name.value.clone(),
            source: source.clone(),
            id: asked.id(),
            name: url.file_name().to_owned(),
            addresses: url.addresses(),
            sha256: url.sha256.as_ref().map(|sha256| sha256.value),
            place,
        }
    }
}

impl Planner<'_> {
    /// Plans the tree of a file that its authors publish.
    pub(crate) fn upstream_file(
        &mut self,
        package: &Name,
        name: &Name,
        source: &Source,
        url: &UrlSource,
    ) -> Option<Input> {
        let key = (package.clone(), name.clone());
        let pin = self.inputs.lock.files.get(&key).filter(|pin| pin.source == source.id());
        let Some(pin) = pin else {
            self.unpinned(format!("the source `{name}` of package {package}"));
            return None;
        };
        let origin = Origin::Upstream(Upstream {
            addresses: url.addresses(),
            package: package.clone(),
            vouched_by: if url.sha256.is_some() { Voucher::Recipe } else { Voucher::Lock },
            tree: pin.tree,
        });
        let fetch = Fetch { file_name: pin.name.clone(), size: Some(pin.size), sha256: pin.sha256, origin };
        let fetched = self.plan.add(format!("fetch {}", pin.name), Action::Fetch(fetch));
        let id = match url.packing {
            Packing::Kept => fetched,
            Packing::Unpacked => {
                let unpack = Unpack { input: Input::Derivation(fetched), archive: Archive::Sources };
                self.plan.add(format!("unpack {}", pin.name), Action::Unpack(unpack))
            }
        };
        self.plan.upstream.insert(key, id);
        Some(Input::Derivation(id))
    }
}
