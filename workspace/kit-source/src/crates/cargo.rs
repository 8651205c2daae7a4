//! Has cargo download what is missing: the one module that starts processes.
//!
//! cargo is given a package that depends on each missing crate in exactly the pinned version, and a lockfile with the pinned
//! digests, so that it neither resolves anything anew nor accepts other bytes. The name by which cargo knows its registry
//! is asked from cargo itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use cap_std::fs::Dir;

use super::archive::{CrateFile, CrateHome};
use super::{CrateError, CratePin};
use crate::http::Network;

/// How many lines of cargo's output an error shows.
const SHOWN_LINES: usize = 20;

/// How cargo is run.
#[derive(Debug, Clone, Copy)]
pub struct Cargo<'a> {
    /// The program, `cargo` as a rule. It runs with the environment of this process.
    pub program: &'a str,
    /// The path of cargo's home folder, the same that [`CrateHome`] reads.
    pub home_path: &'a Path,
    /// An empty folder to work in.
    pub scratch: &'a Dir,
    /// The path of the same folder, for cargo.
    pub scratch_path: &'a Path,
    /// Whether cargo may be run at all.
    pub network: Network,
}

/// Returns the files of all pins, in their order: from cargo's cache, and what isn't there by one run of cargo for all.
pub fn fetch_crates(
    cargo: &Cargo<'_>,
    home: &CrateHome,
    pins: &[CratePin],
) -> Result<Vec<CrateFile>, CrateError> {
    let mut missing = Vec::new();
    for pin in pins {
        if home.find(pin)?.is_none() {
            missing.push(pin.clone());
        }
    }
    let shown = |pins: &[CratePin]| pins.iter().map(|pin| format!("{} {}", pin.name, pin.version)).collect();
    if !missing.is_empty() {
        if cargo.network == Network::Offline {
            return Err(CrateError::Offline { missing: shown(&missing) });
        }
        for batch in batches(missing) {
            cargo.fetch(&batch)?;
        }
    }
    let mut files = Vec::new();
    for pin in pins {
        let found = home.find(pin)?;
        files.push(found.ok_or_else(|| CrateError::Missing { missing: shown(std::slice::from_ref(pin)) })?);
    }
    Ok(files)
}

/// Splits pins so that no batch has two versions of a crate: cargo would unify compatible ones.
fn batches(pins: Vec<CratePin>) -> Vec<Vec<CratePin>> {
    let mut batches: Vec<BTreeMap<String, CratePin>> = Vec::new();
    for pin in pins {
        match batches.iter_mut().find(|batch| !batch.contains_key(&pin.name)) {
            Some(batch) => _ = batch.insert(pin.name.clone(), pin),
            None => batches.push(BTreeMap::from([(pin.name.clone(), pin)])),
        }
    }
    batches.into_iter().map(|batch| batch.into_values().collect()).collect()
}

impl Cargo<'_> {
    fn fetch(&self, pins: &[CratePin]) -> Result<(), CrateError> {
        self.write("Cargo.toml", &manifest(pins))?;
        self.scratch
            .create_dir_all("src")
            .map_err(|source| CrateError::File { path: "src".to_owned(), source })?;
        self.write("src/lib.rs", "")?;
        let described = self.run(&["metadata", "--no-deps", "--offline", "--format-version", "1"])?;
        let registry = registry(&described.stdout)
            .ok_or_else(|| CrateError::Cargo { output: "cargo does not name its registry".to_owned() })?;
        self.write("Cargo.lock", &lockfile(pins, &registry))?;
        self.run(&["fetch"]).map(drop)
    }

    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), CrateError> {
        let written = self.scratch.write(path, text);
        written.map_err(|source| CrateError::File { path: path.to_owned(), source })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "crates come through the machine's cargo and its configuration"
    )]
    pub(super) fn run(&self, arguments: &[&str]) -> Result<Output, CrateError> {
        let mut command = std::process::Command::new(self.program);
        command
            .args(arguments)
            .current_dir(self.scratch_path)
            .env("CARGO_HOME", self.home_path)
            .stdin(Stdio::null());
        // Set by an outer cargo for its own package, not for this one.
        for name in
            ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"]
        {
            command.env_remove(name);
        }
        let output = command
            .output()
            .map_err(|source| CrateError::NoCargo { program: self.program.to_owned(), source })?;
        if output.status.success() {
            return Ok(output);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
        Err(CrateError::Cargo { output: tail })
    }
}

/// Depends on each crate without its default features, so that nothing optional is asked for.
fn manifest(pins: &[CratePin]) -> String {
    let mut text = "[package]\nname = \"kit-fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\n".to_owned();
    for pin in pins {
        // Build metadata can't stand in a requirement.
        let version = pin.version.split('+').next().unwrap_or_default();
        writeln!(text, "{} = {{ version = \"={version}\", default-features = false }}", pin.name)
            .expect("because a String takes everything");
    }
    text
}

fn lockfile(pins: &[CratePin], registry: &str) -> String {
    let mut text = "version = 3\n".to_owned();
    for pin in pins {
        let CratePin { name, version, sha256 } = pin;
        write!(text, "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{registry}\"\nchecksum = \"{sha256}\"\n")
            .expect("because a String takes everything");
    }
    text
}

/// Reads the registry's name out of `cargo metadata`.
fn registry(metadata: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(metadata).ok()?;
    let source = value.get("packages")?.get(0)?.get("dependencies")?.get(0)?.get("source")?.as_str()?;
    (!source.contains(['"', '\\', '\n'])).then(|| source.to_owned())
}

#[cfg(test)]
mod tests;
