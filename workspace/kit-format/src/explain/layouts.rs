//! Directories of files, and OCI image layouts (image specification 1.1) among them.
//!
//! Blobs of a layout are named by their digest, so that a changed one has another name: here they are named by what they are for the
//! image that they belong to, and what others are made of comes first.

use std::borrow::Cow;
use std::collections::BTreeMap;

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
    layout(files).unwrap_or_else(|| plain(files))
}

/// Takes a directory as its files.
pub(super) fn plain<'a>(files: &Files<'a>) -> Parsed<'a> {
    let members = files.iter().map(|(path, data)| member(path.clone(), data)).collect();
    Parsed { format: "directory", fields: Vec::new(), members, header: &[], is_compression: false }
}

/// Takes the members of an archive as an image layout, when they are one.
pub(super) fn in_archive<'a>(archive: Parsed<'a>) -> Parsed<'a> {
    let borrowed = |member: &Member<'a>| match member.data {
        Cow::Borrowed(data) => Some((member.name.trim_start_matches("./").to_owned(), data)),
        Cow::Owned(_) => None,
    };
    let is_layout = archive.members.iter().any(|member| member.name.trim_start_matches("./") == "oci-layout");
    let files = || archive.members.iter().filter_map(borrowed).collect::<Files<'a>>();
    let Some(mut parsed) = is_layout.then(|| layout(&files())).flatten() else { return archive };
    // What the archive says about its members still counts.
    parsed
        .members
        .extend(archive.members.into_iter().map(|member| Member { data: Cow::Borrowed(b""), ..member }));
    parsed
}

fn layout<'a>(files: &Files<'a>) -> Option<Parsed<'a>> {
    let (index, version) = (*files.get("index.json")?, *files.get("oci-layout")?);
    let mut found = Layout { files, members: Vec::new(), images: 0 };
    found.index("", index, 0)?;
    let mut members = found.members;
    members.push(member("index.json".to_owned(), index));
    members.push(member("oci-layout".to_owned(), version));
    Some(Parsed { format: "OCI", fields: Vec::new(), members, header: &[], is_compression: false })
}

fn member(name: String, data: &[u8]) -> Member<'_> {
    Member { name, fields: Vec::new(), header: (0, &[]), data: Cow::Borrowed(data) }
}

struct Layout<'f, 'a> {
    files: &'f Files<'a>,
    members: Vec<Member<'a>>,
    images: usize,
}

impl<'a> Layout<'_, 'a> {
    fn blob(&self, descriptor: &Value) -> Option<&'a [u8]> {
        let (algorithm, digest) = descriptor["digest"].as_str()?.split_once(':')?;
        self.files.get(&format!("blobs/{algorithm}/{digest}")).copied()
    }

    fn index(&mut self, above: &str, bytes: &[u8], depth: usize) -> Option<()> {
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
            let Some(bytes) = self.blob(descriptor) else { continue };
            let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else { continue };
            if manifest["manifests"].is_array() && depth < DEPTH {
                self.index(&name, bytes, depth + 1)?;
                self.members.push(member(format!("{name} index"), bytes));
            } else {
                self.image(&name, &manifest, bytes);
            }
        }
        Some(())
    }

    fn image(&mut self, name: &str, manifest: &Value, bytes: &'a [u8]) {
        let layers = manifest["layers"].as_array().map_or(&[][..], Vec::as_slice);
        for (number, layer) in layers.iter().enumerate() {
            let blob = self.blob(layer).map(|data| member(format!("{name} layer {}", number + 1), data));
            self.members.extend(blob);
        }
        let config = self.blob(&manifest["config"]).map(|data| member(format!("{name} config"), data));
        self.members.extend(config);
        self.members.push(member(format!("{name} manifest"), bytes));
    }
}
