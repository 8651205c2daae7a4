//! By which firmware something is booted.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_format::efi_variables::enrol;

use super::told::Starts;
use super::{Args, RunError};
use crate::Failure;
use crate::project::{open_dir, read_file};
use crate::qemu::{Board, Boot, Firmware, SecureBoot};

/// The longest certificate that is read, in bytes.
const LONGEST: u64 = 64 << 10;
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

/// Returns the firmware; `ovmf` is what is `/` for UEFI's package. Variables with keys go to `scratch`.
pub(super) fn uefi(ovmf: &Path, certificate: Option<&Path>, scratch: &Path) -> Result<Firmware, Failure> {
    let place = ovmf.join("usr/share/OVMF");
    let variables = place.join("OVMF_VARS_4M.fd");
    let Some(path) = certificate else {
        let code = place.join("OVMF_CODE_4M.fd");
        return Ok(Firmware::Uefi { code, variables, secure_boot: SecureBoot::Off });
    };
    let bytes = read_file(path, LONGEST)?;
    let certificate = der(&bytes).ok_or_else(|| RunError::Certificate { path: path.to_owned() })?;
    let with_keys = enrol(&read_file(&variables, VARIABLES)?, &certificate).map_err(RunError::Variables)?;
    let failed = |source| Failure::File { action: "write", path: scratch.to_owned(), source };
    open_dir(scratch)?.write("variables", with_keys).map_err(failed)?;
    Ok(Firmware::Uefi {
        code: place.join("OVMF_CODE_4M.secboot.fd"),
        variables: scratch.join("variables"),
        secure_boot: SecureBoot::On,
    })
}

/// Returns a certificate in DER, of one in PEM or DER.
fn der(bytes: &[u8]) -> Option<Vec<u8>> {
    // A sequence with a length of two bytes, as every certificate is.
    let is_der = |bytes: &[u8]| bytes.starts_with(&[0x30, 0x82]);
    if is_der(bytes) {
        return Some(bytes.to_vec());
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok().filter(|bytes| is_der(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_pem_or_der() {
        let bytes = [0x30, 0x82, 0, 1, 7];
        assert_eq!(der(&bytes).unwrap(), bytes);
        let pem = "-----BEGIN CERTIFICATE-----\nMIIA\nAQc=\n-----END CERTIFICATE-----\n";
        assert_eq!(der(pem.as_bytes()).unwrap(), bytes);
        for wrong in [&b""[..], b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            assert_eq!(der(wrong), None);
        }
    }
}
