//! Forms of the apt configuration, in a root directory that is made here.

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::serialize::SerializeInto as _;

use super::AptConfig;
use crate::debian::release::{Check, Checks};

struct Root {
    _folder: tempfile::TempDir,
    dir: Dir,
}

impl Root {
    #[expect(clippy::disallowed_methods, reason = "the test makes its own root")]
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        Self { _folder: folder, dir }
    }

    fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let (parent, _) = path.rsplit_once('/').unwrap();
        self.dir.create_dir_all(parent).unwrap();
        self.dir.write(path, bytes).unwrap();
        self
    }

    fn read(&self) -> AptConfig {
        AptConfig::read(&self.dir)
    }
}

fn cert() -> Cert {
    CertBuilder::new().add_userid("archive").add_signing_subkey().generate().unwrap().0
}

fn summary(config: &AptConfig) -> Vec<String> {
    let line = |archive: &super::Archive| {
        format!("{} {} {}", archive.base, archive.suites.join(","), archive.components.join(","))
    };
    config.archives.iter().map(line).collect()
}

#[test]
fn reads_one_line_sources() {
    let root = Root::new()
        .with(
            "etc/apt/sources.list",
            "# comment\ndeb http://a.example/debian/ bookworm main contrib # more\ndeb-src http://a.example/debian bookworm main\n\
             deb [ arch=arm64,amd64 check-valid-until=no trusted=yes ] https://b.example/d bookworm-updates main\n\n",
        )
        .with("etc/apt/sources.list.d/z.list", "deb http://z.example/ sid main\n")
        .with("etc/apt/sources.list.d/off.list.disabled", "deb http://off.example/ sid main\n")
        .with("etc/apt/sources.list.d/odd~.list", "deb http://odd.example/ sid main\n");
    let config = root.read();
    assert_eq!(
        summary(&config),
        [
            "http://a.example/debian bookworm main,contrib",
            "https://b.example/d bookworm-updates main",
            "http://z.example sid main"
        ]
    );
    assert_eq!(config.archives[1].architectures, ["arm64", "amd64"]);
    assert_eq!(config.archives[1].checks, Checks { date: Check::Made, valid_until: Check::Skipped });
    assert_eq!(config.problems, []);
}

#[test]
fn reads_deb822_sources() {
    let root = Root::new().with(
        "etc/apt/sources.list.d/debian.sources",
        "# all\nTypes: deb deb-src\nURIs: http://a.example/debian http://b.example/debian\nSuites: bookworm bookworm-updates\n\
         # between\nComponents: main\n non-free\nArchitectures: amd64\nCheck-Date: no\n\n\
         Types: deb\nEnabled: no\nURIs: http://off.example/\nSuites: sid\nComponents: main\n\n\
         Types: deb-src\nURIs: http://src.example/\nSuites: sid\nComponents: main\n\n\
         Enabled: yes\nTypes: deb\nURIs: http://c.example/\nSuites: sid\nComponents: main\n",
    );
    let config = root.read();
    assert_eq!(
        summary(&config),
        [
            "http://a.example/debian bookworm,bookworm-updates main,non-free",
            "http://b.example/debian bookworm,bookworm-updates main,non-free",
            "http://c.example sid main"
        ]
    );
    assert_eq!(config.archives[0].checks.date, Check::Skipped);
    assert_eq!(config.problems, []);
}

#[test]
fn finds_the_keys_of_each_source() {
    let certs: Vec<Cert> = (0..5).map(|_| cert()).collect();
    let fingerprint = |number: usize| certs[number].fingerprint().to_hex();
    let armored = String::from_utf8(certs[2].armored().to_vec().unwrap()).unwrap();
    let inline: Vec<&str> = armored.lines().map(|line| if line.is_empty() { "." } else { line }).collect();
    let inline = inline.join(
        "
 ",
    );
    let root = Root::new()
        .with("etc/apt/trusted.gpg.d/a.gpg", certs[0].to_vec().unwrap())
        .with("etc/apt/trusted.gpg.d/ignored.txt", "no key")
        .with("usr/share/keyrings/b.asc", certs[1].armored().to_vec().unwrap())
        .with("usr/share/keyrings/debian-archive-keyring.gpg", certs[3].to_vec().unwrap())
        .with(
            "etc/apt/sources.list",
            format!(
                "deb http://unnamed.example s main\ndeb [signed-by=/usr/share/keyrings/b.asc] http://file.example s main\n\
                 deb [signed-by={}!] http://fingerprint.example s main\ndeb [signed-by=/missing.gpg] http://missing.example s main\n",
                fingerprint(3)
            ),
        )
        .with(
            "etc/apt/sources.list.d/inline.sources",
            format!("Types: deb\nURIs: http://inline.example\nSuites: s\nComponents: main\nSigned-By:\n {inline}\n"),
        );
    let config = root.read();
    let keys: Vec<Vec<String>> =
        config.archives.iter().map(|archive| archive.keyring.fingerprints()).collect();
    let expected: [&[usize]; 5] = [&[0], &[1], &[0, 3], &[], &[2]];
    for (found, expected) in keys.iter().zip(expected) {
        assert_eq!(*found, expected.iter().map(|number| fingerprint(*number)).collect::<Vec<_>>());
    }
    assert!(format!("{:?}", config.archives[2].keyring).contains(&format!("only: [\"{}\"]", fingerprint(3))));
    assert_eq!(config.trusted.fingerprints(), [fingerprint(0), fingerprint(3)]);
    let problems: Vec<String> = config.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["/etc/apt/sources.list: the key file /missing.gpg is missing"]);
}

#[test]
fn follows_links_inside_the_root() {
    let root = Root::new().with("opt/list", "deb http://a.example s main\n");
    root.dir.create_dir_all("etc/apt").unwrap();
    root.dir.symlink_contents("/opt/list", "etc/apt/sources.list").unwrap();
    assert_eq!(summary(&root.read()), ["http://a.example s main"]);
    root.dir.remove_file("etc/apt/sources.list").unwrap();
    root.dir.symlink_contents("../../../../../opt/list", "etc/apt/sources.list").unwrap();
    assert_eq!(summary(&root.read()), ["http://a.example s main"]);
    root.dir.remove_file("etc/apt/sources.list").unwrap();
    root.dir.symlink_contents("sources.list", "etc/apt/sources.list").unwrap();
    assert_eq!(root.read().problems[0].to_string(), "/etc/apt/sources.list: too many links");
}

#[test]
fn reads_proxies_and_checks() {
    let root = Root::new()
        .with("etc/apt/apt.conf.d/10proxy", "Acquire::http::Proxy \"http://me:secret@proxy.example:3128\";\n")
        .with("etc/apt/apt.conf.d/20nested.conf", "// c\nAcquire { /* c */ https { Proxy \"DIRECT\"; Proxy::a.example \"http://other.example\"; };\n# c\n  http::Proxy::b.example \"DIRECT\"; };\n")
        .with("etc/apt/apt.conf.d/30.bak", "Acquire::http::Proxy \"http://wrong.example\";")
        .with("etc/apt/apt.conf", "Acquire::Check-Valid-Until \"false\"; Acquire::Check-Date 0;")
        .with("etc/apt/sources.list", "deb http://a.example s main\n");
    let config = root.read();
    assert_eq!(config.proxies.find("http", "a.test"), Some("http://me:secret@proxy.example:3128"));
    assert_eq!(config.proxies.find("https", "a.test"), None);
    assert_eq!(config.proxies.find("https", "a.example"), Some("http://other.example"));
    assert_eq!(config.proxies.find("http", "b.example"), None);
    assert_eq!(config.archives[0].checks, Checks { date: Check::Skipped, valid_until: Check::Skipped });
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn reads_credentials() {
    let root =
        Root::new().with("etc/apt/auth.conf", "machine a.example/debian\nlogin me password secret\n").with(
            "etc/apt/auth.conf.d/b.conf",
            "# c\nmachine http://b.example:8080 password s3 login you machine c.example login x password y\n",
        );
    let config = root.read();
    let [a, b, c] = &config.credentials[..] else { panic!("three credentials") };
    assert_eq!(
        (a.host.as_str(), a.path.as_str(), a.login.as_str(), a.password.as_str()),
        ("a.example", "/debian", "me", "secret")
    );
    assert_eq!(
        (b.scheme.as_deref(), b.port, b.login.as_str(), b.password.as_str()),
        (Some("http"), Some(8080), "you", "s3")
    );
    assert!(c.is_for("https", "c.example", None, "/any"));
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn tells_what_it_passed_over() {
    let root = Root::new()
        .with("etc/apt/trusted.gpg", "no key at all")
        .with(
            "etc/apt/sources.list",
            "deb cdrom:[Debian]/ bookworm main\ndeb http://a.example ./\ndebb http://a.example s main\ndeb http://a.example\ndeb [x http://a.example s\n\
             deb ftp://me:secret@f.example/ s main\n",
        )
        .with("etc/apt/sources.list.d/x.sources", "Types: deb\nSuites: s\n")
        .with("etc/apt/sources.list.d/y.list", b"\xff");
    let config = root.read();
    assert!(config.archives.is_empty());
    let problems: Vec<String> = config.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 9, "{problems:#?}");
    assert!(problems.iter().all(|problem| !problem.contains("secret")), "{problems:#?}");
    assert!(Root::new().read().archives.is_empty());
}
