//! What takes too long for every run: Linux built from source, about twenty minutes of one processor.
//!
//! ```text
//! KIT_TEST_SLOW=1 cargo test -p kit-tests --test slow
//! ```
//!
//! builds the hardened kernel unless it is in the store. Once it has come out as the lockfile says and has booted, the lockfile's line about it
//! is written to `tests/slow/kernel-hardened`, which is to be committed: CI sets the variable while these two lines differ. Without the
//! variable, a kernel that is in the store is looked at and booted all the same, and one that isn't there is left out.
#![expect(clippy::disallowed_methods, reason = "tests read what was built and keep what they have seen")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::TreeId;
use kit_store::Store;
use kit_tests::{Said, TestProject, program};
use kit_tree::Entry;

const IMAGE: &str = "minimal-hardened";
const STEP: &str = "build kernel-hardened";

/// How long the machine may take, in seconds: it is emulated.
const PATIENCE: &str = "300";

/// What kernel and initrd may weigh together, in bytes.
const SIZE_LIMIT: u64 = 9_000_000;

fn project() -> TestProject {
    let project = TestProject::new();
    project.take("recipes/images/minimal-hardened.toml").take("lockfiles/minimal-hardened.lock");
    project
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the lockfile's line about the kernel: what was asked, and what came out.
fn locked() -> String {
    let lock = read(&program::repository().join("lockfiles/minimal-hardened.lock"));
    let line = lock.lines().find(|line| line.starts_with(&format!("\"{STEP}\" = ")));
    format!("{}\n", line.expect("the lockfile has the step"))
}

/// Where the line of the kernel stands that was last seen to come out as locked, and to boot.
fn seen() -> PathBuf {
    program::repository().join("tests/slow/kernel-hardened")
}

/// Returns the result that a command printed as JSON.
fn result(said: &Said) -> serde_json::Value {
    let last = said.stdout.lines().last().expect("a result");
    serde_json::from_str::<serde_json::Value>(last).expect("JSON")["result"].take()
}

/// What the kernel is made from can't change unnoticed.
#[test]
fn the_lockfile_is_of_the_kernel_that_the_recipes_ask_for() {
    let said = project().kit(&["show", IMAGE, "--plan", "--json"]).succeeded();
    let plan = result(&said);
    let steps = plan["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["step"] == STEP).expect("the plan has the step");
    let id = step["derivation"].as_str().expect("an id");
    assert!(locked().contains(&format!("\"{id}\"")), "{id} isn't in {}", locked());
}

#[test]
fn the_hardened_kernel_comes_out_as_locked_and_boots() {
    let project = project();
    let is_asked_for = std::env::var_os("KIT_TEST_SLOW").is_some_and(|value| value == "1");
    if !is_asked_for && !is_built(&project) {
        eprintln!("left out: the kernel isn't in the store; KIT_TEST_SLOW=1 builds it");
        return;
    }
    // What comes out otherwise than locked is an error of `kit build` already.
    project.kit(&["build", IMAGE]).succeeded();
    let size = |name: &str| {
        let path = project.path().join("out").join(name);
        std::fs::metadata(path).expect("kit has written it").len()
    };
    let both = size("minimal-hardened-kernel") + size("minimal-hardened-initrd.img");
    assert!(both < SIZE_LIMIT, "{both} bytes");
    every_line_took(&project);
    let until_ready = ["run", IMAGE, "--until", "shell: ready", "--timeout", PATIENCE];
    boots_without_complaint(&project.kit(&until_ready).succeeded());
    if is_asked_for && !std::fs::read_to_string(seen()).is_ok_and(|seen| seen == locked()) {
        std::fs::write(seen(), locked()).expect("there is room");
    }
}

fn is_built(project: &TestProject) -> bool {
    let said = project.kit(&["show", "kernel-hardened", "--files"]);
    if said.code == Some(0) {
        return true;
    }
    said.failed(1, &["kit::build::not_built"]);
    false
}

/// The recipe's own script checks this; here it is checked by other code, of the configuration that the package holds.
fn every_line_took(project: &TestProject) {
    let fragment = read(&program::repository().join("recipes/packages/kernel-hardened/kernel.config"));
    let config = content(project, "/boot/config");
    let config: Vec<_> = config.lines().collect();
    let mut count = 0;
    for line in fragment.lines().filter(|line| line.starts_with("CONFIG_") || line.starts_with("# CONFIG_")) {
        count += 1;
        let name = line.trim_start_matches("# ").split(['=', ' ']).next().expect("a name");
        let is_set = config.iter().any(|set| set.starts_with(&format!("{name}=")));
        let is_off = line.starts_with('#') || line.ends_with("=n");
        let took = if is_off { !is_set } else { config.contains(&line) };
        assert!(took, "{line}");
    }
    assert!(count > 300, "only {count} lines");
}

/// Returns what is in a file of the kernel's package.
fn content(project: &TestProject, path: &str) -> String {
    let said = project.kit(&["show", "kernel-hardened", "--files", "--json"]).succeeded();
    let id: TreeId = result(&said)["tree"].as_str().expect("a tree").parse().expect("an id");
    let dir = Dir::open_ambient_dir(project.store(), ambient_authority()).expect("the store is there");
    let store = Store::open(dir, project.store()).expect("the store opens");
    let tree = store.tree(&id).expect("the store has the tree");
    let Some(Entry::File { blob, .. }) = tree.get(&path.parse().expect("a path")) else {
        panic!("the package has no file {path}");
    };
    let mut text = String::new();
    store.open_blob(blob).expect("the store has the file").read_to_string(&mut text).expect("text");
    text
}

/// The console has the lines of a good start and end and no other: a quiet kernel prints what is wrong alone.
fn boots_without_complaint(said: &Said) {
    let lines: Vec<_> = said.stdout.lines().map(str::trim_end).collect();
    let (last, lines) = lines.split_last().expect("lines");
    let expected = [
        "kit-init: up",
        "shell: ready",
        "kit-init: stopping: the power button was pressed",
        "kit-init: powering off",
    ];
    assert_eq!(lines, expected, "{said}");
    assert!(last.ends_with("] reboot: Power down"), "{said}");
    assert!(said.stderr.contains("powered off in order"), "{said}");
}
