//! The mark that a boot was good, by the way that boot loaders and systems have agreed on: Automatic Boot Assessment.
//!
//! A disk with two systems has a file for each on its EFI system partition, whose name says how often it may still be tried, as
//! `router_A+3.efi`. The boot loader counts down before it starts one (`router_A+2-1.efi`), and takes the other when nothing is left. A
//! system that has come up takes the counter away (`router_A.efi`): from then on it is started always.
//!
//! What was started, and from which partition, the boot loader says in two variables of the firmware. Where they aren't,
//! nothing was counted and nothing is done.

mod names;
mod variables;

use std::os::fd::{AsFd as _, OwnedFd};

use crate::console::Console;
use crate::error::{During, Failure};
use crate::files;
use crate::stage;
use crate::sys::{self, io, mount};
use names::Counted;

/// The first process of all: the name of its namespace of processes is the same on every Linux.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";
/// How names on the partition are read: they are plain, and the kernel has these two without a choice of its own.
const OPTIONS: [(&std::ffi::CStr, &std::ffi::CStr); 2] = [(c"codepage", c"437"), (c"iocharset", c"ascii")];

/// Marks the boot as good, if it is one that is counted. A failure is told, and nothing more: it counts as a failed boot.
pub(crate) fn mark_good(console: &mut Console) {
    // In a container the variables are those of its host.
    if files::link_target("/proc/self/ns/pid").as_deref() != Some(FIRST_NAMESPACE) {
        return;
    }
    match mark() {
        Ok(Some(name)) => console.say(format_args!("this boot is marked as good: {name}")),
        Ok(None) => {}
        Err(failure) => console.say(format_args!("this boot can't be marked as good: {failure}")),
    }
}

/// Takes the counter from the name of what was started; the new name is returned, nothing if there was none.
fn mark() -> Result<Option<String>, Failure> {
    let Some(variables) = variables::read()? else { return Ok(None) };
    let counted = Counted::parse(&variables.path)?;
    let partition = stage::device_of(variables.partition)?.ok_or_else(|| {
        Failure::new("find", format!("the partition {}", variables.partition), "no disk has it")
    })?;
    let device = format!("/dev/{partition}");
    let root = open(&device).during("mount", &device)?;
    rename(&root, &counted).during("rename", format!("{} on {device}", counted.path()))?;
    Ok(Some(counted.good_name()))
}

/// Mounts the partition where nobody else sees it; it is unmounted when the descriptor is closed.
fn open(device: &str) -> sys::Result<OwnedFd> {
    let system = mount::open_file_system(c"vfat")?;
    mount::set_option(system.as_fd(), c"source", Some(&sys::c_string(device)?))?;
    for (key, value) in OPTIONS {
        mount::set_option(system.as_fd(), key, Some(value))?;
    }
    mount::create_file_system(system.as_fd(), mount::NOSUID | mount::NODEV | mount::NOEXEC)
}

fn rename(root: &OwnedFd, counted: &Counted) -> sys::Result<()> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    let directory = mount::open_in_root(root.as_fd(), &sys::c_string(counted.directory())?, flags)?;
    let (from, to) = (sys::c_string(counted.name())?, sys::c_string(counted.good_name())?);
    io::rename_at(directory.as_fd(), &from, &to)?;
    io::sync_file_system(directory.as_fd())
}
