//! What runs in an image, and on which platform.

use std::collections::{BTreeMap, BTreeSet};

/// The machine that an image is for, in the words of Go's `GOOS` and `GOARCH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`, `riscv64`, …
    pub architecture: String,
    /// `v8`, `v7`, …, where the architecture has variants.
    pub variant: Option<String>,
}

/// The runtime part of an image's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// The machine that it is for.
    pub platform: Platform,
    /// The program and its first arguments; what a caller gives is appended.
    pub entrypoint: Vec<String>,
    /// The arguments when a caller gives none.
    pub cmd: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// The working directory; none for `/`.
    pub working_dir: Option<String>,
    /// `user`, `uid`, `user:group` or `uid:gid`; none for root.
    pub user: Option<String>,
    /// `8080/tcp`, `53/udp`, …
    pub exposed_ports: BTreeSet<String>,
    /// The signal that stops it; none for `SIGTERM`.
    pub stop_signal: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl ImageConfig {
    /// Returns the configuration that says nothing but the platform.
    pub fn new(platform: Platform) -> Self {
        Self {
            platform,
            entrypoint: Vec::new(),
            cmd: Vec::new(),
            env: BTreeMap::new(),
            working_dir: None,
            user: None,
            exposed_ports: BTreeSet::new(),
            stop_signal: None,
            labels: BTreeMap::new(),
        }
    }
}
