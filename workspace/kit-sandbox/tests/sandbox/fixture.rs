//! A job in a root made of this machine's programs.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kit_sandbox::{
    Access, Bind, Host, Identity, Job, Limits, Network, Outcome, Sandbox, SandboxError, Seccomp, Status,
    Stdio, Tmpfs,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use tempfile::TempDir;

/// Directories of one test: `root`, and `work`, which the job has at `/work`.
pub(crate) struct Fixture {
    pub(crate) directory: PathBuf,
    _kept: Option<TempDir>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        for name in ["root", "work"] {
            std::fs::DirBuilder::new().create(kept.path().join(name)).unwrap();
        }
        Self { directory: kept.path().to_owned(), _kept: Some(kept) }
    }

    /// The directories of another process's fixture.
    pub(crate) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), _kept: None }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.directory.join("work")
    }

    /// A job that runs a script in the shell, with `/usr`, `/work` and `/tmp`.
    pub(crate) fn job(&self, script: &str) -> Job {
        let bind = |source: &Path, target: &str, access| Bind {
            source: source.into(),
            target: target.into(),
            access,
        };
        let mut binds = vec![
            bind(Path::new("/usr"), "/usr", Access::ReadOnly),
            bind(&self.work(), "/work", Access::Writable),
            bind(&std::env::current_exe().unwrap(), "/inside", Access::ReadOnly),
        ];
        for name in ["bin", "sbin", "lib", "lib64"] {
            let host = Path::new("/").join(name);
            match host.read_link() {
                Ok(target) => drop(std::os::unix::fs::symlink(target, self.root().join(name))),
                Err(_) if host.exists() => binds.push(bind(&host, &format!("/{name}"), Access::ReadOnly)),
                Err(_) => {}
            }
        }
        Job {
            root: self.root(),
            binds,
            tmpfs: vec![Tmpfs { target: "/tmp".into(), size_bytes: 1 << 20, mode: 0o1777 }],
            devices: BTreeSet::new(),
            command: vec!["/bin/sh".into(), "-c".into(), script.into()],
            env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into()), ("LC_ALL".into(), "C".into())]),
            cwd: "/work".into(),
            identity: Identity { uid: 1000, gid: 100 },
            host_name: "builder".to_owned(),
            domain_name: "kit.test".to_owned(),
            host: Host::USUAL,
            cpus: None,
            network: Network::Loopback,
            seccomp: Seccomp::Build,
            limits: Limits {
                wall: Some(Duration::from_mins(1)),
                memory_bytes: None,
                processes: None,
                output_bytes: 1 << 20,
                file_bytes: None,
                open_files: None,
            },
            stdio: Stdio::Captured,
        }
    }

    /// Runs a script, and returns its exit code and what it wrote.
    pub(crate) fn sh(&self, script: &str) -> (i32, String) {
        let (outcome, output) = run(&self.job(script)).unwrap();
        match outcome.status {
            Status::Exited(code) => (code, output),
            other => panic!("the script ended by {other:?}: {output}"),
        }
    }

    /// A pipe at `/work/alive`; its reader sees the end once no process that opened it is left.
    pub(crate) fn fifo(&self) -> Fifo {
        let path = self.work().join("alive");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Fifo { reader: rustix::fs::open(path, flags, Mode::empty()).unwrap() }
    }
}

/// See [`Fixture::fifo`].
pub(crate) struct Fifo {
    reader: OwnedFd,
}

impl Fifo {
    /// Waits until somebody writes.
    pub(crate) fn wait_for_word(&self) {
        assert!(self.wait(PollFlags::IN).contains(PollFlags::IN), "nobody wrote");
        rustix::io::read(&self.reader, &mut [0; 100]).unwrap();
    }

    /// Waits until no writer is left.
    pub(crate) fn wait_for_end(&self) {
        assert!(self.wait(PollFlags::empty()).contains(PollFlags::HUP), "a process is left");
    }

    fn wait(&self, flags: PollFlags) -> PollFlags {
        let mut watched = [PollFd::new(&self.reader, flags)];
        poll(&mut watched, Some(&Timespec { tv_sec: 20, tv_nsec: 0 })).unwrap();
        watched[0].revents()
    }
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new("/proc/self/exe")
}

pub(crate) fn run(job: &Job) -> Result<(Outcome, String), SandboxError> {
    let mut output = Vec::new();
    let outcome = sandbox().run(job, &mut |bytes| output.extend_from_slice(bytes))?;
    Ok((outcome, std::ffi::OsStr::from_bytes(&output).to_string_lossy().into_owned()))
}
