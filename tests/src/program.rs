//! The `kit` binary, built once for a test run, and the repository that it is tested in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns the top of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("because tests/ lies in the repository")
}

/// Returns the binary; builds it first when sources are newer.
pub fn kit() -> &'static Path {
    static KIT: OnceLock<PathBuf> = OnceLock::new();
    KIT.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--package", "kit", "--bin", "kit", "--message-format", "json"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        // What cargo told this test about its own crate would have build scripts run, and crates compiled, again.
        for (name, _) in std::env::vars_os() {
            let of_crate = |prefix: &&str| name.to_string_lossy().starts_with(prefix);
            if ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(of_crate) {
                build.env_remove(&name);
            }
        }
        let output = build.current_dir(repository()).output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
        let executable = messages.lines().rev().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(PathBuf::from(message["executable"].as_str()?))
        });
        executable.expect("cargo says where the binary is")
    })
}

/// Returns a store that all tests and runs share: what was fetched and built once is there. Tests about the store
/// itself have their own.
pub fn shared_store() -> PathBuf {
    kit().parent().expect("because a binary lies in a directory").join("test-store")
}
