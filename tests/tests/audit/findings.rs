//! Each kind of finding: where it is, it is found; where it isn't, it is not.

use kit_tests::TestProject;

/// An image of nothing but what recipes add: its `[tree]`, and keys of its one service.
fn audit(additions: &str, service: &str) -> Vec<String> {
    let project = TestProject::with_own_store();
    let image = format!(
        "[image]\nname = \"bare\"\nformats = [\"tar\"]\n[init]\npackages = [\"base\"]\n[[service]]\nname = \"web\"\npackage = \"web\"\n\
         command = [\"/web\"]\nuid = 1000\n{service}\n"
    );
    project.write("recipes/images/bare.toml", &image);
    let base = format!(
        "[package]\nname = \"base\"\nlicense = \"MIT\"\n[[file]]\npath = \"/init\"\ncontents = \"x\"\nmode = \"0755\"\n{additions}\n"
    );
    project.write("recipes/packages/base.toml", &base);
    let web = "[package]\nname = \"web\"\nlicense = \"MIT\"\n[[file]]\npath = \"/web\"\ncontents = \"x\"\nmode = \"0755\"\n\
               [[user]]\nname = \"web\"\nuid = 1000\n";
    project.write("recipes/packages/web.toml", web);
    project.kit(&["lock", "bare"]).succeeded();
    let said = project.kit(&["audit", "bare", "--json"]).succeeded();
    let report = super::result(&said);
    let findings = report["findings"].as_array().expect("a list").clone();
    findings
        .iter()
        .map(|finding: &serde_json::Value| finding["id"].as_str().expect("an identifier").to_owned())
        .collect()
}

fn file(path: &str, contents: &str, rest: &str) -> String {
    format!("[[file]]\npath = \"{path}\"\ncontents = '''\n{contents}'''\n{rest}\n")
}

#[test]
fn what_files_leave_open_is_found() {
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
    let table = [
        ("file-set-uid:/usr/bin/su", file("/usr/bin/su", "x", "mode = \"4755\"")),
        ("file-set-gid:/usr/bin/wall", file("/usr/bin/wall", "x", "mode = \"2755\"")),
        ("file-world-writable:/etc/open", file("/etc/open", "x", "mode = \"0666\"")),
        (
            "directory-world-writable:/srv/all",
            "[[directory]]\npath = \"/srv/all\"\nmode = \"0777\"\n".to_owned(),
        ),
        ("file-writable-program:/usr/bin/tool", file("/usr/bin/tool", "x", "mode = \"0755\"\nuid = 1000")),
        ("secret-private-key:/etc/tls.key", file("/etc/tls.key", KEY, "")),
        ("secret-ssh-host-key:/etc/ssh/ssh_host_ed25519_key", file("/etc/ssh/ssh_host_ed25519_key", KEY, "")),
        ("secret-credentials:/root/.netrc", file("/root/.netrc", "machine a login b password c\n", "")),
        ("password-empty:/etc/shadow", file("/etc/shadow", "root::19000:0:99999:7:::\n", "mode = \"0600\"")),
        (
            "authorized-keys:/root/.ssh/authorized_keys",
            file("/root/.ssh/authorized_keys", "ssh-ed25519 AAAA a@b\n", ""),
        ),
        ("package-manager-present:/", file("/usr/bin/apt", "x", "mode = \"0755\"")),
        ("shell-present:/", file("/usr/bin/bash", "x", "mode = \"0755\"")),
        ("debugger-present:/", file("/usr/bin/gdb", "x", "mode = \"0755\"")),
        ("compiler-present:/", file("/usr/bin/gcc", "x", "mode = \"0755\"")),
    ];
    let nothing = audit("", "");
    for (id, _) in &table {
        let kind = id.split(':').next().expect("a kind");
        assert!(!nothing.iter().any(|found| found.starts_with(kind)), "{id}: {nothing:#?}");
    }
    let all: String = table.iter().map(|(_, addition)| addition.as_str()).collect();
    let found = audit(&all, "");
    for (id, _) in &table {
        assert!(found.iter().any(|found| found.starts_with(id)), "no {id} in {found:#?}");
    }
}

#[test]
fn what_services_may_do_beyond_the_least_is_found() {
    let table = [
        ("privilege-capability:web CAP_SYS_ADMIN", "capabilities = [\"CAP_SYS_ADMIN\"]"),
        ("privilege-host-namespace:web net", "net = \"host\""),
        ("privilege-host-namespace:web pid", "pid = \"host\""),
        ("privilege-host-mount:web", "binds = [\"/etc:/machine\"]"),
        ("privilege-writable-root:web", "readonly = false"),
        ("privilege-new-privileges:web", "no-new-privileges = false"),
        ("privilege-no-seccomp:web", "seccomp = \"unconfined\""),
    ];
    let nothing = audit("", "");
    assert!(!nothing.iter().any(|found| found.starts_with("privilege-")), "{nothing:#?}");
    let keys: Vec<_> = table.iter().map(|(_, key)| *key).collect();
    let found = audit("", &keys.join("\n"));
    for (id, _) in table {
        assert!(found.iter().any(|found| found.starts_with(id)), "no {id} in {found:#?}");
    }
}
