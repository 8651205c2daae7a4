//! Images that boot in the emulator: what they print, how they end, what a service may do, how it is reached.
#![expect(clippy::disallowed_methods, reason = "tests start programs and open connections")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kit_tests::booted::{PATIENCE, head};
use kit_tests::{Said, TestProject};

/// Makes a project with an image that is called `minimal` and has these parts.
fn project(parts: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    project.write("recipes/images/minimal.toml", &(head("minimal", "kit.exit=services") + parts));
    project.kit(&["lock"]).succeeded();
    project
}

/// Returns the console's lines, without what ends them on a serial line.
fn lines(said: &Said) -> Vec<&str> {
    said.stdout.lines().map(str::trim_end).collect()
}

/// Fails unless these lines come, in this order.
#[track_caller]
fn in_order(said: &Said, expected: &[&str]) {
    let mut lines = lines(said).into_iter();
    for text in expected {
        assert!(lines.any(|line| line == *text), "no `{text}`, or not in its place, in:\n{said}");
    }
}

#[test]
fn minimal_boots_until_its_service_is_ready_and_powers_off() {
    let project = TestProject::new();
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
    let said = project.kit(&["run", "minimal", "--until", "shell: ready", "--timeout", PATIENCE]).succeeded();
    let stopping = "kit-init: stopping: the power button was pressed";
    in_order(&said, &["kit-init: up", "shell: ready", stopping, "kit-init: powering off"]);
    assert!(said.stdout.contains("reboot: Power down"), "{said}");
    assert!(said.stderr.contains("powered off in order"), "{said}");
}

/// `no` says whether something is refused; what isn't is a hole.
const PROBE: &str = r#"
[init]
packages = ["init"]

[[onboot]]
name = "first"
package = "busybox"
command = ["/bin/sh", "-c", "sleep 1; echo one"]

[[onboot]]
name = "second"
package = "busybox"
command = ["/bin/echo", "two"]

[[onboot]]
name = "sysctl"
package = "sysctl"

[[service]]
name = "probe"
package = "busybox"
command = ["/bin/sh", "-c", '''
no() { if "$@" > /dev/null 2>&1; then echo "not refused: $*"; else echo "refused: $*"; fi; }
grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr "\t" " "
no touch /file
no mkdir /usr/bin/directory
no mount -t tmpfs none /sys
no umount /proc
no unshare -U true
no chroot /usr /bin/true
no mknod /dev/mem c 1 1
no hostname other
no reboot -f
no dmesg
no sysctl -w kernel.kptr_restrict=0
no grep -q . /proc/kcore
no ping -c 1 -w 1 10.0.2.2
echo processes: /proc/[0-9]*
echo interfaces: $(ls /sys/class/net)
echo host name: $(hostname)
for name in kernel/kptr_restrict kernel/dmesg_restrict fs/protected_fifos; do
    echo "$name: $(cat /proc/sys/$name)"
done
echo done
''']

[[service]]
name = "capable"
package = "busybox"
command = ["/bin/sh", "-c", "id -u; grep ^Cap /proc/self/status | tr '\t' ' '"]
capabilities = ["CAP_NET_BIND_SERVICE"]
uid = 1000
"#;

#[test]
fn a_service_may_do_no_more_than_its_recipe_says() {
    let said = project(PROBE).kit(&["run", "--timeout", PATIENCE]).succeeded();
    in_order(&said, &["first: one", "second: two", "kit-init: up", "probe: done"]);
    assert!(said.stderr.contains("ended after"), "{said}");
    let lines = lines(&said);
    let printed: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("probe: ")).collect();
    let none = "0000000000000000";
    let mut expected: Vec<String> =
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|set| format!("{set}: {none}")).to_vec();
    let rest = [
        "NoNewPrivs: 1",
        "Seccomp: 2",
        "refused: touch /file",
        "refused: mkdir /usr/bin/directory",
        "refused: mount -t tmpfs none /sys",
        "refused: umount /proc",
        "refused: unshare -U true",
        "refused: chroot /usr /bin/true",
        "refused: mknod /dev/mem c 1 1",
        "refused: hostname other",
        "refused: reboot -f",
        "refused: dmesg",
        "refused: sysctl -w kernel.kptr_restrict=0",
        "refused: grep -q . /proc/kcore",
        "refused: ping -c 1 -w 1 10.0.2.2",
        "processes: /proc/1",
        "interfaces: lo",
        "host name: probe",
        "kernel/kptr_restrict: 2",
        "kernel/dmesg_restrict: 1",
        "fs/protected_fifos: 2",
        "done",
    ];
    expected.extend(rest.map(str::to_owned));
    assert_eq!(printed, expected, "{said}");
    // The one capability that it lists, in the sets that a program that isn't root gets them from.
    let one = "0000000000000400";
    let printed: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("capable: ")).collect();
    let sets = [("CapInh", one), ("CapPrm", one), ("CapEff", one), ("CapBnd", one), ("CapAmb", one)];
    let sets = sets.map(|(set, value)| format!("{set}: {value}"));
    assert_eq!(printed, [&["1000".to_owned()], &sets[..]].concat(), "{said}");
}

#[test]
fn a_text_that_never_comes_is_a_failure_at_the_timeout() {
    let project = TestProject::new();
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
    let said = project.kit(&["run", "--until", "never printed", "--timeout", "1"]);
    let message = "`never printed` did not appear within 1 s";
    let said = said.failed(1, &["kit::run::timeout", message, "--timeout SECONDS"]);
    assert_eq!(said.stderr.matches(message).count(), 1, "{said}");
}

#[test]
fn an_onboot_container_that_fails_stops_the_boot() {
    let project = project(
        r#"
[init]
packages = ["init"]

[[onboot]]
name = "broken"
package = "busybox"
command = ["/bin/sh", "-c", "echo the disk is missing; exit 7"]

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/echo", "ready"]
"#,
    );
    let said = project.kit(&["run", "--until", "shell: ready", "--timeout", PATIENCE]);
    let said = said.failed(1, &["kit::run::boot_failed", "the system did not come up", "kit-init:"]);
    in_order(&said, &["kit-init: last lines of broken: the disk is missing"]);
    assert!(said.stdout.contains("kit-init: boot failed: "), "{said}");
    assert!(said.stdout.contains("exited with code 7"), "{said}");
    assert!(!said.stdout.contains("shell: ready"), "{said}");
}

#[test]
fn an_image_without_an_init_is_not_built() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    let parts = "[init]\npackages = [\"busybox\"]\n";
    project.write("recipes/images/minimal.toml", &(head("minimal", "kit.exit=services") + parts));
    project.kit(&["lock"]).failed(1, &["kit::image::no_init", "/init"]);
}

#[test]
fn an_init_that_ends_is_a_panic() {
    let project = project(
        r##"
[init]
packages = ["busybox"]

[[file]]
path = "/init"
contents = "#!/bin/sh\necho nothing to do\n"
mode = "0755"
"##,
    );
    let said = project.kit(&["run", "--until", "ready", "--timeout", PATIENCE]);
    let said = said.failed(1, &["kit::run::panic", "the kernel panicked"]);
    in_order(&said, &["nothing to do"]);
    assert!(said.stdout.contains("Attempted to kill init"), "{said}");
}

const WEB: &str = r#"
modules = ["virtio_pci", "virtio_net"]

[init]
packages = ["init"]

# What QEMU's network expects of the machine.
[[onboot]]
name = "network"
package = "busybox"
command = ["/bin/sh", "-ec", "ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up"]
capabilities = ["CAP_NET_ADMIN"]
net = "host"

[[service]]
name = "web"
package = "web"
"#;

const WEB_PACKAGE: &str = r#"
[package]
name = "web"

[tree]
packages = ["busybox"]

[[file]]
path = "/www/index.html"
contents = "made by a machine\n"

# Without -f, it returns once it listens.
[container]
command = ["/bin/sh", "-ec", "httpd -p 80 -h /www; echo serving; exec sleep inf"]
capabilities = ["CAP_NET_BIND_SERVICE"]
net = "host"
"#;

#[test]
fn a_published_service_is_reached_until_its_machine_is_killed() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    project.write("recipes/images/minimal.toml", &(head("minimal", "kit.exit=services") + WEB));
    project.write("recipes/packages/web.toml", WEB_PACKAGE);
    project.kit(&["lock"]).succeeded();
    let port = free_port();
    let publish = format!("{port}:80");
    let said = project.kit(&["run", "--detach", "--publish", &publish, "--timeout", PATIENCE]).succeeded();
    let pid: u32 = said.stdout.trim().parse().unwrap_or_else(|_| panic!("no process in:\n{said}"));
    assert!(said.stderr.contains(&format!("`kill {pid}` ends it")), "{said}");
    wait_for_line(&project, "out/minimal-console.log", "web: serving");

    let connect = || TcpStream::connect(("127.0.0.1", port));
    let mut client = connect().expect("somebody listens");
    client.set_read_timeout(Some(Duration::from_mins(1))).expect("it can be set");
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("somebody reads");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("somebody answers");
    assert!(answer.starts_with("HTTP/1.") && answer.ends_with("\r\n\r\nmade by a machine\n"), "{answer}");

    // The open connection ends with the machine.
    let mut client = connect().expect("somebody listens");
    client.set_read_timeout(Some(Duration::from_mins(1))).expect("it can be set");
    let kill = Command::new("sh").args(["-c", &format!("kill {pid}")]).status().expect("a shell");
    assert!(kill.success());
    let ended = client.read(&mut [0; 1]);
    assert!(ended.as_ref().is_ok_and(|count| *count == 0) || is_reset(&ended), "{ended:?}");
    // The kernel closes the descriptors of a process that ends one after the other.
    assert!((0..10_000).any(|_| connect().is_err()), "nobody listens any more");
}

fn is_reset(result: &std::io::Result<usize>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

/// Returns a port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Waits until a file that another process writes has a line.
fn wait_for_line(project: &TestProject, path: &str, text: &str) {
    let mut tail = Command::new("timeout")
        .args([PATIENCE, "tail", "--lines=+1", "--follow", path])
        .current_dir(project.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the machine has coreutils");
    let found = BufReader::new(tail.stdout.take().expect("it is piped"))
        .lines()
        .any(|line| line.is_ok_and(|line| line.trim_end() == text));
    end(tail);
    assert!(found, "no `{text}` in:\n{}", project.read(path));
}

fn end(mut child: Child) {
    child.kill().expect("it is our own");
    child.wait().expect("it is our own");
}

/// An archive of the form that initrds have, with one file.
fn microcode() -> Vec<u8> {
    let member = |name: &str, mode: usize, content: &str| {
        let numbers = [1, mode, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0]
            .map(|number| format!("{number:08X}"));
        let padded = |text: String| {
            let length = text.len().next_multiple_of(4);
            format!("{text:\0<length$}")
        };
        padded(format!("070701{}{name}\0", numbers.concat())) + &padded(content.to_owned())
    };
    let file = member("kernel/x86/microcode/None.bin", 0o100_644, "no microcode\n");
    (file + &member("TRAILER!!!", 0, "")).into_bytes()
}

#[test]
fn microcode_stands_before_the_initrd_as_it_is() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    project.write("other.lock", &project.read("lockfiles/minimal.lock"));
    let image = head("minimal", "kit.exit=services")
        + "microcode = \"/boot/ucode.cpio\"\n"
        + r#"
[init]
packages = ["init"]

[[service]]
name = "web"
package = "busybox"
command = ["/bin/echo", "up"]
"#;
    project.write("recipes/images/minimal.toml", &image.replace("\"kernel-debian\"", "\"kernel\""));
    let kernel = "[package]\nname = \"kernel\"\n[tree]\npackages = [\"kernel-debian\"]\n[[file]]\npath = \"/boot/ucode.cpio\"\nsource = \"ucode.cpio\"\n";
    project.write("recipes/packages/kernel.toml", kernel);
    project.write("ucode.cpio", "not this");
    project.kit(&["lock"]).failed(1, &["kit::image::microcode", "is no cpio archive, or a compressed one"]);
    let first = microcode();
    project.write_bytes("ucode.cpio", &first);
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let initrd = std::fs::read(project.path().join("out/minimal-initrd.img")).expect("it was written");
    assert_eq!(first.len() % 4, 0);
    assert_eq!(initrd[..first.len()], first);
    assert_eq!(initrd[first.len()..first.len() + 4], [0x28, 0xb5, 0x2f, 0xfd], "zstd's first bytes follow");
    // Which lockfile is its own stands behind the archive, and is found there.
    let verify = ["verify", "out/minimal-initrd.img", "--lock", "other.lock"];
    project.kit(&verify).failed(1, &["error[kit::verify::other_lock]"]);
    let said = project.kit(&["run", "--timeout", PATIENCE]).succeeded();
    in_order(&said, &["web: up", "kit-init: powering off"]);
    project.write("recipes/packages/kernel.toml", &kernel.replace("/boot/ucode.cpio", "/boot/other.cpio"));
    project.kit(&["lock"]).failed(1, &["kit::image::microcode", "isn't a file of the kernel's package"]);
}
