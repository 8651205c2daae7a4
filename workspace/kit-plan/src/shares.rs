//! What a root file system was put together from, down to single packages: each of it becomes a layer of the image.

use std::collections::BTreeSet;

use kit_hash::DerivationId;
use kit_tree::TreePath;

use crate::derivation::{Action, Derivation, Input, Share};
use crate::planner::Planner;

/// A root's shares in the making.
#[derive(Default)]
struct Shares {
    all: Vec<Share>,
    known: BTreeSet<Share>,
    /// How many aren't compositions.
    sources: usize,
}

impl Planner<'_> {
    /// Returns the shares of a planned root: each source, and behind its parts each composition, for what it adds itself. None where
    /// it comes of one source.
    pub(crate) fn shares(&self, root: DerivationId) -> Vec<Share> {
        let mut shares = Shares::default();
        let Some(Action::Compose(compose)) = self.plan.get(&root).map(Derivation::action) else {
            return Vec::new();
        };
        for part in &compose.parts {
            self.add_shares(part.input, &part.at, &mut shares);
        }
        if shares.sources < 2 { Vec::new() } else { shares.all }
    }

    fn add_shares(&self, input: Input, at: &TreePath, shares: &mut Shares) {
        let share = Share { input, at: at.clone() };
        if shares.known.contains(&share) {
            return;
        }
        let derivation = if let Input::Derivation(id) = &input { self.plan.get(id) } else { None };
        let compose = match derivation.map(Derivation::action) {
            Some(Action::Compose(compose)) => Some(compose),
            _ => None,
        };
        for part in compose.iter().flat_map(|compose| &compose.parts) {
            if let Ok(at) = at.append(&part.at) {
                self.add_shares(part.input, &at, shares);
            }
        }
        shares.sources += usize::from(compose.is_none_or(|compose| compose.parts.is_empty()));
        shares.known.insert(share.clone());
        shares.all.push(share);
    }
}
