//! Which processor something is booted on.

use std::io::Read as _;

use kit_format::raspberry_pi::{HEADER, is_kernel};
use kit_recipe::Architecture;

use super::{Args, RunError};
use crate::Failure;
use crate::project::open_file;
use crate::qemu::{Board, Boot};

/// Returns the architecture of what is booted, by the kernel's header. What is no kernel is for a PC.
pub(super) fn architecture(boot: &Boot) -> Result<Architecture, Failure> {
    let Boot::Direct { kernel, .. } = boot else { return Ok(Architecture::USUAL) };
    let failed = |source| Failure::File { action: "read", path: kernel.clone(), source };
    let mut start = Vec::new();
    open_file(kernel)?.take(HEADER).read_to_end(&mut start).map_err(failed)?;
    Ok(if is_kernel(&start) { Architecture::Arm64 } else { Architecture::USUAL })
}

/// Refuses what only a PC has.
pub(super) fn check(args: &Args, architecture: Architecture, name: &str) -> Result<(), RunError> {
    let of_pc = args.uefi
        || args.bios
        || args.secure_boot.is_some()
        || args.netboot
        || args.tpm
        || args.machine == Board::Microvm;
    match architecture {
        Architecture::Arm64 if of_pc => Err(RunError::NoPc { name: name.to_owned() }),
        Architecture::Arm64 | Architecture::Amd64 => Ok(()),
    }
}

/// Returns the tool that emulates it.
pub(super) fn emulator(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "qemu",
        Architecture::Arm64 => "qemu-arm64",
    }
}
