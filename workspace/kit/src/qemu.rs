//! A virtual machine: QEMU from the locked tools, in a sandbox of its own.
//!
//! The sandbox has QEMU's package as `/`, the image's files below `/src`, `/dev/kvm` where it can be used, and a
//! network only when ports are published. The serial line is QEMU's standard output.

mod monitor;
mod serial;
pub(crate) mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kit_sandbox::{
    Access, Bind, Host, Identity, Job, Limits, Network, SandboxError, Seccomp, Status, Stdio, Tmpfs,
};

/// Why a machine isn't what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MachineError {
    /// The sandbox around it can't be made.
    #[error("the emulator can't be started")]
    Sandbox(#[source] SandboxError),
    /// The emulator itself failed.
    #[error("the emulator failed: {how}")]
    Emulator {
        /// How it ended.
        how: String,
    },
    /// The kernel gave up.
    #[error("the kernel panicked")]
    Panic,
    /// kit-init gave up.
    #[error("the system did not come up")]
    BootFailed,
    /// The awaited text didn't come in time.
    #[error("`{until}` did not appear within {seconds} s")]
    Timeout {
        /// The text.
        until: String,
        /// The time.
        seconds: u64,
    },
    /// The machine ended without printing the awaited text.
    #[error("the machine ended before `{until}` appeared")]
    EndedEarly {
        /// The text.
        until: String,
    },
    /// Its console can't be read or shown.
    #[error("the console can't be read")]
    Console(#[source] std::io::Error),
}

impl MachineError {
    /// Returns the stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Sandbox(_) => "kit::run::sandbox",
            Self::Emulator { .. } => "kit::run::emulator",
            Self::Panic => "kit::run::panic",
            Self::BootFailed => "kit::run::boot_failed",
            Self::Timeout { .. } => "kit::run::timeout",
            Self::EndedEarly { .. } => "kit::run::ended_early",
            Self::Console(_) => "kit::run::console",
        }
    }

    /// Returns the next thing to do.
    pub(crate) fn help(&self) -> Option<String> {
        Some(match self {
            Self::Sandbox(error) => return error.help(),
            Self::Emulator { .. } | Self::Console(_) => return None,
            Self::Panic => "the lines above the panic say what the kernel missed".to_owned(),
            Self::BootFailed => "the lines that start with `kit-init:` above say what failed".to_owned(),
            Self::Timeout { .. } => {
                "if the machine was still on its way, allow more by `--timeout SECONDS`".to_owned()
            }
            Self::EndedEarly { .. } => "its last lines above say why".to_owned(),
        })
    }

    /// Returns the failure of an emulator that didn't end by itself.
    pub(crate) fn of_emulator(status: Status) -> Option<Self> {
        let how = match status {
            Status::Exited(0) | Status::TimedOut => return None,
            Status::Exited(code) => format!("it returned {code}"),
            Status::Signalled(signal) => format!("signal {signal} ended it"),
            Status::Killed => "it was killed".to_owned(),
            Status::OutputLimit | Status::MemoryLimit => "it needed more than it may".to_owned(),
        };
        Some(Self::Emulator { how })
    }
}

/// A port of the host that leads to a port of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    /// TCP port on the host's loopback.
    pub(crate) host: u16,
    /// TCP port in the machine.
    pub(crate) guest: u16,
}

impl std::str::FromStr for Publish {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not HOST:GUEST, two port numbers, such as 8080:80");
        let (host, guest) = text.split_once(':').ok_or_else(wrong)?;
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong);
        Ok(Self { host: port(host)?, guest: port(guest)? })
    }
}

/// What is booted, and on what.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Directory that is `/` for QEMU.
    pub(crate) qemu: PathBuf,
    /// Kernel file on this machine.
    pub(crate) kernel: PathBuf,
    /// Initial root file system on this machine.
    pub(crate) initrd: PathBuf,
    /// Boot command line.
    pub(crate) cmdline: String,
    /// Memory in MiB.
    pub(crate) memory: u64,
    /// Virtual processors.
    pub(crate) cpus: u32,
    /// Published ports.
    pub(crate) publish: Vec<Publish>,
    /// An empty directory on this machine for the monitor's socket.
    pub(crate) scratch: PathBuf,
    /// How it is executed.
    pub(crate) accelerator: Accelerator,
}

/// How a machine's instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accelerator {
    /// By the processor.
    Kvm,
    /// By translation.
    Emulation,
}

impl Accelerator {
    /// Returns KVM when this user may use it and the processor, by what `/proc/cpuinfo` says, can virtualise. The
    /// device alone means little: guests of some hypervisors have one that runs nothing.
    pub(crate) fn find(cpuinfo: &str) -> Self {
        let mut flags =
            cpuinfo.lines().filter(|line| line.starts_with("flags")).flat_map(str::split_whitespace);
        let able = flags.any(|flag| flag == "vmx" || flag == "svm");
        let allowed = || {
            let rights = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
            rustix::fs::access("/dev/kvm", rights).is_ok()
        };
        if able && allowed() { Self::Kvm } else { Self::Emulation }
    }
}

impl Machine {
    /// Returns QEMU's arguments.
    fn arguments(&self, console: Console) -> Vec<String> {
        let mut arguments: Vec<String> = [
            "/usr/bin/qemu-system-x86_64",
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-display",
            "none",
            "-kernel",
            "/src/kernel",
            "-initrd",
            "/src/initrd",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        match self.accelerator {
            Accelerator::Kvm => add(&["-machine", "q35,accel=kvm", "-cpu", "host"]),
            // QEMU 7.2 announces cmpxchg16b of its own `max` processor, but gets it wrong.
            Accelerator::Emulation => add(&["-machine", "q35,accel=tcg", "-cpu", "max,-cx16"]),
        }
        add(&["-m", &self.memory.to_string(), "-smp", &self.cpus.to_string(), "-append", &self.cmdline]);
        add(match console {
            // Ctrl-A X ends the machine, Ctrl-A C talks to QEMU.
            Console::Terminal => &["-serial", "mon:stdio"],
            Console::Captured => &["-serial", "stdio", "-qmp", "unix:/build/monitor,server=on,wait=off"],
            Console::File => &["-serial", "stdio"],
        });
        if !self.publish.is_empty() {
            let forward = |p: &Publish| format!(",hostfwd=tcp:127.0.0.1:{}-:{}", p.host, p.guest);
            let forwards: String = self.publish.iter().map(forward).collect();
            add(&[
                "-netdev",
                &format!("user,id=net{forwards}"),
                "-device",
                "virtio-net-pci,netdev=net,romfile=",
            ]);
        }
        arguments
    }

    /// Returns the job that runs the machine until it ends, or for `timeout`.
    pub(crate) fn job(&self, console: Console, stdio: Stdio, timeout: Option<Duration>) -> Job {
        let read_only = |source: &Path, target: &str| Bind {
            source: source.to_owned(),
            target: PathBuf::from(target),
            access: Access::ReadOnly,
        };
        let mut binds = vec![read_only(&self.kernel, "/src/kernel"), read_only(&self.initrd, "/src/initrd")];
        if console == Console::Captured {
            let (source, target) = (self.scratch.clone(), PathBuf::from("/build"));
            binds.push(Bind { source, target, access: Access::Writable });
        }
        let tmpfs =
            |target: &str, size_bytes| Tmpfs { target: PathBuf::from(target), size_bytes, mode: 0o1777 };
        let network = if self.publish.is_empty() { Network::Loopback } else { Network::Host };
        let devices: BTreeSet<_> = match self.accelerator {
            Accelerator::Kvm => BTreeSet::from([PathBuf::from("/dev/kvm")]),
            Accelerator::Emulation => BTreeSet::new(),
        };
        Job {
            root: self.qemu.clone(),
            binds,
            tmpfs: vec![tmpfs("/src", 1 << 20), tmpfs("/tmp", 1 << 30), tmpfs("/var/tmp", 1 << 30)],
            devices,
            command: self.arguments(console).into_iter().map(OsString::from).collect(),
            env: BTreeMap::from([
                (OsString::from("PATH"), OsString::from("/usr/bin")),
                (OsString::from("TERM"), OsString::from("dumb")),
            ]),
            cwd: PathBuf::from("/"),
            identity: Identity { uid: 1000, gid: 1000 },
            host_name: "kit".to_owned(),
            domain_name: "(none)".to_owned(),
            host: Host::USUAL,
            cpus: None,
            network,
            seccomp: Seccomp::Build,
            limits: Limits {
                wall: timeout,
                memory_bytes: None,
                processes: Some(4096),
                output_bytes: u64::MAX,
                file_bytes: None,
                open_files: Some(4096),
            },
            stdio,
        }
    }
}

/// What the machine's serial line is connected with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Console {
    /// The user's terminal, both ways.
    Terminal,
    /// A program that listens and, by the monitor, asks it to power off.
    Captured,
    /// A file. Nothing of the machine's may lie in the scratch directory: it outlives whoever started it.
    File,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            qemu: PathBuf::from("/qemu"),
            kernel: PathBuf::from("/k"),
            initrd: PathBuf::from("/i"),
            cmdline: "console=ttyS0".to_owned(),
            memory: 256,
            cpus: 2,
            publish: Vec::new(),
            scratch: PathBuf::from("/scratch"),
            accelerator: Accelerator::Emulation,
        }
    }

    #[test]
    fn ports_are_read_strictly() {
        assert_eq!("8080:80".parse(), Ok(Publish { host: 8080, guest: 80 }));
        for wrong in ["80", "a:80", "0:80", "80:65536", ":"] {
            assert!(wrong.parse::<Publish>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_processor_that_can_t_virtualise_means_emulation() {
        assert_eq!(
            Accelerator::find("flags\t\t: fpu sse2 hypervisor\nmodel name: vmx\n"),
            Accelerator::Emulation
        );
        assert_eq!(Accelerator::find(""), Accelerator::Emulation);
    }

    #[test]
    fn a_machine_that_outlives_its_caller_needs_nothing_of_it() {
        let scratch = Path::new("/scratch");
        let file = machine().job(Console::File, Stdio::Captured, None);
        assert!(file.binds.iter().all(|bind| bind.source != scratch));
        let watched = machine().job(Console::Captured, Stdio::Captured, None);
        assert!(watched.binds.iter().any(|bind| bind.source == scratch));
    }

    #[test]
    fn a_machine_has_a_network_only_when_it_publishes() {
        let quiet = machine().job(Console::Captured, Stdio::Captured, None);
        assert_eq!(quiet.network, Network::Loopback);
        assert!(!quiet.command.contains(&OsString::from("-netdev")));
        let open = Machine { publish: vec![Publish { host: 8080, guest: 80 }], ..machine() };
        let job = open.job(Console::Captured, Stdio::Captured, None);
        assert_eq!(job.network, Network::Host);
        assert!(job.command.contains(&OsString::from("user,id=net,hostfwd=tcp:127.0.0.1:8080-:80")));
    }
}
