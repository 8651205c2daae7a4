//! Files that their authors publish: changed, gone, endless, hostile. The recipe's address never answers; what serves is a mirror
//! of it that the project's settings name.

use std::io::Write as _;

use kit_hash::Sha256;
use kit_tests::TestProject;
use kit_tests::deb::Tar;
use kit_tests::server::{Answer, Site, with_server};

use crate::bench::{has_blob, is_sound, package, project, refuses};

/// Nobody listens there.
const DEAD: &str = "http://127.0.0.1:1/";

const PATH: &str = "/hello-1.0.tar.gz";

fn tar(readme: &[u8]) -> Vec<u8> {
    Tar::default().file("hello-1.0/hello.c", b"int main(void) {}\n").file("hello-1.0/README", readme).end()
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn hello() -> Vec<u8> {
    gzip(&tar(b"Hello\n"), 9)
}

fn site(answer: Answer) -> Site {
    Site::from([(PATH.to_owned(), answer)])
}

/// A project with a package of one source; `more` is what follows its address.
fn hello_project(more: &str) -> TestProject {
    let project = project("\"hello\"");
    recipe(&project, more);
    project
}

fn recipe(project: &TestProject, more: &str) {
    package(project, "hello", &format!("[sources.upstream]\nurl = \"{DEAD}hello-1.0.tar.gz\"\n{more}"));
}

fn mirrors(project: &TestProject, bases: &[&str]) {
    let bases: Vec<_> = bases.iter().map(|base| format!("\"{base}/\"")).collect();
    project.write("kit.toml", &format!("[mirrors]\n\"{DEAD}\" = [{}]\n", bases.join(", ")));
}

/// Serves an answer, and runs `test` on a project that takes its files from there.
fn served<T>(project: &TestProject, answer: Answer, test: impl FnOnce() -> T) -> T {
    with_server(site(answer), |server| {
        mirrors(project, &[&server.base]);
        test()
    })
}

/// A project that was locked while `hello` was served, and its store when it is `known`.
fn locked(known: bool) -> TestProject {
    let project = hello_project("");
    served(&project, Answer::Bytes(hello()), || project.kit(&["lock"]).succeeded());
    if !known {
        std::fs::rename(project.store(), project.path().join("full")).unwrap();
    }
    project
}

#[test]
fn what_comes_is_pinned_with_a_warning_and_needs_no_network_after_that() {
    let project = hello_project("");
    served(&project, Answer::Bytes(hello()), || {
        let said = project.kit(&["lock"]).succeeded();
        let warning =
            "warning: nothing vouches for hello-1.0.tar.gz of package hello: it is pinned as it came";
        assert!(said.stderr.contains(warning), "{said}");
        let add = format!("add to `[sources.upstream]`: sha256 = \"{}\"", Sha256::of(&hello()));
        assert!(said.stderr.contains(&add), "{said}");
    });
    let lock = project.read("lockfiles/demo.lock");
    assert!(!lock.contains("127.0.0.1"), "{lock}");
    project.kit(&["build", "--offline"]).succeeded();
    // Neither a digest for what is pinned nor another address is another source.
    recipe(&project, &format!("sha256 = \"{}\"\n", Sha256::of(&hello())));
    project.kit(&["lock", "--offline"]).succeeded();
    package(
        &project,
        "hello",
        &format!(
            "[sources.upstream]\nurl = \"https://downloads.example/hello-1.0.tar.gz\"\nsha256 = \"{}\"\n",
            Sha256::of(&hello())
        ),
    );
    project.kit(&["lock", "--check", "--offline"]).succeeded();
    project.kit(&["build", "--offline"]).succeeded();
}

#[test]
fn only_the_compression_changed() {
    let again = gzip(&tar(b"Hello\n"), 1);
    assert_ne!(again, hello());
    let project = locked(false);
    served(&project, Answer::Bytes(again.clone()), || {
        let words = "`hello-1.0.tar.gz` is not the file that the lockfile pins: only the compression changed";
        let help = "help: the unpacked files are the same: `kit lock --update hello` takes the new archive";
        let digests =
            format!("expected sha256 {}\n       got sha256 {}", Sha256::of(&hello()), Sha256::of(&again));
        refuses(&project, &["build"], 1, &["error[kit::source::recompressed]", words, help, &digests]);
        assert!(!has_blob(&project, &again), "it isn't used");
        let said = project.kit(&["lock", "--update", "hello"]).succeeded();
        let news = "hello-1.0.tar.gz is another file now: only its compression changed, the unpacked files are the same";
        assert!(said.stderr.contains(news), "{said}");
    });
    project.kit(&["build", "--offline"]).succeeded();
    is_sound(&project);
}

#[test]
fn files_changed_too() {
    let other = gzip(&tar(b"Hello again\n"), 9);
    let project = locked(false);
    served(&project, Answer::Bytes(other.clone()), || {
        let words = "is not the file that the lockfile pins: files in it differ";
        let help =
            "help: nothing was stored; if its authors mean the new one, `kit lock --update hello` takes it";
        refuses(&project, &["build"], 1, &["error[kit::source::changed]", words, help]);
        assert!(!has_blob(&project, &other), "it isn't used");
    });
    let project = locked(true);
    served(&project, Answer::Bytes(other), || {
        let said = project.kit(&["lock", "--update"]).succeeded();
        assert!(said.stderr.contains("another file now: 1 file changed\n  `/README` differs\n"), "{said}");
    });
}

#[test]
fn another_file_than_the_recipe_names() {
    let wrong = Sha256::of(b"another one");
    let project = hello_project(&format!("sha256 = \"{wrong}\"\n"));
    served(&project, Answer::Bytes(hello()), || {
        let words = "`hello-1.0.tar.gz` is not the file that its recipe names";
        let digests = format!("expected sha256 {wrong}\n       got sha256 {}", Sha256::of(&hello()));
        let help = "help: nothing was stored; correct `sha256` in the recipe";
        refuses(&project, &["lock"], 1, &["error[kit::source::digest_mismatch]", words, &digests, help]);
    });
}

#[test]
fn gone_from_every_mirror() {
    let project = locked(false);
    with_server(Site::new(), |empty| {
        with_server(site(Answer::Redirect(PATH.to_owned())), |around| {
            mirrors(&project, &[&empty.base, &around.base]);
            let answers = [
                format!("`{}{PATH}` answered with status 404", empty.base),
                format!("`{}{PATH}` redirects too often", around.base),
                format!("no answer from `{DEAD}hello-1.0.tar.gz`"),
            ];
            let help = "help: name another place that has it by `mirrors` of the source, or by `[mirrors]` in `kit.toml`";
            let texts: Vec<_> = answers.iter().map(String::as_str).chain([help]).collect();
            refuses(&project, &["build"], 3, &[&["error[kit::source::gone]"], texts.as_slice()].concat());
            with_server(site(Answer::Bytes(hello())), |good| {
                mirrors(&project, &[&empty.base, &around.base, &good.base]);
                let help = "help: run once without `--offline`";
                refuses(&project, &["build", "--offline"], 3, &["error[kit::http::offline]", help]);
                project.kit(&["build"]).succeeded();
                assert_eq!(good.asked(), [PATH]);
            });
        });
    });
    is_sound(&project);
}

#[test]
fn a_body_that_never_ends_is_left_off() {
    let project = locked(false);
    served(&project, Answer::Endless, || {
        refuses(&project, &["build"], 3, &["error[kit::source::gone]", "is larger than 16777216 bytes"]);
    });
}

#[test]
fn what_is_no_archive_or_a_hostile_one_is_refused() {
    let project = hello_project("");
    served(&project, Answer::Bytes(b"<!DOCTYPE html>\n".to_vec()), || {
        let words = "`hello-1.0.tar.gz` is no archive: it begins with `<!DOCTYPE html>`";
        let help = "help: is the address right? to take the file as it is, write `unpack = false`";
        refuses(&project, &["lock"], 1, &["error[kit::source::no_archive]", words, help]);
        recipe(&project, "unpack = false\n");
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
    });
    for (archive, words) in [
        (Tar::default().file("../../etc/passwd", b"x").end(), "the name `../../etc/passwd` is refused"),
        (Tar::default().symlink("a", "/etc").file("a/passwd", b"x").end(), "`/a/passwd` lies below `/a`"),
    ] {
        let project = hello_project("");
        served(&project, Answer::Bytes(gzip(&archive, 6)), || {
            refuses(&project, &["lock"], 1, &["error[kit::unpack::archive]", words]);
        });
    }
}
