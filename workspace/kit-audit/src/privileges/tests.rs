mod places;

use std::collections::BTreeSet;

use kit_recipe::container::CAPABILITIES;
use kit_recipe::{Architecture, Container};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Meta, Mode};
use serde_json::{Value, json};

use super::service::{Access, Namespace, Seccomp, Whose};
use super::*;
use crate::finding::Severity;
use crate::inventory::tests::sample::{Sample, name};

/// A root with files below `/containers`.
fn root(files: &[(&str, &[u8])]) -> (Tree, MemoryBlobs) {
    let (mut tree, blobs) = (Tree::new(), MemoryBlobs::new());
    for (path, content) in files {
        let path = format!("/containers/{path}").parse().unwrap();
        let blob = blobs.insert(content.to_vec());
        tree.insert_file(path, Mode::FILE, blob, content.len() as u64).unwrap();
    }
    (tree, blobs)
}

/// What kit writes for a container whose recipe says nothing.
fn usual() -> Value {
    serde_json::from_str(&kit_plan::runtime::config(&name("web"), &Container::default(), Architecture::USUAL))
        .unwrap()
}

/// Reads the service `web` of a configuration.
fn read(config: &Value, runtime: Option<&Value>) -> Service {
    let (config, runtime) = (config.to_string(), runtime.map(Value::to_string));
    let mut files = vec![("services/000-web/config.json", config.as_bytes())];
    files.extend(runtime.as_ref().map(|text| ("services/000-web/runtime.json", text.as_bytes())));
    let (tree, blobs) = root(&files);
    let privileges = Privileges::of(&tree, &blobs);
    assert_eq!(privileges.unreadable, []);
    privileges.service("web").unwrap().clone()
}

/// Changes one place of what kit writes.
fn with(pointer: &str, value: Value) -> Service {
    let mut config = usual();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap()[key] = value;
    read(&config, None)
}

/// What is found, as `kind what severity`; that it runs as root is left out.
fn found(service: &Service) -> Vec<String> {
    let all = differences(service);
    let shown = all.iter().filter(|difference| difference.what != "root");
    shown.map(|d| format!("{} {} {}", d.kind.id, d.what, d.severity)).collect()
}

#[test]
fn the_least_is_nothing_but_root_without_capabilities() {
    let service = read(&usual(), None);
    let kinds: Vec<_> = differences(&service).iter().map(|difference| difference.kind.id).collect();
    assert_eq!(kinds, ["privilege-root-user"]);
    assert_eq!(service.seccomp, Seccomp::Default);
    let row = Row::of(&service);
    assert_eq!(row.cells(), ["web", "root", "", "", "", "", "", "", "", "", "", "", ""]);
    assert_eq!(Row::HEADINGS.len(), row.cells().len());
    let mut config = usual();
    config["process"]["user"] = json!({ "uid": 100, "gid": 101, "additionalGids": [4] });
    let service = read(&config, None);
    assert_eq!(differences(&service), []);
    assert_eq!(Row::of(&service).user, "100:101 +4");
}

#[test]
fn each_privilege_is_found() {
    let mount = |source: &str, options: &[&str]| json!([{ "destination": "/x", "type": "bind", "source": source, "options": options }]);
    let namespaces =
        |kept: &[&str]| json!(kept.iter().map(|kind| json!({ "type": kind })).collect::<Vec<_>>());
    let capabilities = |names: &[&str]| json!({ "bounding": names });
    for (pointer, value, expected) in [
        (
            "/process/capabilities",
            capabilities(&["CAP_SYS_ADMIN"]),
            "privilege-capability CAP_SYS_ADMIN high",
        ),
        ("/process/capabilities", capabilities(&["CAP_LEASE"]), "privilege-capability CAP_LEASE note"),
        ("/process/capabilities", capabilities(&["CAP_NEW"]), "privilege-capability CAP_NEW high"),
        ("/process/noNewPrivileges", json!(false), "privilege-new-privileges new-privileges low"),
        ("/root/readonly", json!(false), "privilege-writable-root / low"),
        ("/root", json!(null), "privilege-writable-root / low"),
        (
            "/linux/namespaces",
            namespaces(&["mount", "cgroup", "pid", "ipc", "uts"]),
            "privilege-host-namespace net medium",
        ),
        (
            "/linux/namespaces",
            namespaces(&["mount", "cgroup", "network", "ipc", "uts"]),
            "privilege-host-namespace pid high",
        ),
        (
            "/linux/namespaces",
            namespaces(&["cgroup", "network", "ipc", "uts", "pid"]),
            "privilege-host-namespace mount high",
        ),
        ("/mounts", mount("/", &["rw"]), "privilege-host-mount / critical"),
        ("/mounts", mount("/etc/", &["rbind", "ro"]), "privilege-host-mount /etc/ low"),
        ("/mounts", mount("/etc", &["ro", "rw"]), "privilege-host-mount /etc high"),
        ("/mounts", mount("/run/kit", &["ro"]), "privilege-host-mount /run/kit high"),
        ("/mounts", mount("/run/docker.sock", &["ro"]), "privilege-host-mount /run/docker.sock high"),
        ("/mounts", mount("/dev", &["ro"]), "privilege-host-mount /dev high"),
        ("/mounts", mount("/dev", &["ro", "nodev"]), "privilege-host-mount /dev low"),
        ("/mounts", mount("/srv", &[]), "privilege-host-mount /srv low"),
        ("/linux/rootfsPropagation", json!("rshared"), "privilege-mount-propagation / medium"),
        ("/linux/seccomp", json!(null), "privilege-no-seccomp seccomp medium"),
        (
            "/linux/seccomp",
            json!({ "defaultAction": "SCMP_ACT_ALLOW" }),
            "privilege-no-seccomp seccomp medium",
        ),
        (
            "/linux/devices",
            json!([{ "path": "/dev/kvm", "type": "c", "major": 10, "minor": 232 }]),
            "privilege-device /dev/kvm low",
        ),
        (
            "/linux/devices",
            json!([{ "path": "/dev/mem", "type": "c", "major": 1, "minor": 1 }]),
            "privilege-device /dev/mem high",
        ),
        (
            "/linux/devices",
            json!([{ "path": "/dev/sda", "type": "b", "major": 8, "minor": 0 }]),
            "privilege-device /dev/sda high",
        ),
        (
            "/linux/resources",
            json!({ "devices": [{ "allow": true, "type": "a" }] }),
            "privilege-device a * high",
        ),
        (
            "/linux/resources",
            json!({ "devices": [{ "allow": true, "type": "c", "major": 10 }] }),
            "privilege-device c 10:* medium",
        ),
    ] {
        assert_eq!(found(&with(pointer, value.clone())), [expected], "{pointer} {value}");
    }
}

#[test]
fn what_is_harmless_is_not_found() {
    let mount = |kind: &str, source: &str, options: &[&str]| json!([{ "destination": "/x", "type": kind, "source": source, "options": options }]);
    for (pointer, value) in [
        ("/mounts", mount("bind", "/run/kit/volumes/data", &["rw"])),
        ("/mounts", mount("bind", "/containers/volumes/data", &["ro"])),
        ("/mounts", mount("bind", "/etc/resolv.conf", &["ro"])),
        ("/mounts", mount("tmpfs", "tmpfs", &[])),
        ("/mounts", mount("sysfs", "sysfs", &["ro"])),
        ("/linux/rootfsPropagation", json!("slave")),
        ("/linux/devices", json!([{ "path": "/dev/null", "type": "c", "major": 1, "minor": 3 }])),
        ("/linux/devices", json!([{ "path": "/run/pipe", "type": "p" }])),
        ("/linux/resources", json!({ "devices": [{ "allow": false, "access": "rwm" }] })),
        ("/linux/resources", json!({ "devices": [{ "allow": true, "type": "b", "access": "m" }] })),
        ("/annotations", json!({ "x": "y" })),
        ("/hooks", json!({ "unknown": [{}] })),
    ] {
        assert_eq!(found(&with(pointer, value.clone())), [""; 0], "{pointer} {value}");
    }
}

#[test]
fn a_node_that_is_allowed_too_is_told_once() {
    let mut config = usual();
    config["linux"]["devices"] = json!([{ "path": "/dev/kvm", "type": "c", "major": 10, "minor": 232 }]);
    config["linux"]["resources"] = json!({ "devices": [
        { "allow": false, "access": "rwm" },
        { "allow": true, "type": "c", "major": 10, "minor": 232, "access": "rw" },
        { "allow": true, "type": "c", "major": 10, "minor": 200, "access": "rw" },
    ] });
    let service = read(&config, None);
    assert_eq!(found(&service), ["privilege-device /dev/kvm low", "privilege-device c 10:200 low"]);
}

#[test]
fn namespaces_of_its_own_keep_capabilities_small() {
    let mut config = usual();
    config["process"]["capabilities"] = json!({ "bounding": ["CAP_NET_ADMIN", "CAP_SYS_PTRACE"] });
    let own = read(&config, None);
    assert_eq!(
        found(&own),
        ["privilege-capability CAP_NET_ADMIN medium", "privilege-capability CAP_SYS_PTRACE medium"]
    );
    let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "network");
    let shared = read(&config, None);
    assert!(found(&shared).contains(&"privilege-capability CAP_NET_ADMIN high".to_owned()));
    config["linux"]["namespaces"].as_array_mut().unwrap().push(json!({ "type": "user" }));
    let user = read(&config, None);
    assert!(found(&user).contains(&"privilege-capability CAP_NET_ADMIN medium".to_owned()));
    assert!(
        differences(&user).iter().all(|difference| difference.what != "root"),
        "its root is nobody outside"
    );
}

#[test]
fn modes_of_files_keep_out_whoever_is_not_root() {
    let of = |source: &str, user: u32, capabilities: &[&str]| {
        let mut config = usual();
        config["process"]["user"] = json!({ "uid": user, "gid": user });
        config["process"]["capabilities"] = json!({ "bounding": capabilities });
        config["mounts"] =
            json!([{ "destination": "/x", "type": "bind", "source": source, "options": ["rw"] }]);
        let all = differences(&read(&config, None));
        let mount = all.iter().find(|difference| difference.kind.id == "privilege-host-mount");
        mount.map(|difference| difference.severity)
    };
    assert_eq!(of("/etc", 0, &[]), Some(Severity::High));
    assert_eq!(of("/etc", 100, &[]), Some(Severity::Medium));
    assert_eq!(of("/etc", 100, &["CAP_DAC_OVERRIDE"]), Some(Severity::High));
    assert_eq!(of("/run/kit", 0, &[]), Some(Severity::High));
    assert_eq!(of("/run/kit", 100, &[]), Some(Severity::Low));
    assert_eq!(of("/run/kit/volumes/data", 0, &[]), None);
}

#[test]
fn kept_namespaces_are_told_from_the_machines() {
    let namespaces = json!([
        { "type": "mount" }, { "type": "cgroup" }, { "type": "ipc" }, { "type": "uts" }, { "type": "time" },
        { "type": "pid", "path": "/proc/1/ns/pid" }, { "type": "network", "path": "/run/netns/web" },
    ]);
    let service = with("/linux/namespaces", namespaces);
    assert_eq!(service.whose(Namespace::Net), &Whose::Kept("/run/netns/web".to_owned()));
    assert_eq!(found(&service), ["privilege-host-namespace net low", "privilege-host-namespace pid high"]);
    assert_eq!(Row::of(&service).namespaces, "net=/run/netns/web pid");
}

#[test]
fn every_capability_has_its_danger() {
    let names: Vec<_> = capability::DANGERS.iter().map(|danger| danger.name).collect();
    assert_eq!(names, CAPABILITIES);
    let all = with("/process/capabilities", json!({ "permitted": CAPABILITIES.to_vec() }));
    assert_eq!(found(&all), ["privilege-capability all high"]);
    assert_eq!(Row::of(&all).capabilities, "all");
}

#[test]
fn profiles_are_held_against_the_usual_one() {
    let mut config = usual();
    config["process"]["capabilities"] = json!({ "bounding": ["CAP_SYS_TIME"] });
    assert!(matches!(read(&config, None).seccomp, Seccomp::Own { .. }), "a capability brings calls");
    let profile = kit_plan::seccomp::profile(["CAP_SYS_TIME"].into_iter(), None, Architecture::USUAL);
    config["linux"]["seccomp"] = profile;
    assert_eq!(read(&config, None).seccomp, Seccomp::Default);
    let calls = usual()["linux"]["seccomp"]["syscalls"][0]["names"].as_array().unwrap().clone();
    let rule = |names: Value| json!([{ "names": names, "action": "SCMP_ACT_ALLOW" }]);
    let of = |names: Value| with("/linux/seccomp/syscalls", rule(names));
    let few = of(json!(["read", "write"]));
    assert!(matches!(&few.seccomp, Seccomp::Own { more, fewer } if more.is_empty() && *fewer > 100));
    assert_eq!(found(&few), [""; 0]);
    let mut more = calls.clone();
    more.push(json!("sethostname"));
    assert_eq!(found(&of(json!(more))), ["privilege-seccomp seccomp low"]);
    more.push(json!("mount"));
    let service = of(json!(more));
    assert_eq!(found(&service), ["privilege-seccomp seccomp medium"]);
    assert_eq!(Row::of(&service).seccomp, "+2 -2");
    // The usual profile looks at the arguments of `socket`; one that doesn't allows more.
    more = calls;
    more.push(json!("socket"));
    assert!(matches!(of(json!(more)).seccomp, Seccomp::Own { more, .. } if more == ["socket"]));
}

#[test]
fn what_is_no_longer_hidden_is_found_unless_it_is_bound() {
    let masked = usual()["linux"]["maskedPaths"].as_array().unwrap().clone();
    let without: Vec<_> = masked.iter().filter(|path| **path != "/proc/kcore").cloned().collect();
    let service = with("/linux/maskedPaths", json!(without));
    assert_eq!(found(&service), ["privilege-exposed-path /proc/kcore medium"]);
    let service = with("/linux/readonlyPaths", json!(["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"]));
    assert_eq!(found(&service), ["privilege-exposed-path /proc/sysrq-trigger medium"]);
    let mut config = usual();
    config["linux"]["maskedPaths"] = json!(without);
    config["mounts"] =
        json!([{ "destination": "/proc/kcore", "type": "bind", "source": "/proc/kcore", "options": ["ro"] }]);
    assert_eq!(found(&read(&config, None)), ["privilege-host-mount /proc/kcore medium"]);
}

#[test]
fn the_table_has_all_of_it() {
    let mut config = usual();
    config["process"]["capabilities"] = json!({ "bounding": ["CAP_KILL"], "ambient": ["CAP_CHOWN"] });
    config["process"]["apparmorProfile"] = json!("web");
    config["process"]["noNewPrivileges"] = json!(false);
    config["process"]["rlimits"] = json!([{ "type": "RLIMIT_NOFILE", "soft": 10, "hard": u64::MAX }]);
    config["root"]["readonly"] = json!(false);
    config["linux"]["resources"] = json!({
        "memory": { "limit": 1024 }, "pids": { "limit": -1 }, "unified": { "cpu.weight": "50" },
    });
    config["mounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "destination": "/data", "type": "bind", "source": "/srv", "options": ["ro"] }));
    let runtime = json!({
        "restart": { "policy": "always" }, "landlock": { "read": ["/etc"] }, "mkdir": ["/run/web"],
        "bindNamespaces": { "net": "/run/netns/web" }, "ready": { "port": 80 },
    });
    let service = read(&config, Some(&runtime));
    let row = Row::of(&service);
    assert_eq!(
        row.cells(),
        [
            "web",
            "root",
            "CHOWN KILL",
            "",
            "/srv:/data:ro",
            "",
            "writable",
            "",
            "yes",
            "web",
            "new-privileges",
            "memory=1024 cpu.weight=50 rlimit_nofile=10:unlimited",
            "always",
        ]
    );
    assert_eq!(
        service.around,
        ["makes the directory `/run/web`", "keeps its namespace `net` at `/run/netns/web`"]
    );
    assert_eq!(service.mounts.last().unwrap().access, Access::ReadOnly);
    assert_eq!(service.landlock.unwrap()["read"], ["/etc"]);
}

#[test]
fn containers_are_in_the_order_in_which_they_run() {
    let text = usual().to_string();
    let (tree, blobs) = root(&[
        ("services/001-b/config.json", text.as_bytes()),
        ("services/000-a/config.json", text.as_bytes()),
        ("services/000-a/rootfs/containers/services/000-x/config.json", b"{"),
        ("onshutdown/000-z/config.json", text.as_bytes()),
        ("onboot/000-y/config.json", text.as_bytes()),
        ("volumes/data/config.json", b"{"),
    ]);
    let privileges = Privileges::of(&tree, &blobs);
    let names: Vec<_> = privileges.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["y", "a", "b", "z"]);
    assert_eq!(privileges.unreadable, []);
    assert_eq!(privileges.services[0].class, Class::Onboot);
    assert_eq!(privileges.rows().len(), 4);
}

#[test]
fn what_cannot_be_read_is_a_finding() {
    let text = usual().to_string();
    let twice = "{\"process\":{\"user\":{\"uid\":0,\"uid\":1}}}";
    let deep = format!("{{\"mounts\":{}", "[".repeat(10_000));
    let namespaces = r#"{"linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}}"#;
    let (mut tree, blobs) = root(&[
        ("services/000-broken/config.json", b"{"),
        (
            "services/001-utf8/config.json",
            b"{\"root\":{\"path\":\"\xff\"},\"process\":{\"args\":[\"\xff\"]}}",
        ),
        ("services/002-twice/config.json", twice.as_bytes()),
        ("services/003-deep/config.json", deep.as_bytes()),
        ("services/004-huge/config.json", br#"{"process":{"user":{"uid":99999999999}}}"#),
        ("services/005-empty/rootfs/x", b""),
        ("services/006-runtime/config.json", text.as_bytes()),
        ("services/006-runtime/runtime.json", br#"{"restart":7}"#),
        ("services/007-namespaces/config.json", namespaces.as_bytes()),
        ("services/nameless/config.json", text.as_bytes()),
        ("services/009-file", b""),
    ]);
    let large = Entry::File { meta: Meta::root(Mode::FILE), blob: blobs.insert(Vec::new()), size: u64::MAX };
    tree.insert("/containers/services/010-large".parse().unwrap(), Entry::directory()).unwrap();
    tree.insert("/containers/services/010-large/config.json".parse().unwrap(), large).unwrap();
    let privileges = Privileges::of(&tree, &blobs);
    assert_eq!(privileges.services, []);
    let findings = privileges.findings(None);
    let ids: BTreeSet<_> = findings.iter().map(Finding::id).collect();
    let expected = [
        "privilege-unreadable:broken config.json",
        "privilege-unreadable:deep config.json",
        "privilege-unreadable:empty config.json",
        "privilege-unreadable:file 009-file",
        "privilege-unreadable:huge config.json",
        "privilege-unreadable:large config.json",
        "privilege-unreadable:nameless nameless",
        "privilege-unreadable:namespaces config.json",
        "privilege-unreadable:runtime runtime.json",
        "privilege-unreadable:twice config.json",
        "privilege-unreadable:utf8 config.json",
    ];
    assert_eq!(ids, expected.iter().map(|id| (*id).to_owned()).collect());
    assert!(findings.iter().all(|finding| finding.severity == Severity::High));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(config: Vec<u8>, runtime in "\\{\"(restart|landlock|mounts)\":[\\[\\]{}0-9a-z\",:]{0,20}\\}") {
        let (tree, blobs) = root(&[
            ("services/000-web/config.json", &config),
            ("services/001-b/config.json", usual().to_string().as_bytes()),
            ("services/001-b/runtime.json", runtime.as_bytes()),
        ]);
        let privileges = Privileges::of(&tree, &blobs);
        privileges.findings(None);
        proptest::prop_assert_eq!(privileges.services.len() + privileges.unreadable.len(), 2);
    }
}

#[test]
fn every_kind_is_told_from_the_others() {
    let ids: BTreeSet<_> = KINDS.iter().map(|kind| kind.id).collect();
    assert_eq!(ids.len(), KINDS.len());
    assert!(KINDS.iter().all(|kind| kind.area == crate::finding::Area::Privileges));
}

#[test]
fn an_image_whose_program_runs_as_root_is_told() {
    for user in [None, Some(""), Some("0"), Some("root"), Some("0:0"), Some("root:staff")] {
        assert_eq!(
            of_user(user).map(|finding| finding.id()).as_deref(),
            Some("privilege-root-user:image"),
            "{user:?}"
        );
    }
    for user in ["1000", "web", "web:0"] {
        assert_eq!(of_user(Some(user)), None, "{user}");
    }
}
