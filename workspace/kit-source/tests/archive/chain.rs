//! The whole chain: what is accepted, what is refused and why, and which mirror helps.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _};
use std::sync::Mutex;

use kit_hash::Sha256;
use kit_source::debian::packages::Packages;
use kit_source::debian::{
    AptConfig, Archives, DebPin, Known, Listing, Mirror, ResolveError, Resolved, SuiteRequest, Timestamp,
    fetch_deb, replay, resolve,
};
use kit_source::http::Network;
use kit_source::{Cache, NoCache};

use crate::archive::Archive;
use crate::server::{Answer, Server, Site, nobody, with_server};
use crate::site::{APP, DATE, NOW, app_and_library, client, keyring, mirrors, request};

fn ask(archives: &Archives, known: &Known, now: Timestamp) -> Result<Resolved, ResolveError> {
    resolve(&client(Network::Online), archives, &NoCache, &request(), known, now)
}

/// Serves `site` and returns the code of the error that resolving against it ends in.
fn code(archive: &Archive, site: Site, known: &Known, now: Timestamp) -> &'static str {
    with_server(site, |server| ask(&mirrors(archive, &[&server.base]), known, now).unwrap_err().code())
}

fn app(resolved: &Resolved) -> &DebPin {
    &resolved.groups[0][0]
}

#[test]
fn resolves_and_fetches() {
    let archive = app_and_library();
    with_server(archive.site(), |server| {
        let archives = mirrors(&archive, &[&server.base]);
        let resolved = ask(&archives, &Known::default(), NOW).unwrap();
        let names: Vec<&str> = resolved.groups[0].iter().map(|pin| pin.name.as_str()).collect();
        assert_eq!(names, ["app", "library"]);
        assert_eq!(
            (app(&resolved).source.name.as_str(), app(&resolved).source.version.as_str()),
            ("tools", "1.0")
        );
        assert_eq!(resolved.release.date, DATE);
        assert_eq!(resolved.release.signed_by.len(), 2);
        assert_eq!(server.asked(), ["/dists/loopback/InRelease".to_owned(), archive.index_path()]);

        let mut file = tempfile::tempfile().unwrap();
        fetch_deb(
            &client(Network::Online),
            &archives,
            app(&resolved),
            "loopback",
            DATE,
            &mut file,
            &mut |_| {},
        )
        .unwrap();
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, APP);
    });
}

#[test]
fn keeps_the_proof() {
    let archive = app_and_library();
    with_server(archive.site(), |server| {
        let archives = mirrors(&archive, &[&server.base]);
        let resolved = ask(&archives, &Known::default(), NOW).unwrap();
        let excerpt = Packages::parse(resolved.excerpt.clone()).unwrap();
        let again: Vec<DebPin> = excerpt.entries().map(|entry| DebPin::from_entry(&entry).unwrap()).collect();
        assert_eq!(again, resolved.groups[0]);

        let config = AptConfig { trusted: keyring(&archive), ..AptConfig::default() };
        let machine = Archives::new(Vec::new(), &config, None);
        assert_eq!(replay(&resolved.in_release, &resolved.release, &machine).unwrap().date, DATE);
        let mut changed = resolved.in_release.clone();
        changed[100] ^= 1;
        assert!(replay(&changed, &resolved.release, &machine).is_err());
    });
}

#[test]
fn refuses_a_release_that_is_not_the_right_one() {
    let archive = app_and_library();
    let known = Known::default();
    let mut changed = archive.in_release();
    let at = changed.windows(8).position(|window| window == b"bookworm").unwrap();
    changed[at] = b'B';
    let mut site = archive.site();
    site.insert("/dists/loopback/InRelease".to_owned(), Answer::Bytes(changed));
    assert_eq!(code(&archive, site, &known, NOW), "kit::debian::bad_signature");

    let other = app_and_library();
    assert_eq!(code(&archive, other.site(), &known, NOW), "kit::debian::unknown_key");
    let newer = Known { date: Some(Timestamp(DATE.0 + 1)), ..Known::default() };
    assert_eq!(code(&archive, archive.site(), &newer, NOW), "kit::debian::rollback");
    let expired = Timestamp(DATE.0 + 8 * 86_400);
    assert_eq!(code(&archive, archive.site(), &known, expired), "kit::debian::expired");
    let signers = Known { signed_by: vec![other.key.fingerprint().to_hex()], ..Known::default() };
    assert_eq!(code(&archive, archive.site(), &signers, NOW), "kit::debian::other_key");
    let suite = Archive { suite: "testing", ..app_and_library() };
    assert_eq!(code(&suite, suite.site(), &known, NOW), "kit::debian::other_suite");
    let future = Archive { date: "Sat, 17 May 2035 09:12:38 UTC", ..app_and_library() };
    assert_eq!(code(&future, future.site(), &known, NOW), "kit::debian::future");
    let html = Site::from([("/dists/loopback/InRelease".to_owned(), Answer::Bytes(b"<html>".to_vec()))]);
    assert_eq!(code(&archive, html, &known, NOW), "kit::debian::not_signed");
}

#[test]
fn refuses_an_index_that_is_not_the_pinned_one() {
    let archive = app_and_library();
    let refused = |answer: Answer| {
        let mut site = archive.site();
        site.insert(archive.index_path(), answer);
        code(&archive, site, &Known::default(), NOW)
    };
    let mut changed = archive.index();
    changed[20] ^= 1;
    assert_eq!(refused(Answer::Bytes(changed)), "kit::http::digest_mismatch");
    assert_eq!(refused(Answer::Bytes(b"short".to_vec())), "kit::http::size_mismatch");
    assert_eq!(refused(Answer::AlwaysBreaks(archive.index())), "kit::http::interrupted");
    assert_eq!(refused(Answer::Endless), "kit::http::too_large");
}

#[test]
fn says_what_the_archive_does_not_have() {
    let archive = app_and_library();
    with_server(archive.site(), |server| {
        let code = |change: fn(&mut SuiteRequest)| {
            let mut request = request();
            change(&mut request);
            let archives = mirrors(&archive, &[&server.base]);
            let known = Known::default();
            resolve(&client(Network::Online), &archives, &NoCache, &request, &known, NOW).unwrap_err().code()
        };
        assert_eq!(
            code(|request| request.architecture = "arm64".to_owned()),
            "kit::debian::unknown_architecture"
        );
        let listed = |architecture: &str, component: &str| {
            Some(Listing { architecture: architecture.to_owned(), components: vec![component.to_owned()] })
        };
        let mut of_group = request();
        for (architecture, component, expected) in [
            ("arm64", "main", "kit::debian::unknown_architecture"),
            ("amd64", "contrib", "kit::debian::unknown_component"),
        ] {
            of_group.groups[0].listed = listed(architecture, component);
            let archives = mirrors(&archive, &[&server.base]);
            let known = Known::default();
            let error =
                resolve(&client(Network::Online), &archives, &NoCache, &of_group, &known, NOW).unwrap_err();
            assert_eq!(error.code(), expected);
        }
        assert_eq!(
            code(|request| request.components = vec!["contrib".to_owned()]),
            "kit::debian::unknown_component"
        );
        assert_eq!(
            code(|request| request.groups[0].names = vec!["ap".to_owned()]),
            "kit::debian::unknown_package"
        );
        assert_eq!(code(|request| request.architecture = "all".to_owned()), "kit::debian::missing_index");
        assert_eq!(code(|request| request.suite = "sid".to_owned()), "kit::http::status");
    });
}

/// Serves two mirrors, the second one good.
fn with_two(first: Site, archive: &Archive, test: impl FnOnce(&Server, &Server)) {
    with_server(first, |first| with_server(archive.site(), |second| test(first, second)));
}

#[test]
fn turns_to_the_next_mirror() {
    let archive = app_and_library();
    let mut wrong = archive.site();
    wrong.insert(archive.index_path(), Answer::Bytes(vec![0; archive.index().len()]));
    wrong.insert("/pool/main/app_1.0-1_amd64.deb".to_owned(), Answer::Bytes(vec![0; APP.len()]));
    with_two(wrong, &archive, |first, second| {
        let down = nobody();
        let archives = mirrors(&archive, &[&down, &first.base, &second.base]);
        let resolved = ask(&archives, &Known::default(), NOW).unwrap();
        assert_eq!(second.asked(), [archive.index_path()], "the release of the first is good");
        let mut file = tempfile::tempfile().unwrap();
        let online = client(Network::Online);
        let digests =
            fetch_deb(&online, &archives, app(&resolved), "loopback", DATE, &mut file, &mut |_| {}).unwrap();
        assert_eq!(digests.sha256, Sha256::of(APP));
        assert_eq!(file.metadata().unwrap().len(), APP.len() as u64);
    });
    let stale = Archive { date: "Sat, 10 May 2025 09:12:38 UTC", ..app_and_library() };
    let stale = Archive { key: archive.key.clone(), ..stale };
    with_two(stale.site(), &archive, |first, second| {
        let known = Known { date: Some(DATE), ..Known::default() };
        let resolved = ask(&mirrors(&archive, &[&first.base, &second.base]), &known, NOW).unwrap();
        assert_eq!(resolved.release.date, DATE);
    });
}

#[test]
fn falls_back_to_the_snapshot_of_the_release() {
    let archive = app_and_library();
    let path = "/archive/debian/20250517T091238Z/pool/main/app_1.0-1_amd64.deb";
    let snapshot = Site::from([(path.to_owned(), Answer::Bytes(APP.to_vec()))]);
    let mut gone = archive.site();
    gone.remove("/pool/main/app_1.0-1_amd64.deb");
    with_server(gone, |mirror| {
        with_server(snapshot, |snapshot| {
            let project = vec![Mirror { base: mirror.base.clone(), keyring: Some(keyring(&archive)) }];
            let archives = Archives::new(project, &AptConfig::default(), Some(format!("{}/", snapshot.base)));
            let resolved = ask(&archives, &Known::default(), NOW).unwrap();
            let mut file = tempfile::tempfile().unwrap();
            let online = client(Network::Online);
            fetch_deb(&online, &archives, app(&resolved), "loopback", DATE, &mut file, &mut |_| {}).unwrap();
            assert_eq!(snapshot.asked(), [path]);
        });
    });
}

#[test]
fn tells_what_every_mirror_said() {
    let archive = app_and_library();
    let other = app_and_library();
    with_two(other.site(), &archive, |first, second| {
        let down = nobody();
        let with_password = second.base.replace("http://", "http://me:secret@");
        let archives = mirrors(&archive, &[&down, &first.base, &with_password]);
        let late = Timestamp(DATE.0 + 30 * 86_400);
        let error = ask(&archives, &Known::default(), late).unwrap_err();
        let text = error.to_string();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(
            text.contains(&down)
                && text.contains("none of which is a known key")
                && text.contains("valid until")
        );
        assert!(!text.contains("secret"), "{text}");
    });
    let empty = Archives::new(Vec::new(), &AptConfig::default(), None);
    let error = ask(&empty, &Known::default(), NOW).unwrap_err();
    assert_eq!(error.code(), "kit::debian::no_mirror");
}

#[test]
fn opens_nothing_when_offline() {
    let archive = app_and_library();
    with_server(archive.site(), |server| {
        let archives = mirrors(&archive, &[&server.base]);
        let offline = client(Network::Offline);
        let error = resolve(&offline, &archives, &NoCache, &request(), &Known::default(), NOW).unwrap_err();
        assert_eq!(error.code(), "kit::http::offline");
        assert_eq!(server.asked(), Vec::<String>::new());
    });
}

#[test]
fn fetches_by_name_when_there_is_no_by_hash() {
    let archive = Archive { extra: "", ..app_and_library() };
    let named = "/dists/loopback/main/binary-amd64/Packages.gz";
    let mut site = archive.site();
    let index = site.remove(&archive.index_path()).unwrap();
    site.insert(named.to_owned(), index.clone());
    with_server(site, |server| {
        ask(&mirrors(&archive, &[&server.base]), &Known::default(), NOW).unwrap();
        assert_eq!(server.asked(), ["/dists/loopback/InRelease", named]);
    });
    let promised = app_and_library();
    let mut site = promised.site();
    let index = site.remove(&promised.index_path()).unwrap();
    site.insert(named.to_owned(), index);
    with_server(site, |server| {
        ask(&mirrors(&promised, &[&server.base]), &Known::default(), NOW).unwrap();
        assert_eq!(server.asked().last().unwrap(), named);
    });
}

#[derive(Default)]
struct Memory(Mutex<BTreeMap<Sha256, Vec<u8>>>);

impl Cache for Memory {
    fn get(&self, sha256: &Sha256) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(sha256).cloned()
    }
    fn put(&self, sha256: &Sha256, bytes: &[u8]) {
        self.0.lock().unwrap().insert(*sha256, bytes.to_vec());
    }
}

#[test]
fn keeps_indexes_and_checks_them_again() {
    let archive = app_and_library();
    with_server(archive.site(), |server| {
        let cache = Memory::default();
        let ask = || {
            let archives = mirrors(&archive, &[&server.base]);
            resolve(&client(Network::Online), &archives, &cache, &request(), &Known::default(), NOW).unwrap()
        };
        let first = ask();
        assert_eq!(ask().groups, first.groups);
        let asked = || server.asked().iter().filter(|path| path.contains("by-hash")).count();
        assert_eq!(asked(), 1);
        for bytes in cache.0.lock().unwrap().values_mut() {
            bytes[20] ^= 1;
        }
        assert_eq!(ask().groups, first.groups);
        assert_eq!(asked(), 2, "a damaged entry is fetched again");
    });
}
