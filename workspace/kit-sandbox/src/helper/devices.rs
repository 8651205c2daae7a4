//! The job's `/dev`.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, symlinkat};
use rustix::mount::MountAttrFlags;

use super::During;
use super::mounts::{READ_ONLY, Root, clone_tree, new_tmpfs};
use crate::error::Step;
use crate::job::Job;
use crate::wire::Failure;

/// What the mount of a device node gets. Read-only keeps its owner and mode from being changed; the device can still be written to.
pub(super) const ATTRIBUTES: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC).union(READ_ONLY);

/// What every program may expect.
const NODES: &[&str] = &["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// The calling process's terminal, where it keeps one.
const TERMINAL: &str = "/dev/tty";

const LINKS: &[(&str, &str)] = &[
    ("fd", "/proc/self/fd"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// Most that POSIX shared memory and named semaphores may take, in bytes.
const SHARED_MEMORY_BYTES: u64 = 64 << 20;

/// Puts nodes, links and `/dev/shm` into the empty file system at `/dev`.
pub(super) fn fill(root: &mut Root, dev: &OwnedFd, job: &Job) -> Result<(), Failure> {
    let terminal = job.keeps_terminal().then_some(Path::new(TERMINAL));
    let nodes = NODES.iter().map(Path::new).chain(terminal).chain(job.devices.iter().map(AsRef::as_ref));
    for node in nodes {
        root.mount_at(node, clone_tree(CWD, node, node, ATTRIBUTES)?)?;
    }
    for (name, target) in LINKS {
        symlinkat(*target, dev, *name).during_at(Step::Target, &Path::new("/dev").join(name))?;
    }
    let shared = Path::new("/dev/shm");
    root.mount_at(shared, new_tmpfs(shared, SHARED_MEMORY_BYTES, 0o1777)?).map(drop)
}
