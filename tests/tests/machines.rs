//! The standard packages that need a disk, a console, a device or a second machine: each one does its job.
#![expect(clippy::disallowed_methods, reason = "tests write disks and open connections")]

use std::net::UdpSocket;

use kit_tests::TestProject;
use kit_tests::booted::{anyone_may, empty_disk, free_port, head, project};
use kit_tests::machine::{Machine, SEED, disks, network};

#[test]
fn a_disk_that_holds_something_is_not_formatted() {
    let parts = "\n[[onboot]]\nname = \"format\"\npackage = \"format\"\n";
    let project = project(r#""virtio_pci", "virtio_blk""#, parts);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    empty_disk(&project, "disk.img", 64);
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

/// An encrypted disk with a key of `KEY`.
const CRYPT: &str = r#"
[[file]]
path = "/etc/dm-crypt/key"
contents = "KEY"
mode = "0600"

[[onboot]]
name = "crypt"
package = "dm-crypt"
command = ["/usr/share/disks/dm-crypt", "secret", "/etc/dm-crypt/key"]
add-binds = ["/etc/dm-crypt:/etc/dm-crypt"]

[[onboot]]
name = "format"
package = "format"
command = ["/usr/share/disks/format", "data", "/dev/mapper/secret"]

[[onboot]]
name = "mount"
package = "mount"

[[service]]
name = "keep"
package = "busybox"
binds = ["/var/lib:/var/lib:rw"]
command = ["/bin/sh", "-c", '''
cat /var/lib/kept
echo what nobody reads > /var/lib/kept
sync
echo done
''']
"#;

#[test]
fn an_encrypted_disk_opens_by_its_key_alone() {
    let modules = r#""virtio_pci", "virtio_blk", "ecb", "xts", "dm_crypt""#;
    let project = project(modules, &CRYPT.replace("KEY", "of the tests"));
    let build = || {
        project.kit(&["lock", "minimal"]).succeeded();
        project.kit(&["build", "minimal"]).succeeded();
    };
    build();
    empty_disk(&project, "disk.img", 64);
    let boot = |console| Machine::start(&project, "minimal", console, &disks(&["disk.img"]));
    let mut machine = boot("first");
    machine.wait_for("keep: done\n");
    machine.wait_for("crypt: /dev/vda is encrypted now, and at /dev/mapper/secret\n");
    machine.wait_for("format: /dev/mapper/secret is data now\n");
    drop(machine);
    let bytes = std::fs::read(project.path().join("disk.img")).expect("a file");
    assert!(!bytes.windows(18).any(|window| window == b"what nobody reads\n"), "it is on the disk as it is");
    let mut machine = boot("second");
    machine.wait_for("keep: what nobody reads\n");
    machine.wait_for("crypt: /dev/vda is at /dev/mapper/secret\n");
    drop(machine);
    let image = project.read("recipes/images/minimal.toml");
    project.write("recipes/images/minimal.toml", &image.replace("of the tests", "of others"));
    build();
    let mut machine = boot("third");
    machine.wait_for("crypt: the key in /etc/dm-crypt/key is not the one of /dev/vda\n");
    machine.wait_for("kit-init: powering off");
}

/// The password is `hunter2`.
const CONSOLES: &str = r#"
[[file]]
path = "/etc/getty/shadow"
contents = "root:SHADOW:19000:0:99999:7:::\n"
mode = "0600"

[[service]]
name = "getty"
package = "getty"
add-binds = ["/etc/getty/shadow:/etc/shadow"]

[[service]]
name = "second"
package = "getty"
command = ["/usr/share/getty/start", "ttyS1", "root"]

[[service]]
name = "nobody"
package = "getty"
restart = "never"
"#;

#[test]
fn a_console_lets_in_who_knows_the_password() {
    let shadow =
        "$6$kittests$A3lcuDf1p6OVt8zGPMUxZeZn8wDt/yneYpEYekvZav/B9hgdKtQHcHi9ySJqkYyjYqhHAzwUUfUut0n9vDrA80";
    let project = project(r#""virtio_pci""#, &CONSOLES.replace("SHADOW", shadow));
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    anyone_may(project.path(), 0o777);
    let devices = "-serial file:second.log";
    let mut machine = Machine::start(&project, "minimal", "console", devices);
    machine.wait_for("nobody: nobody has a password in /etc/shadow\n");
    machine.wait_for("getty: logins at ttyS0 for root\n");
    machine.wait_for("getty login: ");
    machine.type_line("root");
    machine.wait_for("Password: ");
    machine.type_line("wrong");
    machine.wait_for("Login incorrect");
    machine.wait_for_times("getty login: ", 2);
    machine.type_line("root");
    machine.wait_for_times("Password: ", 2);
    machine.type_line("hunter2");
    machine.wait_for("~ # ");
    machine.type_line("echo I am $(id -un) at $(tty)");
    machine.wait_for("I am root at /dev/ttyS0\n");
    assert!(project.read("second.log").contains("~ # "), "nobody is logged in at the second console");
}

#[test]
fn random_numbers_of_a_device_reach_the_kernel() {
    let parts = r#"
[[service]]
name = "rngd"
package = "rngd"
command = ["/usr/sbin/rngd", "-f", "-S", "1", "-t", "1"]
"#;
    let project = project(r#""virtio_pci", "virtio_rng""#, parts);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    let devices = "-object rng-builtin,id=source -device virtio-rng-pci,rng=source";
    let mut machine = Machine::start(&project, "minimal", "console", devices);
    let added = "rngd: stats: entropy added to kernel pool: ";
    machine.wait_for(added);
    machine.wait_for("rngd: stats: FIPS 140-2 successes: ");
    let printed = machine.printed();
    let bits = printed.lines().find_map(|line| line.strip_prefix(added)).expect("because it was waited for");
    assert!(bits.parse::<u64>().is_ok_and(|bits| bits > 0), "{printed}");
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
    empty_disk(&project, "disk.img", 64);

    let port = free_port();
    let devices = disks(&["disk.img"]) + &network(&format!(",hostfwd=tcp:127.0.0.1:{port}-:22")) + SEED;
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
    let parts = format!(
        r#"
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
    );
    head(name, "") + &parts
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
    let forward = format!(",hostfwd=udp:127.0.0.1:{port}-:51820");
    let mut listens = Machine::start(&project, "one", "first", &network(&forward));
    let mut asks = Machine::start(&project, "two", "second", &network(""));
    listens.wait_for("wireguard: wg0 has 10.8.0.1/24");
    asks.wait_for("talk: through the tunnel");
}
