#![expect(clippy::disallowed_methods, reason = "makes repositories and serves them")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::git::{LARGEST, samples};

/// Serves the repositories below `base` by git's own daemon, for each connection one; the server ends with the test program.
fn serve(base: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("git://{}", listener.local_addr().unwrap());
    let base = base.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let socket = || Stdio::from(OwnedFd::from(stream.try_clone().unwrap()));
            let mut daemon = Command::new("git");
            let places = [format!("--base-path={}", base.display()), base.display().to_string()];
            daemon.args(["daemon", "--inetd", "--export-all"]).args(places);
            daemon.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
            daemon
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", "safe.directory")
                .env("GIT_CONFIG_VALUE_0", "*");
            drop(daemon.stdin(socket()).stdout(socket()).stderr(Stdio::null()).spawn());
        }
    });
    address
}

/// A repository `web.git`: two commits, a tag of the first, an annotated tag of the second.
fn web() -> (tempfile::TempDir, [String; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.git");
    std::fs::create_dir(&path).unwrap();
    samples::git(&path, &["init", "-q"]);
    let mut commits = Vec::new();
    for number in ["1", "2"] {
        std::fs::write(path.join("page"), format!("page {number}\n$Format:%H$\n")).unwrap();
        std::fs::write(path.join(".gitattributes"), "page export-subst text eol=crlf\n").unwrap();
        samples::git(&path, &["add", "-A"]);
        samples::git(&path, &["commit", "-q", "-m", "x"]);
        commits.push(samples::git(&path, &["rev-parse", "HEAD"]));
    }
    samples::git(&path, &["tag", "v1", "HEAD~1"]);
    samples::git(&path, &["tag", "-a", "-m", "x", "v2"]);
    (dir, commits.try_into().unwrap())
}

/// What `test` finds in a repository at these addresses.
fn with<T>(addresses: &[&str], network: Network, test: impl FnOnce(&Repository<'_>) -> T) -> T {
    limited(addresses, network, LARGEST, test)
}

fn limited<T>(
    addresses: &[&str],
    network: Network,
    largest: u64,
    test: impl FnOnce(&Repository<'_>) -> T,
) -> T {
    let scratch = tempfile::tempdir().unwrap();
    let addresses: Vec<_> = addresses.iter().map(|address| (*address).to_owned()).collect();
    let git = Git { program: "git", path: scratch.path(), largest };
    test(&Repository { git, addresses: &addresses, network })
}

fn contents(fetched: &Fetched<'_>) -> (BTreeMap<String, String>, Vec<String>) {
    let mut found = BTreeMap::new();
    let mut take = |listed: &Listed, size, content: &mut dyn Read| {
        let mut text = String::new();
        content.read_to_string(&mut text)?;
        assert_eq!(text.len() as u64, size);
        found.insert(String::from_utf8(listed.path.clone()).unwrap(), text);
        Ok(())
    };
    let large = fetched.each_content(&mut take).unwrap();
    (found, large)
}

#[test]
fn tags_and_branches_are_commits() {
    let (dir, [first, second]) = web();
    let address = format!("{}/web.git", serve(dir.path()));
    with(&[&address], Network::Online, |repository| {
        let commit = |reference: &str| repository.commit_of("it", reference).unwrap();
        assert_eq!(commit("refs/tags/v1"), first);
        assert_eq!(commit("refs/tags/v2"), second, "not the tag's own object");
        assert_eq!(commit("refs/heads/main"), second);
        let Err(RepositoryError::Gone { what, attempts }) = repository.commit_of("tag v3", "refs/tags/v3")
        else {
            panic!("there is none")
        };
        assert_eq!(what, "tag v3");
        assert!(matches!(attempts.as_slice(), [(_, AttemptError::NoReference)]), "{attempts:?}");
    });
}

#[test]
fn a_commit_comes_alone_and_as_it_is() {
    let (dir, [first, second]) = web();
    let server = serve(dir.path());
    let address = format!("{server}/web.git");
    with(&["git://127.0.0.1:1/web.git", &address], Network::Online, |repository| {
        let fetched = repository.fetch(&second).unwrap();
        assert_eq!(fetched.address, address);
        let (found, large) = contents(&fetched);
        assert_eq!(found["page"], "page 2\n$Format:%H$\n", "no attribute counts");
        assert_eq!(found.len(), 2);
        assert!(large.is_empty());
        let older = repository.git.ask(&["cat-file", "-e", &first], None);
        assert!(older.is_err(), "its history stays where it is");
    });
    // By another name of the same commit nothing else can come.
    with(&[&address], Network::Online, |repository| {
        assert!(matches!(repository.fetch(&"0".repeat(40)), Err(RepositoryError::Gone { .. })));
    });
}

#[test]
fn what_cant_be_had_names_every_address() {
    let addresses = ["git://127.0.0.1:1/web.git", "https://user:secret@127.0.0.1:1/web.git"];
    with(&addresses, Network::Online, |repository| {
        let error = repository.fetch(&"1".repeat(40)).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.code(), "kit::source::gone");
        assert!(text.starts_with(&format!("commit {} can't be had: none of its", "1".repeat(40))), "{text}");
        assert!(text.contains("\n  git://127.0.0.1:1/web.git: git says: "), "{text}");
        assert!(text.contains("\n  https://127.0.0.1:1/web.git: git says: "), "{text}");
        assert!(!text.contains("secret"), "{text}");
    });
}

#[test]
fn the_network_is_used_only_as_it_may() {
    with(&["git://127.0.0.1:1/web.git"], Network::Offline, |repository| {
        assert_eq!(repository.fetch(&"1".repeat(40)).unwrap_err().code(), "kit::http::offline");
    });
    with(&["http://git.example/web.git"], Network::Online, |repository| {
        let error = repository.commit_of("tag v1", "refs/tags/v1").unwrap_err().to_string();
        assert!(error.contains("http://git.example/web.git: is a plain connection"), "{error}");
    });
    // Addresses of a recipe are checked where it is read; whatever comes here, no program of its own choice runs.
    let (dir, [first, _]) = web();
    let local = dir.path().join("web.git").display().to_string();
    for address in [format!("file://{local}"), local, "ext::sh -c exit%200".to_owned()] {
        with(&[&address], Network::Online, |repository| {
            let error = repository.fetch(&first).unwrap_err().to_string();
            assert!(error.contains("not allowed"), "{error}");
        });
    }
}

#[test]
fn nothing_grows_without_end() {
    let (dir, _) = web();
    let path = dir.path().join("web.git");
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(1 << 20)
    .collect();
    std::fs::write(path.join("noise"), noise).unwrap();
    samples::git(&path, &["add", "-A"]);
    samples::git(&path, &["commit", "-q", "-m", "x"]);
    let commit = samples::git(&path, &["rev-parse", "HEAD"]);
    let address = format!("{}/web.git", serve(dir.path()));
    limited(&[&address], Network::Online, 1 << 16, |repository| {
        assert!(matches!(repository.fetch(&commit), Err(RepositoryError::Gone { .. })));
    });
    limited(&[&address], Network::Online, 1 << 21, |repository| {
        assert!(repository.fetch(&commit).is_ok());
    });
}

#[test]
fn what_is_elsewhere_is_told() {
    let (dir, [first, _]) = web();
    let path = dir.path().join("web.git");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    std::fs::write(path.join("large.bin"), pointer).unwrap();
    std::fs::write(path.join("about"), "version https://git-lfs.github.com/spec/v1 is its name\n").unwrap();
    samples::git(&path, &["add", "-A"]);
    samples::git(&path, &["update-index", "--add", "--cacheinfo", &format!("160000,{first},libs/other")]);
    samples::git(&path, &["commit", "-q", "-m", "x"]);
    let commit = samples::git(&path, &["rev-parse", "HEAD"]);
    let address = format!("{}/web.git", serve(dir.path()));
    with(&[&address], Network::Online, |repository| {
        let fetched = repository.fetch(&commit).unwrap();
        assert_eq!(fetched.submodules(), ["libs/other"]);
        let (found, large) = contents(&fetched);
        assert_eq!(large, ["large.bin"]);
        assert_eq!(found["large.bin"], pointer);
    });
}
