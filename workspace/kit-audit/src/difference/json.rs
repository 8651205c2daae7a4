//! A difference as JSON: all of it.
//!
//! ```text
//! format          kit-difference-1; what a later kit adds keeps it, what it changes doesn't
//! before, after   name; pin: the digest of what the lockfile pins, or null
//! differs         whether anything does
//! unknown         by part: the sides that don't know it; the part itself is null then
//! packages[]      kind, name, change, before[], after[]; role: before, after
//! recipes[]       name, before, after: digests
//! files[]         place: root, boot; path, owner, before, after: kind, mode, uid, gid, size, blake3, target, device, attributes; differs[]
//! services[]      service, change, aspect, what, before, after, severity
//! kernel[]        option, before, after, recommended
//! command_line    removed[], added[], reordered
//! licences[]      kind, name, before[], after[]: null where nobody knows; new[]: licences that the first image hadn't
//! vulnerabilities[] id, component, version, change, severity, undetermined, fixed, summary
//! size            before, after; components[]: kind, name, before, after
//! downloads[]     name, before, after: bytes; files, new_files, new_bytes
//! images[]        name, before, after: digests of manifests
//! blobs, new_blobs, new_bytes                                              layers and configurations
//! sources, new_sources, new_sources_without_size, new_source_bytes         what a build downloads
//! ```

use kit_tree::path::Escaped;
use kit_tree::{Entry, TreePath};
use serde_json::{Map, Value, json};

use super::files::{Aspect, FileChange, capabilities, kind};
use super::licences::LicenceChange;
use super::packages::PackageChange;
use super::services::ServiceChange;
use super::settings::OptionChange;
use super::sizes::{Download, SizeChange};
use super::vulnerabilities::VulnerabilityChange;
use super::{Change, Compared, Difference, Side};
use crate::finding::Severity;
use crate::hardening::files::capability::ATTRIBUTE;
use crate::inventory::{Place, Role};

/// Returns the object.
pub fn object(difference: &Difference) -> Value {
    let mut parts = Parts { object: Map::new(), unknown: Map::new() };
    parts.list("packages", &difference.packages, package);
    parts.list("recipes", &difference.recipes, change);
    parts.list("files", &difference.files, file);
    parts.list("services", &difference.services, service);
    parts.list("kernel", &difference.kernel, option);
    parts.put(
        "command_line",
        &difference.command_line,
        |line| json!({ "removed": line.removed, "added": line.added, "reordered": line.is_reordered }),
    );
    parts.list("licences", &difference.licences, licence);
    parts.list("vulnerabilities", &difference.vulnerabilities, vulnerability);
    parts.put("size", &difference.sizes, |sizes| {
        let components: Vec<_> = sizes.components.iter().map(size).collect();
        json!({ "before": sizes.before, "after": sizes.after, "components": components })
    });
    parts.list("downloads", &difference.downloads, download);
    let Parts { mut object, unknown } = parts;
    let (blobs, sources) = (&difference.blobs, &difference.sources);
    let rest = [
        ("format", json!("kit-difference-1")),
        ("before", side(&difference.before)),
        ("after", side(&difference.after)),
        ("differs", json!(!difference.is_empty())),
        ("unknown", Value::Object(unknown)),
        ("images", difference.images.iter().map(change).collect()),
        ("blobs", json!(blobs.all)),
        ("new_blobs", json!(blobs.new)),
        ("new_bytes", json!(blobs.bytes())),
        ("sources", json!(sources.all)),
        ("new_sources", json!(sources.new)),
        ("new_sources_without_size", json!(sources.unknown)),
        ("new_source_bytes", json!(sources.known_bytes)),
    ];
    object.extend(rest.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(object)
}

struct Parts {
    object: Map<String, Value>,
    unknown: Map<String, Value>,
}

impl Parts {
    fn put<T>(&mut self, key: &str, compared: &Compared<T>, show: impl FnOnce(&T) -> Value) {
        let value = match compared {
            Compared::Known(found) => show(found),
            Compared::Unknown(sides) => {
                self.unknown.insert(key.to_owned(), json!(sides));
                Value::Null
            }
        };
        self.object.insert(key.to_owned(), value);
    }

    fn list<T>(&mut self, key: &str, compared: &Compared<Vec<T>>, show: impl Fn(&T) -> Value) {
        self.put(key, compared, |changes| changes.iter().map(show).collect());
    }
}

fn side(side: &Side) -> Value {
    json!({ "name": side.name, "pin": side.pin.map(|pin| pin.to_string()) })
}

fn change(change: &Change) -> Value {
    json!({ "name": change.name, "before": change.before, "after": change.after })
}

fn package(change: &PackageChange) -> Value {
    json!({
        "kind": change.package.kind.word(),
        "name": change.package.name,
        "change": change.change.word(),
        "before": change.before,
        "after": change.after,
        "role": { "before": change.role_before.map(Role::word), "after": change.role_after.map(Role::word) },
    })
}

fn file(change: &FileChange) -> Value {
    let owner = change.after.as_ref().or(change.before.as_ref()).and_then(|owned| owned.owner.clone());
    json!({
        "place": match change.place { Place::Root => "root", Place::Boot => "boot" },
        "path": change.path.to_string(),
        "owner": owner,
        "before": change.before.as_ref().map(|owned| entry(&owned.entry)),
        "after": change.after.as_ref().map(|owned| entry(&owned.entry)),
        "differs": change.aspects.keys().map(Aspect::word).collect::<Vec<_>>(),
    })
}

fn entry(entry: &Entry) -> Value {
    let mut object = json!({ "kind": kind(entry) });
    if let Some(meta) = entry.meta() {
        object["mode"] = json!(meta.mode.to_string());
        object["uid"] = json!(meta.uid);
        object["gid"] = json!(meta.gid);
        let attribute = |(name, value): (&Vec<u8>, &Vec<u8>)| {
            let shown = if name == ATTRIBUTE { capabilities(value) } else { Escaped(value).to_string() };
            (Escaped(name).to_string(), json!(shown))
        };
        object["attributes"] = Value::Object(meta.xattrs.iter().map(attribute).collect());
    }
    let link = |target: &TreePath| json!(target.to_string());
    match entry {
        Entry::File { blob, size, .. } => {
            object["size"] = json!(size);
            object["blake3"] = json!(blob.to_string());
        }
        Entry::Symlink { uid, gid, target } => {
            object["uid"] = json!(uid);
            object["gid"] = json!(gid);
            object["target"] = json!(Escaped(target).to_string());
        }
        Entry::HardLink { target } => object["target"] = link(target),
        Entry::Device { major, minor, .. } => object["device"] = json!([major, minor]),
        Entry::Directory(_) | Entry::Fifo(_) => {}
    }
    object
}

fn service(change: &ServiceChange) -> Value {
    json!({
        "service": change.service,
        "change": change.turn.word(),
        "aspect": change.aspect,
        "what": change.what,
        "before": change.before,
        "after": change.after,
        "severity": change.severity.map(Severity::word),
    })
}

fn option(change: &OptionChange) -> Value {
    json!({
        "option": format!("CONFIG_{}", change.option),
        "before": change.before.as_ref().map(ToString::to_string),
        "after": change.after.as_ref().map(ToString::to_string),
        "recommended": change.is_recommended,
    })
}

fn licence(change: &LicenceChange) -> Value {
    json!({
        "kind": change.component.kind.word(),
        "name": change.component.name,
        "before": change.before,
        "after": change.after,
        "new": change.new,
    })
}

fn vulnerability(change: &VulnerabilityChange) -> Value {
    let found = &change.vulnerability;
    json!({
        "id": change.id,
        "component": change.component,
        "version": found.version,
        "change": change.fate.word(),
        "severity": found.severity.word(),
        "undetermined": found.is_undetermined,
        "fixed": found.fixed,
        "summary": found.summary,
    })
}

fn size(change: &SizeChange) -> Value {
    json!({
        "kind": change.component.kind.word(),
        "name": change.component.name,
        "before": change.before,
        "after": change.after,
    })
}

fn download(download: &Download) -> Value {
    let moved = download.moved;
    json!({
        "name": download.name,
        "before": download.before,
        "after": download.after,
        "files": moved.map(|moved| moved.all),
        "new_files": moved.map(|moved| moved.new),
        "new_bytes": moved.and_then(|moved| moved.bytes()),
    })
}
