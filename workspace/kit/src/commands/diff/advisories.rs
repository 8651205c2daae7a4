//! The vulnerabilities of both sides, by the same knowledge: what became known since isn't introduced.

use std::collections::BTreeSet;

use kit_audit::advisories::{Installed, Moment, Release, Snapshot, Wanted, find};
use kit_recipe::lockfile::Advisories;
use kit_store::Store;

use super::Args;
use super::side::Side;
use crate::Failure;
use crate::audit::advisories::{end_of, installed, named, pinned, release};
use crate::context::Context;

/// Looks for the known vulnerabilities of each side that says what it is made of.
pub(super) fn look(args: &Args, context: &Context, store: &Store, sides: &mut [Side]) -> Result<(), Failure> {
    let mut notes = BTreeSet::new();
    let mut is_asked = false;
    let pins: Vec<_> = sides.iter().map(pin).collect();
    for side in &mut *sides {
        let Some(inventory) = &side.inventory else { continue };
        let Some(release) = release(inventory) else { continue };
        let asked = installed(inventory);
        let names = asked.iter().map(|one| (one.origin.ecosystem(), one.known_as().0.to_owned()));
        let wanted = Wanted::only(names);
        let snapshot = if args.advisories.is_empty() {
            // The newest of both, where it is for the same release.
            let fits = pins.iter().flatten().filter(|pin| pin.release == release);
            match fits.max_by_key(|pin| pin.advisories.date) {
                None => None,
                Some(pin) => Some(pinned(context, store, &pin.advisories, &pin.image, &release, &wanted)?),
            }
        } else {
            Some(named(context, store, &args.advisories, &release, &wanted)?)
        };
        if let Some(snapshot) = snapshot {
            is_asked = true;
            ask(side, &snapshot, &asked, args.as_of.map(end_of), &mut notes)?;
        }
    }
    if !is_asked && sides.iter().any(|side| side.inventory.as_ref().and_then(release).is_some()) {
        notes.insert(
            "vulnerabilities weren't compared: name advisories by `--advisories`, or pin them by `kit lock --advisories`".to_owned(),
        );
    }
    for note in notes {
        context.output.say(&format!("{note}\n"));
    }
    Ok(())
}

/// The advisories that a side pins.
struct Pin {
    advisories: Advisories,
    release: Release,
    image: String,
}

fn pin(side: &Side) -> Option<Pin> {
    let advisories = side.lock.as_ref()?.advisories?;
    let inventory = side.inventory.as_ref()?;
    Some(Pin { advisories, release: release(inventory)?, image: inventory.image.clone() })
}

fn ask(
    side: &mut Side,
    snapshot: &Snapshot,
    asked: &[Installed],
    as_of: Option<Moment>,
    notes: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let found = find(snapshot, asked, as_of)
        .map_err(|source| Failure::Advisories { path: None, source: Box::new(source) })?;
    for ecosystem in &found.not_covered {
        notes.insert(format!(
            "the advisories say nothing of {ecosystem}: what is from there wasn't looked at"
        ));
    }
    for missed in snapshot.not_understood() {
        notes.insert(format!("not understood in the advisories: {}: {}", missed.record, missed.reason));
    }
    side.state.take_vulnerabilities(asked, &found.matches);
    Ok(())
}
