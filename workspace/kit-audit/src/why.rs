//! The steps through which a file came into a tree, from the tree back to the source.

use kit_hash::DerivationId;
use kit_plan::derivation::{Action, Compose, Input};
use kit_plan::{Derivation, Plan};
use kit_tree::{Tree, TreePath};

/// One step on the way of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The step.
    pub step: String,
    /// What it did for the file.
    pub what: How,
    /// Where the file stands in its result.
    pub path: TreePath,
}

/// What a step did for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It took the file over from this part.
    Takes {
        /// Who the part belongs to.
        owner: String,
    },
    /// The recipe adds it.
    Adds,
    /// A directory that a composition makes by itself.
    Makes,
    /// A script made it.
    Builds,
    /// It was in an archive.
    Unpacks,
    /// It was fetched.
    Fetches,
    /// It is one of the project's own files.
    Local,
    /// A writer wrote it.
    Writes,
}

/// Finds the way of `path` into the result of `from`. `tree_of` gives the trees that the plan's steps turned out to be.
/// None when the result has no such path, or a tree on the way isn't known.
pub fn why(
    plan: &Plan,
    from: &DerivationId,
    path: &TreePath,
    tree_of: &dyn Fn(&Input) -> Option<Tree>,
) -> Option<Vec<Reason>> {
    let mut reasons = Vec::new();
    let mut place = (Input::Derivation(*from), path.clone());
    tree_of(&place.0)?.get(path)?;
    loop {
        let (input, path) = &place;
        let Input::Derivation(id) = input else {
            let step = "the project's files".to_owned();
            reasons.push(Reason { step, what: How::Local, path: path.clone() });
            return Some(reasons);
        };
        let derivation = plan.get(id)?;
        let (what, next) = step(derivation, path, tree_of)?;
        reasons.push(Reason { step: derivation.title().to_owned(), what, path: path.clone() });
        match next {
            Some(next) => place = next,
            None => return Some(reasons),
        }
    }
}

type Next = Option<(Input, TreePath)>;

fn step(
    derivation: &Derivation,
    path: &TreePath,
    tree_of: &dyn Fn(&Input) -> Option<Tree>,
) -> Option<(How, Next)> {
    Some(match derivation.action() {
        Action::Fetch(_) => (How::Fetches, None),
        Action::Unpack(unpack) => {
            let fetched = tree_of(&unpack.input)?;
            let file = fetched.entries().nth(1)?.0.clone();
            (How::Unpacks, Some((unpack.input, file)))
        }
        Action::Run(_) => (How::Builds, None),
        Action::Image(_) => (How::Writes, None),
        Action::Compose(compose) => composed(compose, path, tree_of)?,
    })
}

fn composed(
    compose: &Compose,
    path: &TreePath,
    tree_of: &dyn Fn(&Input) -> Option<Tree>,
) -> Option<(How, Next)> {
    if compose.additions.iter().any(|added| added.path == *path) {
        return Some((How::Adds, None));
    }
    let mut parts: Vec<_> = compose.parts.iter().collect();
    if let Some(preferred) = compose.prefer.get(path) {
        parts.swap(0, *preferred);
    }
    for part in parts {
        let Some(inner) = path.strip_prefix(&part.at) else { continue };
        if tree_of(&part.input)?.get(&inner).is_some() {
            return Some((How::Takes { owner: part.owner.clone() }, Some((part.input, inner))));
        }
    }
    Some((How::Makes, None))
}
