//! The project of the fixtures: locked, with its archive, its crates and its one file of an address.

use std::path::Path;

use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Subject;
use kit_tests::archive::{self, Archive, Package};
use kit_tests::deb::{Tar, deb_with_scripts};
use kit_tests::server::{Answer, Site, with_server};
use kit_tests::source_package::gzip;
use kit_tests::{Said, TestProject, program};
use walkdir::WalkDir;

use super::documents;

/// The images.
const IMAGES: [&str; 4] = ["capable", "plain", "right", "wrong"];
/// The suite of the loopback archive, whose packages count as those of Debian 12.
const SUITE: &str = "bookworm-fixtures";

/// The project, ready to be audited.
pub(super) struct Fixtures {
    project: TestProject,
}

impl Fixtures {
    /// Runs a command to its end.
    pub(super) fn kit(&self, arguments: &[&str]) -> Said {
        let mut command = self.project.command(arguments);
        command.env("CARGO_HOME", self.project.path().join("cargo"));
        Said::from_output(&command.output().expect("kit runs"))
    }

    /// Returns the lockfile of an image.
    pub(super) fn lock(&self, image: &str) -> Lockfile {
        Lockfile::parse(&self.project.read(&lock_path(image))).expect("kit writes what it can read")
    }
}

/// Returns a project without anything.
pub(super) fn bare() -> TestProject {
    TestProject::new()
}

fn lock_path(image: &str) -> String {
    format!("lockfiles/{image}.lock")
}

/// Makes the project, locks its images and writes what is known of them; then `audit` is called.
pub(super) fn with_fixtures<T>(audit: impl FnOnce(&Fixtures) -> T) -> T {
    let archive = packages();
    let notes = Tar::default().file("notes-1.0/notes", b"notes").file("notes-1.0/LICENSE", b"MIT\n").end();
    let place =
        |path: String| path.replace(&format!("/dists/{}/", archive::SUITE), &format!("/dists/{SUITE}/"));
    let mut site: Site = archive.site().into_iter().map(|(path, answer)| (place(path), answer)).collect();
    site.insert("/notes".to_owned(), Answer::Bytes(b"notes".to_vec()));
    site.insert("/downloads/notes-1.0.tar".to_owned(), Answer::Bytes(notes.clone()));
    with_server(site, |server| {
        let fixtures = Fixtures { project: TestProject::new() };
        let project = &fixtures.project;
        take_files(project, &server.base, &Sha256::of(&notes));
        project.write_bytes("archive.pgp", &archive.keyring());
        let settings = format!(
            "[debian]\nmirrors = [\"{0}\"]\nkeyrings = [\"archive.pgp\"]\n\
             [mirrors]\n\"https://downloads.example/\" = [\"{0}/downloads/\"]\n",
            server.base
        );
        project.write("kit.toml", &settings);
        a_crate(project, "wrong", "stale-crate", "Apache-2.0");
        a_crate(project, "right", "fresh-crate", "MIT");
        for image in IMAGES {
            project.write(&lock_path(image), &toolchain(image).to_text());
        }
        fixtures.kit(&["lock"]).succeeded();
        unused_suite(project);
        documents::write(project, &fixtures.lock("wrong"), &fixtures.lock("right"));
        audit(&fixtures)
    })
}

/// Copies the files of `project/`, with what is known now alone in its place.
fn take_files(project: &TestProject, base: &str, sha256: &Sha256) {
    let source = program::repository().join("tests/tests/audit/kinds/project");
    for entry in WalkDir::new(&source) {
        let entry = entry.expect("the repository can be read");
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&source).expect("because it lies below");
            let text = read(entry.path());
            let text = text.replace("url = \"NOTES\"", &format!("url = \"{base}/notes\""));
            // Whoever looks for tokens in this repository finds none.
            let token = format!("{}_{}", "ghp", "16C7e42F292c6912E7710c838347Ae178B4a");
            let text = text.replace("SHA256", &sha256.to_string()).replace("TOKEN-OF-A-SERVICE", &token);
            project.write(path.to_str().expect("because paths of the repository are text"), &text);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the repository can be read")
}

/// What the lockfile of the other project pins for the compiler, as a lockfile of an image here.
fn toolchain(image: &str) -> Lockfile {
    let path = program::repository().join("tests/tests/kinds/project/lockfiles/kinds.lock");
    let mut lock = Lockfile::parse(&read(&path)).expect("it has no problems");
    lock.subject = Subject::Image(image.parse().expect("because it is a name"));
    lock.locals.clear();
    lock.steps.clear();
    lock.containers.clear();
    lock.outputs.clear();
    lock
}

/// Has the lockfile pin a suite that nothing is of.
fn unused_suite(project: &TestProject) {
    let text = project.read(&lock_path("wrong"));
    let mut lock = Lockfile::parse(&text).expect("kit writes what it can read");
    let suite = lock.suites[SUITE].clone();
    lock.suites.insert("bookworm-unused".to_owned(), suite);
    project.write(&lock_path("wrong"), &lock.to_text());
}

/// Writes a `Cargo.lock` with one crate, and puts that where cargo keeps crates.
fn a_crate(project: &TestProject, directory: &str, name: &str, licence: &str) {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nlicense = \"{licence}\"\n");
    let tar = Tar::default()
        .file(&format!("{name}-1.0.0/Cargo.toml"), manifest.as_bytes())
        .file(&format!("{name}-1.0.0/LICENSE"), b"as stated")
        .file(&format!("{name}-1.0.0/src/lib.rs"), b"");
    let bytes = gzip(&tar.end());
    let index = "registry+https://github.com/rust-lang/crates.io-index";
    let lock = format!(
        "version = 3\n\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{index}\"\nchecksum = \"{}\"\n",
        Sha256::of(&bytes)
    );
    project.write(&format!("crates/{directory}/Cargo.lock"), &lock);
    project.write_bytes(&format!("cargo/registry/cache/index/{name}-1.0.0.crate"), &bytes);
}

/// Packages of which it isn't known what they are under, each for another reason, and one of which it is.
fn packages() -> Archive {
    let copyright = |package: &str, text: &[u8]| {
        Tar::default().file(&format!("./usr/share/doc/{package}/copyright"), text)
    };
    let format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n";
    let stated = |licence: &str| format!("{format}Files: *\nCopyright: me\nLicense: {licence}\n");
    let mit = stated("Expat\n Permission is hereby granted, free of charge, to any person.");
    let latin = [stated("Expat\n Andr").as_bytes(), b"\xe9\n"].concat();
    // CAP_NET_RAW, permitted and in effect, as the kernel keeps it.
    let net_raw = [&[1, 0, 0, 2, 0, 0x20, 0, 0][..], &[0; 12]].concat();
    let capable = copyright("capable", mit.as_bytes());
    let capable = capable.with_attribute("./usr/bin/ping", b"ping", "security.capability", &net_raw);
    let unclear = Tar::default().file("./usr/bin/ping", b"ping");
    let script = "#!/bin/sh\nset -e\nuseradd --system unclear\n";
    let packages = [
        ("capable", capable, ""),
        ("clear", copyright("clear", mit.as_bytes()).file("./usr/lib/clear", b"clear"), ""),
        ("latin", copyright("latin", &latin), ""),
        ("textless", copyright("textless", stated("Own-Words").as_bytes()), ""),
        ("unclear", unclear, script),
    ];
    let package = |(name, data, script): (&'static str, Tar, &str)| {
        let scripts: Vec<_> =
            Some(("postinst", script)).into_iter().filter(|(_, text)| !text.is_empty()).collect();
        Package::new(name, deb_with_scripts(name, "data.tar", &data.end(), &scripts))
    };
    Archive { suite: SUITE, ..Archive::new(packages.map(package).into()) }
}
