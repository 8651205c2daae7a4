//! Machines that run containers: what kit itself made goes in, and runs, by containerd and by Docker.
#![expect(clippy::disallowed_methods, reason = "a test makes disks")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use kit_tests::TestProject;
use kit_tests::booted::{anyone_may, empty_disk, free_port};
use kit_tests::machine::{Machine, SEED, disks, network};
use kit_tests::server::{Answer, Site, with_server};

/// Small, for each layer of an archive takes a machine that is emulated ten seconds.
const SHELL: &str = "[image]\nname = \"minimal\"\nformats = [\"docker-archive\"]\n[[service]]\nname = \"shell\"\npackage = \"busybox\"\n";

/// Makes the archive `files/shell.tar` of an image with one service, as `docker save` writes it.
fn write_archive(project: &TestProject) {
    project.take("lockfiles/minimal.lock").write("recipes/images/minimal.toml", SHELL);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
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

/// Boots it with a disk of its own, the one with its metadata and a network with these options.
fn boot<'a>(project: &'a TestProject, forward: &str) -> Machine<'a> {
    project.write("seed/meta-data", "instance-id: one\n").write("seed/user-data", "#cloud-config\n");
    empty_disk(project, "disk.img", 512);
    anyone_may(project.path(), 0o777);
    let devices = format!("-m 1024 {}", disks(&["disk.img"]) + &network(forward) + SEED);
    Machine::start(project, "container-host", "console", &devices)
}

/// Waits for each of these lines, one after the other: each may take as long as anything may.
#[track_caller]
fn says(machine: &mut Machine<'_>, lines: &[&str]) {
    for line in lines {
        machine.wait_for(&format!("\n{line}\n"));
    }
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
    let mut machine = boot(&project, "");
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

/// What Docker's networks need besides.
const NETWORKS: &str = r#", "bridge", "br_netfilter", "veth", "nf_conntrack_netlink", "nf_tables", "nft_chain_nat", "nft_compat",
  "xt_MASQUERADE", "xt_addrtype", "xt_conntrack", "xt_nat", "xt_tcpudp""#;

const DOCKER: &str = r#"
docker() { kit-ctl exec docker docker "$@"; }
docker load --input /srv/shell.tar
docker run --rm --memory 32m --volume pages:/srv --entrypoint /bin/sh minimal-shell -c '
    echo "process $$, limit $(cat /sys/fs/cgroup/memory.max)"
    echo "root is $(grep " / " /proc/mounts | cut -d" " -f 3)"
    set -- $(ip -4 -o address show dev eth0)
    echo "address $4, $(ip route | head -n 1)"
    until wget -q -O - http://10.0.2.2:PORT/word; do sleep 1; done
    echo from the bridge > /srv/index.html
'
docker run --detach --init --name web --user 1000:1000 --volume pages:/srv:ro --publish 8000:8080 \
    --entrypoint /bin/httpd minimal-shell -f -p 8080 -h /srv > /dev/null
get() { until wget -q -O - "$1"; do sleep 1; done; }
echo "asked $(get http://172.17.0.2:8080/)"
echo "published $(get http://127.0.0.1:8000/)"
echo "inside $(docker exec web id -u)"
echo "group $(ls -d /sys/fs/cgroup/docker/*/ | wc -l)"
kit-ctl restart docker
until kit-ctl list --json | grep -qE '"docker","state":"ready".*"starts":2'; do sleep 1; done
docker images --format "kept {{.Repository}}:{{.Tag}}"
docker inspect --format "{{.Name}} {{.State.Status}} by signal {{.State.ExitCode}}" web
docker start web > /dev/null
echo "again $(get http://172.17.0.2:8080/)"
kit-ctl poweroff
"#;

#[test]
fn docker_runs_what_kit_made_and_gives_it_a_network() {
    let project = TestProject::new();
    write_archive(&project);
    let site = Site::from([("/word".to_owned(), Answer::Bytes(b"from the outside\n".to_vec()))]);
    with_server(site, |server| {
        let (_, port) = server.base.rsplit_once(':').expect("an address has a port");
        let script = DOCKER.replace("PORT", port);
        build(&project, NETWORKS, "name = \"docker\"\npackage = \"docker\"", &script);
        let port = free_port();
        let mut machine = boot(&project, &format!(",hostfwd=tcp:127.0.0.1:{port}-:8000"));
        says(
            &mut machine,
            &[
                "probe: process 1, limit 33554432",
                "probe: root is overlay",
                "probe: address 172.17.0.2/16, default via 172.17.0.1 dev eth0 ",
                "probe: from the outside",
                "probe: asked from the bridge",
                "probe: published from the bridge",
                "probe: inside 1000",
                "probe: group 1",
            ],
        );
        let page = ask(port).expect("the port is the container's");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("from the bridge"), "{page}");
        says(
            &mut machine,
            &[
                "kit-init: service docker exited with code 0",
                "probe: kept minimal-shell:latest",
                "probe: /web exited by signal 143",
                "probe: again from the bridge",
            ],
        );
        machine.wait_for("kit-init: powering off");
        let printed = machine.printed();
        let (_, end) = printed.split_once("kit-init: stopping").expect("somebody asked for it");
        let end = end.split("kit-init: powering off").next().expect("a split has a first part");
        assert!(end.contains("Daemon shutdown complete"), "{printed}");
    });
}

/// Asks for the page at a port of the machine that is reached from outside.
fn ask(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}
