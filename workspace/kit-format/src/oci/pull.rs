//! The documents of an image that others made: indexes, manifests and configurations of the image specification 1.1, and Docker's of
//! schema 2, which have the same fields.

use std::collections::BTreeMap;

use kit_hash::Sha256;
use serde::Deserialize;

use super::document;
use super::graph::{check_kind, is_index, media_type};

/// The largest document, in bytes: the most that registries take.
pub const LARGEST_DOCUMENT: u64 = 4 << 20;
/// The label that says how LinuxKit runs an image.
pub const LINUXKIT_LABEL: &str = "org.mobyproject.config";
/// The most layers that an image may have.
pub(super) const MOST_LAYERS: usize = 1000;
/// The most manifests that an index may lead to.
pub(super) const MOST_MANIFESTS: usize = 1000;
/// The largest layer, in bytes.
pub(super) const LARGEST_LAYER: u64 = 64 << 30;

pub(super) const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

/// The media types of what can be read, as an `Accept` header has them.
pub const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Something that a document refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Referred {
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
}

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Top {
    /// An index: its manifest for the platform, or another index that has it.
    Index(Referred),
    /// A manifest.
    Manifest(Parts),
}

/// What a manifest lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The configuration.
    pub config: Referred,
    /// The layers, the lowest first.
    pub layers: Vec<Referred>,
}

/// What a configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Entry point and command, joined.
    pub command: Vec<String>,
    /// Environment; of a name that is there twice the last value.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: Option<String>,
    /// User and group, as it writes them.
    pub user: Option<String>,
    /// Its label [`LINUXKIT_LABEL`].
    pub label: Option<String>,
    /// The digest of each uncompressed layer, the lowest first.
    pub diff_ids: Vec<Sha256>,
}

/// Why a document can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It isn't one of the specification.
    #[error("it is no document of the image specification: {0}")]
    Json(#[from] serde_json::Error),
    /// A kind that isn't read.
    #[error("it is a `{kind}`, which kit doesn't read")]
    Kind {
        /// The media type, or the schema version.
        kind: String,
    },
    /// A digest isn't SHA-256.
    #[error("`{digest}` is no SHA-256 digest")]
    Digest {
        /// What stands there.
        digest: String,
    },
    /// The index has nothing for the platform.
    #[error("it has nothing for {wanted}; it has {}", if .found.is_empty() { "nothing at all".to_owned() } else { .found.join(", ") })]
    Platform {
        /// What is wanted.
        wanted: String,
        /// What there is.
        found: Vec<String>,
    },
    /// Indexes name indexes without end.
    #[error("its indexes name each other, {depth} deep and more")]
    Deep {
        /// How deep they are read.
        depth: usize,
    },
    /// No image has the name.
    #[error("{}", unknown(name, found))]
    Name {
        /// The name; empty where none is given.
        name: String,
        /// The names that there are.
        found: Vec<String>,
    },
    /// A layer isn't there.
    #[error("its layer `{id}` isn't there")]
    NoLayer {
        /// Which one.
        id: String,
    },
    /// Nobody saw the whole archive of a layer.
    #[error("its layer `{id}` is there in parts only, so that its archive isn't known")]
    PartLayer {
        /// Which one.
        id: String,
    },
    /// Several images, and no name says which one is meant.
    #[error("it has several images, and no name says which one is meant{}", listed(found))]
    Which {
        /// The names that there are.
        found: Vec<String>,
    },
    /// The configuration is for another platform.
    #[error("it is for {found}, not for {wanted}")]
    OtherPlatform {
        /// What is wanted.
        wanted: String,
        /// What it is for.
        found: String,
    },
    /// Layers without number or end.
    #[error("it has {count} layers; {MOST_LAYERS} is the most that kit takes")]
    Layers {
        /// How many.
        count: usize,
    },
    /// An index without end.
    #[error("it leads to {count} manifests; {MOST_MANIFESTS} is the most that kit takes")]
    Manifests {
        /// How many.
        count: usize,
    },
    /// A layer without end.
    #[error("it has a layer of {size} bytes; {LARGEST_LAYER} is the most that kit takes")]
    LargeLayer {
        /// Its size.
        size: u64,
    },
    /// A text that no program can be given.
    #[error("its {field} has a NUL character")]
    Nul {
        /// Which field.
        field: &'static str,
    },
    /// The configuration has another number of layers than the manifest.
    #[error("the configuration has {config} layers, the manifest {manifest}")]
    OtherLayers {
        /// In the configuration.
        config: usize,
        /// In the manifest.
        manifest: usize,
    },
}

fn unknown(name: &str, found: &[String]) -> String {
    match (name, found) {
        ("", _) => "it has no image at all".to_owned(),
        (_, []) => format!("it has no image `{name}`; it has none with a name"),
        (_, found) => format!("it has no image `{name}`{}", listed(found)),
    }
}

fn listed(found: &[String]) -> String {
    if found.is_empty() { String::new() } else { format!("; it has `{}`", found.join("`, `")) }
}

#[derive(Deserialize)]
struct Config {
    os: String,
    architecture: String,
    #[serde(rename = "config")]
    run: Option<Run>,
    rootfs: document::RootFs,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    user: Option<String>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

/// Reads an index or a manifest. `architecture` is OCI's word; the operating system is Linux.
pub fn read_top(bytes: &[u8], architecture: &str) -> Result<Top, DocumentError> {
    if is_index(&media_type(bytes)?) {
        read_index(bytes, architecture).map(Top::Index)
    } else {
        read_manifest(bytes).map(Top::Manifest)
    }
}

fn read_index(bytes: &[u8], architecture: &str) -> Result<Referred, DocumentError> {
    let index: document::Index = serde_json::from_slice(bytes)?;
    let all: Vec<_> = index.manifests.iter().collect();
    let indexes = || all.iter().filter(|entry| entry.platform.is_none() && is_index(&entry.media_type));
    let entry = match fitting(&all, architecture) {
        Ok(fitting) => fitting[0],
        // One that only leads to another.
        Err(_) if indexes().count() == 1 => indexes().next().copied().unwrap_or(all[0]),
        Err(error) => return Err(error),
    };
    check_kind(&entry.media_type)?;
    referred(entry)
}

/// Returns the entries for a platform, at least one; those that run on every variant come before all others.
pub(super) fn fitting<'e>(
    entries: &[&'e document::Descriptor],
    architecture: &str,
) -> Result<Vec<&'e document::Descriptor>, DocumentError> {
    let platforms = || entries.iter().filter_map(|entry| Some((*entry, entry.platform.as_ref()?)));
    let fits =
        |platform: &document::PlatformPart| platform.os == "linux" && platform.architecture == architecture;
    let fitting = |is_plain: bool| {
        let is_one = move |(_, platform): &(_, &document::PlatformPart)| {
            fits(platform) && (platform.variant.is_none() || !is_plain)
        };
        platforms().filter(is_one).map(|(entry, _)| entry).collect::<Vec<_>>()
    };
    // Without a variant it runs everywhere; with one, on some.
    let mut found = fitting(true);
    if found.is_empty() {
        found = fitting(false);
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let shown =
        |(_, platform): (_, &document::PlatformPart)| format!("{}/{}", platform.os, platform.architecture);
    // Attestations are listed for no platform.
    let found = platforms().map(shown).filter(|platform| platform != "unknown/unknown").collect();
    Err(DocumentError::Platform { wanted: format!("linux/{architecture}"), found })
}

/// Reads a manifest.
pub fn read_manifest(bytes: &[u8]) -> Result<Parts, DocumentError> {
    let manifest: document::Manifest = serde_json::from_slice(bytes)?;
    if !matches!(manifest.config.media_type.as_str(), document::CONFIG | DOCKER_CONFIG) {
        return Err(DocumentError::Kind { kind: manifest.config.media_type });
    }
    if manifest.layers.len() > MOST_LAYERS {
        return Err(DocumentError::Layers { count: manifest.layers.len() });
    }
    let layers = manifest.layers.iter().map(layer).collect::<Result<_, _>>()?;
    Ok(Parts { config: referred(&manifest.config)?, layers })
}

fn layer(entry: &document::Descriptor) -> Result<Referred, DocumentError> {
    let plain = |start: &str| entry.media_type.strip_prefix(start);
    let compression = plain(document::LAYER).or_else(|| plain(DOCKER_LAYER));
    if !matches!(compression, Some("" | "+gzip" | ".gzip" | "+zstd" | ".zstd")) {
        return Err(DocumentError::Kind { kind: entry.media_type.clone() });
    }
    if entry.size > LARGEST_LAYER {
        return Err(DocumentError::LargeLayer { size: entry.size });
    }
    referred(entry)
}

pub(super) fn referred(entry: &document::Descriptor) -> Result<Referred, DocumentError> {
    let digest = || DocumentError::Digest { digest: entry.digest.clone() };
    Ok(Referred { size: entry.size, sha256: Sha256::from_oci(&entry.digest).map_err(|_| digest())? })
}

/// Returns what a configuration is for: OCI's words for the operating system and the architecture.
pub fn read_platform(bytes: &[u8]) -> Result<(String, String), DocumentError> {
    let Config { os, architecture, .. } = serde_json::from_slice(bytes)?;
    Ok((os, architecture))
}

/// Reads the configuration of a manifest with `layers` layers.
pub fn read_config(bytes: &[u8], architecture: &str, layers: usize) -> Result<Settings, DocumentError> {
    let Config { os, architecture: found, run, rootfs } = serde_json::from_slice(bytes)?;
    if (os.as_str(), found.as_str()) != ("linux", architecture) {
        let wanted = format!("linux/{architecture}");
        return Err(DocumentError::OtherPlatform { wanted, found: format!("{os}/{found}") });
    }
    if rootfs.diff_ids.len() != layers {
        return Err(DocumentError::OtherLayers { config: rootfs.diff_ids.len(), manifest: layers });
    }
    let digest =
        |text: &String| Sha256::from_oci(text).map_err(|_| DocumentError::Digest { digest: text.clone() });
    let Run { user, env, entrypoint, cmd, working_dir, labels } = run.unwrap_or_default();
    let label = labels.and_then(|mut labels| labels.remove(LINUXKIT_LABEL));
    let texts = [
        ("command", entrypoint.iter().chain(&cmd).flatten().collect::<Vec<_>>()),
        ("environment", env.iter().flatten().collect()),
        ("working directory", working_dir.iter().collect()),
        ("user", user.iter().collect()),
        ("label", label.iter().collect()),
    ];
    let has_nul = |(_, texts): &&(_, Vec<&String>)| texts.iter().any(|text| text.contains('\0'));
    if let Some((field, _)) = texts.iter().find(has_nul) {
        return Err(DocumentError::Nul { field });
    }
    let pair = |pair: String| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (pair, String::new()),
    };
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Settings {
        command: entrypoint.into_iter().chain(cmd).flatten().collect(),
        env: env.unwrap_or_default().into_iter().map(pair).filter(|(name, _)| !name.is_empty()).collect(),
        cwd: some(working_dir),
        user: some(user),
        label: some(label),
        diff_ids: rootfs.diff_ids.iter().map(digest).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests;
