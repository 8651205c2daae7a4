//! `build.yml`: how LinuxKit makes an image of a directory.

use super::decode::Value;
use super::texts::{SourceFile, Texts};
use super::{Fault, of_one_file, parse as parse_all};
use crate::problem::Problems;

/// The organisation that LinuxKit takes where none is written.
const ORGANISATION: &str = "linuxkit";
/// What stands for the digest of the directory in a tag.
const HASH: &str = "{{.Hash}}";

/// What a `build.yml` says about the image that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFile {
    /// The image's name.
    pub image: String,
    /// Whose it is.
    pub organisation: String,
    /// Its tag, in which `{{.Hash}}` stands for git's digest of the directory.
    pub tag: String,
    /// The file that says how it is made.
    pub dockerfile: String,
    /// The configuration of its label, as it would be read from the image.
    pub has_label: bool,
    /// Whether its build talks to the network.
    pub network: bool,
}

impl BuildFile {
    /// Whether the tag needs git's digest of the directory.
    pub fn needs_hash(&self) -> bool {
        self.tag.contains(HASH)
    }

    /// Returns the reference of the image that is published.
    pub fn reference(&self, hash: &str) -> String {
        format!("{}/{}:{}", self.organisation, self.image, self.tag.replace(HASH, hash))
    }
}

/// Reads a `build.yml`.
pub fn parse(text: &str) -> Result<BuildFile, Problems> {
    let files = [SourceFile { name: "build.yml".to_owned(), text: text.to_owned() }];
    let texts = Texts::new(&files);
    let (documents, mut faults) = parse_all(&texts);
    let Some(root) = documents.first().and_then(|document| document.root.as_ref()) else {
        if faults.is_empty() {
            faults.push((0..0, Fault::MissingKey { key: "image", of: "`build.yml`".to_owned() }));
        }
        return Err(of_one_file(faults, &texts));
    };
    let file = Value::top(root).mapping("build.yml", &mut faults).map(|mut mapping| {
        let image = mapping.required("image", &mut faults).and_then(|value| value.line(&mut faults));
        let mut line =
            |key| mapping.line(key, &mut faults).map(|field| field.value).filter(|text| !text.is_empty());
        let (organisation, tag, dockerfile) = (line("org"), line("tag"), line("dockerfile"));
        line("gitrepo");
        for key in ["arches", "extra-sources", "buildArgs"] {
            mapping.texts(key, &mut faults);
        }
        let network = mapping.boolean("network", &mut faults).is_some_and(|field| field.value);
        mapping.boolean("disable-cache", &mut faults);
        let config = mapping.mapping("config", &mut faults);
        let has_label = config.is_some();
        if let Some(config) = config {
            super::entry::config(config.value, &mut faults);
        }
        mapping.take("depends");
        mapping.finish(&mut faults);
        BuildFile {
            image: image.unwrap_or_default(),
            organisation: organisation.unwrap_or_else(|| ORGANISATION.to_owned()),
            tag: tag.unwrap_or_else(|| HASH.to_owned()),
            dockerfile: dockerfile.unwrap_or_else(|| "Dockerfile".to_owned()),
            has_label,
            network,
        }
    });
    match file {
        Some(file) if faults.is_empty() => Ok(file),
        _ => Err(of_one_file(faults, &texts)),
    }
}
