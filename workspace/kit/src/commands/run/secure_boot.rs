//! `--secure-boot`: whose signatures the firmware takes.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_audit::signature::secure_boot::throw_away;

use super::{Args, RunError, unpacked};
use crate::Failure;
use crate::commands::convert::DiskFile;
use crate::commands::sign::sign_by;
use crate::project::{open_dir, open_file, read_file};
use crate::qemu::Boot;
use crate::qemu::boot::{Container, Writes};

/// The longest certificate that is read, in bytes.
const LONGEST: u64 = 64 << 10;
/// What a signed program, and a disk with some, is called in the scratch directory.
const PROGRAM: &str = "program.efi";
const DISK: &str = "signed";

/// Returns what is booted, and the certificate in DER that the firmware has; none where it starts everything.
///
/// Without a certificate that somebody names, a program, or what is on a disk, is signed by a key that is made for it and then forgotten.
pub(super) fn prepare(
    args: &Args,
    boot: Boot,
    name: &str,
    scratch: &Path,
) -> Result<(Boot, Option<Vec<u8>>), Failure> {
    match (&args.secure_boot, &boot) {
        (None, _) => Ok((boot, None)),
        (Some(Some(path)), _) => {
            let bytes = read_file(path, LONGEST)?;
            let certificate = der(&bytes).ok_or_else(|| RunError::Certificate { path: path.clone() })?;
            Ok((boot, Some(certificate)))
        }
        (Some(None), Boot::Program { file }) => {
            let signed = scratch.join(PROGRAM);
            let certificate = sign(file, &signed)?;
            Ok((Boot::Program { file: signed }, certificate))
        }
        (Some(None), Boot::Disk { writes: Writes::Kept, .. }) => Err(RunError::SignedIsForgotten.into()),
        (Some(None), Boot::Disk { file, container, within, writes }) => {
            let unpacked = match (container, within) {
                (Container::Raw, None) => file.clone(),
                _ => unpack(file, scratch)?,
            };
            let file = scratch.join(DISK);
            let certificate = sign(&unpacked, &file)?;
            Ok((Boot::Disk { file, container: Container::Raw, within: None, writes: *writes }, certificate))
        }
        (Some(None), Boot::Iso { file }) => {
            let signed = scratch.join(DISK);
            let certificate = sign(file, &signed)?;
            Ok((Boot::Iso { file: signed }, certificate))
        }
        (Some(None), Boot::Direct { .. } | Boot::Network { .. }) => {
            Err(RunError::NothingToSign { name: name.to_owned() }.into())
        }
    }
}

/// Signs a file by a key that nobody has then; returns its certificate in DER.
fn sign(file: &Path, to: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let signer = throw_away(&secret()?);
    sign_by(&signer, file, to)?;
    Ok(Some(signer.1.der().to_vec()))
}

/// Takes a disk out of its container.
fn unpack(path: &Path, scratch: &Path) -> Result<PathBuf, Failure> {
    let file = DiskFile::new(open_file(path)?, path)?;
    unpacked::unpack(&file, scratch)
        .map_err(|source| RunError::Unpack { path: path.to_owned(), source }.into())
}

/// Whether a file is there that is a certificate.
pub(super) fn is_certificate(path: &Path) -> bool {
    path.is_file() && read_file(path, LONGEST).is_ok_and(|bytes| der(&bytes).is_some())
}

/// Returns what nobody else knows.
fn secret() -> Result<[u8; 32], Failure> {
    let failed = |source| Failure::File { action: "read", path: "/dev/urandom".into(), source };
    let mut secret = [0; 32];
    let mut file = open_dir(Path::new("/dev"))?.open("urandom").map_err(failed)?;
    file.read_exact(&mut secret).map_err(failed)?;
    Ok(secret)
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
