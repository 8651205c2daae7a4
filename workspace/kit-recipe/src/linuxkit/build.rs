//! `build.yml`: how LinuxKit makes an image of a directory.

use std::fmt;

use sha1::Digest as _;

use super::decode::{Faults, Field, Mapping, Value};
use super::entry::{self, Config};
use super::texts::{SourceFile, Texts};
use super::yaml::{Document, Kind};
use super::{Fault, of_one_file, parse as parse_all};
use crate::Spanned;
use crate::problem::Problems;

/// The organisation that LinuxKit takes where none is written.
const ORGANISATION: &str = "linuxkit";
/// What stands for the digest of the directory in a tag.
const HASH: &str = "{{.Hash}}";
/// What people call such a file.
pub(super) const FILE: &str = "build.yml";
/// What says how an image is made, where nothing else is written.
pub const DOCKERFILE: &str = "Dockerfile";
/// The sections of an image's file, which a `build.yml` hasn't.
const SECTIONS: [&str; 7] = ["kernel", "init", "onboot", "onshutdown", "services", "files", "volumes"];

/// What a `build.yml` refers to outside of itself, and under what name its image is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFile {
    /// The image's name.
    pub image: String,
    /// Whose it is.
    pub organisation: String,
    /// Its tag, in which `{{.Hash}}` stands for git's digest of the directory.
    pub tag: String,
    /// The file that says how it is made, in the directory.
    pub dockerfile: String,
    /// Directories beside its own that it takes part of, relative to its own.
    pub extra_sources: Vec<String>,
}

/// Git's digests of the directories that an image is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digests {
    /// That of the directory itself, none where it is in no state of a repository.
    pub directory: Option<String>,
    /// Those of the extra sources, in their order.
    pub extra: Vec<String>,
    /// Where files differ from the repository: SHA-256 of their contents one after the other, in hexadecimal digits.
    pub changed: Option<String>,
}

impl BuildFile {
    /// Whether the tag needs git's digest of the directory.
    pub fn needs_hash(&self) -> bool {
        self.tag.contains(HASH)
    }

    /// Returns the reference of the image that is published.
    pub fn reference(&self, digests: &Digests) -> String {
        let Self { image, organisation, tag, .. } = self;
        if !self.needs_hash() {
            return format!("{organisation}/{image}:{tag}");
        }
        match &digests.directory {
            None => format!("{organisation}/{image}:latest"),
            Some(_) => format!("{organisation}/{image}:{}", tag.replace(HASH, &digests.tag())),
        }
    }
}

/// A SHA-1 digest in hexadecimal digits.
struct Sha1Text([u8; 20]);

impl fmt::Display for Sha1Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Digests {
    /// Returns what stands for `{{.Hash}}`.
    fn tag(&self) -> String {
        let mut tag = self.directory.clone().unwrap_or_default();
        if !self.extra.is_empty() {
            // As git names things, and LinuxKit several of them together; nothing of kit's own relies on it.
            tag = Sha1Text(sha1::Sha1::digest(format!("{tag}{}", self.extra.concat())).into()).to_string();
        }
        if let Some(changed) = &self.changed {
            let short: String = changed.chars().take(7).collect();
            tag = format!("{tag}-dirty-{short}");
        }
        tag
    }
}

/// All that is written in a `build.yml`, with its places.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) image: Spanned<String>,
    pub(super) organisation: Field<String>,
    pub(super) tag: Field<String>,
    pub(super) dockerfile: Field<String>,
    pub(super) repository: Field<String>,
    pub(super) architectures: Field<Vec<Spanned<String>>>,
    pub(super) extra_sources: Field<Vec<Spanned<ExtraSource>>>,
    pub(super) arguments: Field<Vec<Spanned<String>>>,
    pub(super) network: Field<bool>,
    pub(super) disable_cache: Field<bool>,
    pub(super) config: Field<Config>,
    pub(super) depends: Field<Depends>,
}

/// `PATH:PLACE`: a directory that takes part, and where.
#[derive(Debug, Clone)]
pub(super) struct ExtraSource {
    pub(super) path: String,
    /// Relative to the directory of the `build.yml`.
    pub(super) place: String,
}

/// Images that are put beside the Dockerfile as archives.
#[derive(Debug)]
pub(super) struct Depends {
    pub(super) images: Field<Vec<Spanned<String>>>,
    pub(super) from_file: Field<String>,
    pub(super) target: Field<String>,
}

impl Build {
    /// Returns what is asked of whoever imports.
    pub(super) fn file(&self) -> BuildFile {
        let text = |field: &Field<String>, otherwise: &str| {
            field.as_ref().map_or_else(|| otherwise.to_owned(), |field| field.value.clone())
        };
        let extra = self.extra_sources.iter().flat_map(|sources| &sources.value);
        BuildFile {
            image: self.image.value.clone(),
            organisation: text(&self.organisation, ORGANISATION),
            tag: text(&self.tag, HASH),
            dockerfile: text(&self.dockerfile, DOCKERFILE),
            extra_sources: extra.map(|source| source.value.path.clone()).collect(),
        }
    }
}

/// Whether a file says how an image is made, and not what a system is.
pub fn is_build_file(file: &SourceFile) -> bool {
    let files = std::slice::from_ref(file);
    let (documents, _) = parse_all(&Texts::new(files));
    let root = documents.first().and_then(|document| document.root.as_ref());
    let is_called_so = file.name.rsplit('/').next() == Some(FILE);
    match root.map(|root| &root.kind) {
        Some(Kind::Mapping(entries)) => {
            let has = |name: &str| entries.iter().any(|(key, _)| key.text == name);
            (is_called_so || has("image")) && !SECTIONS.iter().any(|section| has(section))
        }
        _ => is_called_so,
    }
}

/// Reads a `build.yml`.
pub fn parse(file: &SourceFile) -> Result<BuildFile, Problems> {
    let texts = Texts::new(std::slice::from_ref(file));
    let (_, build, faults) = read(&texts);
    match build {
        Some(build) if faults.is_empty() => Ok(build.file()),
        _ => Err(of_one_file(faults, &texts)),
    }
}

/// Reads the first one of some files as a `build.yml`; without one there are faults.
pub(super) fn read(texts: &Texts<'_>) -> (Option<Document>, Option<Build>, Faults) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    match super::yaml::parse(&texts.files[0].text, texts.base(0)) {
        Ok(document) => documents.push(document),
        Err(found) => faults.extend(found),
    }
    let document = documents.pop();
    let Some(root) = document.as_ref().and_then(|document| document.root.as_ref()) else {
        if faults.is_empty() {
            faults.push((0..0, Fault::MissingKey { key: "image", of: "`build.yml`".to_owned() }));
        }
        return (document, None, faults);
    };
    let mapping = Value::top(root).mapping(FILE, &mut faults);
    let build = mapping.and_then(|mapping| of_mapping(mapping, &mut faults));
    (document, build, faults)
}

fn of_mapping(mut mapping: Mapping<'_>, faults: &mut Faults) -> Option<Build> {
    let image = mapping.required("image", faults).and_then(|value| {
        let name = value.line(faults)?;
        if name.is_empty() {
            faults.push((value.place(), Fault::Empty { key: "image".to_owned() }));
        }
        Some(value.field(name))
    });
    let mut line = |key| mapping.line(key, faults).filter(|text| !text.is_empty());
    let (organisation, tag, dockerfile) = (line("org"), line("tag"), line("dockerfile"));
    let repository = line("gitrepo");
    let architectures = mapping.texts("arches", faults);
    let extra_sources = mapping.list("extra-sources", faults, extra_source);
    let arguments = mapping.texts("buildArgs", faults);
    let network = mapping.boolean("network", faults);
    let disable_cache = mapping.boolean("disable-cache", faults);
    let config = mapping.mapping("config", faults).map(|config| {
        let span = config.span.clone();
        Spanned::new(entry::config(config.value, faults), span)
    });
    let depends = depends(&mut mapping, faults);
    mapping.finish(faults);
    Some(Build {
        image: image?,
        organisation,
        tag,
        dockerfile,
        repository,
        architectures,
        extra_sources,
        arguments,
        network,
        disable_cache,
        config,
        depends,
    })
}

fn extra_source(value: &Value<'_>, faults: &mut Faults) -> Option<ExtraSource> {
    let text = value.line(faults)?;
    let why = match text.split_once(':') {
        Some((path, place)) if !path.is_empty() && !place.is_empty() && !place.contains(':') => {
            let (path, place) = (path.to_owned(), place.trim_matches('/').to_owned());
            return Some(ExtraSource { path, place });
        }
        Some((_, place)) if place.contains(':') => "has too many `:`",
        Some(_) => "has nothing on one side of its `:`",
        None => "doesn't say where it goes",
    };
    let form = "path:place";
    faults.push((value.place(), Fault::InvalidMount { what: "extra source", mount: text, why, form }));
    None
}

fn depends(mapping: &mut Mapping<'_>, faults: &mut Faults) -> Field<Depends> {
    let Spanned { value: mut depends, span } = mapping.mapping("depends", faults)?;
    let images = depends.mapping("docker-images", faults);
    depends.finish(faults);
    let mut images = images?.value;
    let read = Depends {
        images: images.texts("list", faults),
        from_file: images.line("from-file", faults),
        target: images.line("target-dir", faults).or(images.line("target", faults)),
    };
    images.finish(faults);
    Some(Spanned::new(read, span))
}
