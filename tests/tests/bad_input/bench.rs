//! Projects to try things in, and what has to hold after a failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::BlobId;
use kit_store::Store;
use kit_tests::archive::{Archive, Package, SUITE};
use kit_tests::small::Small;
use kit_tests::{Said, TestProject};

/// A recipe of an image `demo` that is a tar archive of `packages`, quoted and separated by commas.
pub(crate) fn demo(packages: &str) -> String {
    format!("[image]\nname = \"demo\"\nformats = [\"tar\"]\n\n[init]\npackages = [{packages}]\n")
}

/// A project with a store of its own and the image `demo`.
pub(crate) fn project(packages: &str) -> TestProject {
    let project = TestProject::with_own_store();
    project.write("recipes/images/demo.toml", &demo(packages));
    project
}

/// Writes the recipe of a package; `rest` is what follows its name.
pub(crate) fn package(project: &TestProject, name: &str, rest: &str) {
    project.write(&format!("recipes/packages/{name}.toml"), &format!("[package]\nname = \"{name}\"\n{rest}"));
}

/// Writes the recipe of a package that is made of Debian packages of the loopback archive.
pub(crate) fn debian_package(project: &TestProject, name: &str, debs: &str) {
    let source = format!("[sources.debian]\nsuite = \"{SUITE}\"\npackages = [{debs}]\n");
    package(project, name, &source);
}

/// Lets a project take its packages from mirrors of an archive.
pub(crate) fn use_mirrors(project: &TestProject, archive: &Archive, bases: &[&str]) {
    std::fs::write(project.path().join("archive.pgp"), archive.keyring()).unwrap();
    let bases: Vec<_> = bases.iter().map(|base| format!("\"{base}\"")).collect();
    let mirrors = bases.join(", ");
    project.write("kit.toml", &format!("[debian]\nmirrors = [{mirrors}]\nkeyrings = [\"archive.pgp\"]\n"));
}

/// The package of a static busybox, as Debian has it.
pub(crate) fn busybox() -> Package {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let lock = Small::new().lock;
        let deb = lock.debs.iter().find(|(key, _)| key.name == "busybox-static").unwrap().1;
        let path = kit_tests::program::shared_store();
        let store = Store::open(Dir::open_ambient_dir(&path, ambient_authority()).unwrap(), path).unwrap();
        let blob = store.blob_of_sha256(&deb.sha256).unwrap().unwrap();
        kit_tree::Blobs::read(&store, &blob, 1 << 30).unwrap()
    });
    Package::new("busybox-static", bytes.clone())
}

/// Writes the recipe of the package `shell`: `/bin/sh` and busybox.
pub(crate) fn shell(project: &TestProject) {
    let source = format!("[sources.debian]\nsuite = \"{SUITE}\"\npackages = [\"busybox-static\"]\n");
    let link = "[[symlink]]\npath = \"/usr/bin/sh\"\ntarget = \"busybox\"\n";
    package(
        project,
        "shell",
        &format!("dependencies = \"none\"\n{link}").replace("dependencies", &format!("{source}dependencies")),
    );
}

/// Returns all files of a directory but those below `except`, with a digest of each.
pub(crate) fn files(directory: &Path, except: &Path) -> BTreeMap<String, BlobId> {
    let mut found = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && path != except {
                folders.push(path);
            } else if !kind.is_dir() {
                let name = path.strip_prefix(directory).unwrap().display().to_string();
                let content = if kind.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
                found.insert(name, BlobId::of(&content));
            }
        }
    }
    found
}

/// Fails the test unless a store is sound and nothing in it is under way.
#[track_caller]
pub(crate) fn is_sound(project: &TestProject) {
    let unfinished = files(&project.store().join("tmp"), Path::new(""));
    assert!(unfinished.is_empty(), "{unfinished:?}");
    project.kit(&["store", "verify"]).succeeded();
}

/// Runs a command that has to fail with `code`, its errors holding all of `texts`. The project's files must be as they
/// were before, its store sound.
#[track_caller]
pub(crate) fn refuses(project: &TestProject, arguments: &[&str], code: i32, texts: &[&str]) -> Said {
    let before = files(project.path(), project.store());
    let said = project.kit(arguments).failed(code, texts);
    assert!(!said.stderr.contains("panicked"), "{said}");
    assert_eq!(said.stdout, "", "{said}");
    assert_eq!(files(project.path(), project.store()), before, "{said}");
    if project.store().exists() {
        is_sound(project);
    }
    said
}

/// Whether a store has some content, in whole or in part.
pub(crate) fn has_blob(project: &TestProject, content: &[u8]) -> bool {
    let name = BlobId::of(content).to_string();
    project.store().join("objects").join(&name[..2]).join(&name).exists()
}
