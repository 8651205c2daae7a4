use super::*;
use crate::sys::mount::{ATIME, NOATIME, NODEV, NOEXEC, NOSUID, RDONLY, Reach};

/// Reads a configuration with nothing beside it.
fn parse(text: &str) -> Result<Config, String> {
    super::parse(text, service::parse("{}")?)
}

/// A minimal configuration with `extra` members in the objects `process`, `linux` and the document.
fn document(process: &str, linux: &str, root: &str) -> String {
    format!(
        r#"{{
            "ociVersion": "1.0.2",
            "process": {{"args": ["/bin/true"], "cwd": "/"{process}}},
            "root": {{"path": "rootfs", "readonly": true}},
            "linux": {{"namespaces": [{{"type": "mount"}}, {{"type": "pid"}}]{linux}}}
            {root}
        }}"#
    )
}

fn with_linux(members: &str) -> Result<Config, String> {
    parse(&document("", &format!(",{members}"), ""))
}

fn settings(resources: &str) -> Result<Vec<(String, String)>, String> {
    let config = with_linux(&format!(r#""resources": {resources}"#))?;
    Ok(config.linux.cgroup_settings.into_iter().map(|setting| (setting.file, setting.value)).collect())
}

fn mounts(mount: &str) -> Result<Mount, String> {
    let config = parse(&document("", "", &format!(r#", "mounts": [{mount}]"#)))?;
    Ok(config.mounts.into_iter().next().unwrap())
}

#[test]
fn the_least_configuration() {
    let config = parse(&document("", "", "")).unwrap();
    assert_eq!(config.process.args, ["/bin/true"]);
    assert_eq!((config.process.user.uid, config.process.user.umask), (0, 0o022));
    assert_eq!(config.process.privileges, Privileges::CanGrow);
    assert_eq!(config.process.capabilities, Capabilities::default());
    assert_eq!((config.root_path.as_str(), config.root_access), ("rootfs", Access::ReadOnly));
    assert_eq!(config.service.restart, Restart::Never);
    assert_eq!(config.linux.namespaces.new, libc::CLONE_NEWNS | libc::CLONE_NEWPID);
    assert!(config.linux.seccomp.is_none() && config.mounts.is_empty() && config.host_name.is_none());
}

/// The example that the image's builder follows.
#[test]
fn the_example() {
    let config = parse(include_str!("../../tests/config.json")).unwrap();
    assert_eq!(config.process.args, ["/bin/sh", "-c", "echo ready; exec sleep inf"]);
    assert_eq!((config.mounts.len(), config.linux.masked_paths.len()), (7, 11));
    let profile = config.linux.seccomp.unwrap();
    assert_eq!(profile.default, Action::Error(1));
    assert!(profile.rules[0].names.len() > 290);
}

/// What a damaged configuration says is a problem or a configuration, and never a panic.
#[test]
fn never_panics() {
    let text = include_str!("../../tests/config.json");
    for end in (0..text.len()).step_by(41) {
        assert!(parse(&text[..end]).is_err());
    }
    for (index, at) in (0..text.len()).step_by(17).enumerate() {
        for with in ["null", "-1", "1e999", "\"", "{", "]", "[]", "99999999999999999999999999999999999999999"]
        {
            // In place of a character, and in place of the value that starts there.
            let _ = parse(&format!("{}{with}{}", &text[..at], &text[at + 1..]));
            let value = text[at..].find([',', '}', ']', '\n']).map_or(text.len(), |length| at + length);
            if index % 4 == 0 {
                let _ = parse(&format!("{}{with}{}", &text[..at], &text[value..]));
            }
        }
    }
}

#[test]
fn the_process_in_full() {
    let config = parse(&document(
        r#", "env": ["A=b"], "noNewPrivileges": true, "oomScoreAdj": -5, "terminal": true,
            "user": {"uid": 7, "gid": 8, "additionalGids": [9, 10], "umask": 63},
            "capabilities": {"bounding": ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"], "ambient": null},
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 18446744073709551615}]"#,
        "",
        r#", "annotations": {"a": "b"}, "hostname": "h""#,
    ))
    .unwrap();
    let process = config.process;
    assert_eq!(process.env, ["A=b"]);
    assert_eq!(process.privileges, Privileges::Fixed);
    assert_eq!(process.oom_score_adj, Some(-5));
    assert_eq!((process.user.uid, process.user.gid, process.user.umask), (7, 8, 0o077));
    assert_eq!(process.user.groups, [9, 10]);
    assert_eq!(process.capabilities.bounding, 1 | 1 << 40);
    assert_eq!((process.limits[0].soft, process.limits[0].hard), (1024, libc::RLIM_INFINITY));
    assert_eq!(config.host_name.as_deref(), Some("h"));
}

#[test]
fn problems_name_their_place() {
    let process = |members: &str| parse(&document(members, "", "")).unwrap_err();
    assert_eq!(process(r#", "env": [1]"#), "process.env[0]: expected a string");
    assert_eq!(
        process(r#", "capabilities": {"effective": ["CAP_X"]}"#),
        "process.capabilities.effective[0]: no capability is named `CAP_X`"
    );
    assert_eq!(
        process(r#", "rlimits": [{"type": "RLIMIT_X"}]"#),
        "process.rlimits[0].type: no limit is named `RLIMIT_X`"
    );
    assert_eq!(process(r#", "selinuxLabel": "x""#), "process.selinuxLabel: not supported");
    let linux = |members: &str| with_linux(members).unwrap_err();
    assert_eq!(linux(r#""rootfsPropagation": "sharde""#), "linux.rootfsPropagation: `sharde` is not known");
    assert_eq!(
        linux(r#""seccomp": {"defaultAction": "SCMP_ACT_NOTIFY"}"#),
        "linux.seccomp.defaultAction: `SCMP_ACT_NOTIFY` is not supported"
    );
    assert_eq!(
        linux(r#""cgroupsPath": "/a/../b""#),
        "linux.cgroupsPath: expected a path without `..` and `:`"
    );
    let root = |members: &str| parse(&document("", "", members)).unwrap_err();
    assert_eq!(
        root(r#", "hooks": {"prestart": [{"path": "/x"}]}"#),
        "hooks.prestart: prestart hooks are not supported"
    );
    assert_eq!(parse("{").unwrap_err(), "line 1: expected a key in quotes");
    assert_eq!(parse("{}").unwrap_err(), "ociVersion: expected a string");
    assert_eq!(parse(r#"{"ociVersion": "2.0.0"}"#).unwrap_err(), "ociVersion: expected a version 1.x");
}

#[test]
fn namespaces_are_new_or_joined() {
    let namespaces = |list: &str| {
        let text = document("", "", "").replace(r#"{"type": "pid"}"#, list);
        parse(&text).map(|config| config.linux.namespaces)
    };
    let joined = namespaces(r#"{"type": "network", "path": "/run/netns/x"}"#).unwrap();
    assert_eq!(joined.joined, [(libc::CLONE_NEWNET, "/run/netns/x".to_owned())]);
    assert!(joined.has(libc::CLONE_NEWNET) && !joined.has(libc::CLONE_NEWPID));
    assert_eq!(
        namespaces(r#"{"type": "mount"}"#).unwrap_err(),
        "linux.namespaces[1]: a second `mount` namespace"
    );
    assert_eq!(
        namespaces(r#"{"type": "time"}"#).unwrap_err(),
        "linux.namespaces[1]: `time` namespaces are not supported"
    );
    let joined = namespaces(r#"{"type": "user", "path": "/u"}, {"type": "pid", "path": "/p"}"#).unwrap();
    let expected = [(libc::CLONE_NEWUSER, "/u".to_owned()), (libc::CLONE_NEWPID, "/p".to_owned())];
    assert_eq!((joined.new, &joined.joined[..]), (libc::CLONE_NEWNS, &expected[..]));
    let text = document("", "", "").replace(r#"{"type": "mount"}"#, r#"{"type": "mount", "path": "/x"}"#);
    assert_eq!(
        parse(&text).unwrap_err(),
        "linux.namespaces[0]: a `mount` namespace cannot be joined by path"
    );
    let text = document("", "", "").replace(r#"{"type": "mount"}, "#, "");
    assert_eq!(parse(&text).unwrap_err(), "linux.namespaces: a `mount` namespace is needed");
}

#[test]
fn mount_options_are_split() {
    let tmpfs = r#"{"destination": "/dev", "type": "tmpfs", "options": ["nosuid", "noexec", "strictatime", "mode=755", "noswap"]}"#;
    let mount = mounts(tmpfs).unwrap();
    assert_eq!(mount.set, NOSUID | NOEXEC | crate::sys::mount::STRICTATIME);
    assert_eq!(mount.clear, ATIME);
    let options = vec![("mode".to_owned(), Some("755".to_owned())), ("noswap".to_owned(), None)];
    let expected = Origin::FileSystem { kind: "tmpfs".into(), source: "tmpfs".into(), options };
    assert_eq!(mount.origin, expected);

    let bind = r#"{"destination": "/x", "source": "/y", "options": ["rbind", "ro", "nodev", "noatime"]}"#;
    let mount = mounts(bind).unwrap();
    assert_eq!((mount.set, mount.clear), (RDONLY | NODEV | NOATIME, ATIME));
    assert_eq!(mount.origin, Origin::Bind { source: "/y".into(), reach: Reach::Recursive });

    let later = r#"{"destination": "/x", "type": "bind", "source": "/y", "options": ["ro", "noatime", "relatime", "rw"]}"#;
    let mount = mounts(later).unwrap();
    assert_eq!((mount.set, mount.clear), (0, ATIME | RDONLY));
    assert_eq!(mount.origin, Origin::Bind { source: "/y".into(), reach: Reach::One });

    let cgroup = mounts(r#"{"destination": "/c", "type": "cgroup", "source": "cgroup"}"#).unwrap();
    let expected = Origin::FileSystem { kind: "cgroup2".into(), source: "cgroup".into(), options: vec![] };
    assert_eq!(cgroup.origin, expected);
}

#[test]
fn mounts_that_cannot_be_meant() {
    for (mount, problem) in [
        (
            r#"{"destination": "x", "type": "tmpfs"}"#,
            "mounts[0].destination: expected an absolute path without `..`",
        ),
        (
            r#"{"destination": "/a/../b", "type": "tmpfs"}"#,
            "mounts[0].destination: expected an absolute path without `..`",
        ),
        (r#"{"destination": "/x"}"#, "mounts[0].type: expected the type of a file system, or `bind`"),
        (
            r#"{"destination": "/x", "type": "bind", "source": "y"}"#,
            "mounts[0].source: expected an absolute path",
        ),
        (
            r#"{"destination": "/x", "type": "bind", "source": "/y", "options": ["size=1"]}"#,
            "mounts[0].options: `size` is not an option of a bind mount",
        ),
        (
            r#"{"destination": "/x", "type": "bind", "source": "/y", "options": ["remount"]}"#,
            "mounts[0].options[0]: `remount` is not supported",
        ),
    ] {
        assert_eq!(mounts(mount).unwrap_err(), problem);
    }
}

#[test]
fn rules_of_devices() {
    let rules = |text: &str| {
        with_linux(&format!(r#""resources": {{"devices": {text}}}"#)).map(|config| config.linux.device_rules)
    };
    let rule = DeviceRule { allow: true, kind: Some('b'), major: Some(8), minor: None, access: 6 };
    let text = r#"[{"allow": true, "type": "b", "major": 8, "minor": -1, "access": "rw"}]"#;
    assert_eq!(rules(text).unwrap(), [rule]);
    assert!(rules(r#"[{"access": "x"}]"#).unwrap_err().ends_with("expected letters of `rwm`"));
}

#[test]
fn devices_and_mappings() {
    let config = with_linux(
        r#""devices": [{"path": "/dev/kvm", "type": "c", "major": 10, "minor": 232, "fileMode": 432, "gid": 5}],
            "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}], "sysctl": {"net.ipv4.ip_forward": "1"},
            "maskedPaths": ["/a"], "readonlyPaths": ["/b"], "cgroupsPath": "/x/y""#,
    )
    .unwrap()
    .linux;
    let device = Device {
        path: "/dev/kvm".into(),
        kind: libc::S_IFCHR,
        number: (10, 232),
        mode: 0o660,
        owner: (0, 5),
    };
    assert_eq!(config.devices, [device]);
    assert_eq!(config.user_mappings, [IdMapping { container: 0, host: 1000, size: 1 }]);
    assert_eq!(config.sysctl.len(), 1);
    assert_eq!((config.masked_paths, config.readonly_paths), (vec!["/a".into()], vec!["/b".into()]));
    assert_eq!(config.cgroup_path.as_deref(), Some("/x/y"));
}

#[test]
fn resources_become_files() {
    let pair = |file: &str, value: &str| (file.to_owned(), value.to_owned());
    assert_eq!(settings("{}").unwrap(), []);
    assert_eq!(
        settings(
            r#"{"memory": {"limit": 1048576, "reservation": -1, "swap": 2097152}, "pids": {"limit": 20},
                "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0-1"},
                "unified": {"io.weight": "50"}, "devices": [{"allow": false, "access": "rwm"}]}"#
        )
        .unwrap(),
        [
            pair("memory.max", "1048576"),
            pair("memory.low", "max"),
            pair("memory.swap.max", "1048576"),
            pair("pids.max", "20"),
            pair("cpu.weight", "39"),
            pair("cpu.max", "50000 100000"),
            pair("cpuset.cpus", "0-1"),
            pair("io.weight", "50"),
        ]
    );
    assert_eq!(settings(r#"{"cpu": {"quota": -1}}"#).unwrap(), [pair("cpu.max", "max")]);
    assert_eq!(settings(r#"{"cpu": {"shares": 2}}"#).unwrap(), [pair("cpu.weight", "1")]);
    assert_eq!(settings(r#"{"cpu": {"shares": 262144}}"#).unwrap(), [pair("cpu.weight", "10000")]);
    assert_eq!(
        settings(r#"{"unified": {"../x.y": "1"}}"#).unwrap_err(),
        "linux.resources.unified: `../x.y` is not a file of a control group"
    );
    assert_eq!(
        settings(r#"{"blockIO": {"weight": 10}}"#).unwrap_err(),
        "linux.resources.blockIO: not supported; use `unified`"
    );
    assert!(settings(r#"{"memory": {"limit": 10, "swap": 5}}"#).is_err());
}

#[test]
fn seccomp_profiles() {
    let profile = with_linux(
        r#""seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["clone"], "action": "SCMP_ACT_ERRNO",
                 "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]}]}"#,
    )
    .unwrap()
    .linux
    .seccomp
    .unwrap();
    assert_eq!((profile.default, profile.flags), (Action::Error(38), 2));
    let condition =
        Condition { index: 0, operator: Operator::MaskedEqual, value: 2_114_060_288, value_two: 0 };
    let read = Rule { names: vec!["read".into()], action: Action::Allow, conditions: vec![] };
    let clone = Rule { names: vec!["clone".into()], action: Action::Error(1), conditions: vec![condition] };
    assert_eq!(profile.rules, [read, clone]);
    let bad = r#""seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_TRAP",
        "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}"#;
    assert_eq!(
        with_linux(bad).unwrap_err(),
        "linux.seccomp.syscalls[0].args[0].index: a system call has arguments 0 to 5"
    );
}
