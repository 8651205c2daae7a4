//! Builds the job's root and changes into it.
//!
//! `/` is a small tmpfs with one mount for each entry of the job's root directory, so that mount points can be made in it whatever the
//! root holds; at the end it becomes read-only. Every mount gets its attributes before it is attached, and targets are looked up with the new
//! root as the top, so that a symbolic link in it can't lead out.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    CWD, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, readlinkat, symlinkat,
};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, open_tree,
    unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};

use super::{During, devices, proc};
use crate::error::Step;
use crate::job::{Access, Job};
use crate::syscalls::{Depth, add_mount_attributes};
use crate::wire::Failure;

/// What every mount gets.
pub(super) const QUIET: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);
pub(super) const READ_ONLY: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_RDONLY;

/// Where the new root is attached until it becomes the root: a directory that every machine has. Nothing is looked up there any more.
const STAGE: &str = "/proc";

/// Whether something to mount is a directory, and so what it is mounted on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
}

/// Where a mount comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A new file system in memory, in which mount points may be made.
    Memory,
    /// Anything else.
    Other,
}

/// A mount that isn't attached anywhere yet.
pub(super) struct Detached {
    pub(super) mount: OwnedFd,
    pub(super) kind: Kind,
    pub(super) origin: Origin,
}

/// The root under construction.
pub(super) struct Root {
    mount: OwnedFd,
    /// Device numbers of the file systems that we made, in which mount points may be made.
    ours: Vec<u64>,
}

/// Makes `/` of this mount namespace what the job asks for.
pub(super) fn enter_root(job: &Job) -> Result<(), Failure> {
    leave_host_mounts()?;
    let mut mounts = Vec::new();
    for bind in &job.binds {
        let attributes = match bind.access {
            Access::ReadOnly => QUIET | READ_ONLY,
            Access::Writable => QUIET,
        };
        mounts.push((bind.target.clone(), clone_tree(CWD, &bind.source, &bind.source, attributes)?));
    }
    for tmpfs in &job.tmpfs {
        mounts.push((tmpfs.target.clone(), new_tmpfs(&tmpfs.target, tmpfs.size_bytes, tmpfs.mode)?));
    }
    mounts.push((PathBuf::from("/proc"), proc::mount(job)?));
    mounts.push((PathBuf::from("/dev"), new_tmpfs(Path::new("/dev"), 1 << 20, 0o755)?));
    // Parents come before what lies below them, also when a symbolic link leads there.
    mounts.sort_by_cached_key(|(target, _)| (target.components().count(), target.clone()));

    let entries = root_entries(&job.root)?;
    let mut root = Root::attach()?;
    for entry in entries {
        root.add_entry(entry)?;
    }
    let mut closed = vec![root.mount.try_clone().map_err(|_| Errno::MFILE).during(Step::ReadOnly)?];
    for (target, detached) in mounts {
        let mount = root.mount_at(&target, detached)?;
        match target.to_str() {
            Some("/dev") => {
                devices::fill(&mut root, &mount, job)?;
                closed.push(mount);
            }
            Some("/proc") => proc::mask(&mount)?,
            _ => {}
        }
    }
    for mount in closed {
        add_mount_attributes(mount.as_fd(), READ_ONLY, Depth::One).during(Step::ReadOnly)?;
    }
    root.become_root().during(Step::Pivot)
}

/// Takes the steps that a machine may refuse.
pub(super) fn probe() -> Result<(), Failure> {
    leave_host_mounts()?;
    new_tmpfs(Path::new("/"), 1 << 20, 0o755)?;
    proc::file_system().map(drop)
}

/// Keeps every change of ours from this machine's mounts.
fn leave_host_mounts() -> Result<(), Failure> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).during(Step::Private)
}

/// A copy of a file or directory of this machine and all mounts below it; `shown` is its name in an error.
pub(super) fn clone_tree(
    directory: BorrowedFd<'_>,
    source: &Path,
    shown: &Path,
    attributes: MountAttrFlags,
) -> Result<Detached, Failure> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let mount = open_tree(directory, source, flags).during_at(Step::Source, shown)?;
    let status = fstat(&mount).during_at(Step::Source, shown)?;
    let kind = match FileType::from_raw_mode(status.st_mode) {
        FileType::Directory => Kind::Directory,
        _ => Kind::File,
    };
    add_mount_attributes(mount.as_fd(), attributes, Depth::All).during_at(Step::ReadOnly, shown)?;
    Ok(Detached { mount, kind, origin: Origin::Other })
}

/// An empty file system in memory.
pub(super) fn new_tmpfs(target: &Path, size_bytes: u64, mode: u32) -> Result<Detached, Failure> {
    let make = || {
        let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&context, "size", size_bytes.to_string())?;
        fsconfig_set_string(&context, "mode", format!("{mode:o}"))?;
        fsconfig_create(&context)?;
        fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, QUIET)
    };
    let mount = make().during_at(Step::Tmpfs, target)?;
    Ok(Detached { mount, kind: Kind::Directory, origin: Origin::Memory })
}

/// An entry of the job's root directory.
struct Entry {
    name: OsString,
    content: Content,
}

enum Content {
    Link(OsString),
    Mount(Detached),
}

/// The entries of the job's root directory in the order of their names, but for those that we always make.
fn root_entries(root: &Path) -> Result<Vec<Entry>, Failure> {
    let open = || {
        let directory =
            rustix::fs::open(root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let entries = Dir::read_from(&directory)?.collect::<rustix::io::Result<Vec<_>>>()?;
        let mut names: Vec<_> = entries
            .into_iter()
            .map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec()))
            .collect();
        names.sort();
        Ok((directory, names))
    };
    let (directory, names) = open().during_at(Step::Source, root)?;
    let mut entries = Vec::new();
    for name in names {
        if [".", "..", "dev", "proc"].iter().any(|made| name == *made) {
            continue;
        }
        let content = if let Ok(target) = readlinkat(&directory, &name, Vec::new()) {
            Content::Link(OsString::from_vec(target.into_bytes()))
        } else {
            let shown = root.join(&name);
            Content::Mount(clone_tree(directory.as_fd(), Path::new(&name), &shown, QUIET | READ_ONLY)?)
        };
        entries.push(Entry { name, content });
    }
    Ok(entries)
}

impl Root {
    /// A new root without anything in it.
    fn attach() -> Result<Self, Failure> {
        let slash = Path::new("/");
        let mount = new_tmpfs(slash, 1 << 20, 0o755)?.mount;
        let stage = rustix::fs::open(STAGE, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .during_at(Step::Mount, slash)?;
        attach(&mount, &stage).during_at(Step::Mount, slash)?;
        let device = fstat(&mount).during_at(Step::Mount, slash)?.st_dev;
        Ok(Self { mount, ours: vec![device] })
    }

    fn add_entry(&mut self, entry: Entry) -> Result<(), Failure> {
        let path = Path::new("/").join(&entry.name);
        match entry.content {
            Content::Link(target) => {
                symlinkat(target, &self.mount, &entry.name).during_at(Step::Target, &path)
            }
            Content::Mount(detached) => self.mount_at(&path, detached).map(drop),
        }
    }

    /// Mounts at a path inside, and returns the mount. Mount points may be made in what is ours.
    pub(super) fn mount_at(&mut self, target: &Path, detached: Detached) -> Result<OwnedFd, Failure> {
        let place = self.place(target, target, detached.kind)?;
        attach(&detached.mount, &place).during_at(Step::Mount, target)?;
        if detached.origin == Origin::Memory {
            let device = fstat(&detached.mount).during_at(Step::Mount, target)?.st_dev;
            self.ours.push(device);
        }
        Ok(detached.mount)
    }

    /// Finds or makes what `wanted` is to be mounted on; `part` is `wanted` or one of its parents.
    fn place(&self, wanted: &Path, part: &Path, kind: Kind) -> Result<OwnedFd, Failure> {
        let look_up = || loop {
            let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
            match openat2(&self.mount, part, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
                // Something was renamed or mounted on this machine meanwhile, so that the kernel can't vouch for a `..`.
                Err(Errno::AGAIN | Errno::INTR) => {}
                found => break found,
            }
        };
        let missing = match look_up() {
            Err(Errno::NOENT) => Errno::NOENT,
            found => return found.during_at(Step::Target, wanted),
        };
        let (Some(parent), Some(name)) = (part.parent(), part.file_name()) else {
            return Err(missing).during_at(Step::Target, wanted);
        };
        let parent = self.place(wanted, parent, Kind::Directory)?;
        let device = fstat(&parent).during_at(Step::Target, wanted)?.st_dev;
        if !self.ours.contains(&device) {
            return Err(missing).during_at(Step::Target, wanted);
        }
        let make = || match kind {
            Kind::Directory => mkdirat(&parent, name, Mode::from_raw_mode(0o755)),
            Kind::File => {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                openat(&parent, name, flags, Mode::from_raw_mode(0o644)).map(drop)
            }
        };
        make().during_at(Step::Target, wanted)?;
        look_up().during_at(Step::Target, wanted)
    }

    /// Makes this the root, and lets go of the old one.
    fn become_root(self) -> rustix::io::Result<()> {
        fchdir(&self.mount)?;
        pivot_root(".", ".")?;
        // Both are mounted at the same place now, the old one on top.
        unmount(".", UnmountFlags::DETACH)?;
        chdir("/")
    }
}

/// Attaches a mount to a place.
pub(super) fn attach(mount: &OwnedFd, place: &OwnedFd) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, "", place, "", flags)
}
