//! What the pieces of the files are that kit wrote: remembered beside them in the store.
//!
//! A file of a store that has forgotten it, or was filled by an older kit, is written once more: the same bytes, and what they are.

use std::collections::BTreeSet;
use std::io;

use kit_format::extents::Extents;
use kit_hash::{BlobId, DerivationId};
use kit_plan::Plan;
use kit_plan::derivation::{Action, Input};
use kit_store::{Facts, Store};

use crate::engine::Trees;
use crate::{BuildError, Engine, actions};

/// The kind of facts that these are.
const KIND: &str = "extents";

/// Remembers what the pieces of a file are.
pub(crate) fn put(store: &Store, blob: BlobId, extents: &Extents) -> io::Result<()> {
    let facts = Facts::from([(blob, extents.to_bytes()?)]);
    store.put_facts(KIND, &facts).map_err(io::Error::other)
}

/// Returns what the pieces of a file are, where it is known.
pub fn of(store: &Store, blob: &BlobId) -> Option<Extents> {
    let facts = store.facts(KIND, &BTreeSet::from([*blob]));
    // What can't be read was never taken down.
    facts.get(blob).and_then(|bytes| Extents::from_bytes(bytes).ok())
}

/// Writes all outputs and parts of outputs once more that a step is made of, and itself: what their pieces are is known then.
pub fn again(engine: &Engine<'_>, plan: &Plan, step: DerivationId) -> Result<(), BuildError> {
    let mut wanted = BTreeSet::new();
    let mut stack = vec![step];
    while let Some(id) = stack.pop() {
        let Some(derivation) = plan.get(&id) else { continue };
        match derivation.action() {
            Action::Image(_) if !wanted.insert(id) => {}
            // A file system and what boots it are put together like packages.
            Action::Image(_) | Action::Compose(_) => stack.extend(inputs(derivation)),
            Action::Fetch(_) | Action::Unpack(_) | Action::Run(_) => {}
        }
    }
    for derivation in plan.derivations().iter().filter(|derivation| wanted.contains(&derivation.id())) {
        let needed: Vec<_> = inputs(derivation).collect();
        let trees: Trees = engine.build(plan, &needed)?;
        actions::perform(engine, derivation, &trees)?;
    }
    Ok(())
}

fn inputs(derivation: &kit_plan::Derivation) -> impl Iterator<Item = DerivationId> + use<> {
    derivation.action().inputs().into_iter().filter_map(|input| match input {
        Input::Derivation(id) => Some(id),
        Input::Tree(_) => None,
    })
}
