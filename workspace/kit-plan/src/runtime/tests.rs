use kit_recipe::container::{
    BindSource, Failure, IdMap, Interface, Landlock, Probe, Ready, Restart, Runtime, SeccompBase,
    SeccompRules,
};
use kit_recipe::{Architecture, Spanned};

use super::*;

fn parsed(container: &Container) -> Value {
    serde_json::from_str(&config(&"web".parse().unwrap(), container, Architecture::USUAL)).unwrap()
}

fn with_command() -> Container {
    Container { command: Some(vec!["/bin/web".to_owned()]), ..Container::default() }
}

#[test]
fn nothing_said_is_least_privilege() {
    let config = parsed(&with_command());
    assert_eq!(config["process"]["noNewPrivileges"], true);
    for set in ["bounding", "effective", "permitted", "inheritable", "ambient"] {
        assert_eq!(config["process"]["capabilities"][set], json!([]), "{set}");
    }
    assert_eq!(config["root"], json!({ "path": "rootfs", "readonly": true }));
    let kinds: Vec<_> = config["linux"]["namespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["mount", "cgroup", "pid", "network", "ipc", "uts"]);
    assert_eq!(config["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
    assert!(config["linux"]["maskedPaths"].as_array().unwrap().contains(&json!("/proc/kcore")));
    assert!(config["linux"]["readonlyPaths"].as_array().unwrap().contains(&json!("/proc/sys")));
    assert_eq!(config["hostname"], "web");
    assert_eq!(config.get("annotations"), None);
}

#[test]
fn the_filter_is_for_the_processors_of_the_image() {
    let words = |architecture| {
        let text = config(&"web".parse().unwrap(), &with_command(), architecture);
        serde_json::from_str::<Value>(&text).unwrap()["linux"]["seccomp"]["architectures"].clone()
    };
    assert_eq!(words(Architecture::Amd64), json!(["SCMP_ARCH_X86_64"]));
    assert_eq!(words(Architecture::Arm64), json!(["SCMP_ARCH_AARCH64"]));
}

#[test]
fn what_is_bound_in_on_purpose_is_not_hidden_again() {
    let bind = Bind {
        source: BindSource::Path("/proc/sys".to_owned()),
        destination: "/proc/sys".to_owned(),
        options: vec!["rw".to_owned()],
    };
    let container = Container { binds: Some(vec![Spanned::new(bind, 0..0)]), ..with_command() };
    let config = parsed(&container);
    assert!(!config["linux"]["readonlyPaths"].as_array().unwrap().contains(&json!("/proc/sys")));
    let mount = config["mounts"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(mount["options"], json!(["rw", "rbind"]));
    // It is there once `/proc` is mounted.
    assert_eq!(mount_points(&container), []);
}

#[test]
fn capabilities_bring_their_calls_and_stay_with_other_users() {
    let admin = Capability::new("CAP_SYS_TIME").unwrap();
    let container = Container {
        capabilities: Some(vec![Spanned::new(admin, 0..0)]),
        uid: Some(Spanned::new(Id::Number(100), 0..0)),
        ..with_command()
    };
    let config = parsed(&container);
    for set in ["bounding", "effective", "permitted", "inheritable", "ambient"] {
        assert_eq!(config["process"]["capabilities"][set], json!(["CAP_SYS_TIME"]), "{set}");
    }
    let allowed = &config["linux"]["seccomp"]["syscalls"][0]["names"];
    assert!(allowed.as_array().unwrap().contains(&json!("clock_settime")));
    assert!(!allowed.as_array().unwrap().contains(&json!("mount")));
    let default = parsed(&with_command());
    let calls = default["linux"]["seccomp"]["syscalls"][0]["names"].as_array().unwrap().clone();
    for call in ["mount", "unshare", "bpf", "ptrace", "keyctl", "reboot", "init_module", "clock_settime"] {
        assert!(!calls.contains(&json!(call)), "{call}");
    }
}

#[test]
fn host_namespaces_and_unfiltered_calls_are_as_asked() {
    let container = Container {
        net: Some(Namespace::Host),
        uts: Some(Namespace::Host),
        seccomp: Some(Seccomp::Unconfined),
        readonly: Some(false),
        restart: Some(Restart::Always),
        memory: Some(1 << 20),
        processes: Some(10),
        ..with_command()
    };
    let config = parsed(&container);
    let shown = config.to_string();
    assert!(!shown.contains("\"network\"") && !shown.contains("\"uts\"") && !shown.contains("seccomp"));
    assert_eq!(config.get("hostname"), None);
    assert_eq!(config["root"]["readonly"], false);
    let service: Value = serde_json::from_str(&service::text(&container).unwrap()).unwrap();
    assert_eq!(service, json!({ "restart": { "policy": "always" } }));
    assert_eq!(
        config["linux"]["resources"],
        json!({ "memory": { "limit": 1 << 20 }, "pids": { "limit": 10 } })
    );
}

#[test]
fn the_environment_always_has_a_path() {
    assert_eq!(environment(&Container::default()), [PATH]);
    let env = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
    assert_eq!(environment(&Container { env: Some(env), ..Container::default() }), ["PATH=/bin"]);
}

#[test]
fn every_key_has_its_field() {
    let map = |host| Some(vec![IdMap { container: 0, host, size: 10 }]);
    let container = Container {
        ambient: Some(vec![]),
        no_new_privileges: Some(false),
        oom_score_adj: Some(-5),
        rlimits: Some(BTreeMap::from([("nofile".to_owned(), Rlimit { soft: 1, hard: u64::MAX })])),
        net: Some(Namespace::Path("/run/netns/a".to_owned())),
        pid: Some(Namespace::Path("/run/pid/a".to_owned())),
        user: Some(Namespace::New),
        uid_map: map(100_000),
        gid_map: map(200_000),
        masked_paths: Some(vec![]),
        readonly_paths: Some(vec!["/proc/sys".to_owned()]),
        root_propagation: Some("rshared".to_owned()),
        cgroups_path: Some("/web".to_owned()),
        resources: Some(BTreeMap::from([("cpu.weight".to_owned(), "7".to_owned())])),
        apparmor: Some("web".to_owned()),
        annotations: Some(BTreeMap::from([("a".to_owned(), "b".to_owned())])),
        ..with_command()
    };
    let config = parsed(&container);
    assert_eq!(config["process"]["noNewPrivileges"], false);
    assert_eq!(config["process"]["oomScoreAdj"], -5);
    assert_eq!(config["process"]["apparmorProfile"], "web");
    let limit = json!({ "type": "RLIMIT_NOFILE", "soft": 1, "hard": u64::MAX });
    assert_eq!(config["process"]["rlimits"], json!([limit]));
    let linux = &config["linux"];
    let spaces = linux["namespaces"].as_array().unwrap();
    assert!(spaces.contains(&json!({ "type": "network", "path": "/run/netns/a" })), "{spaces:?}");
    assert!(spaces.contains(&json!({ "type": "pid", "path": "/run/pid/a" })), "{spaces:?}");
    assert!(spaces.contains(&json!({ "type": "user" })), "{spaces:?}");
    assert_eq!(linux["uidMappings"], json!([{ "containerID": 0, "hostID": 100_000, "size": 10 }]));
    assert_eq!(linux["gidMappings"][0]["hostID"], 200_000);
    assert_eq!(linux["maskedPaths"], json!([]));
    assert_eq!(linux["readonlyPaths"], json!(["/proc/sys"]));
    assert_eq!(linux["rootfsPropagation"], "rshared");
    assert_eq!(linux["cgroupsPath"], "/web");
    assert_eq!(linux["resources"], json!({ "unified": { "cpu.weight": "7" } }));
    assert_eq!(config["annotations"], json!({ "a": "b" }));
}

#[test]
fn a_namespace_at_a_path_is_as_its_maker_left_it() {
    let at = |path: &str| Some(Namespace::Path(path.to_owned()));
    let mut container = Container {
        user: at("/run/user/a"),
        uts: at("/run/uts/a"),
        uid_map: Some(vec![IdMap { container: 0, host: 1, size: 1 }]),
        ..with_command()
    };
    let config = parsed(&container);
    let spaces = config["linux"]["namespaces"].as_array().unwrap();
    assert!(spaces.contains(&json!({ "type": "user", "path": "/run/user/a" })), "{spaces:?}");
    assert_eq!((config["linux"].get("uidMappings"), config.get("hostname")), (None, None));
    container.hostname = Some("other".to_owned());
    assert_eq!(parsed(&container)["hostname"], "other");
}

#[test]
fn what_can_open_devices_is_told_which_ones() {
    let device = Device {
        path: Some("/dev/kvm".to_owned()),
        kind: DeviceKind::Character,
        major: Some(10),
        minor: Some(232),
        mode: 0o660,
        uid: 0,
        gid: 36,
        access: "rw".to_owned(),
    };
    let all = Device { path: None, kind: DeviceKind::Block, major: None, minor: None, ..device.clone() };
    let mut container = Container { devices: Some(vec![device, all]), ..with_command() };
    let config = parsed(&container);
    let node = json!({ "path": "/dev/kvm", "type": "c", "major": 10, "minor": 232, "fileMode": 0o660, "uid": 0, "gid": 36 });
    assert_eq!(config["linux"]["devices"], json!([node]));
    assert_eq!(config["linux"].get("resources"), None);
    container.capabilities = Some(vec![Spanned::new(Capability::new("CAP_MKNOD").unwrap(), 0..0)]);
    let rules = json!([
        { "allow": false, "access": "rwm" },
        { "allow": true, "type": "c", "major": 10, "minor": 232, "access": "rw" },
        { "allow": true, "type": "b", "access": "rw" },
    ]);
    assert_eq!(parsed(&container)["linux"]["resources"]["devices"], rules);
}

#[test]
fn a_profile_of_its_own_allows_and_refuses() {
    let own = |base, allow: &[&str], deny: &[&str]| {
        let texts = |list: &[&str]| list.iter().map(|call| (*call).to_owned()).collect();
        let rules = SeccompRules { base, allow: texts(allow), deny: texts(deny) };
        parsed(&Container { seccomp: Some(Seccomp::Own(rules)), ..with_command() })["linux"]["seccomp"]
            .clone()
    };
    let names = |profile: &Value| profile["syscalls"][0]["names"].as_array().unwrap().clone();
    let profile = own(SeccompBase::Default, &["keyctl"], &["mkdir", "socket"]);
    assert!(names(&profile).contains(&json!("keyctl")) && names(&profile).contains(&json!("read")));
    assert!(!profile.to_string().contains("\"mkdir\"") && !profile.to_string().contains("\"socket\""));
    let profile = own(SeccompBase::None, &["read", "exit_group"], &[]);
    assert_eq!(profile["syscalls"], json!([{ "names": ["exit_group", "read"], "action": "SCMP_ACT_ALLOW" }]));
}

#[test]
fn what_oci_has_no_field_for_is_in_a_document_of_its_own() {
    let name = |name: &str| Spanned::new(name.parse().unwrap(), 0..0);
    let runtime = Runtime {
        cgroups: vec!["/web".to_owned()],
        mkdir: vec!["/run/web".to_owned(), "srv/data".to_owned()],
        mounts: vec![Mount {
            destination: "/var/web".to_owned(),
            kind: "tmpfs".to_owned(),
            source: "tmpfs".to_owned(),
            options: vec!["size=1m".to_owned()],
        }],
        interfaces: vec![Interface {
            name: "wg0".to_owned(),
            add: Some("wireguard".to_owned()),
            peer: None,
            create_in_root: true,
        }],
        bind_namespaces: BTreeMap::from([("net".to_owned(), "/run/netns/web".to_owned())]),
    };
    let container = Container {
        restart: Some(Restart::OnFailure),
        restart_wait: Some(500),
        restart_limit: Some(3),
        on_failure: Some(Failure::Stop),
        after: Some(vec![name("log")]),
        requires: Some(vec![name("data")]),
        ready: Some(Ready { probe: Probe::Port(80), interval: None, timeout: Some(1000) }),
        stop_signal: Some("SIGINT".to_owned()),
        landlock: Some(Landlock { read: vec!["/usr".to_owned()], ..Landlock::default() }),
        runtime: Some(runtime),
        ..with_command()
    };
    let service: Value = serde_json::from_str(&service::text(&container).unwrap()).unwrap();
    let expected = json!({
        "restart": { "policy": "on-failure", "wait": 500, "limit": 3 },
        "onFailure": "stop",
        "after": ["log"],
        "requires": ["data"],
        "ready": { "port": 80, "timeout": 1000 },
        "stop": { "signal": "SIGINT" },
        "landlock": { "read": ["/usr"], "write": [], "execute": [] },
        "cgroups": ["/web"],
        "mkdir": ["/run/web"],
        "mounts": [{ "destination": "/var/web", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"] }],
        "interfaces": [{ "name": "wg0", "add": "wireguard", "createInRoot": true }],
        "bindNamespaces": { "net": "/run/netns/web" },
    });
    assert_eq!(service, expected);
    assert_eq!(mount_points(&container)[0].to_string(), "/srv/data");
    assert_eq!(service::text(&with_command()), None);
}
