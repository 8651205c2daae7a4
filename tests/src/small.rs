//! A project that is small but has every kind of step: fetch, unpack, run, compose, and all formats of images.
//!
//! Its packages are pinned by the repository's own lockfile, so locking it asks nobody, and come from a loopback mirror.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kit_hash::BlobHasher;
use kit_recipe::lockfile::{DebKey, Subject};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Lockfile, Recipe};

use crate::mirror::Mirror;
use crate::{Said, TestProject, busybox, program};

/// Recipes by name.
const RECIPES: [(&str, &str); 7] = [
    (
        "image small",
        r#"
[image]
name = "small"
formats = ["kernel+initrd", "tar", "oci"]
[kernel]
package = "kernel"
cmdline = "console=ttyS0"
[init]
packages = ["init", "libraries"]
[[onboot]]
name = "first"
package = "numbers"
command = ["/numbers/1"]
[[service]]
name = "second"
package = "letters"
"#,
    ),
    // Not a kernel, but a file where kernels are.
    (
        "package kernel",
        r#"
[package]
name = "kernel"
[[file]]
path = "/boot/vmlinuz"
contents = "kernel"
"#,
    ),
    (
        "package init",
        r#"
[package]
name = "init"
[[symlink]]
path = "/init"
target = "usr/lib/x86_64-linux-gnu/libz.so.1"
"#,
    ),
    (
        "package libraries",
        r#"
[package]
name = "libraries"
[sources.debian]
suite = "bookworm"
packages = ["zlib1g", "libacl1"]
dependencies = "none"
"#,
    ),
    (
        "package tools",
        r#"
[package]
name = "tools"
[sources.debian]
suite = "bookworm"
packages = ["busybox-static"]
dependencies = "none"
[[symlink]]
path = "/usr/bin/sh"
target = "busybox"
"#,
    ),
    (
        "package numbers",
        r#"
[package]
name = "numbers"
[build]
tools = ["tools"]
run = """
mkdir "$OUT/numbers"
i=0
while [ $i -lt 150 ]; do
    i=$((i + 1))
    echo "$i" > "$OUT/numbers/$i"
done
busybox head -c 300000 /bin/busybox > "$OUT/large"
busybox sleep 0.1
"""
"#,
    ),
    (
        "package letters",
        r#"
[package]
name = "letters"
[sources.files]
local = "files"
[build]
tools = ["tools"]
run = """
busybox cp -r /src/files "$OUT/letters"
for letter in a b c d e f; do
    busybox mkdir "$OUT/$letter"
    busybox ln -s ../letters "$OUT/$letter/link"
done
busybox sleep 0.1
"""
[container]
command = ["/letters/run"]
"#,
    ),
];

/// Which packages each source stands for.
const CLOSURES: [(&str, &[&str]); 2] =
    [("tools", &["busybox-static"]), ("libraries", &["libacl1", "zlib1g"])];

/// The project, locked, and where its packages come from.
#[derive(Debug)]
pub struct Small {
    /// The project; its own store is empty.
    pub project: TestProject,
    /// What the lockfile says.
    pub lock: Lockfile,
    mirror: &'static Mirror,
}

impl Default for Small {
    fn default() -> Self {
        Self::new()
    }
}

impl Small {
    /// Makes the project.
    pub fn new() -> Self {
        static LOCKED: OnceLock<(String, Mirror)> = OnceLock::new();
        let (text, mirror) = LOCKED.get_or_init(|| {
            let project = TestProject::new();
            write_recipes(&project);
            project.write("lockfiles/small.lock", &pins().to_text());
            // The only time that the archive may be asked, unless the shared store has it all.
            project.kit(&["lock", "small"]).succeeded();
            let text = project.read("lockfiles/small.lock");
            let lock = Lockfile::parse(&text).expect("kit writes what it can read");
            (text, Mirror::start(&lock, project.store()))
        });
        let project = TestProject::with_own_store();
        write_recipes(&project);
        project.write("lockfiles/small.lock", text);
        let lock = Lockfile::parse(text).expect("kit writes what it can read");
        Self { project, lock, mirror }
    }

    /// Returns the text of its lockfile before anything was built.
    pub fn pins() -> String {
        pins().to_text()
    }

    /// Returns a command on the project that fetches from the loopback mirror.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command.env("KIT_DEBIAN_MIRROR", self.mirror.url());
        command
    }

    /// Runs a command to its end.
    pub fn kit(&self, arguments: &[&str]) -> Said {
        Said::from_output(&self.command(arguments).output().expect("kit runs"))
    }

    /// Fails the test unless the outputs are what the lockfile says.
    pub fn check_locked(&self) {
        check_locked(&self.lock, &self.out());
    }

    /// Returns the directory of the outputs.
    pub fn out(&self) -> PathBuf {
        self.project.path().join("out")
    }
}

/// Fails the test unless all that a lockfile says of outputs holds for the files in a directory.
pub fn check_locked(lock: &Lockfile, out: &Path) {
    let digests = digests(out);
    assert!(!lock.outputs.is_empty(), "the lockfile has results");
    for (path, output) in &lock.outputs {
        let found = digests.get(path).unwrap_or_else(|| panic!("{path} was not written"));
        assert_eq!(*found, output.sha256.to_string(), "{path} is not as it was locked");
    }
}

/// Returns every file below a directory, with its SHA-256; paths are relative to it.
pub fn digests(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(directory).expect("because it lies below").display().to_string();
                let mut hasher = BlobHasher::new();
                let mut file = std::fs::File::open(&path).expect("it can be opened");
                std::io::copy(&mut file, &mut hasher).expect("it can be read");
                found.insert(name, hasher.finish().sha256.to_string());
            }
        }
    }
    found
}

fn write_recipes(project: &TestProject) {
    for (name, text) in RECIPES {
        let name: RecipeName = name.parse().expect("because it names a recipe");
        project.write(&name.path(), text);
    }
    for letter in 'a'..='z' {
        project.write(&format!("files/{letter}"), &letter.to_string().repeat(1000));
    }
    project.write("files/run", "");
}

/// The pins that the repository's lockfile has for the packages of this project.
fn pins() -> Lockfile {
    let path = program::repository().join("lockfiles/minimal.lock");
    let text = std::fs::read_to_string(path).expect("the lockfile is there");
    let mut lock = Lockfile::parse(&text).expect("it has no problems");
    lock.subject = Subject::Image("small".parse().expect("because it is a name"));
    lock.recipes = RECIPES
        .iter()
        .map(|(name, text)| {
            let name = name.parse().expect("because it names a recipe");
            let recipe = Recipe::parse(&name, text).expect("because it has no problems");
            (name, recipe.id())
        })
        .collect();
    let source: kit_recipe::Name = "debian".parse().expect("because it is a name");
    let (busybox, pin) = busybox::pin();
    lock.debs.insert(busybox, pin);
    lock.closures.clear();
    for (package, debs) in CLOSURES {
        let keys: Vec<DebKey> =
            lock.debs.keys().filter(|key| debs.contains(&key.name.as_str())).cloned().collect();
        assert_eq!(keys.len(), debs.len(), "the repository's lockfile pins {debs:?}");
        lock.closures.insert((package.parse().expect("because it is a name"), source.clone()), keys);
    }
    let kept: Vec<_> = lock.closures.values().flatten().cloned().collect();
    lock.debs.retain(|key, _| kept.contains(key));
    for deb in lock.debs.values_mut() {
        deb.tree = None;
    }
    lock.debian_sources.clear();
    lock.crates.clear();
    lock.locals.clear();
    lock.steps.clear();
    lock.containers.clear();
    lock.outputs.clear();
    lock
}
