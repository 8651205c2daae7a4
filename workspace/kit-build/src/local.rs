//! Runs scripts in the sandbox of this machine.

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kit_sandbox::{Access, Bind, Cpus, Job, Limits, Network, Sandbox, SandboxError, Seccomp, Status, Stdio};
use kit_store::import::{ImportError, ImportLimits, import};
use kit_store::{Scratch, Store, StoreError};

use crate::error::ScriptFailure;
use crate::processors::Pool;
use crate::seams::{Executed, Script};
use crate::surroundings::{BUILD, Surroundings};
use crate::{BuildError, Execute, failed};

/// The most that a script may print, in bytes.
const OUTPUT_LIMIT: u64 = 64 << 20;
/// The most processes that a script may have at a time.
const PROCESSES: u64 = 4096;
/// The most that a script may leave.
const RESULT_LIMITS: ImportLimits = ImportLimits { entries: 2_000_000, bytes: 64 << 30 };
/// The directories of a step that can be written to, by their place in the sandbox.
const WRITABLE: [(&str, &str); 4] =
    [("build", BUILD), ("out", "/out"), ("tmp", "/tmp"), ("vartmp", "/var/tmp")];

/// Bytes that must fit on a disk that isn't full.
const PROBE: usize = 64 << 10;

/// Runs scripts in namespaces of this machine.
#[derive(Debug)]
pub struct LocalSandbox<'a> {
    /// Where trees come from and go to.
    pub store: &'a Store,
    /// Starts jobs.
    pub sandbox: Sandbox,
    /// What scripts find.
    pub surroundings: Surroundings,
    /// Where they run.
    pub processors: Pool,
    /// Memory that a script may use, in bytes, where the machine can limit it.
    pub memory: Option<u64>,
}

impl Execute for LocalSandbox<'_> {
    fn execute(&self, script: &Script<'_>, log: &mut dyn FnMut(&[u8])) -> Result<Executed, BuildError> {
        let scratch = self.store.scratch()?;
        let io = |source| StoreError::io("write", scratch.path(), source);
        make_working(scratch.dir()).map_err(io)?;
        let share = self.processors.share(self.surroundings.processors.given(script.processors));
        let job = self.job(script, scratch.path(), share.cpus)?;
        let mut log_file = scratch.dir().create(failed::LOG_FILE).map_err(io)?;
        let mut log_written = Ok(());
        let failed =
            |failure| BuildError::Script { title: script.title.to_owned(), failure, log_tail: String::new() };
        let sandbox = |source| match source {
            SandboxError::MissingCommand { .. } => failed(ScriptFailure::NoShell),
            source => BuildError::Sandbox { title: script.title.to_owned(), source },
        };
        let outcome = self
            .sandbox
            .run(&job, &mut |bytes| {
                log(bytes);
                if log_written.is_ok() {
                    log_written = log_file.write_all(bytes);
                }
            })
            .map_err(sandbox)?;
        drop(share);
        log_written.map_err(io)?;
        if let Some(failure) = failure(outcome.status, script) {
            if is_full(&scratch) {
                // What it left would keep the disk full.
                return Err(failed(ScriptFailure::Full(scratch.path().to_owned())));
            }
            self.keep(scratch, script)?;
            return Err(failed(failure));
        }
        let out = scratch.dir().open_dir("out").map_err(io)?;
        match import(&out, &RESULT_LIMITS, self.store) {
            Ok(tree) if tree.is_empty() => {
                self.keep(scratch, script)?;
                Err(failed(ScriptFailure::Empty))
            }
            Ok(tree) => Ok(Executed {
                tree: self.store.put_tree(&tree)?,
                cpu_millis: u64::try_from(outcome.usage.cpu.as_millis()).unwrap_or(u64::MAX),
                peak_memory_bytes: outcome.usage.peak_memory_bytes,
            }),
            Err(ImportError::Findings(findings)) => {
                self.keep(scratch, script)?;
                Err(failed(ScriptFailure::Result(findings.iter().map(ToString::to_string).collect())))
            }
            Err(error) => Err(BuildError::Import { title: script.title.to_owned(), source: error }),
        }
    }
}

/// Makes the directories of a step that can be written to, where they aren't there.
pub fn make_working(directory: &cap_std::fs::Dir) -> std::io::Result<()> {
    WRITABLE.iter().try_for_each(|(name, _)| directory.create_dir_all(name))
}

fn failure(status: Status, script: &Script<'_>) -> Option<ScriptFailure> {
    match status {
        Status::Exited(0) => None,
        Status::Exited(code) => Some(ScriptFailure::Exit(code)),
        Status::Signalled(signal) => Some(ScriptFailure::Signal(signal)),
        Status::TimedOut => Some(ScriptFailure::Timeout(script.timeout)),
        Status::OutputLimit => Some(ScriptFailure::Output(OUTPUT_LIMIT)),
        Status::MemoryLimit => Some(ScriptFailure::Memory),
        Status::Killed => Some(ScriptFailure::Signal(9)),
    }
}

/// Whether the disk of a working directory has no room left, which is then why a script failed.
fn is_full(scratch: &Scratch) -> bool {
    let probe = scratch.dir().write("probe", vec![1; PROBE]);
    _ = scratch.dir().remove_file("probe");
    matches!(probe, Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

impl LocalSandbox<'_> {
    /// Keeps what a failed step left, with what it takes to step into its sandbox; only if it failed as it does in every build.
    fn keep(&self, scratch: Scratch, script: &Script<'_>) -> Result<(), BuildError> {
        if self.surroundings != Surroundings::standard() {
            return Ok(());
        }
        let io = |source| StoreError::io("write", scratch.path().join(failed::FILE), source);
        scratch.dir().write(failed::FILE, failed::encode(script).finish()).map_err(io)?;
        Ok(self.store.keep_failed(scratch, &script.derivation)?)
    }

    /// Opens a shell on this terminal in the sandbox of a step, over the directories that `working` has. Returns how it
    /// ended.
    pub fn shell(&self, script: &Script<'_>, working: &Path) -> Result<Status, BuildError> {
        let share = self.processors.share(self.surroundings.processors.given(script.processors));
        let mut job = self.job(script, working, share.cpus)?;
        // Without job control, which would hand the terminal to process groups of the sandbox.
        job.command = ["/bin/sh", "-i", "+m"].map(OsString::from).to_vec();
        job.stdio = Stdio::Inherited;
        job.limits.wall = None;
        let sandbox = |source| BuildError::Sandbox { title: script.title.to_owned(), source };
        Ok(self.sandbox.run(&job, &mut |_| ()).map_err(sandbox)?.status)
    }

    fn job(&self, script: &Script<'_>, working: &Path, cpus: Cpus) -> Result<Job, BuildError> {
        let writable = WRITABLE.map(|(name, target)| Bind {
            source: working.join(name),
            target: PathBuf::from(target),
            access: Access::Writable,
        });
        let mut binds = writable.to_vec();
        let mut tmpfs = Vec::new();
        let small = |target: &Path| kit_sandbox::Tmpfs {
            target: target.to_owned(),
            size_bytes: 1 << 20,
            mode: 0o755,
        };
        if let Some((place, top)) = self.surroundings.elsewhere() {
            tmpfs.push(small(top));
            binds.push(Bind {
                source: working.join("build"),
                target: place.to_owned(),
                access: Access::Writable,
            });
        }
        if !script.sources.is_empty() {
            // A small file system of its own, so that the places of the sources can be made.
            tmpfs.push(small(Path::new("/src")));
        }
        for (name, tree) in &script.sources {
            binds.push(Bind {
                source: self.store.materialised(tree)?.path,
                target: PathBuf::from("/src").join(name),
                access: Access::ReadOnly,
            });
        }
        let text = |text: &str| OsString::from(text);
        let surroundings = &self.surroundings;
        Ok(Job {
            root: self.store.materialised(&script.root)?.path,
            binds,
            tmpfs,
            devices: std::collections::BTreeSet::new(),
            command: vec![text("/bin/sh"), text("-eu"), text("-c"), text(script.script)],
            env: surroundings.env(script.env).iter().map(|(name, value)| (text(name), text(value))).collect(),
            cwd: surroundings.cwd.clone(),
            identity: surroundings.identity,
            host_name: surroundings.host_name.clone(),
            domain_name: surroundings.domain_name.clone(),
            host: surroundings.host,
            cpus: Some(cpus),
            network: Network::Loopback,
            seccomp: Seccomp::Build,
            limits: Limits {
                wall: Some(Duration::from_secs(script.timeout)),
                memory_bytes: self.memory,
                processes: Some(PROCESSES),
                output_bytes: OUTPUT_LIMIT,
                file_bytes: None,
                open_files: Some(4096),
            },
            stdio: Stdio::Captured,
        })
    }
}
