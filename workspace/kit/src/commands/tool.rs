//! `kit tool`: runs a program of a locked tool in a sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use kit_build::tools::tool_root;
use kit_recipe::lockfile::Subject;
use kit_sandbox::{
    Access, Bind, Host, Identity, Job, Limits, Network, SandboxError, Seccomp, Status, Stdio, Tmpfs,
};

use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::project;
use crate::workbench::{parse_name, sandbox, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit tool skopeo -- skopeo inspect --config oci:out/minimal.oci:minimal-shell
  kit tool gnu-tar -- tar -tvf out/minimal.tar
  kit tool --network skopeo -- skopeo list-tags docker://registry.example/web

`kit show tools` lists the tools. The program sees its tool as `/`, the current directory as `/work`, and no network
but with `--network`.
Its streams are those of this command, its exit code too; 128 and the number of the signal when one ended it.";

/// Run a program of a locked tool in a sandbox that has the current directory
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Let the program use this machine's network
    #[arg(long)]
    network: bool,
    /// Take the program from this tool
    #[arg(value_name = "TOOL")]
    tool: String,
    /// Run this program with these arguments; paths are relative to the current directory
    #[arg(value_name = "PROGRAM", required = true, last = true)]
    command: Vec<OsString>,
}

/// Where the current directory is inside.
const WORK: &str = "/work";
/// The most that `/tmp` holds, in bytes.
const TMP_BYTES: u64 = 1 << 30;

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let tool = parse_name(&args.tool, "a tool")?;
    let lock = project.read_lock(&Subject::Tools)?;
    let store = context.store()?;
    let progress = Progress::new(&context.output);
    let root = with_engine(context, &store, &progress, |engine, _| {
        engine.repairing(Failure::damage, || Ok(tool_root(engine, &project.files(), &lock, &tool)?))
    });
    progress.finish();
    let mut job = job(root?, Some(project::current_dir()?), args.command.clone());
    if args.network {
        job.network = Network::Host;
    }
    let outcome = sandbox()
        .run(&job, &mut |_| ())
        .map_err(|source| Failure::Tool { tool: args.tool.clone(), source })?;
    Ok(ExitCode::from(code(outcome.status)))
}

/// Returns a job on this command's streams that sees `root`, and `shown` as its working directory.
pub(crate) fn job(root: PathBuf, shown: Option<PathBuf>, command: Vec<OsString>) -> Job {
    let cwd = if shown.is_some() { WORK } else { "/" };
    let variable = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
    Job {
        root,
        binds: shown
            .map(|source| Bind { source, target: PathBuf::from(WORK), access: Access::Writable })
            .into_iter()
            .collect(),
        tmpfs: ["/tmp", "/var/tmp"]
            .map(|target| Tmpfs { target: PathBuf::from(target), size_bytes: TMP_BYTES, mode: 0o1777 })
            .to_vec(),
        devices: BTreeSet::new(),
        command,
        env: BTreeMap::from([
            variable("HOME", "/tmp"),
            variable("LC_ALL", "C.UTF-8"),
            variable("PATH", "/usr/bin:/usr/sbin"),
            variable("TERM", "dumb"),
        ]),
        cwd: PathBuf::from(cwd),
        identity: Identity { uid: 1000, gid: 1000 },
        host_name: "kit".to_owned(),
        domain_name: "(none)".to_owned(),
        host: Host::USUAL,
        cpus: None,
        network: Network::Loopback,
        seccomp: Seccomp::Build,
        limits: Limits {
            wall: None,
            memory_bytes: None,
            processes: Some(4096),
            output_bytes: u64::MAX,
            file_bytes: None,
            open_files: Some(4096),
        },
        stdio: Stdio::Inherited,
    }
}

/// Returns the exit code as a shell gives it.
pub(crate) fn code(status: Status) -> u8 {
    let of_signal = |signal: i32| u8::try_from(128 + signal).unwrap_or(u8::MAX);
    match status {
        Status::Exited(code) => u8::try_from(code).unwrap_or(u8::MAX),
        Status::Signalled(signal) => of_signal(signal),
        Status::TimedOut | Status::OutputLimit | Status::MemoryLimit | Status::Killed => of_signal(9),
    }
}

/// Returns the next thing to do when a program can't be started.
pub(crate) fn help(error: &SandboxError) -> Option<String> {
    if let SandboxError::MissingCommand { .. } = error {
        return Some("programs are those below `/usr/bin` and `/usr/sbin` of the tool's package".to_owned());
    }
    error.help()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!(
            [Status::Exited(0), Status::Exited(3), Status::Signalled(15), Status::Killed].map(code),
            [0, 3, 143, 137]
        );
    }

    #[test]
    fn a_program_sees_its_tool_and_the_current_directory() {
        let job = job(PathBuf::from("/store/tool"), Some(PathBuf::from("/home/me")), vec!["tar".into()]);
        assert_eq!(job.network, Network::Loopback);
        assert_eq!(job.cwd, PathBuf::from(WORK));
        assert_eq!(job.binds.len(), 1);
        assert_eq!(job.binds[0].source, PathBuf::from("/home/me"));
    }
}
