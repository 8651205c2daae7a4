//! The sandbox around a machine: QEMU's package, the files that are booted, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use kit_recipe::Architecture;
use kit_sandbox::{Access, Bind, Host, Identity, Job, Limits, Network, Seccomp, Stdio, Tmpfs};

use super::boot::{Boot, Shown, Writes, more_disks};
use super::{Accelerator, Board, Console, Machine, Publish};

/// The most that a machine's writes to disks that forget them may take, in bytes.
const FORGOTTEN_BYTES: u64 = 8 << 30;
/// Where the socket of its TPM is seen.
const TPM: &str = "/build/tpm";

impl Machine {
    /// Returns QEMU's arguments.
    fn arguments(&self, console: Console) -> Vec<String> {
        let mut arguments: Vec<String> = [
            match self.architecture {
                Architecture::Amd64 => "/usr/bin/qemu-system-x86_64",
                Architecture::Arm64 => "/usr/bin/qemu-system-aarch64",
            },
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-display",
            "none",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend(self.board_arguments());
        arguments.extend(self.firmware.arguments());
        arguments.extend(self.boots.arguments());
        arguments.extend(more_disks(&self.disks).0);
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["-m", &self.memory.to_string(), "-smp", &self.cpus.to_string()]);
        add(match console {
            // Ctrl-A X ends the machine, Ctrl-A C talks to QEMU.
            Console::Terminal => &["-serial", "mon:stdio"],
            Console::Captured => &["-serial", "stdio", "-qmp", "unix:/build/monitor,server=on,wait=off"],
            Console::File => &["-serial", "stdio"],
        });
        if self.tpm.is_some() {
            add(&["-chardev", &format!("socket,id=tpm,path={TPM}")]);
            add(&["-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm"]);
        }
        arguments.extend(self.network_arguments());
        arguments
    }

    fn board_arguments(&self) -> Vec<String> {
        if self.architecture == Architecture::Arm64 {
            return ["-machine", "virt,accel=tcg", "-cpu", "cortex-a72"].map(str::to_owned).to_vec();
        }
        let firmware = self.firmware.board_words();
        let board = match self.board {
            Board::Q35 => format!("q35{firmware}"),
            // Without PCI Express, its devices are ones whose driver few kernels have built in.
            Board::Microvm => format!("microvm,pcie=on{firmware}"),
        };
        let (accelerator, processor) = match self.accelerator {
            Accelerator::Kvm => ("kvm", "host"),
            // QEMU 7.2 announces cmpxchg16b of its own `max` processor, but gets it wrong.
            Accelerator::Emulation => ("tcg", "max,-cx16"),
        };
        let mut words = vec!["-machine".to_owned(), format!("{board},accel={accelerator}")];
        words.extend(["-cpu".to_owned(), processor.to_owned()]);
        if (self.board, self.accelerator) == (Board::Microvm, Accelerator::Emulation) {
            // It has one timer only, and a kernel that measures its own speed by it waits for ever on a busy machine,
            // unless time goes by instructions.
            words.extend(["-icount", "shift=auto"].map(str::to_owned));
        }
        words
    }

    fn network_arguments(&self) -> Vec<String> {
        let forward = |p: &Publish| format!(",hostfwd=tcp:127.0.0.1:{}-:{}", p.host, p.guest);
        let forwards: String = self.publish.iter().map(forward).collect();
        let (netdev, device) = match &self.boots {
            Boot::Network { address } => (
                format!("user,id=net{forwards},bootfile={}", address.replace(',', ",,")),
                "virtio-net-pci,netdev=net,bootindex=0",
            ),
            _ if self.publish.is_empty() => return Vec::new(),
            // Nothing is to be booted from there.
            _ => (format!("user,id=net{forwards}"), "virtio-net-pci,netdev=net,romfile="),
        };
        ["-netdev", &netdev, "-device", device].map(str::to_owned).to_vec()
    }

    /// Returns the job that runs the machine until it ends, or for `timeout`.
    pub(crate) fn job(&self, console: Console, stdio: Stdio, timeout: Option<Duration>) -> Job {
        let shown =
            [self.boots.files(self.architecture), self.firmware.files(), more_disks(&self.disks).1].concat();
        let mut binds: Vec<Bind> = shown.into_iter().map(bind).collect();
        let mut tmpfs = vec![
            tmpfs("/src", 1 << 20),
            tmpfs("/tmp", 1 << 30),
            // QEMU keeps here what disks are to forget.
            tmpfs("/var/tmp", FORGOTTEN_BYTES),
        ];
        tmpfs.extend(self.boots.directories().iter().map(|target| self::tmpfs(target, 1 << 20)));
        if console == Console::Captured {
            let (source, target) = (self.scratch.clone(), PathBuf::from("/build"));
            binds.push(Bind { source, target, access: Access::Writable });
        } else if self.tpm.is_some() {
            tmpfs.push(self::tmpfs("/build", 1 << 20));
        }
        if let Some(socket) = &self.tpm
            && console != Console::Captured
        {
            let (source, target) = (socket.clone(), PathBuf::from(TPM));
            binds.push(Bind { source, target, access: Access::Writable });
        }
        let quiet = self.publish.is_empty() && !matches!(self.boots, Boot::Network { .. });
        Job {
            root: self.qemu.clone(),
            binds,
            tmpfs,
            devices: match self.accelerator {
                Accelerator::Kvm => BTreeSet::from([PathBuf::from("/dev/kvm")]),
                Accelerator::Emulation => BTreeSet::new(),
            },
            command: self.arguments(console).into_iter().map(OsString::from).collect(),
            network: if quiet { Network::Loopback } else { Network::Host },
            ..machine_job(stdio, timeout)
        }
    }
}

/// Returns the job of a program that is part of a machine: with no root, no files and no command yet.
pub(super) fn machine_job(stdio: Stdio, timeout: Option<Duration>) -> Job {
    Job {
        root: PathBuf::new(),
        binds: Vec::new(),
        tmpfs: Vec::new(),
        devices: BTreeSet::new(),
        command: Vec::new(),
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
        network: Network::Loopback,
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

fn bind(shown: Shown) -> Bind {
    let access = match shown.writes {
        Writes::Forgotten => Access::ReadOnly,
        Writes::Kept => Access::Writable,
    };
    Bind { source: shown.file, target: PathBuf::from(shown.target), access }
}

pub(super) fn tmpfs(target: &str, size_bytes: u64) -> Tmpfs {
    Tmpfs { target: PathBuf::from(target), size_bytes, mode: 0o1777 }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Firmware, SecureBoot};
    use super::*;

    fn machine() -> Machine {
        Machine {
            qemu: PathBuf::from("/qemu"),
            architecture: Architecture::USUAL,
            boots: Boot::Direct {
                kernel: PathBuf::from("/k"),
                initrd: Some(PathBuf::from("/i")),
                cmdline: "console=ttyS0".to_owned(),
                root: None,
            },
            firmware: Firmware::Bios,
            board: Board::Q35,
            disks: Vec::new(),
            tpm: None,
            memory: 256,
            cpus: 2,
            publish: Vec::new(),
            scratch: PathBuf::from("/scratch"),
            accelerator: Accelerator::Emulation,
        }
    }

    fn words(machine: &Machine) -> Vec<String> {
        machine.arguments(Console::Captured)
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
    fn a_machine_has_a_network_only_when_it_publishes_or_boots_from_there() {
        let quiet = machine().job(Console::Captured, Stdio::Captured, None);
        assert_eq!(quiet.network, Network::Loopback);
        assert!(!quiet.command.contains(&OsString::from("-netdev")));
        let open = Machine { publish: vec![Publish { host: 8080, guest: 80 }], ..machine() };
        let job = open.job(Console::Captured, Stdio::Captured, None);
        assert_eq!(job.network, Network::Host);
        assert!(job.command.contains(&OsString::from("user,id=net,hostfwd=tcp:127.0.0.1:8080-:80")));
        let boots = Boot::Network { address: "http://10.0.2.2:1/a,b".to_owned() };
        let netboot = Machine { boots, ..machine() };
        assert!(words(&netboot).contains(&"user,id=net,bootfile=http://10.0.2.2:1/a,,b".to_owned()));
    }

    #[test]
    fn firmware_that_forgets_is_two_files_that_are_not_written_to() {
        let (code, variables) = (PathBuf::from("/c"), PathBuf::from("/v"));
        let firmware = Firmware::Uefi { code, variables, secure_boot: SecureBoot::On };
        let machine = Machine { firmware, ..machine() };
        let job = machine.job(Console::Captured, Stdio::Captured, None);
        let firmware = job.binds.iter().filter(|bind| bind.source != Path::new("/scratch"));
        assert!(firmware.clone().all(|bind| bind.access == Access::ReadOnly));
        assert_eq!(firmware.count(), 4);
        assert!(words(&machine).contains(&"q35,smm=on,accel=tcg".to_owned()));
    }

    #[test]
    fn another_processor_has_its_own_emulator_and_board() {
        let words = words(&Machine { architecture: Architecture::Arm64, ..machine() });
        assert_eq!(words[0], "/usr/bin/qemu-system-aarch64");
        assert!(words.windows(2).any(|pair| pair == ["-machine", "virt,accel=tcg"]));
        assert!(words.windows(2).any(|pair| pair == ["-cpu", "cortex-a72"]));
    }

    #[test]
    fn a_tpm_is_a_socket_and_no_more() {
        let machine = Machine { tpm: Some(PathBuf::from("/scratch/tpm")), ..machine() };
        let job = machine.job(Console::File, Stdio::Captured, None);
        let bound: Vec<_> = job.binds.iter().map(|bind| bind.source.as_path()).collect();
        assert_eq!(bound, [Path::new("/k"), Path::new("/i"), Path::new("/scratch/tpm")]);
    }
}
