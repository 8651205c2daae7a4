//! A virtual machine: QEMU from the locked tools, in a sandbox of its own.
//!
//! The sandbox has QEMU's package as `/`, the files that are booted below `/src`, `/dev/kvm` where it can be used, and a
//! network only when ports are published or something is booted from there. The serial line is QEMU's standard output.
//!
//! | module | what |
//! |---|---|
//! | [`boot`] | what is booted: a kernel, a disk, a CD, an EFI program, an address |
//! | [`firmware`] | by what: BIOS, UEFI, with Secure Boot |
//! | [`tpm`] | a TPM in software |
//! | [`accelerator`] | what executes its instructions |
//! | [`publish`] | ports that lead into it |
//! | [`job`] | QEMU's arguments and the sandbox around it |
//! | [`watch`], [`serial`], [`monitor`] | its console, what is said there, its power button |

mod accelerator;
pub(crate) mod boot;
mod error;
mod firmware;
mod job;
mod monitor;
mod publish;
mod serial;
pub(crate) mod tpm;
pub(crate) mod watch;

use std::path::PathBuf;

use kit_recipe::Architecture;

pub(crate) use accelerator::Accelerator;
pub(crate) use boot::Boot;
pub(crate) use error::MachineError;
pub(crate) use firmware::{Firmware, SecureBoot};
pub(crate) use publish::Publish;

/// What is booted, and on what.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Directory that is `/` for QEMU.
    pub(crate) qemu: PathBuf,
    /// Its processor's architecture.
    pub(crate) architecture: Architecture,
    /// What it boots.
    pub(crate) boots: Boot,
    /// What it starts with.
    pub(crate) firmware: Firmware,
    /// What it is built on, as a PC.
    pub(crate) board: Board,
    /// Disks besides the one that it boots.
    pub(crate) disks: Vec<boot::Disk>,
    /// The socket of its TPM.
    pub(crate) tpm: Option<PathBuf>,
    /// Memory in MiB.
    pub(crate) memory: u64,
    /// Virtual processors.
    pub(crate) cpus: u32,
    /// Published ports.
    pub(crate) publish: Vec<Publish>,
    /// An empty directory on this machine for the sockets of its monitor and its TPM.
    pub(crate) scratch: PathBuf,
    /// How it is executed.
    pub(crate) accelerator: Accelerator,
}

/// What a machine is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Board {
    /// A PC with PCI Express
    Q35,
    /// The least that runs a kernel, which starts sooner; boots kernels only
    Microvm,
}

/// What the machine's serial line is connected with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Console {
    /// The user's terminal, both ways.
    Terminal,
    /// A program that listens and, by the monitor, asks it to power off.
    Captured,
    /// A file. Nothing of the machine's may lie in the scratch directory but single files: it outlives whoever started it.
    File,
}
