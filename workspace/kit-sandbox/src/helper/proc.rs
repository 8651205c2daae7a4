//! The job's `/proc`.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::mounts::{Detached, Kind, Origin, QUIET, READ_ONLY, attach, clone_tree, new_tmpfs};
use super::{During, devices};
use crate::error::Step;
use crate::job::Job;
use crate::syscalls::{Depth, add_mount_attributes};
use crate::wire::Failure;

/// Parts of `/proc` that tell about the machine rather than the job, or give a hold on it.
const MASKED: &[&str] = &[
    "acpi",
    "asound",
    "bus",
    "driver",
    "fs",
    "irq",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "scsi",
    "sysrq-trigger",
    "timer_list",
    "tty",
    "vmallocinfo",
];

/// The `/proc` of our PID namespace. The kernel refuses it when the one that we see has hidden parts.
pub(super) fn file_system() -> Result<OwnedFd, Failure> {
    let make = || {
        let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(&context)?;
        fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, QUIET | MountAttrFlags::MOUNT_ATTR_NOEXEC)
    };
    make().during_at(Step::Proc, Path::new("/proc"))
}

/// The job's `/proc`, read-only: root without any capability could otherwise still write this machine's settings.
pub(super) fn mount(job: &Job) -> Result<Detached, Failure> {
    let mount = file_system()?;
    if let Some(processes) = job.limits.processes
        && pid_limit_is_ours()
    {
        // The kernel takes no less than 301. Process ids are counted from 300 on once they have all been used.
        let limit = processes.clamp(301, 1 << 22).to_string();
        let write = || {
            let file = openat(&mount, "sys/kernel/pid_max", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
            rustix::io::write(file, limit.as_bytes())
        };
        write().during(Step::Processes)?;
    }
    add_mount_attributes(mount.as_fd(), READ_ONLY, Depth::One).during(Step::ReadOnly)?;
    Ok(Detached { mount, kind: Kind::Directory, origin: Origin::Other })
}

/// Whether each PID namespace has its own largest process id, as since Linux 6.14. Before, it is the machine's.
pub(crate) fn pid_limit_is_ours() -> bool {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(14))
}

/// Hides the parts of `/proc` that there are.
pub(super) fn mask(proc: &OwnedFd) -> Result<(), Failure> {
    for name in MASKED {
        let path = Path::new("/proc").join(name);
        let target =
            match openat(proc, *name, OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()) {
                Err(Errno::NOENT) => continue,
                opened => opened.during_at(Step::Mask, &path)?,
            };
        let status = fstat(&target).during_at(Step::Mask, &path)?;
        let cover = match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => {
                let empty = new_tmpfs(&path, 4096, 0o555)?.mount;
                add_mount_attributes(empty.as_fd(), READ_ONLY, Depth::One).during_at(Step::Mask, &path)?;
                empty
            }
            FileType::Symlink => continue,
            _ => {
                let null = Path::new("/dev/null");
                clone_tree(CWD, null, null, devices::ATTRIBUTES)?.mount
            }
        };
        attach(&cover, &target).during_at(Step::Mask, &path)?;
    }
    Ok(())
}
