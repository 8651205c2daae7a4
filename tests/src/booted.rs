//! Images that a test boots for what is in them: a project with one, and what it printed.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;

use crate::{Said, TestProject};

/// How long a machine may take, in seconds: it is emulated, and others may be at the same time.
pub const PATIENCE: &str = "300";

/// Returns the head of an image with the kernel of the repository's own `minimal`, which its lockfile pins: up to the kernel's modules.
/// `cmdline` is what its command line has besides.
pub fn head(name: &str, cmdline: &str) -> String {
    format!(
        r#"
[image]
name = "{name}"
formats = ["kernel+initrd"]

[kernel]
package = "kernel-debian"
cmdline = "{}"
"#,
        format!("console=ttyS0 quiet cryptomgr.notests {cmdline}").trim_end()
    )
}

/// What these images have after their modules.
const REST: &str = r#"
[[directory]]
path = "/var"

[[onboot]]
name = "directories"
package = "busybox"
command = ["/bin/mkdir", "-p", "/run/dhcp", "/run/config"]
binds = ["/run:/run:rw"]
"#;

/// Makes a project with an image that is called `minimal` and has these modules, the init and these parts.
pub fn project(modules: &str, parts: &str) -> TestProject {
    project_with(modules, r#""init""#, parts)
}

/// The same with these packages in the root.
pub fn project_with(modules: &str, init: &str, parts: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let modules = if modules.is_empty() { String::new() } else { format!("modules = [{modules}]\n") };
    let image = head("minimal", "") + &format!("{modules}\n[init]\npackages = [{init}]\n{REST}{parts}");
    project.write("recipes/images/minimal.toml", &image);
    project
}

/// Fails unless the machine printed each of these lines.
#[track_caller]
pub fn printed(said: &Said, lines: &[&str]) {
    for line in lines {
        assert!(said.stdout.lines().any(|printed| printed.trim_end() == *line), "no `{line}` in:\n{said}");
    }
}

/// Makes an empty disk of so many MiB.
pub fn empty_disk(project: &TestProject, name: &str, size: u64) {
    let file = File::create(project.path().join(name)).expect("a file");
    file.set_len(size << 20).expect("a sparse file");
    anyone_may(&project.path().join(name), 0o666);
}

/// The emulator may be another user than the one who tests.
pub fn anyone_may(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is our own");
}

/// Returns a port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}
