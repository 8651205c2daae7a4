//! `config.json` and `runtime.json`, as far as they are about privileges. What they have besides is nobody's concern here.
//!
//! Some runtimes write `null` where nothing is to be said; it is read as nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads `null` as nothing.
fn nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Config {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) process: Process,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) root: Root,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) mounts: Vec<Mount>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) linux: Linux,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) args: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) user: User,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) no_new_privileges: bool,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) capabilities: Capabilities,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) rlimits: Vec<Rlimit>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) apparmor_profile: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) uid: u32,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) gid: u32,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) additional_gids: Vec<u32>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Capabilities {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) bounding: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) effective: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) permitted: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) inheritable: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) ambient: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rlimit {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) soft: u64,
    pub(super) hard: u64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Root {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) readonly: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Mount {
    pub(super) destination: String,
    #[serde(rename = "type", default, deserialize_with = "nothing")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) source: String,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) options: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Linux {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) namespaces: Vec<Namespace>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) masked_paths: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) readonly_paths: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) devices: Vec<Device>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) resources: Resources,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) sysctl: BTreeMap<String, String>,
    pub(super) seccomp: Option<Seccomp>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) rootfs_propagation: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Namespace {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) path: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Device {
    pub(super) path: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) major: i64,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) minor: i64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Resources {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) devices: Vec<DeviceRule>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) memory: Limit,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) pids: Limit,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) unified: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeviceRule {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) allow: bool,
    #[serde(rename = "type", default, deserialize_with = "nothing")]
    pub(super) kind: String,
    pub(super) major: Option<i64>,
    pub(super) minor: Option<i64>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) access: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Limit {
    pub(super) limit: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seccomp {
    pub(super) default_action: String,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) architectures: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) syscalls: Vec<SeccompRule>,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct SeccompRule {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) names: Vec<String>,
    pub(super) action: String,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) args: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Runtime {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) restart: Restart,
    pub(super) landlock: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) cgroups: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) mkdir: Vec<String>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) mounts: Vec<Mount>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) interfaces: Vec<Interface>,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) bind_namespaces: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Restart {
    #[serde(default, deserialize_with = "nothing")]
    pub(super) policy: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Interface {
    pub(super) name: String,
    #[serde(default, deserialize_with = "nothing")]
    pub(super) add: String,
}
