//! The standard packages that need no device of their own: each one does its job in a booted machine.
#![expect(clippy::disallowed_methods, reason = "tests open connections")]

use std::net::UdpSocket;

use kit_tests::booted::{PATIENCE, free_port, printed, project, project_with};

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

const LOGS: &str = r#"
[[service]]
name = "logwrite"
package = "logwrite"
command = ["/usr/share/logwrite/write", "300", "2"]

[[service]]
name = "talk"
package = "busybox"
command = ["/bin/sh", "-c", '''
for number in $(seq 20); do printf 'a "quoted" \\ line\tof %s\n' "$number"; done
exec sleep inf
''']

[[service]]
name = "probe"
package = "busybox"
binds = ["/run/kit:/run/kit:rw", "/usr/bin/kit-init:/usr/bin/kit-ctl", "/var/log:/var/log"]
command = ["/bin/sh", "-c", '''
until grep -q 'of 20$' /var/log/talk.log; do sleep 1; done
kit-ctl restart logwrite
# Its own lines come after all that it might write twice.
echo a line after the restart
until grep -q 'after the restart$' /var/log/probe.log*; do sleep 1; done
cd /var/log
echo files: talk.log*
echo sizes: $(cat talk.log | wc -c) $(cat talk.log.1 | wc -c) $(cat talk.log.2 | wc -c)
cat talk.log.2 talk.log.1 talk.log | cut -d ' ' -f 2-
echo odd: $(cat talk.log* | grep -vcE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z a "quoted"')
echo done
''']

[[onboot]]
name = "made"
package = "busybox"
command = ["/bin/mkdir", "-p", "/var/log"]
binds = ["/var:/var:rw"]
"#;

#[test]
fn what_containers_print_is_written_to_files_that_are_replaced() {
    let project = project("", LOGS);
    project.kit(&["lock", "minimal"]).succeeded();
    let run = ["run", "--until", "probe: done", "--timeout", PATIENCE];
    let said = project.kit(&run).succeeded();
    printed(&said, &["probe: files: talk.log talk.log.1 talk.log.2", "probe: odd: 0"]);
    let written: Vec<_> =
        said.stdout.lines().filter_map(|line| line.trim_end().strip_prefix("probe: a \"quoted\" ")).collect();
    // The last ones, each once.
    let first = 21 - written.len();
    let expected: Vec<_> = (first..=20).map(|number| format!("\\ line\tof {number}")).collect();
    assert!(written.len() > 10 && written == expected, "{said}");
    let sizes =
        said.stdout.lines().find_map(|line| line.strip_prefix("probe: sizes: ")).expect("they were printed");
    let sizes: Vec<u32> = sizes.split_whitespace().map(|size| size.parse().expect("a number")).collect();
    assert!(sizes.iter().all(|size| (1..=300).contains(size)), "{said}");
}

const MODULES: &str = r#"
[[onboot]]
name = "modprobe"
package = "modprobe"
command = ["/usr/share/modprobe/load", "dummy", "numdummies=3", "-", "dm_crypt", "-", "xts"]

[[onboot]]
name = "wrong"
package = "modprobe"
command = ["/usr/share/modprobe/load", "no_such_module"]
on-failure = "continue"

[[service]]
name = "probe"
package = "busybox"
net = "host"
ready = "exit"
command = ["/bin/sh", "-c", "ls /sys/class/net; cut -d ' ' -f 1 /proc/modules"]

# Without `evdev`, the init doesn't see the button.
[[service]]
name = "acpid"
package = "acpid"
after = ["probe"]
"#;

#[test]
fn modules_are_loaded_by_name_and_the_button_runs_a_program() {
    let project = project_with(r#""button""#, r#""init", "kernel-debian-modules""#, MODULES);
    project.kit(&["lock", "minimal"]).succeeded();
    let until = "acpid: waiting for events";
    let said = project.kit(&["run", "--mem", "768M", "--until", until, "--timeout", PATIENCE]).succeeded();
    printed(&said, &["modprobe: dummy is loaded", "modprobe: dm_crypt is loaded"]);
    // What they depend on, and what they want besides.
    printed(&said, &["probe: dummy2", "probe: dm_mod", "probe: dm_crypt", "probe: ecb"]);
    assert!(said.stdout.contains("no_such_module"), "{said}");
    printed(&said, &["acpid: the power button was pressed", "kit-init: stopping: somebody asked for it"]);
    assert!(said.stderr.contains("powered off in order"), "{said}");
}

/// What the services of two clouds answer, at the same address. The first one wants a token, until it is told to be an old one.
const CLOUD: &str = r#"#!/bin/sh
read -r method path _
token= flavor=
while read -r name value && [ -n "${name%?}" ]; do
    value=${value%?}
    case "$name" in
    X-aws-ec2-metadata-token:) token=$value ;;
    Metadata-Flavor:) flavor=$value ;;
    esac
done
answer() { printf 'HTTP/1.0 200 OK\r\nContent-Length: %s\r\n\r\n%s' "${#1}" "$1"; exit; }
refuse() { printf 'HTTP/1.0 %s\r\nContent-Length: 0\r\n\r\n' "$1"; exit; }
case "$method $path" in
"PUT /latest/api/token")
    [ -e /cloud/version1 ] && refuse '404 Not Found'
    answer dG9rZW4= ;;
"GET /latest/"*)
    [ -e /cloud/version1 ] || [ "$token" = dG9rZW4= ] || refuse '401 Unauthorized' ;;
"GET /computeMetadata/v1/"*)
    [ "$flavor" = Google ] || refuse '403 Forbidden' ;;
esac
case "$path" in
/latest/meta-data/instance-id) answer i-0123 ;;
/latest/meta-data/local-hostname) answer ip-10-0-0-1.example ;;
/latest/meta-data/public-keys/) answer '0=first
1=second' ;;
/latest/meta-data/public-keys/0/openssh-key) answer 'ssh-ed25519 AAAAfirst first' ;;
/latest/meta-data/public-keys/1/openssh-key) answer 'ssh-rsa AAAAsecond second
' ;;
/latest/user-data) answer '#!/bin/sh
true' ;;
/computeMetadata/v1/instance/id) answer 4567 ;;
/computeMetadata/v1/instance/hostname) answer box.example ;;
/computeMetadata/v1/instance/attributes/ssh-keys) answer 'ada:ssh-ed25519 AAAAada ada
bob:ssh-rsa AAAAbob google-ssh {"userName":"bob","expireOn":"2020-01-01T00:00:00+0000"}' ;;
/computeMetadata/v1/project/attributes/ssh-keys) answer 'eve:ecdsa-sha2-nistp256 AAAAeve eve' ;;
*) refuse '404 Not Found' ;;
esac
"#;

const CLOUD_PACKAGE: &str = r#"
[package]
name = "cloud"

[tree]
packages = ["busybox"]

[[file]]
path = "/usr/bin/cloud"
source = "cloud"
mode = "0755"

[container]
command = ["/bin/nc", "-ll", "-p", "80", "-e", "/usr/bin/cloud"]
capabilities = ["CAP_NET_BIND_SERVICE"]
net = "host"
binds = ["/run/cloud:/cloud"]
runtime = { mkdir = ["/run/cloud"] }
"#;

const CLOUDS: &str = r#"
[[file]]
path = "/etc/metadata/meta-data"
contents = "instance-id: here\nlocal-hostname: file-box\n"

[[onboot]]
name = "address"
package = "ip"
command = ["/usr/bin/ip", "address", "add", "169.254.169.254/32", "dev", "lo"]

[[service]]
name = "cloud"
package = "cloud"
ready = { port = 80 }
"#;

/// A service that asks by this command once others are ready, with results in a directory of its own.
fn asks(name: &str, after: &str, command: &str) -> String {
    format!(
        r#"
[[service]]
name = "{name}"
package = "metadata"
command = [{command}]
requires = [{after}]
ready = "exit"
net = "host"
binds = ["/dev:/dev:rw,dev", "/run/{name}:/run:rw", "/run/cloud:/cloud:rw", "/etc/metadata:/etc/metadata"]
runtime = {{ mkdir = ["/run/{name}"] }}
"#
    )
}

#[test]
fn metadata_comes_from_services_of_clouds_and_from_files() {
    let probe = r#"
[[service]]
name = "probe"
package = "busybox"
requires = ["old", "gcp", "file"]
binds = ["/run:/host"]
command = ["/bin/sh", "-c", '''
for name in ec2 gcp file; do
    cd /host/$name/config
    echo "$name: $(cat hostname) $(ls -ld ssh | cut -c 1-10) $(head -n 1 meta-data), user data $(cat user-data | wc -c)"
    sed "s/^/$name key: /" ssh/authorized_keys
done
echo done
''']
"#;
    let read = "/usr/share/metadata/read";
    let asked = [
        asks("ec2", r#""cloud""#, &format!(r#""{read}", "disk", "ec2", "gcp""#)),
        asks("gcp", r#""cloud""#, &format!(r#""{read}", "gcp""#)),
        asks("file", r#""cloud""#, &format!(r#""{read}", "/etc/metadata", "ec2""#)),
        asks("old", r#""ec2""#, &format!(r#""/bin/sh", "-c", "touch /cloud/version1; exec {read} ec2""#)),
    ];
    let project = project("", &[CLOUDS, &asked.concat(), probe].concat());
    project.write("recipes/packages/cloud.toml", CLOUD_PACKAGE).write("cloud", CLOUD);
    project.kit(&["lock", "minimal"]).succeeded();
    let said = project.kit(&["run", "--until", "probe: done", "--timeout", PATIENCE]).succeeded();
    printed(
        &said,
        &[
            "ec2: no disk has the label cidata",
            "ec2: EC2's service, with a token: name ip-10-0-0-1.example, 2 keys",
            "probe: ec2: ip-10-0-0-1.example drwx------ instance-id: i-0123, user data 14",
            "probe: ec2 key: ssh-ed25519 AAAAfirst first",
            "probe: ec2 key: ssh-rsa AAAAsecond second",
            "old: EC2's service: name ip-10-0-0-1.example, 2 keys",
            "gcp: Google's service: name box.example, 2 keys",
            "probe: gcp: box.example drwx------ instance-id: 4567, user data 0",
            "probe: gcp key: ssh-ed25519 AAAAada ada",
            "probe: gcp key: ecdsa-sha2-nistp256 AAAAeve eve",
            "file: /etc/metadata: name file-box, 0 keys",
        ],
    );
    assert!(!said.stdout.contains("AAAAbob"), "{said}");
}
