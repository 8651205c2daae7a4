//! `--secure-boot`: whose signatures the firmware takes.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_audit::signature::secure_boot::throw_away;

use super::{Args, RunError};
use crate::Failure;
use crate::commands::sign::sign_by;
use crate::project::{open_dir, read_file};
use crate::qemu::Boot;

/// The longest certificate that is read, in bytes.
const LONGEST: u64 = 64 << 10;
/// What a signed program is called in the scratch directory.
const PROGRAM: &str = "program.efi";

/// Returns what is booted, and the certificate in DER that the firmware has; none where it starts everything.
///
/// Without a certificate that somebody names, a program is signed by a key that is made for it and then forgotten.
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
            let signer = throw_away(&secret()?);
            let signed = scratch.join(PROGRAM);
            sign_by(&signer, file, &signed)?;
            Ok((Boot::Program { file: signed }, Some(signer.1.der().to_vec())))
        }
        (Some(None), _) => Err(RunError::NothingToSign { name: name.to_owned() }.into()),
    }
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
