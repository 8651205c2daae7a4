//! Machines that run containers: what kit itself made goes in, and runs, by containerd.
#![expect(clippy::disallowed_methods, reason = "a test makes disks")]

use kit_tests::TestProject;
use kit_tests::booted::{anyone_may, empty_disk};
use kit_tests::machine::{Machine, SEED, disks, network};

/// Makes the archive `files/shell.tar` of the images of `minimal`, as `docker save` writes it.
fn write_archive(project: &TestProject) {
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal", "--format", "docker-archive"]).succeeded();
    project.write("files/shell.tar", "");
    let (from, to) = ("out/minimal.docker.tar", "files/shell.tar");
    std::fs::rename(project.path().join(from), project.path().join(to)).expect("both are in the project");
}

/// An image like `container-host` with the archive and a service that asks for things. `service` is what stands in place of
/// the service `containerd`, without what it binds.
fn build(project: &TestProject, modules: &str, service: &str, script: &str) {
    project.take("recipes/images/server.toml").take("recipes/images/container-host.toml");
    project.take("lockfiles/container-host.lock").take("lockfiles/tools.lock");
    let image = project.read("recipes/images/container-host.toml");
    let written = "name = \"containerd\"\npackage = \"containerd\"\n";
    assert!(image.contains(written) && image.contains("\"overlay\"]"), "{image}");
    let service = format!("{service}\nadd-binds = [\"/srv/shell.tar:/srv/shell.tar\"]\n");
    let image = image.replace(written, &service).replace("\"overlay\"]", &format!("\"overlay\"{modules}]"));
    let parts = format!(
        r#"
[[file]]
path = "/srv/shell.tar"
source = "files/shell.tar"

[[service]]
name = "probe"
package = "busybox"
net = "host"
binds = ["/run/kit:/run/kit:rw", "/sys/fs/cgroup:/sys/fs/cgroup", "/usr/bin/kit-init:/usr/bin/kit-ctl"]
command = ["/bin/sh", "-euc", '''{script}''']
requires = ["SERVICE"]
"#
    );
    let name = service.split('"').nth(1).expect("a name");
    project.write("recipes/images/container-host.toml", &(image + &parts.replace("SERVICE", name)));
    project.kit(&["lock", "container-host"]).succeeded();
    project.kit(&["build", "container-host"]).succeeded();
}

/// Boots it with a disk of its own and the one with its metadata, until the service that asks has done so.
fn boot<'a>(project: &'a TestProject, memory: &str) -> Machine<'a> {
    project.write("seed/meta-data", "instance-id: one\n").write("seed/user-data", "#cloud-config\n");
    empty_disk(project, "disk.img", 512);
    anyone_may(project.path(), 0o777);
    let devices = format!("-m {memory} {}", disks(&["disk.img"]) + &network("") + SEED);
    Machine::start(project, "container-host", "console", &devices)
}

/// Fails unless each of these lines was printed.
#[track_caller]
fn said(printed: &str, lines: &[&str]) {
    for line in lines {
        assert!(printed.lines().any(|printed| printed == *line), "no `{line}` in:\n{printed}");
    }
}

const CONTAINERD: &str = r#"
ctr() { kit-ctl exec containerd ctr "$@"; }
ctr images import /srv/shell.tar
image=docker.io/library/minimal-shell:latest
ctr run --rm --memory-limit 33554432 $image one /bin/sh -c '
    echo "process $$, network $(ls /sys/class/net), group $(cat /proc/self/cgroup)"
    echo "root is $(grep " / " /proc/mounts | cut -d" " -f 3)"
'
ctr run --detach --memory-limit 33554432 $image two /bin/sleep 1000
echo "limit $(cat /sys/fs/cgroup/default/two/memory.max)"
kit-ctl restart containerd
until kit-ctl list --json | grep -qE '"containerd","state":"ready".*"starts":2'; do sleep 1; done
echo "kept $(ctr images list -q | grep shell) and $(ctr containers list -q)"
echo "running $(ctr tasks list -q | wc -l)"
ctr containers delete two
echo "left $(ls /sys/fs/cgroup/default | grep -cE "one|two" || true)"
ctr run --rm $image one /bin/echo runs again
echo done
"#;

#[test]
fn containerd_runs_what_kit_made_and_keeps_it() {
    let project = TestProject::new();
    write_archive(&project);
    build(&project, "", "name = \"containerd\"\npackage = \"containerd\"", CONTAINERD);
    let mut machine = boot(&project, "1024");
    machine.wait_for("service probe exited");
    let printed = machine.printed();
    said(
        &printed,
        &[
            "kit-init: service containerd exited with code 0",
            "probe: process 1, network lo, group 0::/default/one",
            "probe: root is overlay",
            "probe: limit 33554432",
            "probe: kept docker.io/library/minimal-shell:latest and two",
            "probe: running 0",
            "probe: left 0",
            "probe: runs again",
            "probe: done",
        ],
    );
}
