//! Runs real jobs in real namespaces, on a root made of this machine's own programs.
//!
//! This program is the sandbox's helper too, and more that tests need: callers in processes of their own ([`caller`]), and a program
//! inside the sandbox that makes system calls that no shell makes ([`inside`]). When root runs the tests, each is run once more as an
//! ordinary user, under `user/`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests fail by panic, and start each other as processes"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

mod caller;
mod clock;
mod environment;
mod filter;
mod fixture;
mod inside;
mod isolation;
mod lifetime;
mod limits;
mod mounts;
mod running;
mod terminal;

fn main() {
    if kit_sandbox::is_helper() {
        kit_sandbox::helper_main();
    }
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|role| role.to_str()) {
        Some("caller") => return caller::call(Path::new(&arguments.next().unwrap())),
        Some("probe") => return caller::probe(),
        Some("probe-host") => return caller::probe_host(),
        Some("terminal") => return caller::use_terminal(Path::new(&arguments.next().unwrap())),
        Some("inside") => return inside::make(arguments.next().unwrap().to_str().unwrap()),
        _ => {}
    }
    let tests = [
        running::TESTS,
        isolation::TESTS,
        mounts::TESTS,
        limits::TESTS,
        lifetime::TESTS,
        filter::TESTS,
        environment::TESTS,
        clock::TESTS,
        terminal::TESTS,
    ]
    .concat();
    let as_root = rustix::process::geteuid().is_root();
    let direct = tests.iter().map(|(name, test)| trial(name, *test));
    let as_user = tests.iter().filter(|_| as_root).map(|(name, _)| {
        let name = *name;
        Trial::test(format!("user/{name}"), move || run_as_user(name))
    });
    if as_root {
        make_readable_copy();
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), direct.chain(as_user).collect());
    std::fs::remove_dir_all(copy_directory()).ok();
    conclusion.exit();
}

/// The tests of a module by name.
type Tests = &'static [(&'static str, fn())];

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// Runs one test of a copy of this program as the user that owns nothing.
fn run_as_user(name: &str) -> Result<(), Failed> {
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(copy_directory().join("tests"))
        .args(["--exact", name])
        .env("TMPDIR", "/tmp")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && text.contains("1 passed") { Ok(()) } else { Err(text.into_owned().into()) }
}

/// Makes a copy of this program in a place that every user can read. While other threads start programs, which for a moment have the
/// copy open too, it could not be executed: so it is made before.
fn make_readable_copy() {
    use std::os::unix::fs::PermissionsExt;
    let directory = copy_directory();
    std::fs::DirBuilder::new().create(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::copy(env::current_exe().unwrap(), directory.join("tests")).unwrap();
}

fn copy_directory() -> PathBuf {
    env::temp_dir().join(format!("kit-sandbox-tests-{}", std::process::id()))
}
