//! Directories of files, and OCI image layouts (image specification 1.1) among them.
//!
//! Blobs of a layout are named by their digest, so that a changed one has another name: here they are named by what they are for the
//! image that they belong to, and what others are made of comes first.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::parsed::{Member, Parsed};

/// Files by path.
pub(super) type Files<'a> = BTreeMap<String, &'a [u8]>;

/// How deep indexes are followed.
const DEPTH: usize = 3;
/// The most images of a layout that are looked into.
const IMAGES: usize = 1000;

/// Takes a directory as an image layout when it is one, else as its files.
pub(super) fn directory<'a>(files: &Files<'a>) -> Parsed<'a> {
    let members = |parts: Vec<Part<'a>>| parsed(parts.into_iter().map(|part| part.member).collect());
    layout(files).map_or_else(|| plain(files), members)
}

/// Takes a directory as its files.
pub(super) fn plain<'a>(files: &Files<'a>) -> Parsed<'a> {
    let members = files.iter().map(|(path, data)| member(path.clone(), data)).collect();
    Parsed { format: "directory", fields: Vec::new(), members, header: &[], is_compression: false }
}

/// Takes the members of an archive as an image layout, when they are one.
pub(super) fn in_archive<'a>(archive: Parsed<'a>) -> Parsed<'a> {
    let files = archive.members.iter().filter_map(|member| match member.data {
        Cow::Borrowed(data) => Some((path(&member.name).to_owned(), data)),
        Cow::Owned(_) => None,
    });
    let Some(parts) = layout(&files.collect()) else { return archive };
    let used: BTreeSet<_> = parts.iter().map(|part| part.path.clone()).collect();
    let (named, rest): (Vec<_>, Vec<_>) =
        archive.members.into_iter().partition(|member| used.contains(path(&member.name)));
    let said: BTreeMap<_, _> = named.iter().map(|member| (path(&member.name), member)).collect();
    // What the archive says about a file still counts, under the name that the file has in the image.
    let part = |part: Part<'a>| match said.get(part.path.as_str()) {
        Some(said) => Member { fields: said.fields.clone(), header: said.header, ..part.member },
        None => part.member,
    };
    parsed(parts.into_iter().map(part).chain(rest).collect())
}

/// A member of an image, and where its file is.
struct Part<'a> {
    path: String,
    member: Member<'a>,
}

/// Returns the path of an archive's member.
fn path(name: &str) -> &str {
    name.trim_start_matches("./")
}

fn parsed(members: Vec<Member<'_>>) -> Parsed<'_> {
    Parsed { format: "OCI", fields: Vec::new(), members, header: &[], is_compression: false }
}

fn layout<'a>(files: &Files<'a>) -> Option<Vec<Part<'a>>> {
    let index = *files.get("index.json").filter(|_| files.contains_key("oci-layout"))?;
    let mut found = Layout { files, parts: Vec::new(), images: 0 };
    found.index("", index, 0)?;
    // The last one is what an archive says about the same images to Docker.
    for name in ["index.json", "oci-layout", "manifest.json"] {
        found.add(name.to_owned(), name.to_owned());
    }
    Some(found.parts)
}

fn member(name: String, data: &[u8]) -> Member<'_> {
    Member { name, fields: Vec::new(), header: (0, &[]), data: Cow::Borrowed(data) }
}

struct Layout<'f, 'a> {
    files: &'f Files<'a>,
    parts: Vec<Part<'a>>,
    images: usize,
}

impl<'a> Layout<'_, 'a> {
    /// Adds what a descriptor names, when it is there.
    fn add_blob(&mut self, name: String, descriptor: &Value) {
        if let Some(path) = place(descriptor) {
            self.add(name, path);
        }
    }

    fn add(&mut self, name: String, path: String) {
        if let Some(data) = self.files.get(&path).copied() {
            self.parts.push(Part { path, member: member(name, data) });
        }
    }

    fn index(&mut self, above: &str, bytes: &'a [u8], depth: usize) -> Option<()> {
        let index: Value = serde_json::from_slice(bytes).ok()?;
        for (number, descriptor) in index["manifests"].as_array()?.iter().enumerate() {
            self.images += 1;
            if self.images > IMAGES {
                return None;
            }
            let name = descriptor["annotations"]["org.opencontainers.image.ref.name"].as_str();
            let platform = descriptor["platform"]["architecture"].as_str().filter(|_| depth > 0);
            let name = name.or(platform).map_or_else(|| format!("image {}", number + 1), str::to_owned);
            let name = if above.is_empty() { name } else { format!("{above} {name}") };
            let Some(bytes) = place(descriptor).and_then(|path| self.files.get(&path).copied()) else {
                continue;
            };
            let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else { continue };
            if manifest["manifests"].is_array() && depth < DEPTH {
                self.index(&name, bytes, depth + 1)?;
                self.add_blob(format!("{name} index"), descriptor);
            } else {
                self.image(&name, &manifest);
                self.add_blob(format!("{name} manifest"), descriptor);
            }
        }
        Some(())
    }

    fn image(&mut self, name: &str, manifest: &Value) {
        let layers = manifest["layers"].as_array().map_or(&[][..], Vec::as_slice);
        for (number, layer) in layers.iter().enumerate() {
            self.add_blob(format!("{name} layer {}", number + 1), layer);
        }
        self.add_blob(format!("{name} config"), &manifest["config"]);
    }
}

/// Returns where a layout has what a descriptor names.
fn place(descriptor: &Value) -> Option<String> {
    let (algorithm, digest) = descriptor["digest"].as_str()?.split_once(':')?;
    Some(format!("blobs/{algorithm}/{digest}"))
}
