//! Embeds the standard recipes, the lockfile of the tools and the source of the init into the program.
//!
//! Writes `embedded.rs`: a table of path, executable bit and content, sorted by path.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script reads the source tree and writes to its own directory"
)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use walkdir::WalkDir;

/// Files and directories below the repository; what isn't there is left out.
const EMBEDDED: [&str; 5] = [
    "lockfiles/tools.lock",
    "recipes",
    "workspace/kit-init/Cargo.lock",
    "workspace/kit-init/Cargo.toml",
    "workspace/kit-init/src",
];

fn main() {
    let crate_dir = std::env::var("CARGO_MANIFEST_DIR").expect("because cargo sets it");
    let repository =
        Path::new(&crate_dir).join("../..").canonicalize().expect("because the crate is in the repository");
    let mut files = Vec::new();
    for path in EMBEDDED {
        collect(&repository, path, &mut files);
    }
    files.sort();
    let mut table = String::from("pub(crate) static FILES: &[File] = &[\n");
    for (path, executable) in files {
        let content = repository
            .join(&path)
            .into_os_string()
            .into_string()
            .expect("because the repository's path is UTF-8");
        writeln!(
            table,
            "    File {{ path: {path:?}, executable: {executable}, content: include_bytes!({content:?}) }},"
        )
        .expect("because a string takes all");
    }
    table.push_str("];\n");
    let out = std::env::var("OUT_DIR").expect("because cargo sets it");
    fs::write(Path::new(&out).join("embedded.rs"), table).expect("because the directory is cargo's own");
    println!("cargo:rerun-if-changed=build.rs");
    for watched in [
        "lockfiles",
        "recipes",
        "workspace/kit-init/Cargo.lock",
        "workspace/kit-init/Cargo.toml",
        "workspace/kit-init/src",
    ] {
        println!("cargo:rerun-if-changed={}", repository.join(watched).display());
    }
}

/// Lists the regular files at and below a path of the repository, with their executable bits.
fn collect(repository: &Path, path: &str, files: &mut Vec<(String, bool)>) {
    let full = repository.join(path);
    if !full.exists() {
        return;
    }
    for entry in WalkDir::new(full) {
        let entry = entry.expect("because it is in the repository");
        let file_type = entry.file_type();
        if file_type.is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(repository).expect("because the walk starts there");
        let name = below.to_str().expect("because names in the repository are plain").to_owned();
        assert!(file_type.is_file(), "{name} is neither a file nor a directory");
        let mode = entry.metadata().expect("because it is in the repository").permissions().mode();
        files.push((name, mode & 0o100 != 0));
    }
}
