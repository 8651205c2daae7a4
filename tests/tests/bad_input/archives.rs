//! Debian archives that lie, are stale, break off or are down. The machine's own archives, which are asked after these,
//! don't have the suite.

use kit_hash::Sha256;
use kit_tests::TestProject;
use kit_tests::archive::{Archive, Package};
use kit_tests::deb::{Tar, deb};
use kit_tests::server::{Answer, Site, nobody, with_server};

use crate::bench::{debian_package, has_blob, is_sound, package, project, refuses, use_mirrors};

fn archive() -> Archive {
    let data = Tar::default().file("./app", b"app").end();
    Archive::new(vec![Package::new("app", deb("app", "data.tar", &data))])
}

fn app_project() -> TestProject {
    let project = project("\"app\"");
    debian_package(&project, "app", "\"app\"");
    project
}

/// A project that was locked against `archive`, and an empty store for it.
fn locked(archive: &Archive) -> TestProject {
    let project = app_project();
    with_server(archive.site(), |server| {
        use_mirrors(&project, archive, &[&server.base]);
        project.kit(&["lock"]).succeeded();
    });
    std::fs::rename(project.store(), project.path().join("full")).unwrap();
    project
}

fn with(archive: &Archive, path: &str, answer: Answer) -> Site {
    let mut site = archive.site();
    site.insert(path.to_owned(), answer);
    site
}

/// Builds a locked project with the mirrors `site` and, in the second try, a good one.
fn build_against(archive: &Archive, site: &Site, code: i32, texts: &[&str]) {
    let project = locked(archive);
    with_server(site.clone(), |bad| {
        use_mirrors(&project, archive, &[&bad.base]);
        let said = refuses(&project, &["build"], code, texts);
        assert!(said.stderr.contains(&bad.base), "{said}");
        assert!(!has_blob(&project, &archive.packages[0].bytes), "nothing is stored");
        with_server(archive.site(), |good| {
            use_mirrors(&project, archive, &[&bad.base, &good.base]);
            project.kit(&["build"]).succeeded();
            assert_eq!(good.asked(), [archive.packages[0].path()]);
        });
    });
    is_sound(&project);
}

#[test]
fn other_bytes_than_the_pinned_ones_are_not_stored_and_the_next_mirror_is_asked() {
    let archive = archive();
    let package = &archive.packages[0];
    let wrong = vec![b'?'; package.bytes.len()];
    let site = with(&archive, &package.path(), Answer::Bytes(wrong.clone()));
    let digests = format!("has sha256 {}, expected {}", Sha256::of(&wrong), Sha256::of(&package.bytes));
    let help = "help: nothing was stored; the mirror is out of date or changes files";
    build_against(&archive, &site, 3, &["error[kit::http::digest_mismatch]", &digests, help]);
    let longer = [&package.bytes[..], b"!"].concat();
    let site = with(&archive, &package.path(), Answer::Bytes(longer.clone()));
    let sizes = format!("has {} bytes, expected {}", longer.len(), package.bytes.len());
    build_against(&archive, &site, 3, &["error[kit::http::size_mismatch]", &sizes, help]);
}

#[test]
fn a_transfer_that_breaks_off_is_gone_on_with_or_refused() {
    let archive = archive();
    let package = &archive.packages[0];
    let half = format!("broke off after {} bytes", package.bytes.len() / 2);
    let site = with(&archive, &package.path(), Answer::AlwaysBreaks(package.bytes.clone()));
    let help = "help: try again, or use another mirror; nothing was stored";
    build_against(&archive, &site, 3, &["error[kit::http::interrupted]", &half, help]);
    let project = locked(&archive);
    let site = with(&archive, &package.path(), Answer::Breaks(package.bytes.clone(), true));
    with_server(site, |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        project.kit(&["build"]).succeeded();
        let rest = format!("{} from {}", package.path(), package.bytes.len() / 2);
        assert_eq!(server.asked(), [package.path(), rest]);
    });
}

#[test]
fn a_mirror_that_is_down_is_passed_over() {
    let archive = archive();
    let project = locked(&archive);
    let down = nobody();
    use_mirrors(&project, &archive, &[&down]);
    let help = "help: is the machine online, and does it need a proxy?";
    let refused = format!("no answer from `{down}/pool/main/app_1.0-1_amd64.deb`: Connection refused");
    refuses(&project, &["build"], 3, &["error[kit::http::unreachable]", &refused, help]);
    refuses(&project, &["lock", "--update"], 3, &["error[kit::http::unreachable]", &down, help]);
    with_server(archive.site(), |server| {
        use_mirrors(&project, &archive, &[&down, &server.base]);
        let help = "help: run once without `--offline`";
        refuses(&project, &["build", "--offline"], 3, &["error[kit::http::offline]", help]);
        assert_eq!(server.asked(), Vec::<String>::new());
        project.kit(&["build"]).succeeded();
        project.kit(&["build", "--offline"]).succeeded();
    });
}

/// Locks against a site that must be refused.
fn lock_against(archive: &Archive, site: Site, code: i32, texts: &[&str]) {
    let project = app_project();
    with_server(site, |server| {
        use_mirrors(&project, archive, &[&server.base]);
        let said = refuses(&project, &["lock"], code, texts);
        assert!(said.stderr.contains(&server.base), "{said}");
    });
}

#[test]
fn a_release_must_be_signed_and_of_the_right_suite() {
    let archive = archive();
    let release = Archive::release_path();
    let mut changed = archive.in_release();
    let at = changed.windows(8).position(|window| window == b"bookworm").unwrap();
    changed[at] = b'B';
    lock_against(
        &archive,
        with(&archive, &release, Answer::Bytes(changed)),
        3,
        &[
            "error[kit::debian::bad_signature]",
            "does not fit its text",
            "help: the file was changed on its way or on the mirror: use another mirror",
        ],
    );
    let other = self::archive();
    lock_against(
        &archive,
        other.site(),
        3,
        &[
            "error[kit::debian::unknown_key]",
            "none of which is a known key",
            "help: install the archive's keyring",
        ],
    );
    let testing = Archive { suite: "testing", ..archive.clone() };
    lock_against(
        &testing,
        testing.site(),
        3,
        &[
            "error[kit::debian::other_suite]",
            "InRelease is for `testing`",
            "not for `loopback`",
            "help: is the mirror's address right?",
        ],
    );
    lock_against(
        &archive,
        with(&archive, &release, Answer::Bytes(b"<html>".to_vec())),
        3,
        &[
            "error[kit::debian::not_signed]",
            "help: is the mirror's address right, and does a proxy change pages?",
        ],
    );
    let expired = Archive { extra: "Valid-Until: Sat, 24 May 2025 09:12:38 UTC\n", ..archive.clone() };
    lock_against(
        &expired,
        expired.site(),
        3,
        &["error[kit::debian::expired]", "2025-05-24", "use another mirror"],
    );
}

#[test]
fn an_index_must_be_the_one_that_was_signed() {
    let archive = archive();
    let mut changed = archive.index();
    changed[20] ^= 1;
    let site = with(&archive, &archive.index_path(), Answer::Bytes(changed));
    let expected = format!("expected {}", Sha256::of(&archive.index()));
    lock_against(&archive, site, 3, &["error[kit::http::digest_mismatch]", &expected, "nothing was stored"]);
    let site = with(&archive, &archive.index_path(), Answer::AlwaysBreaks(archive.index()));
    lock_against(&archive, site, 3, &["error[kit::http::interrupted]"]);
}

#[test]
fn an_older_release_than_the_locked_one_is_refused() {
    let archive = archive();
    let project = locked(&archive);
    let lock = project.read("lockfiles/demo.lock");
    assert!(lock.contains("2025-05-17T09:12:38Z"), "{lock}");
    let older = Archive { date: "Sat, 10 May 2025 09:12:38 UTC", ..archive.clone() };
    with_server(older.site(), |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        refuses(
            &project,
            &["lock", "--update"],
            3,
            &[
                "error[kit::debian::rollback]",
                "InRelease is of 2025-05-10T09:12:38Z, older than the locked one of 2025-05-17T09:12:38Z",
                "help: the mirror is out of date: use another mirror",
            ],
        );
        with_server(archive.site(), |good| {
            use_mirrors(&project, &archive, &[&server.base, &good.base]);
            project.kit(&["lock", "--update"]).succeeded();
        });
    });
    assert!(project.read("lockfiles/demo.lock").contains("2025-05-17T09:12:38Z"));
}

#[test]
fn a_digest_that_was_edited_is_looked_up_again() {
    let archive = archive();
    let project = locked(&archive);
    let lock = project.read("lockfiles/demo.lock");
    let digest = Sha256::of(&archive.packages[0].bytes).to_string();
    assert!(lock.contains(&digest), "{lock}");
    let evil = Sha256::of(b"evil").to_string();
    project.write("lockfiles/demo.lock", &lock.replace(&digest, &evil));
    with_server(archive.site(), |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        refuses(&project, &["build"], 1, &["error[kit::lock::edited]"]);
        assert_eq!(server.asked(), Vec::<String>::new());
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
    });
    let repaired = project.read("lockfiles/demo.lock");
    assert!(repaired.contains(&digest) && !repaired.contains(&evil), "{repaired}");
}

#[test]
fn what_the_archive_does_not_have_is_named() {
    let archive = archive();
    let project = app_project();
    with_server(archive.site(), |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        debian_package(&project, "app", "\"ap\"");
        refuses(
            &project,
            &["lock"],
            1,
            &["error[kit::debian::unknown_package]", "there is no package `ap`", "help: "],
        );
        debian_package(&project, "app", "\"app=2.0\"");
        refuses(&project, &["lock"], 1, &["`app", "2.0", "help: "]);
        package(&project, "app", "[sources.debian]\nsuite = \"loopbak\"\npackages = [\"app\"]\n");
        let help = "help: is the suite's name right, and do the mirrors have it?";
        refuses(&project, &["lock"], 3, &["error[kit::http::status]", "/dists/loopbak/InRelease", help]);
    });
    let project = locked(&archive);
    let mut without = archive.site();
    without.remove(&archive.packages[0].path());
    with_server(without, |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        let help = "help: it has left the mirrors: take what they have now by `kit lock --update`, or name an archive that keeps";
        refuses(&project, &["build"], 3, &["error[kit::http::status]", &archive.packages[0].path(), help]);
    });
}
