//! The files of an image, each under what it belongs to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kit_hash::Sha256;
use kit_tree::{Entry, TreePath};

use super::super::write::Hex;
use super::super::{SbomError, SbomInputs};
use super::{Listed, Member};
use crate::inventory::{ComponentId, Place};

/// How many bytes of a digest tell one file of an image from another.
const KEY: usize = 10;

/// Lists each regular file once, under its owner.
pub(super) fn list<'a>(inputs: SbomInputs<'a>, members: &mut [Member<'a>]) -> Result<(), SbomError> {
    let places: BTreeMap<&ComponentId, usize> =
        members.iter().enumerate().map(|(at, member)| (member.id, at)).collect();
    let mut names: BTreeMap<(Place, &TreePath), Vec<Cow<'a, str>>> = BTreeMap::new();
    for file in &inputs.inventory.files {
        if let Entry::HardLink { target } = &file.entry {
            names.entry((file.place, target)).or_default().push(text(&file.path));
        }
    }
    for file in &inputs.inventory.files {
        let Some(at) = places.get(&file.owner) else {
            let (path, owner) = (file.path.to_string(), file.owner.to_string());
            return Err(SbomError::Owner { path, owner });
        };
        let Entry::File { blob, .. } = &file.entry else { continue };
        let unknown = || SbomError::Digests { path: file.path.to_string() };
        let digests = (inputs.digests)(blob).ok_or_else(unknown)?;
        let member = &mut members[*at];
        if is_kernel(&file.path) {
            member.kernel = inputs.kernel;
        }
        member.files.push(Listed {
            key: key(file.place, &file.path),
            path: text(&file.path),
            place: file.place,
            digests,
            names: names.remove(&(file.place, &file.path)).unwrap_or_default(),
        });
    }
    Ok(())
}

fn is_kernel(path: &TreePath) -> bool {
    path.as_bytes().starts_with(b"boot/vmlinuz")
}

fn key(place: Place, path: &TreePath) -> String {
    let place: &[u8] = match place {
        Place::Root => b"root\0",
        Place::Boot => b"boot\0",
    };
    let digest = Sha256::of(&[place, path.as_bytes()].concat());
    Hex(&digest.as_bytes()[..KEY]).to_string()
}

/// Returns a path as text; only one that isn't UTF-8 is escaped.
fn text(path: &TreePath) -> Cow<'_, str> {
    match str::from_utf8(path.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(path.to_string().trim_start_matches('/').to_owned()),
    }
}
