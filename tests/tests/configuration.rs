//! Every key of a container, by its effect inside of a booted system.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kit_tests::booted::head;
use kit_tests::{Said, TestProject};

/// How long a machine may take, in seconds: it is emulated, and others may be at the same time.
const PATIENCE: &str = "600";

/// What all of them have behind the head.
const BASE: &str = r#"
modules = ["overlay", "veth", "dummy"]

[init]
packages = ["init"]

[[volume]]
name = "data"
package = "seed"

[[volume]]
name = "fixed"
package = "seed"
readonly = true

# Its namespace and what is made for it stay when it has ended.
[[onboot]]
name = "maker"
package = "busybox"
command = ["/bin/sh", "-c", "echo interfaces: $(ls /sys/class/net)"]
[onboot.runtime]
mkdir = ["/run/made/deep", "/run/share", "made-inside"]
mounts = [{ destination = "/run/mounted", type = "tmpfs", options = ["size=2m"] }]
cgroups = ["/extra"]
interfaces = [{ name = "dummy7", add = "dummy" }]
bind-namespaces = { net = "/run/netns/kept", pid = "/run/ended/pid" }

[[onboot]]
name = "hopeless"
package = "busybox"
command = ["/bin/false"]
on-failure = "continue"
"#;

const SEED: &str = r#"
[package]
name = "seed"

[[file]]
path = "/seed"
contents = "sown\n"
"#;

/// A service: its name, its keys, its script, and the lines that it prints.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

const CASES: [Case; 38] = [
    (
        "cap-all",
        r#"capabilities = ["all"]"#,
        "grep CapEff /proc/self/status | tail -c 17",
        &["000001ffffffffff"],
    ),
    (
        "ambient",
        "capabilities = [\"CAP_CHOWN\", \"CAP_KILL\"]\nambient = [\"CAP_KILL\"]\nuid = 1000",
        "grep -E 'Cap(Prm|Amb|Bnd)' /proc/self/status | tr '\\t' ' '",
        &["CapPrm: 0000000000000020", "CapBnd: 0000000000000021", "CapAmb: 0000000000000020"],
    ),
    ("privileges", "no-new-privileges = false", "grep NoNewPrivs /proc/self/status | tail -c 2", &["0"]),
    ("oom-score", "oom-score-adj = 77", "cat /proc/self/oom_score_adj", &["77"]),
    (
        "rlimits",
        "rlimits = { nofile = \"100:200\", core = \"unlimited\", nproc = 50 }",
        "ulimit -n; ulimit -Hn; ulimit -c; ulimit -u",
        &["100", "200", "unlimited", "50"],
    ),
    (
        "host-spaces",
        "net = \"host\"\nuts = \"host\"\npid = \"host\"\nipc = \"host\"\ncgroup = \"host\"",
        "hostname; test -d /proc/2 && echo all processes; cat /proc/self/cgroup; test -e /sys/class/net/lo && echo net",
        &["kit", "all processes", "0::/services/host-spaces", "net"],
    ),
    (
        "own-spaces",
        "",
        "cat /proc/self/cgroup; echo /proc/[0-9]*; ls /sys/class/net",
        &["0::/", "/proc/1", "lo"],
    ),
    ("joined", "net = \"/run/netns/kept\"", "ls /sys/class/net", &["dummy7", "lo"]),
    (
        "user",
        "user = \"new\"\nuid-map = [\"0:100000:1000\"]\ngid-map = [\"0:200000:500\"]",
        "id -u; tr -s ' ' < /proc/self/uid_map; tr -s ' ' < /proc/self/gid_map; stat -c %u /etc-owner",
        &["0", " 0 100000 1000", " 0 200000 500", "65534"],
    ),
    (
        "keeper",
        r#"user = "new"
uid-map = ["0:100000:1000"]
gid-map = ["0:200000:500"]
hostname = "kept"
ready = { command = ["/bin/sh", "-c", "test $(id -u) = 0 && test -e /proc/1/comm && test $(hostname) = kept"] }
[service.runtime.bind-namespaces]
user = "/run/kept/user"
pid = "/run/kept/pid"
net = "/run/kept/net"
ipc = "/run/kept/ipc"
uts = "/run/kept/uts""#,
        "trap 'exit 0' TERM; echo up; sleep 500 & wait",
        &["up"],
    ),
    (
        "joins-user",
        "user = \"/run/kept/user\"\nafter = [\"keeper\"]\nready = \"exit\"",
        "id -u; tr -s ' ' < /proc/self/uid_map; echo /proc/[0-9]*; hostname",
        &["0", " 0 100000 1000", "/proc/1", "joins-user"],
    ),
    (
        "joins-pid",
        "pid = \"/run/kept/pid\"\nafter = [\"keeper\"]\nready = \"exit\"",
        "test $$ != 1 && tr '\\0' ' ' < /proc/1/cmdline | cut -d' ' -f1-4",
        &["/bin/sh -c trap 'exit"],
    ),
    // The last one asks the first process of the namespace of processes to end, and ends with it.
    (
        "joins-all",
        r#"user = "/run/kept/user"
pid = "/run/kept/pid"
net = "/run/kept/net"
ipc = "/run/kept/ipc"
uts = "/run/kept/uts"
after = ["joins-user", "joins-pid"]"#,
        "cd /proc; for n in user pid net ipc uts mnt; do test $(readlink self/ns/$n) = $(readlink 1/ns/$n) && echo $n; done; hostname; kill 1",
        &["user", "pid", "net", "ipc", "uts", "kept"],
    ),
    (
        "mounts",
        "mounts = [{ destination = \"/srv\", type = \"tmpfs\", options = [\"size=1m\", \"mode=700\", \"noexec\"] }]",
        "grep -o ' /srv tmpfs rw,noexec,relatime,size=1024k,mode=700' /proc/mounts",
        &[" /srv tmpfs rw,noexec,relatime,size=1024k,mode=700"],
    ),
    (
        "tmpfs",
        "tmpfs = [\"/srv:size=3M\"]",
        "grep -o ' /srv tmpfs rw,relatime,size=3072k' /proc/mounts",
        &[" /srv tmpfs rw,relatime,size=3072k"],
    ),
    (
        "masked",
        "masked-paths = [\"/proc/cpuinfo\"]",
        "wc -c < /proc/cpuinfo; test -r /proc/keys && echo keys",
        &["0", "keys"],
    ),
    (
        "unmasked",
        "masked-paths = []\nreadonly-paths = [\"/proc/irq\"]",
        "grep -c /proc/sys /proc/mounts; grep -o ' /proc/irq proc ro' /proc/mounts",
        &["0", " /proc/irq proc ro"],
    ),
    (
        "spreads",
        "root-propagation = \"rshared\"",
        "awk '$5 == \"/\" { print substr($7, 1, 7) }' /proc/self/mountinfo",
        &["shared:"],
    ),
    (
        "share-in",
        "binds = [\"/run/share:/share:rw,rshared\"]\ncapabilities = [\"CAP_SYS_ADMIN\"]",
        "mount -t tmpfs inner /share && touch /share/seen && echo mounted",
        &["mounted"],
    ),
    (
        "share-out",
        "binds = [\"/run/share:/share:ro,rslave\"]\nafter = [\"share-in\"]",
        "sleep 3; ls /share",
        &["seen"],
    ),
    ("writable", "readonly = false", "touch /new && echo written", &["written"]),
    (
        "node",
        "devices = [{ path = \"/dev/own\", type = \"c\", major = 1, minor = 5, mode = \"0640\", gid = 7 }]",
        "ls -l /dev/own | tr -s ' ' | cut -d' ' -f1,4-6; head -c 1 /dev/own | od -An -tx1",
        &["crw-r----- 7 1, 5", " 00"],
    ),
    (
        "no-device",
        "capabilities = [\"CAP_MKNOD\"]\ntmpfs = [\"/nodes:dev\"]",
        "exec 2>&1; mknod /nodes/tty c 4 64 && mknod /nodes/zero c 1 5; : < /nodes/zero && echo zero; (: < /nodes/tty) || echo no tty",
        &["zero", "/bin/sh: can't open /nodes/tty: Operation not permitted", "no tty"],
    ),
    (
        "class",
        "capabilities = [\"CAP_MKNOD\"]\ntmpfs = [\"/nodes:dev\"]\ndevices = [{ path = \"all\", type = \"c\", major = 4 }]",
        "mknod /nodes/tty c 4 64; : < /nodes/tty && echo tty",
        &["tty"],
    ),
    (
        "resources",
        "memory = \"32M\"\nprocesses = 50\nresources = { \"cpu.weight\" = \"37\", \"memory.low\" = \"1M\" }\nmounts = [{ destination = \"/srv\", type = \"cgroup2\" }]",
        "cd /srv; cat memory.max pids.max cpu.weight memory.low",
        &["33554432", "50", "37", "1048576"],
    ),
    (
        "cgroups",
        "cgroups-path = \"/custom/web\"\ncgroup = \"host\"",
        "cat /proc/self/cgroup",
        &["0::/custom/web"],
    ),
    (
        "sysctl",
        "sysctl = { \"net.ipv4.ip_forward\" = \"1\", \"kernel.msgmax\" = \"9000\" }",
        "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax",
        &["1", "9000"],
    ),
    (
        "seccomp",
        "seccomp = { deny = [\"mkdir\"], allow = [\"unshare\"] }\ntmpfs = [\"/srv\"]",
        "mkdir /srv/a; unshare -U true && echo unshared",
        &["mkdir: can't create directory '/srv/a': Operation not permitted", "unshared"],
    ),
    ("unconfined", "seccomp = \"unconfined\"", "grep Seccomp: /proc/self/status | tail -c 2", &["0"]),
    (
        "landlock",
        "landlock = { execute = [\"/usr\"], write = [\"/srv\"], read = [\"/etc-owner\"] }\ntmpfs = [\"/srv\", \"/other\"]",
        "touch /srv/a && echo written; cat /etc-owner; touch /other/a; ls /other",
        &[
            "written",
            "owned",
            "touch: /other/a: Permission denied",
            "ls: can't open '/other': Permission denied",
        ],
    ),
    (
        "named",
        "uid = \"maker\"\ngid = \"cap-all\"\ngroups = [\"hopeless\"]",
        "id -u; id -G",
        &["100", "102 101"],
    ),
    (
        "annotated",
        "annotations = { \"com.example.team\" = \"web\" }\nbinds = [\"/containers/services:/srv\"]",
        "grep -o '\"annotations\":{[^}]*}' /srv/*/config.json | cut -d- -f2-",
        &[r#"annotated/config.json:"annotations":{"com.example.team":"web"}"#],
    ),
    ("hostname", "hostname = \"elsewhere\"", "hostname", &["elsewhere"]),
    (
        "runtime",
        "binds = [\"/run:/srv\", \"/sys/fs/cgroup:/mnt\"]",
        "ls -d /srv/made/deep /mnt/extra; grep -o ' /srv/mounted tmpfs' /proc/mounts",
        &["/mnt/extra", "/srv/made/deep", " /srv/mounted tmpfs"],
    ),
    (
        "pair",
        "[service.runtime]\ninterfaces = [{ name = \"inside\", add = \"veth\", peer = \"outside\" }, { name = \"moved\", add = \"dummy\", create-in-root = true }]",
        "ls /sys/class/net; exec sleep 8",
        &["inside", "lo", "moved"],
    ),
    (
        "peer",
        "net = \"host\"\nafter = [\"pair\"]",
        "ls -d /sys/class/net/outside",
        &["/sys/class/net/outside"],
    ),
    (
        "volume-in",
        "binds = [\"data:/srv:rw\", \"fixed:/mnt\"]",
        "cat /srv/seed; echo grown > /srv/seed; touch /srv/new; touch /mnt/new || cat /mnt/seed",
        &["sown", "touch: /mnt/new: Read-only file system", "sown"],
    ),
    (
        "volume-out",
        "binds = [\"data:/srv\"]\nrequires = [\"volume-in\"]",
        "sleep 3; cat /srv/seed; ls /srv; touch /srv/mine",
        &["grown", "new", "seed", "touch: /srv/mine: Read-only file system"],
    ),
];

fn image() -> String {
    let mut image = head("minimal", "kit.exit=services") + BASE;
    for (name, keys, script, _) in CASES {
        let (keys, sections) = keys.split_at(keys.find('[').filter(|at| *at == 0).map_or(keys.len(), |_| 0));
        let command = format!("command = [\"/bin/sh\", \"-c\", '''{script}''']");
        write!(image, "\n[[service]]\nname = \"{name}\"\npackage = \"box\"\n{command}\n{keys}\n{sections}\n")
            .expect("because writing to a string doesn't fail");
    }
    for (name, key) in [
        ("profile", "apparmor = 'missing'"),
        ("late", "pid = '/run/ended/pid'"),
        ("mistaken", "user = '/run/netns/kept'"),
    ] {
        write!(image, "\n[[service]]\nname = '{name}'\npackage = 'box'\ncommand = ['/bin/true']\n{key}\n")
            .expect("because writing to a string doesn't fail");
    }
    image
}

const BOX: &str = r#"
[package]
name = "box"

[tree]
packages = ["busybox"]

[[directory]]
path = "/srv"
[[directory]]
path = "/mnt"

[[file]]
path = "/etc-owner"
contents = "owned\n"
"#;

/// Returns what each container printed.
fn printed(said: &Said) -> BTreeMap<&str, Vec<&str>> {
    let mut printed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in said.stdout.lines() {
        if let Some((name, text)) = line.trim_end_matches('\r').split_once(": ") {
            printed.entry(name).or_default().push(text);
        }
    }
    printed
}

#[test]
fn every_key_has_its_effect() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    project.write("recipes/images/minimal.toml", &image());
    project.write("recipes/packages/box.toml", BOX);
    project.write("recipes/packages/seed.toml", SEED);
    project.kit(&["lock"]).succeeded();
    let said = project.kit(&["run", "--timeout", PATIENCE]).succeeded();
    let printed = printed(&said);
    let mut wrong = String::new();
    for (name, keys, _, expected) in CASES {
        let found = printed.get(name).cloned().unwrap_or_default();
        if found != expected {
            writeln!(wrong, "{name} ({keys}):\n  expected {expected:?}\n  found    {found:?}")
                .expect("because writing to a string doesn't fail");
        }
    }
    assert!(wrong.is_empty(), "{wrong}\n{said}");
    assert_eq!(printed["maker"], ["interfaces: dummy7 lo"]);
    let init = &printed["kit-init"];
    let has = |text: &str| init.iter().any(|line| line.contains(text));
    assert!(has("cannot go on without onboot container hopeless: it exited with code 1"), "{said}");
    assert!(has("profile could not start: cannot change to AppArmor profile missing"), "{said}");
    let late = "late could not start: cannot start a process in namespace /run/ended/pid: its first process has ended";
    assert!(has(late), "{said}");
    let mistaken = "cannot join namespace /run/netns/kept: it is a namespace of kind net, not user";
    assert!(has(&format!("mistaken could not start: {mistaken}")), "{said}");
}
