//! By which firmware something is booted.

use std::path::Path;

use kit_format::efi_variables::enrol;
use kit_recipe::Architecture;

use super::told::Starts;
use super::{Args, RunError};
use crate::Failure;
use crate::project::{open_dir, read_file};
use crate::qemu::{Board, Boot, Firmware, SecureBoot};

/// The largest store of variables, in bytes.
const VARIABLES: u64 = 1 << 20;

/// Which firmware is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Bios,
    Uefi,
}

/// Chooses by what is asked for and what can start it; a BIOS where both can, which is sooner done.
pub(super) fn choose(args: &Args, boot: &Boot, starts: Starts, name: &str) -> Result<Choice, RunError> {
    let other = |firmware| RunError::OtherFirmware { name: name.to_owned(), firmware };
    let uefi = args.uefi || args.secure_boot.is_some();
    if args.machine == Board::Microvm && (uefi || !matches!(boot, Boot::Direct { .. })) {
        return Err(RunError::SmallBoard { name: name.to_owned() });
    }
    match (uefi, args.bios) {
        (true, _) if starts.uefi => Ok(Choice::Uefi),
        (true, _) => Err(other("UEFI")),
        (_, true) if starts.bios => Ok(Choice::Bios),
        (_, true) => Err(other("a BIOS")),
        (false, false) => Ok(if starts.bios { Choice::Bios } else { Choice::Uefi }),
    }
}

/// Returns the tool that has the firmware for UEFI.
pub(super) fn package(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "ovmf",
        Architecture::Arm64 => "ovmf-arm64",
    }
}

/// Returns the firmware of a machine with a 64-bit ARM; `ovmf` is what is `/` for its package.
pub(super) fn uefi_of_arm64(ovmf: &Path) -> Firmware {
    let place = ovmf.join("usr/share/AAVMF");
    let (code, variables) = (place.join("AAVMF_CODE.fd"), place.join("AAVMF_VARS.fd"));
    Firmware::Uefi { code, variables, secure_boot: SecureBoot::Off }
}

/// Returns the firmware of a PC; `ovmf` is what is `/` for UEFI's package. Variables with the key of a certificate (in DER) go to `scratch`.
pub(super) fn uefi(ovmf: &Path, certificate: Option<&[u8]>, scratch: &Path) -> Result<Firmware, Failure> {
    let place = ovmf.join("usr/share/OVMF");
    let variables = place.join("OVMF_VARS_4M.fd");
    let Some(certificate) = certificate else {
        let code = place.join("OVMF_CODE_4M.fd");
        return Ok(Firmware::Uefi { code, variables, secure_boot: SecureBoot::Off });
    };
    let with_keys = enrol(&read_file(&variables, VARIABLES)?, certificate).map_err(RunError::Variables)?;
    let failed = |source| Failure::File { action: "write", path: scratch.to_owned(), source };
    open_dir(scratch)?.write("variables", with_keys).map_err(failed)?;
    Ok(Firmware::Uefi {
        code: place.join("OVMF_CODE_4M.secboot.fd"),
        variables: scratch.join("variables"),
        secure_boot: SecureBoot::On,
    })
}
