//! Services in a booted system: their order, whether they are ready and well, when they start again, how they end, what
//! is kept of what they print, and who may ask for what.

#![expect(clippy::disallowed_methods, reason = "a test starts an image as a container")]

use std::process::Command;

use kit_tests::booted::head;
use kit_tests::{Said, TestProject};

/// How long a machine may take, in seconds: it is emulated, and others may be at the same time.
const PATIENCE: &str = "600";

const INIT: &str = "\n[init]\npackages = [\"init\"]\n";

fn run(cmdline: &str, parts: &str, arguments: &[&str]) -> Said {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    project.write(
        "recipes/images/minimal.toml",
        &(head("minimal", &format!("kit.exit=services {cmdline}")) + INIT + parts),
    );
    project.kit(&["lock"]).succeeded();
    project.kit(&[&["run", "--timeout", PATIENCE], arguments].concat())
}

/// Returns where the first line with a text is.
#[track_caller]
fn place(said: &Said, text: &str) -> usize {
    said.stdout.find(text).unwrap_or_else(|| panic!("no `{text}` in:\n{said}"))
}

#[track_caller]
fn in_order(said: &Said, texts: &[&str]) {
    let places: Vec<_> = texts.iter().map(|text| place(said, text)).collect();
    assert!(places.is_sorted(), "not in the order {texts:?} ({places:?}):\n{said}");
}

fn service(name: &str, script: &str, keys: &str) -> String {
    format!(
        "\n[[service]]\nname = \"{name}\"\npackage = \"busybox\"\ncommand = [\"/bin/sh\", \"-c\", '''{script}''']\n{keys}\n"
    )
}

#[test]
fn services_start_in_order_and_stop_in_the_opposite_one() {
    let last = "trap 'echo asked; exit' TERM; echo running; while :; do sleep 0.1; done";
    let parts = [
        // Written in the wrong order on purpose.
        service("web", last, "requires = [\"database\", \"setup\"]\nready = { line = \"running\" }"),
        service(
            "database",
            "sleep 1; echo listening now; trap 'echo asked; exit' TERM; while :; do sleep 0.1; done",
            "after = [\"log\"]\nready = { line = \"listening\" }",
        ),
        service("log", "exit 3", "ready = \"exit\""),
        service("setup", "sleep 2; echo made", "ready = \"exit\""),
        service("port", "nc -l -p 7000 -e cat; exec sleep inf", "ready = { port = 7000 }"),
        service(
            "path",
            "sleep 1; touch /srv/here; exec sleep inf",
            "tmpfs = [\"/srv\"]\nready = { path = \"/srv/here\", interval = \"200ms\" }",
        ),
        service(
            "command",
            "sleep 1; touch /srv/here; exec sleep inf",
            "tmpfs = [\"/srv\"]\nready = { command = [\"/bin/test\", \"-e\", \"/srv/here\"] }",
        ),
        service("left-out", "echo must not be", "requires = [\"log\"]"),
        service("never", "exec sleep inf", "ready = { path = \"/nowhere\", timeout = \"1s\" }"),
        service(
            "down",
            "echo all are ready; kill -TERM 1",
            "pid = \"host\"\ncapabilities = [\"CAP_KILL\"]\nrequires = [\"web\", \"port\", \"path\", \"command\"]\nafter = [\"never\"]",
        ),
    ];
    let said = run(
        "",
        &format!(
            "{}\n[[onshutdown]]\nname = \"bye\"\npackage = \"busybox\"\ncommand = [\"/bin/echo\", \"bye\"]\n[[file]]\npath = \"/srv/.keep\"\ncontents = \"\"\n",
            parts.concat()
        ),
        &[],
    );
    let said = said.succeeded();
    in_order(&said, &["database: listening now", "service database is ready", "web: running"]);
    in_order(
        &said,
        &["setup: made", "service setup exited with code 0", "web: running", "down: all are ready"],
    );
    for ready in ["port", "path", "command"] {
        in_order(&said, &[&format!("service {ready} is ready"), "down: all are ready"]);
    }
    place(&said, "service left-out cannot start without log");
    in_order(
        &said,
        &["service never was not ready in 1 s", "service never was killed by signal", "down: all are ready"],
    );
    assert!(!said.stdout.contains("must not be"), "{said}");
    // The database is needed until the web server has ended.
    in_order(&said, &["bye: bye", "web: asked", "database: asked", "kit-init: powering off"]);
}

#[test]
fn services_start_again_with_growing_waits_until_they_have_failed_for_good() {
    let parts = [
        service(
            "flaky",
            "echo try; exit 1",
            "restart = \"on-failure\"\nrestart-wait = \"100ms\"\nrestart-limit = 3",
        ),
        service("good", "echo done well", "restart = \"on-failure\""),
        service("ticking", "echo tick", "every = \"500ms\""),
        service(
            "unwell",
            "trap '' TERM; echo begun; exec sleep inf",
            "restart = \"always\"\nrestart-wait = \"300ms\"\nstop-timeout = \"500ms\"\nhealth = { command = [\"/bin/false\"], interval = \"300ms\", retries = 2 }",
        ),
        service(
            "hanging",
            "exec sleep inf",
            "restart = \"never\"\nhealth = { command = [\"/bin/sleep\", \"1000\"], interval = \"100ms\", timeout = \"500ms\", retries = 2 }",
        ),
        service(
            "well",
            "echo well; exec sleep inf",
            "health = { command = [\"/bin/true\"], interval = \"200ms\" }",
        ),
        service("hungry", "a=x; while :; do a=$a$a$a; done", "memory = \"8M\""),
        service(
            "sheds",
            "(a=x; while :; do a=$a$a$a; done); echo survived; exec sleep inf",
            "memory = \"8M\"",
        ),
        service("nowhere", "echo begun", "binds = [\"/nowhere:/mnt\"]"),
        service("vital", "sleep 9; exit 9", "on-failure = \"stop\""),
    ];
    let said = run("kit.on-failure=reboot", &parts.concat(), &["--until", "rebooting"]).succeeded();
    assert_eq!(said.stdout.matches("flaky: try").count(), 4, "{said}");
    for wait in ["100 ms", "200 ms", "400 ms"] {
        place(&said, &format!("service flaky exited with code 1; it starts again in {wait}"));
    }
    place(&said, "service flaky has failed 4 times, and stays ended");
    assert_eq!(said.stdout.matches("good: done well").count(), 1, "{said}");
    assert!(said.stdout.matches("ticking: tick").count() > 3, "{said}");
    in_order(
        &said,
        &[
            "service unwell is not well: 2 looks in a row have failed",
            "service unwell did not stop in 500 ms, killing it",
        ],
    );
    assert!(said.stdout.matches("unwell: begun").count() > 1, "{said}");
    place(&said, "service hanging is not well: 2 looks in a row have failed");
    assert!(!said.stdout.contains("service well"), "{said}");
    place(&said, "service hungry was killed: it used more memory than its limit");
    in_order(&said, &["service sheds: its memory is used up, a process was killed", "sheds: survived"]);
    place(&said, "service nowhere could not start: cannot bind /nowhere: ");
    in_order(&said, &["service vital exited with code 9", "stopping: service vital has failed", "rebooting"]);
}

/// What `kit-ctl` needs to be reached from a container.
const ASKS: &str = "binds = [\"/run/kit:/run/kit:rw\", \"/usr/bin/kit-init:/usr/bin/kit-ctl\", \"/usr/bin/kit-init:/usr/bin/kit-log\"]";

#[test]
fn the_machine_is_asked_by_its_local_socket() {
    let asker = r#"
kit-ctl list | sed 's/  */ /g' | cut -d' ' -f1,2,5
kit-ctl exec web cat /proc/self/status | grep -E 'CapEff|NoNewPrivs|Seccomp:' | tr '\t' ' '
kit-ctl exec web hostname
kit-ctl exec web sh -c 'echo to stderr >&2; exit 7' 2>&1; echo code $?
echo given | kit-ctl exec web cat
kit-ctl exec web mkdir /new 2>&1
kit-ctl exec nobody true 2>&1; echo code $?
kit-log web | cut -d' ' -f2-
kit-log --json noisy | head -n1 | cut -d, -f3-
kit-ctl logs noisy | wc -l
kit-ctl stop web && sleep 1 && kit-ctl list | grep -c stopped
kit-ctl start web && sleep 1 && kit-ctl list --json | grep -c '"state":"ready".*"starts":2'
kit-ctl restart web && sleep 1
kit-log -f web | (read a; read b; read c; echo followed)
kit-ctl restart 2>&1 | head -n1
kit-ctl poweroff
sleep 100
"#;
    let parts = [
        service("web", "echo serving; exec sleep inf", "hostname = \"inner\""),
        service(
            "noisy",
            "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; exec sleep inf",
            "log-limit = \"4K\"",
        ),
        service("asker", &format!("sleep 3{asker}"), ASKS),
        service("nobody-asks", "sleep 2; kit-ctl list 2>&1", &format!("uid = 1000\n{ASKS}")),
    ];
    let said = run("", &parts.concat(), &[]).succeeded();
    let asked: Vec<_> =
        said.stdout.lines().filter_map(|line| line.trim_end().strip_prefix("asker: ")).collect();
    let expected = [
        "NAME STATE STARTS",
        "web ready 1",
        "noisy ready 1",
        "asker ready 1",
        "nobody-asks failed 1",
        "CapEff: 0000000000000000",
        "NoNewPrivs: 1",
        "Seccomp: 2",
        "inner",
        "to stderr",
        "code 7",
        "given",
        "mkdir: can't create directory '/new': Read-only file system",
        "kit-ctl: cannot do it: there is no service nobody",
        "code 1",
        "web: serving",
        r#""name":"noisy","stream":"stdout","text":"line 444"}"#,
        "56",
        "1",
        "1",
        "followed",
        "usage: kit-ctl COMMAND",
    ];
    assert_eq!(asked, expected, "{said}");
    place(&said, "nobody-asks: kit-ctl: cannot connect to /run/kit/control: Permission denied");
    in_order(&said, &["stopping: somebody asked for it", "kit-init: powering off"]);
}

#[test]
fn a_failed_boot_can_end_in_a_shell() {
    let broken = "\n[[onboot]]\nname = \"broken\"\npackage = \"busybox\"\ncommand = [\"/bin/false\"]\n";
    let said = run("kit.on-failure=rescue", broken, &["--until", "its end ends the machine"]);
    place(&said, "rescue: a shell in /containers/onboot/000-broken/rootfs; its end ends the machine");
}

/// What a container runtime does before it starts the first process, as an ordinary user.
const RUNTIME: &str = r"
mount --bind root root
mount -t proc proc root/proc
mount -t tmpfs tmpfs root/dev
for device in null zero full random urandom tty; do
    : > root/dev/$device
    mount --bind /dev/$device root/dev/$device
done
mount -t sysfs -o ro sysfs root/sys
mount -t tmpfs tmpfs root/run
cd root
PATH=$PATH:/usr/sbin:/sbin exec chroot . /init
";

#[test]
fn an_image_runs_as_a_container_too() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    let parts = [
        "\n[[onboot]]\nname = \"first\"\npackage = \"busybox\"\ncommand = [\"/bin/echo\", \"begun\"]\n"
            .to_owned(),
        service("web", "echo processes: /proc/[0-9]*; exec sleep inf", "ready = { line = \"processes\" }"),
        service("last", "exit 3", "after = [\"web\"]\non-failure = \"stop\""),
    ];
    let head = head("minimal", "kit.exit=services").replace("\"kernel+initrd\"", "\"tar\"");
    let image = head + INIT + &parts.concat();
    project.write("recipes/images/minimal.toml", &image);
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let script = format!("mkdir root && tar -xf out/minimal.tar -C root --no-same-owner && {{ {RUNTIME} }}");
    let spaces =
        ["-U", "--map-root-user", "--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup"];
    let output = Command::new("timeout")
        .args(["120", "unshare"])
        .args(spaces)
        .args(["sh", "-ec", &script])
        .current_dir(project.path())
        .output()
        .expect("the machine has util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    let expected = [
        "first: begun",
        "web: processes: /proc/1",
        "kit-init: service web is ready",
        "kit-init: service last exited with code 3",
        "kit-init: stopping: service last has failed",
        "kit-init: powering off",
    ];
    let places: Vec<_> = expected.iter().map(|line| text.find(line)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{expected:?} in {places:?}:\n{text}\n{output:?}"
    );
}
