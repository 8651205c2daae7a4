//! Which processor something is booted on.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use kit_format::pe::{HEADERS_LIMIT, Program};
use kit_format::raspberry_pi::is_kernel;
use kit_recipe::Architecture;
use kit_recipe::lockfile::Subject;

use super::told::Starts;
use super::{Args, RunError, efi_names};
use crate::Failure;
use crate::context::Context;
use crate::project::open_file;
use crate::qemu::{Board, Boot};

/// Returns what an image is for, by its lockfile.
pub(super) fn of_image(subject: &Subject, context: &Context) -> Result<Architecture, Failure> {
    let lock = context.project()?.read_lock(subject)?;
    Ok(Architecture::of_machine(&lock.architecture).unwrap_or(Architecture::USUAL))
}

/// Returns what a file is for: a kernel by its header, what firmware starts by the name that it has for it. What says nothing is for a PC.
pub(super) fn told(boot: &Boot, scratch: &Path) -> Result<Architecture, Failure> {
    let (path, is_arm) = match boot {
        Boot::Direct { kernel, .. } => (kernel, starts_so(open_file(kernel)?, &is_kernel)),
        Boot::Program { file } => (file, starts_so(open_file(file)?, &is_program)),
        Boot::Iso { file } => (file, efi_names::of_disc(open_file(file)?)),
        Boot::Disk { file, container, within, .. } => {
            (file, efi_names::of_disk(open_file(file)?, *container, *within, scratch))
        }
        Boot::Network { .. } => return Ok(Architecture::USUAL),
    };
    let is_arm = is_arm.map_err(|source| Failure::File { action: "read", path: path.clone(), source })?;
    Ok(if is_arm { Architecture::Arm64 } else { Architecture::USUAL })
}

fn starts_so(file: File, is: &dyn Fn(&[u8]) -> bool) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(HEADERS_LIMIT).read_to_end(&mut start)?;
    Ok(is(&start))
}

/// Whether this is the start of a program for EFI on 64-bit ARM.
fn is_program(start: &[u8]) -> bool {
    // Only its headers are read, whose numbers are held against the length.
    Program::parse(start, u64::from(u32::MAX)).is_ok_and(|program| program.machine == Program::AARCH64)
}

/// Returns what can start something; a machine with an ARM has no BIOS, and takes a kernel as it is.
pub(super) fn starts(architecture: Architecture, boot: &Boot, told: Starts) -> Starts {
    match (architecture, boot) {
        (Architecture::Amd64, _) | (_, Boot::Direct { .. }) => told,
        (Architecture::Arm64, _) => Starts { bios: false, uefi: true },
    }
}

/// Refuses what only a PC has.
pub(super) fn check(args: &Args, architecture: Architecture, name: &str) -> Result<(), RunError> {
    let of_pc =
        args.bios || args.secure_boot.is_some() || args.netboot || args.tpm || args.machine == Board::Microvm;
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
