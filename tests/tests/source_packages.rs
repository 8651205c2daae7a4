//! Debian source packages: what they make, and what is said when they make nothing.
#![expect(clippy::disallowed_methods, reason = "tests read and write files")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use kit_recipe::Lockfile;
use kit_tests::archive::{Archive, SUITE};
use kit_tests::deb::Tar;
use kit_tests::server::with_server;
use kit_tests::small::check_locked;
use kit_tests::source_package::{SourcePackage, gzip};
use kit_tests::{TestProject, program};

/// A patch that makes `Hello` of `hello` in the file `greeting`.
const PATCH: &[u8] = b"--- a/greeting\n+++ b/greeting\n@@ -1 +1 @@\n-hello\n+Hello\n";

/// An archive of upstream that has a `debian` of its own.
fn upstream(greeting: &str) -> Tar {
    Tar::default()
        .file("app-1.0/greeting", greeting.as_bytes())
        .file("app-1.0/debian/stale", b"of upstream")
        .symlink("app-1.0/link", "greeting")
}

/// What Debian has, with its one patch.
fn debian(patch: &[u8]) -> Tar {
    let series = b"# the only one\n\ngreet.patch -p1\n";
    Tar::default()
        .file("debian/rules", b"#!/bin/sh\n")
        .file("debian/patches/series", series)
        .file("debian/patches/greet.patch", patch)
}

/// A project whose image `minimal` is the sources of `app` from an archive at `base`. The repository's lockfile pins what
/// puts them together.
fn project(archive: &Archive, base: &str, more: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    project.write(
        "recipes/images/minimal.toml",
        "[image]\nname = \"minimal\"\nformats = [\"tar\"]\n[init]\npackages = [\"app\"]\n[[file]]\npath = \"/init\"\ncontents = \"\"\n",
    );
    let source = format!("[sources.debian]\nsuite = \"{SUITE}\"\n{more}\n");
    project.write("recipes/packages/app.toml", &format!("[package]\nname = \"app\"\n{source}"));
    std::fs::write(project.path().join("archive.pgp"), archive.keyring()).unwrap();
    project.write("kit.toml", &format!("[debian]\nmirrors = [\"{base}\"]\nkeyrings = [\"archive.pgp\"]\n"));
    project
}

fn quilt(upstream: Tar, debian: Tar) -> SourcePackage {
    SourcePackage::quilt("app", &upstream.end(), &debian.end())
}

fn archive(sources: Vec<SourcePackage>) -> Archive {
    Archive { sources, ..Archive::new(Vec::new()) }
}

/// Makes the image and returns its dump.
fn files(archive: &Archive, more: &str) -> String {
    with_server(archive.site(), |server| {
        let project = project(archive, &server.base, more);
        project.kit(&["lock"]).succeeded();
        project.kit(&["lock", "--check"]).succeeded();
        project.kit(&["build"]).succeeded();
        let lock = Lockfile::parse(&project.read("lockfiles/minimal.lock")).unwrap();
        let source = lock.debian_sources.values().next().unwrap();
        let archives = source.files.iter().filter(|file| file.part.is_archive());
        assert!(archives.clone().count() > 0 && archives.clone().all(|file| file.tree.is_some()));
        project.kit(&["show", "minimal", "--files"]).succeeded().stdout
    })
}

/// Tries to make the image and returns what is said.
fn refused(source: SourcePackage, more: &str, texts: &[&str]) {
    let archive = archive(vec![source]);
    with_server(archive.site(), |server| {
        project(&archive, &server.base, more).kit(&["lock"]).failed(1, texts);
    });
}

#[test]
fn sources_are_put_together_and_patched() {
    let component = Tar::default().file("component/data", b"more");
    let mut app = quilt(upstream("hello\n"), debian(PATCH));
    app.files.push(("app_1.0.orig-extra.tar.gz".to_owned(), gzip(&component.end())));
    let listing = files(&archive(vec![app.clone()]), "source = \"app\"");
    for path in ["/debian/rules", "/debian/patches/greet.patch", "/extra/data", "/link"] {
        assert!(listing.contains(path), "{path}: {listing}");
    }
    assert!(!listing.contains("stale"), "Debian's directory takes the place of upstream's: {listing}");
    let digest = |content: &[u8]| kit_hash::BlobId::of(content).to_string();
    assert!(listing.contains(&digest(b"Hello\n")), "{listing}");
    let listing = files(&archive(vec![app]), "source = \"app=1.0-1\"\npatches = false");
    assert!(listing.contains(&digest(b"hello\n")), "{listing}");
}

#[test]
fn a_difference_is_a_patch() {
    let files_of = vec![
        ("app_1.0.orig.tar.gz".to_owned(), gzip(&upstream("hello\n").end())),
        ("app_1.0-1.diff.gz".to_owned(), gzip(PATCH)),
    ];
    let app = SourcePackage { name: "app", format: "1.0", files: files_of, description: None };
    let listing = files(&archive(vec![app]), "source = \"app\"");
    assert!(listing.contains(&kit_hash::BlobId::of(b"Hello\n").to_string()), "{listing}");
    assert!(listing.contains("stale"), "nothing takes the place of upstream's: {listing}");
}

#[test]
fn a_patch_that_does_not_apply_is_named_with_what_patch_said() {
    let app = quilt(upstream("good day\n"), debian(PATCH));
    let texts = [
        "`source app/debian` failed: it returned 1",
        "| debian/patches/greet.patch doesn't apply:",
        "| Hunk #1 FAILED at 1.",
    ];
    refused(app, "source = \"app\"", &texts);
    // A line of context that is another one is no fuzz that is passed over.
    let fuzzy = b"--- a/greeting\n+++ b/greeting\n@@ -1,2 +1,2 @@\n-hello\n+Hello\n other\n";
    let app = quilt(upstream("hello\nline\n"), debian(fuzzy));
    refused(app, "source = \"app\"", &["greet.patch doesn't apply", "FAILED"]);
    let without = Tar::default().file("debian/patches/series", b"gone.patch\n").file("debian/x", b"");
    let app = quilt(upstream("hello\n"), without);
    refused(app, "source = \"app\"", &["debian/patches/gone.patch is listed in its series but isn't there"]);
}

#[test]
fn what_there_is_is_said() {
    let app = || quilt(upstream("hello\n"), debian(PATCH));
    let unknown =
        ["error[kit::debian::unknown_source]", "there is no source package `apq`", "did you mean `app`?"];
    refused(app(), "source = \"apq\"", &unknown);
    let version = ["error[kit::debian::unknown_source_version]", "has no version 2; there is 1.0-1"];
    refused(app(), "source = \"app=2\"", &version);
    let git = SourcePackage { format: "3.0 (git)", ..app() };
    refused(git, "source = \"app\"", &["error[kit::debian::source_format]", "`3.0 (git)`"]);
    let description = app().description().replace("1.0.orig.tar.gz", "1.0.orig.tar.xz");
    let other = SourcePackage { description: Some(description), ..app() };
    let contradiction = [
        "error[kit::debian::source_contradiction]",
        "`app_1.0-1.dsc` contradicts the index of sources about `app_1.0.orig.tar.gz`",
        "index: sha256 ",
        "description: nothing",
    ];
    refused(other, "source = \"app\"", &contradiction);
}

#[test]
fn everything_from_source_comes_out_as_locked() {
    let project = TestProject::new();
    project.take("recipes/images/from-source.toml").take("lockfiles/from-source.lock");
    project.kit(&["build", "from-source"]).succeeded();
    project.kit(&["lock", "--check", "from-source"]).succeeded();
    let text = std::fs::read_to_string(program::repository().join("lockfiles/from-source.lock")).unwrap();
    check_locked(&Lockfile::parse(&text).unwrap(), &project.path().join("out"));
    let log = project.kit(&["log", "build zlib"]).succeeded();
    for test in ["zlib test OK", "zlib shared test OK", "zlib 64-bit test OK"] {
        assert!(log.stdout.contains(test), "{log}");
    }
}
