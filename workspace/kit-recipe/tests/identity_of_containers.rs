//! Every key of a container, and every value of it, counts in the identity of its recipe.

use std::collections::BTreeMap;

use kit_recipe::Recipe;

/// What can stand in `[container]`, a line each; no two of them mean the same.
const LINES: &str = r#"
uid = 1
uid = "web"
gid = "web"
groups = [1]
groups = ["web"]
capabilities = ["CAP_KILL"]
capabilities = ["all"]
ambient = []
add-capabilities = ["CAP_KILL"]
add-binds = ["/data:/data"]
no-new-privileges = true
no-new-privileges = false
oom-score-adj = 0
oom-score-adj = -1000
rlimits = { nofile = 1 }
rlimits = { nofile = "1:2" }
rlimits = { nofile = "1:unlimited" }
rlimits = { nproc = 1 }
net = "new"
net = "/run/netns/a"
net = "/run/netns/b"
pid = "/run/pid/a"
cgroup = "host"
cgroup = "/run/a"
user = "new"
user = "host"
user = "/run/user/a"
user = "new"; uid-map = ["0:1:2"]
user = "new"; uid-map = ["1:0:2"]
user = "new"; gid-map = ["0:1:2"]
binds = ["data:/data"]
binds = ["/data:/data"]
mounts = []
mounts = [{ destination = "/a", type = "tmpfs" }]
mounts = [{ destination = "/b", type = "tmpfs" }]
mounts = [{ destination = "/a", type = "tmpfs", source = "a" }]
mounts = [{ destination = "/a", type = "tmpfs", options = ["ro"] }]
mounts = [{ destination = "/a", type = "proc" }]
masked-paths = []
masked-paths = ["/a"]
readonly-paths = ["/a"]
root-propagation = "shared"
root-propagation = "rshared"
devices = []
devices = [{ path = "/dev/a", type = "c", major = 1, minor = 2 }]
devices = [{ path = "/dev/b", type = "c", major = 1, minor = 2 }]
devices = [{ path = "/dev/a", type = "b", major = 1, minor = 2 }]
devices = [{ path = "/dev/a", type = "c", major = 2, minor = 2 }]
devices = [{ path = "/dev/a", type = "c", major = 1, minor = 3 }]
devices = [{ path = "/dev/a", type = "c", major = 1, minor = 2, mode = "0644" }]
devices = [{ path = "/dev/a", type = "c", major = 1, minor = 2, uid = 1 }]
devices = [{ path = "/dev/a", type = "c", major = 1, minor = 2, gid = 1 }]
devices = [{ path = "/dev/a", type = "c", major = 1, minor = 2, access = "r" }]
devices = [{ path = "all", type = "c" }]
devices = [{ path = "all", type = "a" }]
seccomp = {}
seccomp = { base = "none" }
seccomp = { allow = ["keyctl"] }
seccomp = { deny = ["keyctl"] }
landlock = { read = ["/a"] }
landlock = { write = ["/a"] }
landlock = { execute = ["/a"] }
apparmor = "a"
resources = { "cpu.weight" = "1" }
resources = { "cpu.weight" = "2" }
cgroups-path = "/a"
annotations = { a = "b" }
label = true
label = false
restart-wait = "1s"
restart-limit = 1
restart-limit = 2
on-failure = "stop"
on-failure = "continue"
after = ["a"]
requires = ["a"]
ready = "exit"
ready = { port = 1 }
ready = { path = "/a" }
ready = { line = "a" }
ready = { command = ["a"] }
ready = { port = 1, interval = "1s" }
ready = { port = 1, timeout = "1s" }
health = { port = 1 }
health = { port = 1, interval = "1s" }
health = { port = 1, timeout = "1s" }
health = { port = 1, retries = 3 }
health = { port = 1, start-period = "1s" }
stop-signal = "SIGINT"
stop-timeout = "1s"
log-limit = 1
every = "1s"
runtime = {}
runtime = { cgroups = ["a"] }
runtime = { mkdir = ["/a"] }
runtime = { mkdir = ["a"] }
runtime = { mounts = [{ destination = "/a", type = "tmpfs" }] }
runtime = { interfaces = [{ name = "a" }] }
runtime = { interfaces = [{ name = "a", add = "veth" }] }
runtime = { interfaces = [{ name = "a", peer = "b" }] }
runtime = { interfaces = [{ name = "a", create-in-root = true }] }
runtime = { bind-namespaces = { net = "/a" } }
"#;

fn id(name: &str, text: &str) -> String {
    let name = name.parse().expect("it is a name");
    Recipe::parse(&name, text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}")).id().to_string()
}

fn no_two_are_the_same(name: &str, head: &str) {
    let mut ids = BTreeMap::from([(id(name, head), "nothing")]);
    for line in LINES.lines().filter(|line| !line.is_empty()) {
        let text = format!("{head}{}\n", line.replace("; ", "\n"));
        if let Some(same) = ids.insert(id(name, &text), line) {
            panic!("`{line}` gives the same identity as `{same}`");
        }
    }
}

#[test]
fn every_key_counts() {
    no_two_are_the_same(
        "package web",
        "[package]\nname = \"web\"\n[[user]]\nname = \"a\"\nuid = 1\n[container]\n",
    );
    let image = "[image]\nname = \"web\"\nformats = [\"tar\"]\n";
    no_two_are_the_same("image web", &format!("{image}[defaults]\n"));
    no_two_are_the_same("image web", &format!("{image}[[service]]\nname = \"a\"\npackage = \"a\"\n"));
}

#[test]
fn every_key_of_a_volume_counts() {
    let of = |lines: &str| id("image web", &format!("[image]\nname = \"web\"\nformats = [\"tar\"]\n{lines}"));
    let volume = "[[volume]]\nname = \"a\"\n";
    let ids = [
        of(""),
        of(volume),
        of("[[volume]]\nname = \"b\"\n"),
        of(&format!("{volume}readonly = true\n")),
        of(&format!("{volume}package = \"a\"\n")),
        of(&format!("{volume}image = \"a\"\n")),
        of(&format!("{volume}{}", volume.replace("\"a\"", "\"b\""))),
    ];
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    let source = |line: &str| {
        id("package web", &format!("[package]\nname = \"web\"\n[sources.main]\nimage = \"{line}\"\n"))
    };
    assert_ne!(source("nginx"), source("nginx:1"));
}
