//! `runtime`: what is done on the machine around the start of a container.

use super::decode::{Faults, Field, Mapping, Value};
use super::mounts::{self, Destinations, Mount};
use super::path;
use crate::Spanned;

#[derive(Debug, Default)]
pub(super) struct Runtime {
    pub(super) cgroups: Field<Vec<Spanned<String>>>,
    pub(super) mounts: Field<Vec<Mount>>,
    pub(super) mkdir: Field<Vec<Spanned<String>>>,
    pub(super) interfaces: Field<Vec<Interface>>,
    /// Paths by the kind of namespace.
    pub(super) bind_ns: Vec<(&'static str, Spanned<String>)>,
    pub(super) namespace: Field<String>,
}

/// A network interface.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) add: Option<String>,
    pub(super) peer: Option<String>,
    pub(super) create_in_root: bool,
}

/// The kinds of namespaces that `bindNS` has.
const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/// Reads `runtime`.
pub(super) fn read(mapping: &mut Mapping<'_>, faults: &mut Faults) -> Field<Runtime> {
    let Spanned { value: mut item, span } = mapping.mapping("runtime", faults)?;
    let runtime = Runtime {
        cgroups: item.texts("cgroups", faults),
        mounts: mounts::mounts(&mut item, Destinations::Any, faults),
        mkdir: item.list("mkdir", faults, directory),
        interfaces: interfaces(&mut item, faults),
        bind_ns: bind_ns(&mut item, faults),
        namespace: item.line("namespace", faults),
    };
    item.finish(faults);
    Some(Spanned::new(runtime, span))
}

/// Reads a directory: absolute on the machine, relative in the container's root.
fn directory(value: &Value<'_>, faults: &mut Faults) -> Option<String> {
    let text = value.line(faults)?;
    let path = path::in_image(&text, value, faults)?;
    Some(if text.starts_with('/') { path } else { path.trim_start_matches('/').to_owned() })
}

fn interfaces(item: &mut Mapping<'_>, faults: &mut Faults) -> Field<Vec<Interface>> {
    let list = item.mappings("interfaces", faults)?;
    Some(list.map(|items| {
        let read = |mut item: Mapping<'_>| {
            let name = item.required("name", faults).and_then(|value| value.line(faults));
            let mut text =
                |key| item.line(key, faults).map(|field| field.value).filter(|text| !text.is_empty());
            let (add, peer) = (text("add"), text("peer"));
            let create_in_root = item.boolean("createInRoot", faults).is_some_and(|field| field.value);
            item.finish(faults);
            Some(Interface { name: name?, add, peer, create_in_root })
        };
        items.into_iter().filter_map(read).collect()
    }))
}

fn bind_ns(item: &mut Mapping<'_>, faults: &mut Faults) -> Vec<(&'static str, Spanned<String>)> {
    let Some(Spanned { value: mut namespaces, .. }) = item.mapping("bindNS", faults) else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    for kind in NAMESPACES {
        let Some(value) = namespaces.take(kind) else { continue };
        let Some(text) = value.line(faults).filter(|text| !text.is_empty()) else { continue };
        paths.extend(path::absolute(&text, &value, faults).map(|path| (kind, value.field(path))));
    }
    namespaces.finish(faults);
    paths
}
