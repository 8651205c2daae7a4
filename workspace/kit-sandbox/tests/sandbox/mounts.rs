//! What is mounted where.

use std::os::unix::fs::symlink;
use std::path::Path;

use kit_sandbox::{Access, Bind, Job, SandboxError, Tmpfs};

use crate::Tests;
use crate::fixture::{Fixture, run};

pub(crate) const TESTS: Tests = &[
    ("only_writable_places_can_be_written", only_writable_places_can_be_written),
    ("every_mount_has_its_attributes", every_mount_has_its_attributes),
    ("the_roots_entries_are_shown", the_roots_entries_are_shown),
    ("files_and_nested_places_are_mounted", files_and_nested_places_are_mounted),
    ("a_missing_source_is_named", a_missing_source_is_named),
    ("a_missing_target_is_named", a_missing_target_is_named),
    ("a_link_in_the_root_does_not_lead_out", a_link_in_the_root_does_not_lead_out),
    ("a_tmpfs_is_empty_and_limited", a_tmpfs_is_empty_and_limited),
    ("devices_are_the_usual_few", devices_are_the_usual_few),
    ("devices_are_added_by_name", devices_are_added_by_name),
];

fn bind(source: impl AsRef<Path>, target: &str, access: Access) -> Bind {
    Bind { source: source.as_ref().into(), target: target.into(), access }
}

fn make(path: impl AsRef<Path>) {
    std::fs::DirBuilder::new().create(path).unwrap();
}

fn make_file(path: impl AsRef<Path>) {
    std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
}

fn only_writable_places_can_be_written() {
    let fixture = Fixture::new();
    make(fixture.work().join("input"));
    let mut job = fixture.job(
        "for d in / /usr /input /dev /proc /work /tmp /dev/shm; do touch $d/new 2>/dev/null && echo $d; done; \
         mkdir /work/made; mv /input /work; rmdir /input; chmod 777 /input; echo word > /work/file",
    );
    job.binds.push(bind(fixture.work().join("input"), "/input", Access::ReadOnly));
    let (_, output) = run(&job).unwrap();
    assert!(output.starts_with("/work\n/tmp\n/dev/shm\nmv: "), "{output}");
    assert_eq!(fixture.work().join("file").metadata().unwrap().len(), 5);
    assert!(fixture.work().join("made").is_dir());
    // Mount points are made inside only.
    let made = fixture
        .root()
        .read_dir()
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir());
    assert_eq!(made.count(), 0);
}

fn every_mount_has_its_attributes() {
    let (_, output) = Fixture::new().sh("cut -d' ' -f5,6 /proc/self/mountinfo");
    for line in output.lines() {
        let (place, options) = line.split_once(' ').unwrap();
        let has = |option| options.split(',').any(|word| word == option);
        assert!(has("nosuid"), "{line}");
        assert!(has("nodev") || place.starts_with("/dev/") || place.starts_with("/proc/"), "{line}");
        assert!(has("ro") || ["/work", "/tmp", "/dev/shm"].contains(&place), "{line}");
    }
    assert!(output.lines().any(|line| line.starts_with("/ ro,")), "{output}");
}

fn the_roots_entries_are_shown() {
    let fixture = Fixture::new();
    make(fixture.root().join("etc"));
    make_file(fixture.root().join("etc/name"));
    make_file(fixture.root().join("file"));
    symlink("etc/name", fixture.root().join("link")).unwrap();
    make(fixture.root().join("proc"));
    let (_, output) = fixture.sh("ls -d /etc/name /file; readlink /link; cd /; echo *");
    let (shown, all) = output.rsplit_once("etc/name\n").unwrap();
    assert_eq!(shown, "/etc/name\n/file\n");
    assert!(all.contains("dev etc file inside"), "{all}");
}

fn files_and_nested_places_are_mounted() {
    let fixture = Fixture::new();
    make(fixture.work().join("a"));
    make_file(fixture.work().join("file"));
    let mut job = fixture.job("ls -d /new/deep/file /tmp/x/y/a /work/a/..; touch /tmp/x/own; find /over");
    job.binds.push(bind(fixture.work().join("file"), "/new/deep/file", Access::ReadOnly));
    job.binds.push(bind(fixture.work(), "/tmp/x/y", Access::ReadOnly));
    job.binds.push(bind(fixture.work().join("a"), "/over/a", Access::ReadOnly));
    job.tmpfs.push(Tmpfs { target: "/over".into(), size_bytes: 4096, mode: 0o700 });
    assert_eq!(run(&job).unwrap().1, "/new/deep/file\n/tmp/x/y/a\n/work/a/..\n/over\n/over/a\n");
}

fn error_of(fixture: &Fixture, change: impl FnOnce(&mut Job)) -> SandboxError {
    let mut job = fixture.job("true");
    change(&mut job);
    run(&job).unwrap_err()
}

fn a_missing_source_is_named() {
    let fixture = Fixture::new();
    let error = error_of(&fixture, |job| job.binds.push(bind("/no/such/source", "/x", Access::ReadOnly)));
    assert!(
        matches!(&error, SandboxError::Source { path, .. } if path == Path::new("/no/such/source")),
        "{error:?}"
    );
    let error = error_of(&fixture, |job| job.root = "/no/such/root".into());
    assert!(
        matches!(&error, SandboxError::Source { path, .. } if path == Path::new("/no/such/root")),
        "{error:?}"
    );
    let error = error_of(&fixture, |job| job.devices = ["/dev/no-such-device".into()].into());
    assert_eq!(error.to_string(), "cannot show `/dev/no-such-device` to the job");
}

fn a_missing_target_is_named() {
    let fixture = Fixture::new();
    for target in ["/usr/no-such/deep/place", "/work/no-such", "/proc/no-such"] {
        let error = error_of(&fixture, |job| job.binds.push(bind("/usr", target, Access::ReadOnly)));
        assert!(
            matches!(&error, SandboxError::MissingTarget { target: named } if named == Path::new(target)),
            "{error:?}"
        );
    }
    assert_eq!(fixture.work().read_dir().unwrap().count(), 0);
    let error = error_of(&fixture, |job| job.binds.push(bind("/dev/null", "/usr/bin", Access::ReadOnly)));
    assert!(matches!(error, SandboxError::Setup { .. }), "{error:?}");
}

fn a_link_in_the_root_does_not_lead_out() {
    let fixture = Fixture::new();
    make(fixture.work().join("outside"));
    symlink(fixture.work(), fixture.root().join("absolute")).unwrap();
    symlink("../../work", fixture.root().join("relative")).unwrap();
    symlink("/proc/1/root", fixture.root().join("magic")).unwrap();
    for target in ["/absolute/outside", "/relative/missing", "/magic/etc"] {
        let error = error_of(&fixture, |job| job.binds.push(bind("/usr", target, Access::ReadOnly)));
        assert!(
            matches!(error, SandboxError::MissingTarget { .. } | SandboxError::Setup { .. }),
            "{target}: {error:?}"
        );
    }
    // Seen from inside it leads to the work directory inside.
    let mut job = fixture.job("ls -d /work/outside/bin");
    job.binds.push(bind("/usr", "/relative/outside", Access::ReadOnly));
    assert_eq!(run(&job).unwrap().1, "/work/outside/bin\n");
}

fn a_tmpfs_is_empty_and_limited() {
    let (_, output) = Fixture::new()
        .sh("stat -c %a /tmp; ls -A /tmp; head -c 2000000 /dev/zero > /tmp/file; wc -c < /tmp/file");
    assert!(output.starts_with("1777\n"), "{output}");
    assert!(output.contains("No space left on device"), "{output}");
    assert!(output.ends_with("1048576\n"), "{output}");
}

fn devices_are_the_usual_few() {
    let (_, output) = Fixture::new()
        .sh("cd /dev; echo *; echo x > null; head -c 3 zero | wc -c; head -c 3 urandom | wc -c; readlink fd");
    assert_eq!(output, "fd full null random shm stderr stdin stdout urandom zero\n3\n3\n/proc/self/fd\n");
}

fn devices_are_added_by_name() {
    let fixture = Fixture::new();
    let mut job = fixture.job("ls -d /dev/tty /dev/net/*");
    job.devices.insert("/dev/tty".into());
    let tun = Path::new("/dev/net/tun");
    let expected = if tun.exists() { "/dev/net/tun\n/dev/tty\n" } else { "/dev/tty\n" };
    if tun.exists() {
        job.devices.insert(tun.into());
    }
    assert!(run(&job).unwrap().1.contains(expected));
}
