//! The JSON documents of the image specification, as far as they are written and read here.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::config::{ImageConfig, Platform};
use crate::date::rfc3339;

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a manifest of the image specification.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Where `containerd` and its relatives have the whole name of an image, besides that of the specification.
pub(super) const IMAGE_NAME: &str = "io.containerd.image.name";
pub(super) const LAYOUT_VERSION: &str = "1.0.0";

type Empty = BTreeMap<String, String>;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LayoutFile {
    pub(super) image_layout_version: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<PlatformPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlatformPart {
    pub(super) architecture: String,
    pub(super) os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
}

/// `os/architecture[/variant]`.
impl fmt::Display for PlatformPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl From<&Platform> for PlatformPart {
    fn from(platform: &Platform) -> Self {
        let Platform { os, architecture, variant } = platform.clone();
        Self { architecture, os, variant }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) manifests: Vec<Descriptor>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// An image's configuration, as it is written.
#[derive(Debug, Serialize)]
pub(super) struct Config {
    #[serde(flatten)]
    platform: PlatformPart,
    created: String,
    #[serde(rename = "config")]
    runtime: Runtime,
    rootfs: RootFs,
    history: Vec<History>,
}

/// What is read of a configuration.
#[derive(Debug, Deserialize)]
pub(super) struct ConfigPart {
    #[serde(flatten)]
    pub(super) platform: PlatformPart,
    pub(super) rootfs: RootFs,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RootFs {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) diff_ids: Vec<String>,
}

#[derive(Debug, Serialize)]
struct History {
    created: String,
    created_by: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Runtime {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposed_ports: Option<BTreeMap<String, Empty>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<String>,
}

impl Config {
    /// Makes the document; `created` is the source date.
    pub(super) fn new(config: &ImageConfig, created: u32, diff_ids: Vec<String>) -> Self {
        let created = rfc3339(created);
        let layer = || History { created: created.clone(), created_by: "kit" };
        Self {
            platform: (&config.platform).into(),
            history: diff_ids.iter().map(|_| layer()).collect(),
            created: created.clone(),
            runtime: Runtime {
                user: config.user.clone(),
                exposed_ports: some(
                    config.exposed_ports.iter().map(|port| (port.clone(), Empty::new())).collect(),
                    BTreeMap::is_empty,
                ),
                env: some(config.env.iter().map(|(k, v)| format!("{k}={v}")).collect(), Vec::is_empty),
                entrypoint: some(config.entrypoint.clone(), Vec::is_empty),
                cmd: some(config.cmd.clone(), Vec::is_empty),
                working_dir: config.working_dir.clone(),
                labels: some(config.labels.clone(), BTreeMap::is_empty),
                stop_signal: config.stop_signal.clone(),
            },
            rootfs: RootFs { kind: String::from("layers"), diff_ids },
        }
    }
}

/// Leaves an empty list out of the document.
fn some<T>(value: T, is_empty: impl Fn(&T) -> bool) -> Option<T> {
    Some(value).filter(|value| !is_empty(value))
}
