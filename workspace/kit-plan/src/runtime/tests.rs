use kit_recipe::Spanned;
use kit_recipe::container::Capability;

use super::*;

fn parsed(container: &Container) -> Value {
    serde_json::from_str(&config(&"web".parse().unwrap(), container)).unwrap()
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
fn what_is_bound_in_on_purpose_is_not_hidden_again() {
    let bind = Bind {
        source: "/proc/sys".to_owned(),
        destination: "/proc/sys".to_owned(),
        options: vec!["rw".to_owned()],
    };
    let container = Container { binds: Some(vec![Spanned::new(bind, 0..0)]), ..with_command() };
    let config = parsed(&container);
    assert!(!config["linux"]["readonlyPaths"].as_array().unwrap().contains(&json!("/proc/sys")));
    let mount = config["mounts"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(mount["options"], json!(["rw", "rbind"]));
    assert_eq!(mount_points(&container)[0].to_string(), "/proc/sys");
}

#[test]
fn capabilities_bring_their_calls_and_stay_with_other_users() {
    let admin = Capability::new("CAP_SYS_TIME").unwrap();
    let container =
        Container { capabilities: Some(vec![Spanned::new(admin, 0..0)]), uid: Some(100), ..with_command() };
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
    assert_eq!(config["annotations"][RESTART_ANNOTATION], "always");
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
