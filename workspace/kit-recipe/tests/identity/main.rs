//! The identity of a recipe: every meaning changes it, no spelling does.

mod disks;

use std::collections::BTreeMap;

use kit_recipe::Recipe;

const PACKAGE: &str = r#"
[package]
name = "web"
version = "1.22"
summary = "Serves files"
license = "BSD-2-Clause"

[sources.debian]
suite = "bookworm"
packages = ["nginx-light", "curl=7.88"]
dependencies = "none"

[sources.files]
local = "files/web"
include = ["/a/**"]
exclude = ["/a/b"]

[sources.vendor]
crates = "files/Cargo.lock"

[sources.upstream]
url = "https://downloads.example/web-1.22.tar.gz"

[sources.vouched]
url = "https://downloads.example/data-1.0.zip"
mirrors = ["https://mirror.example/data-1.0.zip"]
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

[sources.package]
suite = "sid"
source = "hello"

[sources.tagged]
git = "https://git.example/web.git"
tag = "v1.22"

[sources.commit]
git = "https://git.example/modules.git"
mirrors = ["https://mirror.example/modules.git"]
commit = "0123456789abcdef0123456789abcdef01234567"

[build]
tools = ["gcc", "make"]
run = "make"
timeout = 60
processors = 2
[build.env]
CC = "gcc"

[tree]
packages = ["base-files", "ca-certificates"]
include = ["/usr/**"]
exclude = ["/usr/share/doc/**"]
prefer = { "/usr/bin/ip" = "iproute2" }

[[file]]
path = "/etc/motd"
contents = "Hello\n"
mode = "0600"
uid = 1
gid = 2

[[file]]
path = "/etc/local"
source = "files/local"

[[directory]]
path = "/var/lib/web"
mode = "0700"
uid = 3
gid = 4

[[symlink]]
path = "/etc/mtab"
target = "../proc/mounts"

[[user]]
name = "web"
uid = 100
gid = 101
home = "/var/lib/web"
shell = "/bin/sh"

[[user]]
name = "other"
uid = 102

[container]
command = ["/usr/sbin/nginx", "-g", "daemon off;"]
env = { PORT = "80" }
cwd = "/srv"
uid = 5
gid = 6
groups = [7, 8]
capabilities = ["CAP_CHOWN", "CAP_SETUID"]
net = "host"
pid = "new"
ipc = "host"
uts = "new"
hostname = "web"
binds = ["/run/web:/run/web2:rw,nosuid", "/a:/b"]
tmpfs = ["/tmp:size=1M,nodev", "/var/tmp"]
readonly = false
sysctl = { "net.ipv4.ip_forward" = "1" }
seccomp = "unconfined"
restart = "on-failure"
memory = "64M"
processes = 9
"#;

const IMAGE: &str = r#"
[image]
name = "router"
summary = "Routes packets"
formats = ["kernel+initrd", "tar"]
extends = ["minimal", "ssh"]
remove = ["shell", "debug"]

[kernel]
package = "kernel-debian"
cmdline = "console=ttyS0"
modules = ["virtio_net", "virtio_blk"]

[init]
packages = ["init", "base-files"]

[[onboot]]
name = "sysctl"
package = "sysctl"

[[service]]
name = "web"
package = "nginx"
replace = true
net = "host"

[[service]]
name = "dns"
package = "unbound"

[[onshutdown]]
name = "bye"
package = "busybox"

[tree]
exclude = ["/usr/share/man/**"]

[[file]]
path = "/etc/motd"
contents = "Hello\n"
"#;

const TOOLS: &str = "[tools]\npackages = [\"qemu\", \"skopeo\"]\n";

fn id(name: &str, text: &str) -> String {
    match Recipe::parse(&name.parse().expect("the recipe is named"), text) {
        Ok(recipe) => recipe.id().to_string(),
        Err(problems) => panic!("{problems}: {problems:#?}\n{text}"),
    }
}

/// Each line of `changes` is `old => new`; the old one is a part of the recipe that occurs once, `⏎` a line break.
fn every_change_counts(name: &str, text: &str, changes: &str) {
    let mut ids = BTreeMap::from([(id(name, text), "nothing".to_owned())]);
    for change in changes.lines().filter(|line| !line.is_empty()) {
        let (old, new) = change.split_once(" => ").expect("a change has two sides");
        let old = old.replace('⏎', "\n");
        assert_eq!(text.matches(&old).count(), 1, "{old}");
        let edited = text.replace(&old, &new.replace('⏎', "\n"));
        if let Some(same) = ids.insert(id(name, &edited), change.to_owned()) {
            panic!("`{change}` gives the same identity as `{same}`");
        }
    }
}

/// To change a vector: raise the version in `Encoder::new("recipe", …)` when the meaning of the encoding changes, then
/// copy what this prints.
#[test]
fn identities_are_stable() {
    let ids = [id("package web", PACKAGE), id("image router", IMAGE), id("tools", TOOLS)];
    insta::assert_snapshot!(ids.join("\n"), @r#"
    d99438bbc6d7404e5b8942543e08466d09542a1296fdab9e6efba15630430a22
    b4d88880fa21feedb7033715eeb763d9e68d17274cdff0bf1b4c5afdd690ab28
    ea6e70082fb451d2007c121c6bd3b8f0090f3f8577861c11a4dd87fa5bc00d7a
    "#);
}

#[test]
fn every_field_of_a_package_counts() {
    every_change_counts("package web", PACKAGE, CHANGES_OF_PACKAGE);
}

const CHANGES_OF_PACKAGE: &str = r#"
version = "1.22" => version = "1.23"
version = "1.22"⏎ => ⏎
summary = "Serves files" => summary = "Serves"
license = "BSD-2-Clause" => license = "MIT"
[sources.debian] => [sources.apt]
"bookworm" => "trixie"
"nginx-light", => 
"nginx-light", "curl=7.88" => "curl=7.88", "nginx-light"
curl=7.88 => curl
dependencies = "none" => dependencies = "closure"
"files/web" => "files/www"
["/a/**"] => ["/b/**"]
["/a/b"] => ["/a/c"]
"files/Cargo.lock" => "Cargo.lock"
example/web-1.22.tar.gz => example/new/web-1.22.tar.gz
web-1.22.tar.gz => web-1.22.tar.xz
web-1.22.tar.gz" => web-1.22.tar.gz"⏎unpack = false
example/data-1.0.zip"⏎mirrors => example/data-1.1.zip"⏎mirrors
ba7816bf => ba7816be
suite = "sid" => suite = "forky"
source = "hello" => source = "hello=2.10-3"
source = "hello" => source = "hello"⏎patches = false
example/web.git => example/new/web.git
tag = "v1.22" => branch = "v1.22"
tag = "v1.22" => tag = "v1.23"
tag = "v1.22" => tag = "v1.22"⏎submodules = "empty"
commit = "0 => commit = "1
"gcc", "make" => "gcc"
run = "make" => run = "make all"
timeout = 60 => timeout = 61
CC = "gcc" => CC = "cc"
CC = "gcc" => CXX = "gcc"
"base-files", "ca-certificates" => "ca-certificates", "base-files"
["/usr/**"] => ["/bin/**"]
["/usr/share/doc/**"] => ["/usr/share/man/**"]
"/usr/bin/ip" => "/usr/sbin/ip"
"iproute2" => "busybox"
"/etc/motd" => "/etc/issue"
"Hello\n" => "Hello"
contents = "Hello\n" => source = "files/motd"
mode = "0600" => mode = "0644"
uid = 1⏎ => uid = 11⏎
gid = 2⏎ => gid = 11⏎
"files/local" => "files/locale"
[[directory]]⏎path = "/var/lib/web" => [[directory]]⏎path = "/var/lib/www"
mode = "0700" => mode = "0755"
uid = 3 => uid = 11
gid = 4 => gid = 11
"/etc/mtab" => "/etc/mounts"
"../proc/mounts" => "/proc/mounts"
[[user]]⏎name = "web" => [[user]]⏎name = "www"
uid = 100 => uid = 110
gid = 101 => gid = 110
home = "/var/lib/web" => home = "/"
shell = "/bin/sh" => shell = "/bin/bash"
uid = 102 => uid = 103
"-g", => 
{ PORT = "80" } => { PORT = "81" }
{ PORT = "80" } => {}
env = { PORT = "80" }⏎ => ⏎
cwd = "/srv" => cwd = "/"
cwd = "/srv"⏎ => ⏎
uid = 5 => uid = 11
uid = 5⏎ => ⏎
gid = 6 => gid = 11
[7, 8] => [8, 7]
groups = [7, 8] => groups = []
groups = [7, 8]⏎ => ⏎
"CAP_CHOWN", => 
["CAP_CHOWN", "CAP_SETUID"] => []
capabilities = ["CAP_CHOWN", "CAP_SETUID"] => ⏎
net = "host" => net = "new"
net = "host"⏎ => ⏎
pid = "new" => pid = "host"
ipc = "host" => ipc = "new"
uts = "new"⏎ => ⏎
hostname = "web" => hostname = "www"
/run/web: => /run/www:
/run/web2 => /run/www2
rw,nosuid => nosuid,rw
, "/a:/b" => 
"/tmp: => "/run:
size=1M => size=2M
, "/var/tmp" => 
readonly = false => readonly = true
readonly = false⏎ => ⏎
"net.ipv4.ip_forward" => "net.ipv6.ip_forward"
ip_forward" = "1" => ip_forward" = "0"
seccomp = "unconfined" => seccomp = "default"
seccomp = "unconfined"⏎ => ⏎
restart = "on-failure" => restart = "always"
restart = "on-failure" => restart = "never"
memory = "64M" => memory = "64K"
memory = "64M"⏎ => ⏎
processes = 9 => processes = 10
"#;

#[test]
fn every_field_of_an_image_counts() {
    every_change_counts(
        "image router",
        IMAGE,
        r#"
summary = "Routes packets" => summary = "Routes"
"kernel+initrd", => 
"tar" => "oci"
"minimal", => 
, "ssh" => 
"shell", => 
[kernel]⏎package = "kernel-debian" => [kernel]⏎package = "kernel"
console=ttyS0 => quiet
"virtio_net", "virtio_blk" => "virtio_blk", "virtio_net"
"init", "base-files" => "base-files", "init"
[[onboot]]⏎name = "sysctl" => [[onboot]]⏎name = "settings"
package = "sysctl" => package = "busybox"
[[onboot]] => [[onshutdown]]
package = "nginx" => package = "caddy"
package = "nginx" => image = "nginx"
package = "nginx" => image = "nginx:1"
replace = true => replace = false
net = "host" => net = "new"
name = "dns" => name = "names"
package = "unbound" => package = "bind"
name = "bye" => name = "end"
["/usr/share/man/**"] => ["/usr/share/doc/**"]
"/etc/motd" => "/etc/issue"
"#,
    );
}

#[test]
fn every_field_of_the_tools_counts() {
    every_change_counts("tools", TOOLS, "\"qemu\", => \n\"qemu\", \"skopeo\" => \"skopeo\", \"qemu\"");
}

#[test]
fn names_count() {
    let other = |text: &str, from: &str, to: &str| text.replacen(from, to, 1);
    assert_ne!(id("package web", PACKAGE), id("package www", &other(PACKAGE, "\"web\"", "\"www\"")));
    assert_ne!(id("image router", IMAGE), id("image r2", &other(IMAGE, "\"router\"", "\"r2\"")));
}

/// With a digest, an address is but a place where the same bytes may be.
#[test]
fn no_location_counts() {
    for (from, to) in [
        ("https://downloads.example/data-1.0.zip", "https://other.example/old/data-1.0.zip?raw=1"),
        ("mirrors = [\"https://mirror.example/data-1.0.zip\"]\n", ""),
        ("https://git.example/modules.git", "ssh://git@other.example/modules"),
        ("mirrors = [\"https://mirror.example/modules.git\"]\n", ""),
    ] {
        assert!(PACKAGE.contains(from));
        assert_eq!(id("package web", PACKAGE), id("package web", &PACKAGE.replace(from, to)), "{from}");
    }
}

/// Comments, blank lines, quotes, order of keys and sections, inline or not, other spellings of the same value.
#[test]
fn no_spelling_counts() {
    let plain = r#"
        [package]
        name = "web"
        version = "1"
        [sources.debian]
        suite = "bookworm"
        packages = ["a1", "b1"]
        [[file]]
        path = "/a"
        contents = "x\n"
        mode = "0644"
        [[directory]]
        path = "/b"
        [container]
        memory = "64M"
        env = { A = "1", B = "2" }
    "#;
    let other = "# Another way\r\n[container.env]\nB = '2'\nA = \"\\u0031\"\n[container]\nmemory = 67_108_864\n\
        [[directory]]\nmode = 0o755\npath = \"/b\" # here\n[[file]]\npath = \"/a\"\nmode = 0o644\ncontents = '''\nx\n'''\n\
        [package]\nversion = '1'\nname='web'\n\
        [sources]\ndebian = { packages = [\n  \"a1\",\n  \"b1\", # last\n], suite = \"bookworm\", dependencies = \"closure\" }\n";
    assert_eq!(id("package web", plain), id("package web", other));
}

/// A result may not depend on it.
#[test]
fn the_number_of_processors_does_not_count() {
    assert_eq!(
        id("package web", PACKAGE),
        id("package web", &PACKAGE.replace("processors = 2\n", "processors = 64\n"))
    );
}

#[test]
fn a_default_counts_like_no_key_only_where_it_means_the_same() {
    let package = "[package]\nname = \"web\"\n[sources.a]\nsuite = \"bookworm\"\npackages = [\"ab\"]\n";
    let with = |more: &str| id("package web", &format!("{package}{more}"));
    assert_eq!(with(""), with("dependencies = \"closure\"\n"));
    assert_eq!(with(""), with("[tree]\n[container]\n"));
    // A container's keys replace a package's one by one, so saying the default is not saying nothing.
    assert_ne!(with(""), with("[container]\nreadonly = true\n"));
}

/// Returns a package with its build written out.
fn expanded(text: &str) -> String {
    let name = "package web".parse().expect("it names a package");
    let Recipe::Package(package) = Recipe::parse(&name, text).expect("it has no problems") else {
        panic!("a package")
    };
    let (head, _) = text.split_once("[build]").expect("it has a build");
    format!("{head}{}", package.build.expect("it has a build").to_text())
}

/// A kind is data that expands to a script: written out, it is the same recipe.
#[test]
fn a_kind_is_what_it_expands_to() {
    let head = "[package]\nname = \"web\"\n[sources.main]\nlocal = \"src\"\n[sources.more]\nlocal = \"more\"\n[build]\n";
    for build in [
        r#"kind = "make"
           source = "main"
           make = ["A=it's b"]
           bin = ["web"]
           test = true"#,
        r#"kind = "autotools"
           source = "main"
           configure = ["--with-x='''"]
           static = true
           env = { CFLAGS = "-Os" }"#,
        "kind = \"cmake\"\nsource = \"main\"\nstrip = false\ntimeout = 7\n",
        r#"kind = "cargo"
           source = "main"
           features = ["a", "b"]
           tools = ["toolchain-c"]"#,
        r#"kind = "kernel"
           config = "more"
           archive = "/usr/src/linux.tar.xz"
           env = { "A B" = "\"" }"#,
        "tools = [\"sh\"]\nrun = \"a'\"\n",
        "tools = [\"sh\"]\nrun = \"a \\\"\\\"\\\" b '''\"\n",
        "tools = [\"sh\"]\nrun = \"\\n\\u007F\\u0001\\r\\n\\t\\\\\"\n",
    ] {
        let text = format!("{head}{build}");
        let expanded = expanded(&text);
        assert!(!expanded.contains("kind"), "{expanded}");
        assert_eq!(id("package web", &expanded), id("package web", &text), "{expanded}");
    }
}
