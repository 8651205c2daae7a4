//! The standard packages: each one does its job in a booted machine.
#![expect(clippy::disallowed_methods, reason = "tests start programs and open connections")]

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;

use kit_tests::machine::{Machine, disks};
use kit_tests::{Said, TestProject};

/// How long a machine may take, in seconds: it is emulated, and others may be at the same time.
const PATIENCE: &str = "300";

/// The parts that every image here has, with the packages of the repository's own `minimal`, which its lockfile pins.
const BASE: &str = r#"
[image]
name = "minimal"
formats = ["kernel+initrd"]

[kernel]
package = "kernel-debian"
cmdline = "console=ttyS0 quiet cryptomgr.notests"
"#;

/// What these images have after their modules.
const REST: &str = r#"
[init]
packages = ["init"]

[[directory]]
path = "/var"

[[onboot]]
name = "directories"
package = "busybox"
command = ["/bin/mkdir", "-p", "/run/dhcp", "/run/config"]
binds = ["/run:/run:rw"]
"#;

/// Makes a project with an image that is called `minimal` and has these modules and parts.
fn project(modules: &str, parts: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let image = format!("{BASE}modules = [{modules}]\n{REST}{parts}");
    project.write("recipes/images/minimal.toml", &image);
    project
}

/// Fails unless the machine printed each of these lines.
#[track_caller]
fn printed(said: &Said, lines: &[&str]) {
    for line in lines {
        assert!(said.stdout.lines().any(|printed| printed.trim_end() == *line), "no `{line}` in:\n{said}");
    }
}

/// Makes an empty disk.
fn empty_disk(project: &TestProject, name: &str) {
    let file = File::create(project.path().join(name)).expect("a file");
    file.set_len(64 << 20).expect("a sparse file");
    anyone_may(&project.path().join(name), 0o666);
}

/// The emulator may be another user than the one who tests.
fn anyone_may(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is our own");
}

/// Returns a port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

const MANY: &str = r##"
[[onboot]]
name = "ip"
package = "ip"
command = ["/usr/bin/ip", "link", "add", "dummy7", "address", "02:00:00:00:00:07", "type", "dummy"]

[[onboot]]
name = "file"
package = "busybox"
command = ["/bin/dd", "if=/dev/zero", "of=/var/disk.img", "bs=1M", "count=4"]
binds = ["/var:/var:rw"]

[[onboot]]
name = "losetup"
package = "losetup"
command = ["/bin/losetup", "/dev/loop3", "/var/disk.img"]

[[onboot]]
name = "swap"
package = "swap"
command = ["/usr/share/disks/swap", "/dev/loop3"]

[[file]]
path = "/etc/binfmt"
contents = "# How files of the kind `kit` are run.\n:kit:E::kit::/bin/echo:\n"

[[onboot]]
name = "binfmt"
package = "binfmt"
binds = ["/etc/binfmt:/etc/binfmt:ro"]

[[service]]
name = "nginx"
package = "nginx"

[[service]]
name = "redis"
package = "redis"

[[service]]
name = "node-exporter"
package = "node-exporter"

[[service]]
name = "probe"
package = "probe"
net = "host"
tmpfs = ["/tmp:exec"]
command = ["/bin/sh", "-c", '''
until wget -q -O - http://127.0.0.1/; do sleep 1; done
until wget -q -O - http://127.0.0.1:9100/metrics > /tmp/metrics; do sleep 1; done
grep -o '^node_network_info{address="02:00:00:00:00:07"' /tmp/metrics
until printf 'SET a 41\r\nINCR a\r\n' | nc -w 2 127.0.0.1 6379 | tr -d '\r' | grep 42; do sleep 1; done
echo $(tail -n 1 /proc/swaps)
echo "dummy7: $(cat /sys/class/net/dummy7/address)"
echo text > /tmp/file.kit; chmod +x /tmp/file.kit; /tmp/file.kit run by its interpreter
[ "$(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt)" -gt 100 ] && echo certificates
echo done
''']
"##;

const PROBE: &str = r#"
[package]
name = "probe"

[tree]
packages = ["busybox", "ca-certificates"]
"#;

#[test]
fn what_needs_no_device_does_its_job() {
    let project = project(r#""loop", "binfmt_misc", "dummy""#, MANY);
    project.write("recipes/packages/probe.toml", PROBE);
    project.kit(&["lock", "minimal"]).succeeded();
    let run = ["run", "--mem", "512M", "--until", "probe: done", "--timeout", PATIENCE];
    let said = project.kit(&run).succeeded();
    printed(
        &said,
        &[
            "swap: /dev/loop3 is swapped to",
            "binfmt: kit is known",
            "probe: It works.",
            "probe: node_network_info{address=\"02:00:00:00:00:07\"",
            "probe: :42",
            "probe: /loop3 partition 4092 0 -2",
            "probe: dummy7: 02:00:00:00:00:07",
            "probe: /tmp/file.kit run by its interpreter",
            "probe: certificates",
            "probe: done",
        ],
    );
}

/// 2033-01-01 in seconds since 1900, as RFC 5905 has time.
const TIME_2033: u32 = 4_197_139_200;

/// Answers every question for the time as RFC 5905 says, as if it were 2033.
fn serve_time(socket: &UdpSocket) {
    let start = std::time::Instant::now();
    let mut question = [0; 512];
    while let Ok((length @ 48.., client)) = socket.recv_from(&mut question) {
        assert!(length <= question.len());
        let since = start.elapsed();
        let seconds = TIME_2033 + u32::try_from(since.as_secs()).expect("no test takes that long");
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        let stamp = (u64::from(seconds) << 32 | fraction).to_be_bytes();
        // No leap second, version 4, server; of the first rank; as precise as a microsecond.
        let mut answer = vec![0x24, 1, 4, 0xec, 0, 0, 0, 0, 0, 0, 0, 0];
        answer.extend(b"LOCL");
        answer.extend(stamp);
        answer.extend(&question[40..48]);
        answer.extend(stamp);
        answer.extend(stamp);
        _ = socket.send_to(&answer, client);
    }
}

#[test]
fn dhcp_gets_an_address_and_ntp_the_time() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let port = socket.local_addr().expect("it has an address").port();
    std::thread::spawn(move || serve_time(&socket));
    let parts = format!(
        r#"
[[service]]
name = "dhcp"
package = "dhcp"

[[service]]
name = "ntp"
package = "ntp"
command = ["/usr/sbin/chronyd", "-d", "-u", "root", "server 10.0.2.2 port {port} iburst", "makestep 1 3", "pidfile /run/pid"]

[[service]]
name = "probe"
package = "busybox"
net = "host"
binds = ["/run/dhcp:/run/dhcp"]
command = ["/bin/sh", "-c", '''
until [ "$(date -u +%Y)" = 2033 ]; do sleep 1; done
echo $(ip -4 -o address show dev eth0)
echo $(ip route)
cat /run/dhcp/resolv.conf
echo done
''']
"#
    );
    let project = project(r#""virtio_pci", "virtio_net""#, &parts);
    project.kit(&["lock", "minimal"]).succeeded();
    let publish = format!("{}:22", free_port());
    let run = ["run", "--publish", &publish, "--until", "probe: done", "--timeout", PATIENCE];
    let said = project.kit(&run).succeeded();
    printed(&said, &["dhcp: eth0 has 10.0.2.15/24", "probe: nameserver 10.0.2.3", "probe: done"]);
    assert!(said.stdout.contains("probe: default via 10.0.2.2 dev eth0"), "{said}");
}

#[test]
fn a_disk_that_holds_something_is_not_formatted() {
    let parts = "\n[[onboot]]\nname = \"format\"\npackage = \"format\"\n";
    let project = project(r#""virtio_pci", "virtio_blk""#, parts);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    empty_disk(&project, "disk.img");
    // Neither a file system nor a partition table.
    let path = project.path().join("disk.img");
    let mut before = vec![0; 64 << 20];
    before[(1 << 20) - 1] = 7;
    std::fs::write(&path, &before).expect("a file");
    let mut machine = Machine::start(&project, "minimal", "console", &disks(&["disk.img"]));
    machine.wait_for("kit-init: powering off");
    machine.wait_for("format: /dev/vda is in use, it stays as it is\n");
    drop(machine);
    assert!(std::fs::read(&path).expect("a file") == before, "the disk was written to");
}

/// The client comes from the package of the server.
const TOOLS: &str = "[tools]\npackages = [\"qemu\", \"sshd\"]\n";

#[test]
fn the_server_lets_in_the_key_of_its_metadata_disk() {
    let project = TestProject::new();
    project.take("recipes/images/server.toml").take("lockfiles/server.lock").take("lockfiles/tools.lock");
    project.write("recipes/tools.toml", TOOLS);
    project.kit(&["lock", "server"]).succeeded();
    project.kit(&["lock", "tools"]).succeeded();
    project.kit(&["build", "server"]).succeeded();
    anyone_may(project.path(), 0o777);
    let make_key = |name| {
        let made = ["tool", "sshd", "--", "dropbearkey", "-t", "ed25519", "-f", name];
        let said = project.kit(&made).succeeded();
        let key = said.stdout.lines().find(|line| line.starts_with("ssh-ed25519 ")).map(str::to_owned);
        key.unwrap_or_else(|| panic!("no key in:\n{said}"))
    };
    let key = make_key("known");
    make_key("unknown");
    let data = format!("instance-id: one\nlocal-hostname: box\npublic-keys:\n  - {key}\n");
    project.write("seed/meta-data", &data).write("seed/user-data", "#cloud-config\n");
    empty_disk(&project, "disk.img");

    let port = free_port();
    let devices = format!(
        "{} -netdev user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22 -device virtio-net-pci,netdev=net,romfile= \
         -blockdev driver=vvfat,node-name=seed,dir=seed,label=CIDATA,read-only=on \
         -device virtio-blk-pci,drive=seed",
        disks(&["disk.img"])
    );
    let port = port.to_string();
    let log_in = |key, command| {
        // Without asking about the machine's key.
        let client = ["dbclient", "-y", "-y", "-i", key, "-p", &port, "root@127.0.0.1", command];
        project.kit(&[&["tool", "--network", "sshd", "--"], &client[..]].concat())
    };
    let boot = |console| {
        let mut machine = Machine::start(&project, "server", console, &devices);
        machine.wait_for("service sshd is ready");
        machine.wait_for("dhcp: eth0 has ");
        machine
    };
    let fingerprint = |machine: &Machine<'_>| {
        let printed = machine.printed();
        let line = printed.lines().find(|line| line.starts_with("sshd: Fingerprint: ")).map(str::to_owned);
        line.expect("because it was waited for")
    };

    let machine = boot("first");
    let said = log_in("known", "echo I am $(id -u)");
    assert_eq!(said.stdout, "I am 0\n", "{said}\n{}", machine.printed());
    let said = log_in("unknown", "echo I am $(id -u)");
    assert!(said.code != Some(0) && said.stdout.is_empty(), "{said}");
    let printed = machine.printed();
    assert!(printed.contains("metadata: /dev/vdb1: name box, 1 keys\n"), "{printed}");
    assert!(printed.contains("format: /dev/vda is data now\n"), "{printed}");
    let first = fingerprint(&machine);
    drop(machine);

    // Its disk stays, and with it the key that it is known by.
    let machine = boot("second");
    assert_eq!(fingerprint(&machine), first);
    log_in("known", "true").succeeded();
    let printed = machine.printed();
    assert!(printed.contains("format: /dev/vda has data already\n"), "{printed}");
}

/// Keys of two machines, private and public, and what the first one listens at.
const KEYS: [(&str, &str); 2] = [
    ("YGlyc3QgbWFjaGluZSBvZiB0aGUga2l0IHRlc3RzIWE=", "vglKNXuNSjhUKytS8Ha4Lnlqx40s5Nfq+ItREKAWiGk="),
    ("cGVjb25kIG1hY2hpbmUgb2YgdGhlIGtpdCB0ZXN0c2E=", "WZf/pOfZZhbv9bVdTZWB9v/haDsFqUS7p4CSVe/PmHo="),
];

/// A machine of a private network, with its own address, its own key, and what it says about the other one.
fn member(name: &str, address: &str, interface: &str, peer: &str, script: &str) -> String {
    format!(
        r#"
[image]
name = "{name}"
formats = ["kernel+initrd"]

[kernel]
package = "kernel-debian"
cmdline = "console=ttyS0 quiet cryptomgr.notests"
modules = ["virtio_pci", "virtio_net", "wireguard"]

[init]
packages = ["init"]

[[file]]
path = "/etc/wireguard/wg0.conf"
mode = "0600"
contents = """
[Interface]
{interface}

[Peer]
{peer}
"""

[[onboot]]
name = "network"
package = "busybox"
command = ["/bin/sh", "-ec", "ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up"]
capabilities = ["CAP_NET_ADMIN"]
net = "host"

[[onboot]]
name = "wireguard"
package = "wireguard"
command = ["/usr/share/wireguard/start", "wg0", "{address}/24", "/etc/wireguard/wg0.conf"]
binds = ["/etc/wireguard:/etc/wireguard"]

[[service]]
name = "talk"
package = "busybox"
net = "host"
command = ["/bin/sh", "-c", '''{script}''']
"#
    )
}

#[test]
fn wireguard_carries_traffic_between_two_machines() {
    let port =
        UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("one is free").port();
    let [(first, first_public), (second, second_public)] = KEYS;
    let one = member(
        "one",
        "10.8.0.1",
        &format!("PrivateKey = {first}\nListenPort = 51820"),
        &format!("PublicKey = {second_public}\nAllowedIPs = 10.8.0.2/32"),
        "while :; do echo through the tunnel | nc -l -p 7000; done",
    );
    let two = member(
        "two",
        "10.8.0.2",
        &format!("PrivateKey = {second}"),
        &format!("PublicKey = {first_public}\nAllowedIPs = 10.8.0.1/32\nEndpoint = 10.0.2.2:{port}"),
        "until nc -w 2 10.8.0.1 7000 < /dev/null; do sleep 1; done; sleep 1000",
    );
    let project = TestProject::new();
    project.take("lockfiles/tools.lock");
    for (name, image) in [("one", one), ("two", two)] {
        project.write(&format!("recipes/images/{name}.toml"), &image);
        project.kit(&["lock", name]).succeeded();
        project.kit(&["build", name]).succeeded();
    }
    let network =
        |forward: &str| format!("-netdev user,id=net{forward} -device virtio-net-pci,netdev=net,romfile=");
    let forward = format!(",hostfwd=udp:127.0.0.1:{port}-:51820");
    let mut listens = Machine::start(&project, "one", "first", &network(&forward));
    let mut asks = Machine::start(&project, "two", "second", &network(""));
    listens.wait_for("wireguard: wg0 has 10.8.0.1/24");
    asks.wait_for("talk: through the tunnel");
}
