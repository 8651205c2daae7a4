//! Runs containers from `config.json` files with `kit-init run`, as root or as an ordinary user, in a user namespace.
//!
//! The containers see the host's programs: `/usr` is bound into a root that has nothing else.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests make bundles on disk and start the program under test"
)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bundle;
mod joining;

use std::fs;
use std::os::unix::fs::symlink;

use bundle::Bundle;

/// Runs a bundle that must succeed, and gives its lines.
fn lines(bundle: Bundle) -> Vec<String> {
    let outcome = bundle.run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.lines
}

#[test]
fn lines_of_both_streams_and_the_exit_code_come_back() {
    let outcome = Bundle::new("streams", "echo out $GREETING; printf 'a\\033[2Jb\\n' >&2; exit 7").run();
    assert_eq!(outcome.code, Some(7), "{outcome:?}");
    let mut lines = outcome.lines;
    lines.sort();
    assert_eq!(lines, ["a\\u{1b}[2Jb", "out hello"]);
}

#[test]
fn the_container_is_alone_in_its_namespaces() {
    let mut bundle = Bundle::new(
        "alone",
        "echo $$; cat /proc/sys/kernel/hostname /proc/1/comm; cat /proc/net/dev | wc -l; ls /",
    );
    bundle.root = r#", "hostname": "inside""#.to_owned();
    let lines = lines(bundle);
    // Two lines of heading and the loopback interface.
    assert_eq!(lines[..4], ["1", "inside", "sh", "3"]);
    assert!(!lines.contains(&"root".to_owned()) && lines.contains(&"hidden".to_owned()), "{lines:?}");
}

#[test]
fn the_loopback_interface_is_up() {
    let bundle = Bundle::new(
        "loopback",
        "cat /proc/net/if_inet6 /proc/net/route; cat /proc/net/fib_trie | grep -c 127.0.0.1",
    );
    let lines = lines(bundle);
    assert!(lines.last().is_some_and(|count| count != "0"), "{lines:?}");
}

#[test]
fn the_root_cannot_be_written() {
    let script = "for f in /x /usr/x /dev/x /etc/secret; do (echo > $f) 2>&1 || true; done; echo > /dev/null; echo y > /dev/shm/x; cat /dev/shm/x";
    let lines = lines(Bundle::new("readonly", script));
    assert_eq!(lines.iter().filter(|line| line.ends_with("Read-only file system")).count(), 4, "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("y"));
}

#[test]
fn a_writable_root_forgets_its_changes() {
    let mut bundle = Bundle::new(
        "writable",
        "echo new > /etc/secret; rm -r /hidden; echo x > /y; cat /etc/secret /y; ls -d /hidden",
    );
    bundle.readonly = false;
    let outcome = bundle.run_and(|path| {
        assert_eq!(fs::read_to_string(path.join("rootfs/etc/secret")).unwrap(), "secret\n");
        assert!(path.join("rootfs/hidden/file").exists() && !path.join("rootfs/y").exists());
    });
    assert_eq!(outcome.lines[..2], ["new", "x"], "{outcome:?}");
    assert!(outcome.lines[2].ends_with("No such file or directory"), "{outcome:?}");
}

#[test]
fn paths_are_masked_and_protected() {
    let script = "ls -A /hidden; cat /etc/secret; cat /locked/file; (echo > /locked/file) 2>&1; (echo > /tmp/x) && echo written";
    let mut bundle = Bundle::new("masked", script);
    bundle.linux = r#", "maskedPaths": ["/hidden", "/etc/secret", "/not/there"], "readonlyPaths": ["/locked", "/nowhere"]"#.to_owned();
    bundle.mounts = format!(
        r#", {{"destination": "/locked", "source": "{}/rootfs/locked", "options": ["bind"]}},
            {{"destination": "/tmp", "type": "tmpfs"}}"#,
        bundle.path.display()
    );
    let lines = lines(bundle);
    assert_eq!(lines[0], "old");
    assert!(lines[1].ends_with("Read-only file system"), "{lines:?}");
    assert_eq!(lines[2..], ["written"]);
}

#[test]
fn capabilities_and_privileges_are_dropped() {
    let status = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr '\\t' ' '";
    let zero = "0000000000000000";
    let expected = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|set| format!("{set}: {zero}"));
    let lines_without = lines(Bundle::new("nocaps", status));
    assert_eq!(lines_without[..5], expected);
    assert_eq!(lines_without[5..], ["NoNewPrivs: 1", "Seccomp: 0"]);

    let mut bundle = Bundle::new("caps", status);
    let set = r#"["CAP_CHOWN", "CAP_NET_BIND_SERVICE"]"#;
    bundle.process = format!(
        r#", "capabilities": {{"bounding": {set}, "permitted": {set}, "effective": {set}, "inheritable": {set},
            "ambient": ["CAP_NET_BIND_SERVICE"]}}"#
    );
    let lines_with = lines(bundle);
    let of = |set: &str| lines_with.iter().find_map(|line| line.strip_prefix(set)).unwrap().to_owned();
    assert_eq!((of("CapBnd: "), of("CapPrm: ")), ("0000000000000401".into(), "0000000000000401".into()));
    assert_eq!(of("CapAmb: "), "0000000000000400");
}

#[test]
fn the_system_call_filter_holds() {
    let script = "(mkdir /dev/shm/x) 2>&1; grep Seccomp: /proc/self/status | tr '\\t' ' '; uname -s";
    for privileges in ["true", "false"] {
        // Without no_new_privs the filter is set with the CAP_SYS_ADMIN that the process still has.
        let mut bundle = Bundle::new(&format!("seccomp-{privileges}"), script);
        bundle.linux = r#", "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
            [{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}]}"#
            .to_owned();
        if privileges == "false" {
            bundle.replace(r#""noNewPrivileges": true"#, r#""noNewPrivileges": false"#);
        }
        let lines = lines(bundle);
        assert!(lines[0].ends_with("Disk quota exceeded"), "{lines:?}");
        assert_eq!(lines[1..], ["Seccomp: 2", "Linux"]);
    }
}

/// The kernel takes the filter of the example configuration, and ordinary programs run under it.
#[test]
fn programs_run_under_the_default_profile() {
    let script = "ls / | wc -l; (unshare -m true) 2>&1; (sleep 0.01 & wait) && echo waited; (echo a; echo b) | sort -r; mkdir /dev/shm/x && echo made";
    let mut bundle = Bundle::new("profile", script);
    let example = include_str!("../config.json");
    let start = example.find("\"seccomp\"").unwrap();
    let end = example.find("\"hostname\"").unwrap();
    // From the member's name to the end of the object `linux` that it is the last of.
    let profile = example[start..end].trim_end().trim_end_matches(',').trim_end().strip_suffix('}').unwrap();
    bundle.linux = format!(", {profile}");
    let lines = lines(bundle);
    assert_eq!(lines[1], "unshare: unshare failed: Operation not permitted");
    assert_eq!(lines[2..], ["waited", "b", "a", "made"]);
}

#[test]
fn a_forbidden_system_call_can_kill() {
    let mut bundle = Bundle::new("sigsys", "echo before; exec mkdir /dev/shm/x");
    bundle.linux = r#", "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
        [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#
        .to_owned();
    let outcome = bundle.run();
    assert_eq!((outcome.code, outcome.lines), (Some(128 + 31), vec!["before".to_owned()]));
}

#[test]
fn limits_and_settings_are_applied() {
    let script = "ulimit -n; umask; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; cat /proc/self/oom_score_adj; pwd";
    let mut bundle = Bundle::new("limits", script);
    bundle.process =
        r#", "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}], "oomScoreAdj": 500,
        "user": {"uid": 0, "gid": 0, "umask": 63}"#
            .to_owned();
    bundle.linux = r#", "sysctl": {"net.ipv4.ip_unprivileged_port_start": "80"}"#.to_owned();
    assert_eq!(lines(bundle), ["100", "0077", "80", "500", "/"]);
}

#[test]
fn devices_are_there_and_work() {
    let script = "ls -l /dev/fd /dev/stdout | wc -l; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; head -c 1 /dev/zero 2>&1 > /dev/full; ls /dev";
    let lines = lines(Bundle::new("devices", script));
    assert_eq!(lines[..3], ["2", "3", "5"]);
    assert!(lines[3].ends_with("No space left on device"), "{lines:?}");
    let expected = [
        "fd", "full", "null", "ptmx", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
    ];
    assert_eq!(lines[4..], expected);
}

#[test]
fn no_descriptor_leaks_into_the_container() {
    let lines = lines(Bundle::new("descriptors", "ls /proc/$$/fd"));
    assert_eq!(lines, ["0", "1", "2"]);
}

/// Each failing step is told by name, with what it was about and why.
#[test]
fn setup_errors_say_what_and_why() {
    type Change = fn(&mut Bundle);
    let cases: [(&str, &str, Change); 7] = [
        ("program", "cannot execute /no/program: No such file or directory", |bundle| {
            bundle.replace(r#"["sh", "-c", "echo must not run"]"#, r#"["/no/program"]"#);
        }),
        ("workdir", "cannot change to directory /nowhere: No such file or directory", |bundle| {
            bundle.replace(r#""cwd": "/""#, r#""cwd": "/nowhere""#);
        }),
        ("bind", "cannot bind /no/source: No such file or directory", |bundle| {
            bundle.mounts =
                r#", {"destination": "/tmp", "source": "/no/source", "options": ["bind"]}"#.to_owned();
        }),
        ("point", "cannot make mount point /tmp/no/x: Read-only file system", |bundle| {
            bundle.mounts = r#", {"destination": "/tmp", "source": "/usr", "options": ["bind", "ro"]},
                {"destination": "/tmp/no/x", "type": "tmpfs"}"#
                .to_owned();
        }),
        ("option", "cannot set option wrong of mount /tmp: Invalid argument", |bundle| {
            bundle.mounts =
                r#", {"destination": "/tmp", "type": "tmpfs", "options": ["wrong=1"]}"#.to_owned();
        }),
        ("fstype", "cannot mount /tmp of type nosuchfs: No such device", |bundle| {
            bundle.mounts = r#", {"destination": "/tmp", "type": "nosuchfs"}"#.to_owned();
        }),
        (
            "sysctl",
            "cannot set vm.swappiness: it is a setting of the whole machine, not of a container",
            |bundle| {
                bundle.linux = r#", "sysctl": {"vm.swappiness": "1"}"#.to_owned();
            },
        ),
    ];
    for (name, message, change) in cases {
        let mut bundle = Bundle::new(name, "echo must not run");
        change(&mut bundle);
        let outcome = bundle.run();
        assert_eq!((outcome.code, outcome.lines.len()), (Some(125), 0), "{name}");
        assert_eq!(outcome.complaint, format!("kit-init: {name}: {message}\n"));
    }
}

/// An image whose files are symbolic links out of its root does not lead a mount there.
#[test]
fn links_cannot_lead_a_mount_out_of_the_root() {
    let mut bundle = Bundle::new("links", "echo ok; ls -A /tmp | head -1; cat /etc/out/mark");
    let rootfs = bundle.path.join("rootfs");
    let outside = bundle.path.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("mark"), "from outside\n").unwrap();
    // Absolute, relative beyond the root, and through the kernel's magic links.
    symlink("/etc/out", rootfs.join("absolute")).unwrap();
    symlink("../../../../etc/out", rootfs.join("relative")).unwrap();
    fs::create_dir(rootfs.join("etc/out")).unwrap();
    bundle.mounts = format!(
        r#", {{"destination": "/absolute", "source": "{0}", "options": ["bind"]}},
            {{"destination": "/relative", "source": "{0}", "options": ["bind"]}}"#,
        outside.display()
    );
    assert_eq!(lines(bundle), ["ok", "from outside"]);

    let mut bundle = Bundle::new("magic", "echo must not run");
    symlink("/proc/self/cwd", bundle.path.join("rootfs/magic")).unwrap();
    bundle.mounts = r#", {"destination": "/magic", "type": "tmpfs"}"#.to_owned();
    let outcome = bundle.run();
    assert_eq!(outcome.code, Some(125));
    assert!(
        outcome.complaint.contains("cannot make mount point /magic: Too many levels of symbolic links"),
        "{outcome:?}"
    );
}
