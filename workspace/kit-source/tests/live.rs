//! The real thing: the machine's apt configuration, Debian's archive, its keys.
#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

use std::io::{Read as _, Seek as _};
use std::path::PathBuf;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::Sha256;
use kit_source::NoCache;
use kit_source::crates::{Cargo, CrateHome, fetch_crates, parse_cargo_lock};
use kit_source::debian::{
    AptConfig, Archives, Dependencies, Group, Known, Part, SuiteRequest, Timestamp, fetch_deb, replay,
    resolve,
};
use kit_source::http::{Client, Network, Settings};

#[expect(
    clippy::disallowed_methods,
    reason = "the test stands for the command line, which opens the root once"
)]
fn machine() -> AptConfig {
    AptConfig::read(&Dir::open_ambient_dir("/", ambient_authority()).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the test stands for the command line, which reads the clock")]
fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now())
}

fn group(names: &[&str]) -> Group {
    Group {
        names: names.iter().map(ToString::to_string).collect(),
        dependencies: Dependencies::Closure,
        listed: None,
    }
}

#[test]
fn resolves_and_fetches_from_debian() {
    let config = machine();
    let mut settings = Settings::new(Network::Online);
    settings.proxies = config.proxies.clone();
    settings.credentials.clone_from(&config.credentials);
    let client = Client::new(settings);
    let archives = Archives::new(Vec::new(), &config, None);
    let request = SuiteRequest {
        suite: "bookworm".to_owned(),
        components: Vec::new(),
        architecture: "amd64".to_owned(),
        groups: vec![group(&["busybox-static"]), group(&["systemd", "openssh-server"])],
        sources: vec!["busybox".to_owned(), "zlib".to_owned()],
    };
    let resolved = resolve(&client, &archives, &NoCache, &request, &Known::default(), now())
        .unwrap_or_else(|error| panic!("{error}; {:?}", config.problems));

    let names: Vec<&str> = resolved.groups[0].iter().map(|pin| pin.name.as_str()).collect();
    assert_eq!(names, ["busybox-static"]);
    let large: Vec<&str> = resolved.groups[1].iter().map(|pin| pin.name.as_str()).collect();
    assert!(large.len() > 60 && large.contains(&"libc6") && large.contains(&"libpam-runtime"), "{large:?}");
    let names: Vec<_> = resolved.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["busybox", "zlib"]);
    for source in &resolved.sources {
        let parts: Vec<_> = source.files.iter().map(|file| &file.part).collect();
        assert_eq!(parts, [&Part::Description, &Part::Original, &Part::Debian], "{}", source.name);
    }
    assert_eq!(resolved.release.codename.as_deref(), Some("bookworm"));
    assert_eq!(resolved.release.in_release, Sha256::of(&resolved.in_release));

    let again = replay(&resolved.in_release, &resolved.release, &archives).unwrap();
    assert_eq!(again.date, resolved.release.date);
    assert_eq!(again.fingerprints(), resolved.release.signed_by);

    let pin = &resolved.groups[0][0];
    let mut file = tempfile::tempfile().unwrap();
    let mut last = 0;
    let date = resolved.release.date;
    fetch_deb(&client, &archives, pin, "bookworm", date, &mut file, &mut |bytes| last = bytes).unwrap();
    assert_eq!(last, pin.size);
    let mut magic = [0; 8];
    file.rewind().unwrap();
    file.read_exact(&mut magic).unwrap();
    assert_eq!(&magic, b"!<arch>\n");
}

/// Returns cargo's own configuration, which says where its crates come from.
#[expect(
    clippy::disallowed_methods,
    reason = "the test stands for the command line, which knows cargo's home"
)]
fn cargo_config() -> Option<Vec<u8>> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    ["config.toml", "config"].iter().find_map(|name| std::fs::read(home.join(name)).ok())
}

#[test]
fn fetches_crates_by_cargo() {
    let folder = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test makes its own folders")]
    let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
    dir.create_dir_all("home").unwrap();
    dir.create_dir_all("scratch").unwrap();
    if let Some(config) = cargo_config() {
        dir.write("home/config.toml", config).unwrap();
    }
    let wanted = ["memchr", "proc-macro2", "quote", "unicode-ident"];
    let mut pins = parse_cargo_lock(include_str!("../../../Cargo.lock")).unwrap();
    pins.retain(|pin| wanted.contains(&pin.name.as_str()));
    assert_eq!(pins.len(), wanted.len());
    let cargo = Cargo {
        program: "cargo",
        home_path: &folder.path().join("home"),
        scratch: &dir.open_dir("scratch").unwrap(),
        scratch_path: &folder.path().join("scratch"),
        network: Network::Online,
    };
    let home = || CrateHome::new(dir.open_dir("home").unwrap());
    let files = fetch_crates(&cargo, &home(), &pins).unwrap_or_else(|error| panic!("{error}"));
    for (file, pin) in files.iter().zip(&pins) {
        assert_eq!(file.digests.sha256, pin.sha256);
    }
    let offline = Cargo { network: Network::Offline, program: "/no/such/cargo", ..cargo };
    assert_eq!(fetch_crates(&offline, &home(), &pins).unwrap().len(), pins.len());
}
