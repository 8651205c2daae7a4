//! What there is now beside what is pinned, and how old the keys are that signed it.

use kit_tests::archive::{Archive, Package, SUITE};
use kit_tests::deb::{Tar, deb};
use kit_tests::image::Image;
use kit_tests::repository::Repository;
use kit_tests::server::{Answer, Site, nobody, with_server};
use kit_tests::{Said, TestProject};

/// Nobody listens there: what serves is a mirror of it that the settings name.
const DEAD: &str = "https://127.0.0.1:1/";
const IMAGE: &str = "127.0.0.1:1/team/hello:1.0";

fn app() -> Package {
    Package::new("app", deb("app", "data.tar", &Tar::default().file("./app", b"app").end()))
}

/// A project with a pin of each kind.
fn project() -> TestProject {
    let project = TestProject::with_own_store();
    let image = format!(
        "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"app\", \"hello\"]\n\
         [[service]]\nname = \"web\"\nimage = \"{IMAGE}\"\n"
    );
    project.write("recipes/images/demo.toml", &image);
    let debian =
        format!("[package]\nname = \"app\"\n[sources.debian]\nsuite = \"{SUITE}\"\npackages = [\"app\"]\n");
    project.write("recipes/packages/app.toml", &debian);
    let upstream = format!(
        "[package]\nname = \"hello\"\n[sources.main]\ngit = \"{DEAD}hello.git\"\nbranch = \"main\"\n\
         [sources.other]\nurl = \"{DEAD}other.tar\"\n"
    );
    project.write("recipes/packages/hello.toml", &upstream);
    project
}

/// Serves all of it and runs a test.
fn served<T>(
    project: &TestProject,
    (archive, repository, file, image): (&Archive, &Repository, &[u8], &Image),
    test: impl FnOnce() -> T,
) -> T {
    let mut site: Site = archive.site();
    site.extend(repository.site("hello.git"));
    site.insert("/other.tar".to_owned(), Answer::Bytes(file.to_vec()));
    site.extend(image.site("team/hello", "1.0", Answer::Bytes(image.manifest())));
    with_server(site, |server| {
        settings(project, archive, &server.base);
        test()
    })
}

fn settings(project: &TestProject, archive: &Archive, base: &str) {
    project.write_bytes("archive.pgp", &archive.keyring());
    let text = format!(
        "[debian]\nmirrors = [\"{base}\"]\nkeyrings = [\"archive.pgp\"]\n\
         [mirrors]\n\"{DEAD}\" = [\"{base}/\"]\n\"http://127.0.0.1:1/\" = [\"{base}/\"]\n"
    );
    project.write("kit.toml", &text);
}

fn image(content: &[u8]) -> Image {
    Image::new(&[Tar::default().file("bin/hello", content).end()])
}

/// Returns what is said to be stale, and the whole answer.
fn stale(project: &TestProject, arguments: &[&str]) -> (Vec<String>, Said) {
    let audit = ["audit", "demo", "--only", "supply-chain", "--json"];
    let said = project.kit(&[&audit, arguments].concat()).succeeded();
    let report = super::result(&said);
    let findings = report["findings"].as_array().expect("a list");
    let ids = findings.iter().map(|finding| finding["id"].as_str().expect("an identifier").to_owned());
    (ids.filter(|id| id.starts_with("pin-stale:")).collect(), said)
}

#[test]
fn what_is_newer_than_each_pin_is_found_and_what_can_t_be_asked_is_said() {
    let project = project();
    let (mut archive, repository) = (Archive::new(vec![app()]), Repository::new());
    repository.commit(&[("hello.c", "int main(void) {}\n")]);
    let first = image(b"one");
    let file = Tar::default().file("other", b"other").end();
    served(&project, (&archive, &repository, &file, &first), || {
        project.kit(&["lock", "demo"]).succeeded();
        assert_eq!(stale(&project, &["--online"]).0, [] as [&str; 0]);
    });
    // Nobody is asked unless that is wanted.
    settings(&project, &archive, &nobody());
    let (ids, said) = stale(&project, &[]);
    assert!(ids.is_empty() && !said.stderr.contains("couldn't be asked"), "{said}");
    let (ids, said) = stale(&project, &["--online"]);
    assert!(ids.is_empty(), "{said}");
    for pin in
        [&format!("packages of `{SUITE}`"), "source `main` of package `hello`", &format!("image `{IMAGE}`")]
    {
        let note = format!("what is newer than the pins of {pin} couldn't be asked: ");
        assert!(said.stderr.contains(&note), "no `{note}` in:\n{said}");
    }
    archive.packages[0].version = "1.0-2";
    repository.commit(&[("hello.c", "int main(void) { return 1; }\n")]);
    let file = Tar::default().file("other", b"another").end();
    let before = project.read("lockfiles/demo.lock");
    served(&project, (&archive, &repository, &file, &image(b"two")), || {
        let (ids, said) = stale(&project, &["--online"]);
        let image = format!("pin-stale:image {IMAGE}");
        let expected = ["pin-stale:app 1.0-1", &image];
        for id in expected {
            assert!(ids.iter().any(|found| found == id), "no {id} in {said}");
        }
        assert_eq!(ids.len(), 4, "{said}");
        for text in ["1.0-2", "another file (sha256 ", "another image (sha256:"] {
            assert!(said.stdout.contains(text), "no {text} in {said}");
        }
        let audit = ["audit", "demo", "--online", "--offline"];
        project.kit(&audit).failed(2, &["error[kit::audit::offline]", "`--offline`"]);
    });
    assert_eq!(project.read("lockfiles/demo.lock"), before, "nothing is pinned");
}

#[test]
fn keys_are_as_old_as_the_keyring_says() {
    let project = project();
    std::fs::remove_file(project.path().join("recipes/packages/hello.toml")).expect("it is there");
    project.write(
        "recipes/images/demo.toml",
        "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"app\"]\n",
    );
    let archive = Archive::new(vec![app()]);
    with_server(archive.site(), |server| {
        settings(&project, &archive, &server.base);
        project.kit(&["lock", "demo"]).succeeded();
    });
    let audit = |day: &str| {
        project.kit(&["audit", "demo", "--only", "supply-chain", "--json", "--as-of", day, "--offline"])
    };
    let said = audit("2025-06-01").succeeded();
    assert!(said.stdout.contains("made on 2025-05-16") && !said.stdout.contains("key-old:"), "{said}");
    let said = audit("2035-06-01").succeeded();
    assert!(said.stdout.contains("key-old:"), "{said}");
}
