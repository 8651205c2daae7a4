//! The crate graph, written once: an edge that isn't in this table fails.
#![expect(clippy::disallowed_methods, reason = "asks cargo about the workspace and reads its files")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use walkdir::WalkDir;

/// What each crate may use of the others.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("kit-hash", &[]),
    ("kit-tree", &["kit-hash"]),
    ("kit-recipe", &["kit-hash", "kit-tree"]),
    ("kit-format", &["kit-hash", "kit-tree"]),
    ("kit-store", &["kit-hash", "kit-tree"]),
    ("kit-source", &["kit-hash", "kit-format"]),
    ("kit-sandbox", &["kit-tree"]),
    ("kit-plan", &["kit-hash", "kit-tree", "kit-recipe", "kit-format"]),
    ("kit-audit", &["kit-hash", "kit-tree", "kit-recipe", "kit-format", "kit-plan"]),
    (
        "kit-build",
        &[
            "kit-hash",
            "kit-tree",
            "kit-recipe",
            "kit-format",
            "kit-store",
            "kit-source",
            "kit-sandbox",
            "kit-plan",
            "kit-audit",
        ],
    ),
    (
        "kit",
        &[
            "kit-hash",
            "kit-tree",
            "kit-recipe",
            "kit-format",
            "kit-store",
            "kit-source",
            "kit-sandbox",
            "kit-plan",
            "kit-audit",
            "kit-build",
        ],
    ),
    ("kit-init", &[]),
    ("kit-tests", &["kit", "kit-build", "kit-format", "kit-hash", "kit-recipe", "kit-store", "kit-tree"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn crates_use_only_what_the_design_lets_them() {
    let allowed: BTreeMap<_, BTreeSet<_>> =
        ALLOWED.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let metadata = metadata();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        seen.insert(name);
        let Some(allowed) = allowed.get(name) else {
            wrong.push(format!("{name} is not in the table"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let ours = used == "kit" || used.starts_with("kit-");
            if ours && dependency["kind"].is_null() && !allowed.contains(used) {
                wrong.push(format!("{name} uses {used}"));
            }
        }
    }
    wrong.extend(allowed.keys().filter(|n| !seen.contains(*n)).map(|n| format!("{n} does not exist")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn members_share_lints_and_versions() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        // kit-init also builds alone, so it repeats both.
        if package["name"] == "kit-init" {
            continue;
        }
        let manifest = std::fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        for line in ["[lints]\nworkspace = true", "version.workspace = true", "edition.workspace = true"] {
            assert!(manifest.contains(line), "{} lacks `{line}`", package["name"]);
        }
        let mut in_dependencies = false;
        let mut own_versions = Vec::new();
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies
                && !line.is_empty()
                && !line.starts_with('#')
                && !line.contains("workspace = true")
            {
                own_versions.push(line);
            }
        }
        assert!(own_versions.is_empty(), "{}: {own_versions:?}", package["name"]);
    }
}

#[test]
fn files_stay_short_enough_to_find_things_in() {
    let mut long = Vec::new();
    for folder in ["workspace", "tests"] {
        for entry in WalkDir::new(root().join(folder)).sort_by_file_name() {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let lines = text.lines().take_while(|line| *line != "mod tests {").count();
                if lines > 500 {
                    long.push(format!("{} has {lines} lines", path.display()));
                }
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}
