//! A TPM 2.0 in software: swtpm from the locked tools, in a sandbox of its own. It is new with each machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kit_sandbox::{Access, Bind, Running, Sandbox, Stdio};

use super::MachineError;
use super::job::{machine_job, tmpfs};

/// The name of its socket in the scratch directory.
const SOCKET: &str = "tpm";
/// How long it may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);

/// A TPM that waits for its machine, and ends with it.
#[derive(Debug)]
pub(crate) struct Tpm {
    running: Running,
    socket: PathBuf,
}

impl Tpm {
    /// Starts one. `tool` is what is `/` for it.
    pub(crate) fn start(sandbox: &Sandbox, tool: PathBuf, scratch: &Path) -> Result<Self, MachineError> {
        let mut job = machine_job(Stdio::Captured, None);
        job.root = tool;
        job.binds =
            vec![Bind { source: scratch.to_owned(), target: "/build".into(), access: Access::Writable }];
        job.tmpfs = vec![tmpfs("/tmp", 16 << 20)];
        let command = "/usr/bin/swtpm socket --tpm2 --tpmstate dir=/tmp --ctrl type=unixio,path=/build/tpm \
             --flags not-need-init,startup-clear --terminate";
        job.command = command.split_whitespace().map(OsString::from).collect();
        let running = sandbox.spawn(&job).map_err(MachineError::Sandbox)?;
        let socket = scratch.join(SOCKET);
        let end = Instant::now() + PATIENCE;
        while !socket.exists() {
            if Instant::now() > end {
                running.kill();
                return Err(MachineError::Tpm);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { running, socket })
    }

    /// Returns its socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Lets it live as long as its machine, whoever started it.
    pub(crate) fn detach(self) -> Result<(), MachineError> {
        self.running.detach().map(drop).map_err(MachineError::Sandbox)
    }

    /// Ends it, when the machine has ended.
    pub(crate) fn end(self) -> Result<(), MachineError> {
        self.running.kill();
        self.running.wait().map(drop).map_err(MachineError::Sandbox)
    }
}
