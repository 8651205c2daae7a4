//! What only all files together show.

use std::collections::BTreeMap;
use std::ops::Range;

use super::decode::Faults;
use super::entry::Entry;
use super::fault::Fault;
use super::system::{Id, System};
use super::texts::Texts;
use crate::Spanned;
use crate::parse::closest;

pub(super) fn check(system: &System, texts: &Texts<'_>, faults: &mut Faults) {
    let services: Vec<_> = system.services.iter().map(|entry| &entry.name).collect();
    no_name_twice("services", &services, texts, faults);
    let volumes: Vec<_> = system.volumes.iter().map(|volume| &volume.name).collect();
    no_name_twice("volumes", &volumes, texts, faults);
    for entry in system.entries() {
        binds(entry, system, texts, faults);
        ids(entry, system, faults);
    }
    let names: Vec<_> = system.entries().map(|entry| entry.name.as_str()).collect();
    for id in system.files.iter().flat_map(|file| [&file.uid, &file.gid]).flatten() {
        is_known(&id.value, &id.span, &names, faults);
    }
    let empty = system.kernel.span.is_none()
        && system.init.is_empty()
        && system.entries().next().is_none()
        && system.files.is_empty()
        && system.volumes.is_empty();
    if empty && faults.is_empty() {
        faults.push((0..0, Fault::NothingInside));
    }
}

fn no_name_twice(what: &'static str, names: &[&Spanned<String>], texts: &Texts<'_>, faults: &mut Faults) {
    let mut first: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for name in names {
        let Some(other) = first.get(name.value.as_str()) else {
            first.insert(&name.value, &name.span);
            continue;
        };
        let file = texts.file_of(other.start);
        let fault = if file == texts.file_of(name.span.start) {
            Fault::DuplicateName { what, name: name.value.clone(), first: (*other).clone() }
        } else {
            let file = texts.files[file].name.clone();
            Fault::DuplicateNameElsewhere { what, name: name.value.clone(), file }
        };
        faults.push((name.span.clone(), fault));
    }
}

fn binds(entry: &Entry, system: &System, texts: &Texts<'_>, faults: &mut Faults) {
    let binds = [&entry.config.binds, &entry.config.binds_add];
    for bind in binds.into_iter().flatten().flat_map(|binds| &binds.value) {
        let Some(name) = bind.volume() else { continue };
        let Some(volume) = system.volumes.iter().find(|volume| volume.name.value == name) else {
            let known = system.volumes.iter().map(|volume| volume.name.as_str());
            let fault = Fault::UnknownVolume { name: name.to_owned(), suggestion: closest(name, known) };
            faults.push((bind.span.clone(), fault));
            continue;
        };
        if volume.readonly.as_ref().is_some_and(|readonly| readonly.value) && !bind.is_read_only() {
            let at = &volume.readonly.as_ref().map_or(&volume.span, |readonly| &readonly.span);
            let same = texts.file_of(at.start) == texts.file_of(bind.span.start);
            let volume = same.then(|| (*at).clone());
            faults.push((bind.span.clone(), Fault::ReadOnlyVolume { name: name.to_owned(), volume }));
        }
    }
}

fn ids(entry: &Entry, system: &System, faults: &mut Faults) {
    let names: Vec<_> = system.entries().map(|entry| entry.name.as_str()).collect();
    for id in [&entry.config.uid, &entry.config.gid].into_iter().flatten() {
        is_known(&id.value, &id.span, &names, faults);
    }
    for id in entry.config.additional_gids.iter().flat_map(|list| &list.value) {
        is_known(&id.value, &id.span, &names, faults);
    }
}

fn is_known(id: &Id, span: &Range<usize>, names: &[&str], faults: &mut Faults) {
    if let Id::Name(name) = id
        && !names.contains(&name.as_str())
    {
        let suggestion = closest(name, names.iter().copied());
        faults.push((span.clone(), Fault::UnknownId { name: name.clone(), suggestion }));
    }
}
