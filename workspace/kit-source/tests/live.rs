//! The real thing: the machine's apt configuration, Debian's archive, its keys.

use std::io::{Read as _, Seek as _};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::Sha256;
use kit_source::NoCache;
use kit_source::debian::{
    AptConfig, Archives, Dependencies, Group, Known, SuiteRequest, Timestamp, fetch_deb, replay, resolve,
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
    Group { names: names.iter().map(ToString::to_string).collect(), dependencies: Dependencies::Closure }
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
    };
    let resolved = resolve(&client, &archives, &NoCache, &request, &Known::default(), now())
        .unwrap_or_else(|error| panic!("{error}; {:?}", config.problems));

    let names: Vec<&str> = resolved.groups[0].iter().map(|pin| pin.name.as_str()).collect();
    assert_eq!(names, ["busybox-static"]);
    let large: Vec<&str> = resolved.groups[1].iter().map(|pin| pin.name.as_str()).collect();
    assert!(large.len() > 60 && large.contains(&"libc6") && large.contains(&"libpam-runtime"), "{large:?}");
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
