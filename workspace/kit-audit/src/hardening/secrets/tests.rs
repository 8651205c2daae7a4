use proptest::prelude::*;

use super::named::{Named, by_path};
use super::{KINDS, concerns};
use crate::hardening::tests::{Sample, path};

const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
const LOCKED_KEY: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
const TOKEN: &str = concat!("a\ntoken = gl", "pat-1a2B3c4D5e6F7g8H9i0J\n");

#[test]
fn secrets_are_found_and_never_shown() {
    let mut sample = Sample::default();
    sample.file("/etc/a.pem", KEY).file("/etc/b.pem", LOCKED_KEY).file("/opt/c", TOKEN);
    sample
        .file("/etc/ssh/ssh_host_rsa_key", KEY)
        .file("/etc/dropbear/dropbear_rsa_host_key", b"\0\0\0\x07ssh-rsa");
    sample.file("/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA").file("/etc/ssh/sshd_config", "Port 22\n");
    sample.file("/etc/ssl/certs/a.pem", KEY.replace("PRIVATE KEY", "CERTIFICATE"));
    assert_eq!(
        sample.ids(KINDS),
        [
            "secret-private-key:/etc/a.pem high",
            "secret-private-key:/etc/b.pem low",
            "secret-ssh-host-key:/etc/dropbear/dropbear_rsa_host_key high",
            "secret-ssh-host-key:/etc/ssh/ssh_host_rsa_key high",
            "secret-token:/opt/c high",
        ]
    );
    let all = format!("{:?}", sample.findings(KINDS));
    assert!(
        all.contains("`/opt/c` holds a token of GitLab") && all.contains("line 2: a token of GitLab"),
        "{all}"
    );
    assert!(!all.contains("1a2B") && !all.contains("MIIE"), "{all}");
}

#[test]
fn documentation_and_tests_are_left_out() {
    let mut sample = Sample::default();
    for at in ["/usr/share/doc/a/key.pem", "/usr/lib/python3/test/key.pem", "/usr/share/a/examples/key.pem"] {
        sample.file(at, KEY);
    }
    assert_eq!(sample.ids(KINDS), [""; 0]);
    // The same bytes in a place that counts.
    sample.file("/srv/test/key.pem", KEY);
    assert_eq!(sample.ids(KINDS), ["secret-private-key:/srv/test/key.pem high"]);
    assert!(concerns(&path("/usr/share/document")) && !concerns(&path("/usr/share/doc/a")));
}

#[test]
fn web_tokens_count_in_settings_only() {
    let token =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";
    let mut sample = Sample::default();
    sample.file("/opt/a/script.js", token).file("/opt/a/settings.json", token).file("/etc/a/token", token);
    sample.file("/root/.profile", token);
    assert_eq!(
        sample.ids(KINDS),
        [
            "secret-token:/etc/a/token high",
            "secret-token:/opt/a/settings.json high",
            "secret-token:/root/.profile high",
        ]
    );
}

#[test]
fn files_hold_credentials_by_their_name() {
    let cases: &[(&str, &str, &[usize])] = &[
        ("/root/.git-credentials", "https://me:pw@example.org\nhttps://me@example.org\n", &[1]),
        ("/root/.config/git/credentials", "https://example.org/a:b@c\n", &[]),
        ("/root/.netrc", "machine a login b\n  password c\n", &[2]),
        ("/root/.netrc", "machine a login b\n# password c\n", &[]),
        ("/root/.pgpass", "#a:b:c:d:e\nhost:5432:db:me:pw\nhost:5432:db:me:\n", &[2]),
        ("/root/.docker/config.json", "{\"auths\": {\"r.example\": {\"auth\": \"bWU6cHc=\"}}}", &[1]),
        ("/root/.docker/config.json", "{\n\"auths\": {},\n\"credsStore\": \"pass\"\n}", &[]),
        ("/root/.docker/config.json", "{\"auths\": {\"r.example\": {\"auth\": \"\"}}}", &[]),
        ("/root/.aws/credentials", "[default]\naws_access_key_id = A\naws_secret_access_key = s\n", &[3]),
        ("/root/.aws/credentials", "[default]\ncredential_process = a\n", &[]),
        (
            "/root/.config/gcloud/application_default_credentials.json",
            "{\n\"refresh_token\": \"1//x\"\n}",
            &[2],
        ),
        ("/root/.azure/accessTokens.json", "[{\"accessToken\": \"x\"}]", &[1]),
        ("/root/.kube/config", "users:\n- name: a\n  user:\n    token: abc\n", &[4]),
        ("/root/.kube/config", "users:\n- name: a\n  user:\n    exec:\n", &[]),
        ("/etc/kubernetes/admin.conf", "    client-key-data: LS0t\n", &[1]),
        ("/root/.npmrc", "//registry.example/:_authToken=x\nalways-auth=true\n", &[1]),
        ("/root/.npmrc", "//registry.example/:_authToken=${TOKEN}\n", &[]),
        ("/root/.pypirc", "[pypi]\nusername = __token__\npassword = x\n", &[3]),
        ("/root/.cargo/credentials.toml", "[registry]\ntoken = \"x\"\n", &[2]),
        ("/root/.config/gh/hosts.yml", "github.com:\n    oauth_token: x\n", &[2]),
    ];
    for (at, text, lines) in cases {
        assert_eq!(by_path(&path(at)).unwrap().lines(text), *lines, "{at} {text}");
        let mut sample = Sample::default();
        sample.file(at, text);
        let expected = if lines.is_empty() { vec![] } else { vec![format!("secret-credentials:{at} high")] };
        assert_eq!(sample.ids(KINDS), expected, "{at} {text}");
    }
    for at in ["/root/x.netrc", "/root/netrc", "/opt/config.json", "/root/config", "/etc/credentials"] {
        assert_eq!(by_path(&path(at)), None, "{at}");
    }
}

#[test]
fn who_may_log_in_is_noted() {
    let mut sample = Sample::default();
    sample.file("/root/.ssh/authorized_keys", "# us\nssh-ed25519 AAAA a\n\nssh-ed25519 AAAB b\n");
    sample.file("/etc/ssh/authorized_keys.d/root", "ssh-ed25519 AAAA a\n");
    sample.file("/home/a/.ssh/authorized_keys", "# nobody\n");
    let found = sample.findings(KINDS);
    let messages: Vec<_> = found.iter().map(|finding| finding.message.as_str()).collect();
    let expected = [
        "`/etc/ssh/authorized_keys.d/root` lets one key log in",
        "`/root/.ssh/authorized_keys` lets 2 keys log in",
    ];
    assert_eq!(messages, expected);
    assert_eq!(sample.ids(KINDS)[0], "authorized-keys:/etc/ssh/authorized_keys.d/root note");
}

proptest! {
    #[test]
    fn texts_never_panic(text in "((https://|@|:|password|auth|=|\"|token|\n|.){0,20})") {
        for named in [
            Named::GitCredentials,
            Named::Netrc,
            Named::PostgresPasswords,
            Named::DockerConfig,
            Named::KubeConfig,
            Named::NpmConfig,
        ] {
            let _ = named.lines(&text);
        }
    }
}
