//! The machine's own mounts.

use crate::console::Console;
use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, Errno};

/// A mount of the machine.
struct Plan {
    target: &'static str,
    kind: &'static str,
    flags: u64,
    /// Options to try one after the other: a kernel may not know those of the first.
    options: &'static [&'static str],
}

const SAFE: u64 = libc::MS_NOSUID | libc::MS_NODEV;
const NOEXEC: u64 = libc::MS_NOEXEC;
const NOSUID: u64 = libc::MS_NOSUID;

const fn plan(
    target: &'static str,
    kind: &'static str,
    flags: u64,
    options: &'static [&'static str],
) -> Plan {
    Plan { target, kind, flags, options }
}

/// Without these no container can run.
const ESSENTIAL: [Plan; 3] = [
    plan("/proc", "proc", SAFE | NOEXEC, &[""]),
    plan("/dev", "devtmpfs", NOSUID, &["mode=0755"]),
    plan("/run", "tmpfs", SAFE, &["mode=0755,size=10%"]),
];

/// What else is mounted. `/var` only if the image has one and its root can't be written to: it starts empty.
const OTHER: [Plan; 6] = [
    plan("/sys", "sysfs", SAFE | NOEXEC, &[""]),
    plan("/sys/fs/cgroup", "cgroup2", SAFE | NOEXEC, &["nsdelegate,memory_recursiveprot", "nsdelegate", ""]),
    plan(
        "/dev/pts",
        "devpts",
        NOSUID | NOEXEC,
        &["mode=0620,ptmxmode=0666,gid=5", "mode=0620,ptmxmode=0666"],
    ),
    plan("/dev/shm", "tmpfs", SAFE, &["mode=1777,size=10%"]),
    plan("/tmp", "tmpfs", SAFE, &["mode=1777,size=10%"]),
    plan("/var", "tmpfs", SAFE, &["mode=0755,size=25%"]),
];

/// Makes the root a mount of its own, shared and, but for ext4 that was mounted to be written to, read-only; and mounts what no machine can be without.
///
/// The kernel unpacks an initramfs into the one file system that can neither be unmounted nor pivoted away from. It
/// is not copied: a bind mount of it, moved over it, is a root like any other.
pub(crate) fn mount_essential() -> Result<(), Failure> {
    // In a container, which has /dev from the start, the file system is not this machine's own; the first stage leaves /proc alone.
    let is_writable = !files::is_mounted("/dev") && sys::mount::root_is_writable();
    for directory in ["/proc", "/sys", "/dev", "/run", "/tmp"] {
        let _ = files::make_directory(directory); // mounting tells if it is missing
    }
    if sys::mount::root_is_in_memory() {
        replace_root().during("replace", "the root")?;
    }
    for plan in &ESSENTIAL {
        mount(plan).during("mount", plan.target)?;
    }
    // Containers keep to themselves; what a bind is to share spreads from here.
    let shared = libc::MS_REC | libc::MS_SHARED;
    sys::mount::mount(c"", c"/", c"", shared, c"").during("make shared", "/")?;
    if is_writable {
        return Ok(());
    }
    let read_only = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY;
    sys::mount::mount(c"", c"/", c"", read_only, c"").during("make read-only", "/")
}

/// Mounts one of `/proc`, `/dev` and `/sys` before anything else is done.
pub(crate) fn mount_early(target: &str) -> Result<(), Failure> {
    files::make_directory(target).during("make", target)?;
    let mut plans = ESSENTIAL.iter().chain(&OTHER).filter(|plan| plan.target == target);
    plans.try_for_each(mount).during("mount", target)
}

fn replace_root() -> Result<(), Errno> {
    sys::mount::mount(c"/", c"/run", c"", libc::MS_BIND, c"")?;
    sys::mount::change_directory_to(c"/run")?;
    sys::mount::mount(c".", c"/", c"", libc::MS_MOVE, c"")?;
    sys::mount::change_root(c".")?;
    sys::mount::change_directory_to(c"/")
}

/// Mounts the rest; what the kernel lacks is told, and the boot goes on.
pub(crate) fn mount_other(console: &mut Console) {
    for directory in ["/dev/pts", "/dev/shm", "/dev/input"] {
        let _ = files::make_directory(directory); // mounting tells if it is missing
    }
    for plan in &OTHER {
        if plan.target == "/var" && (!files::is_directory("/var") || sys::mount::root_is_writable()) {
            continue;
        }
        if let Err(failure) = mount(plan).during("mount", plan.target) {
            console.say(failure);
        }
    }
}

fn mount(plan: &Plan) -> Result<(), Errno> {
    // As the first process of a container, what there is stays: it isn't the whole machine's.
    if files::is_mounted(plan.target) {
        return Ok(());
    }
    let (target, kind) = (sys::c_string(plan.target)?, sys::c_string(plan.kind)?);
    let mut result = Err(Errno(libc::EINVAL));
    for options in plan.options {
        result = sys::mount::mount(&kind, &target, &kind, plan.flags, &sys::c_string(*options)?);
        if result != Err(Errno(libc::EINVAL)) {
            break;
        }
    }
    result
}
