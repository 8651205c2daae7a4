//! Programs for UEFI that have an image in them: which pins they carry, and what of them isn't a signer's.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

use kit_format::authenticode::{AuthenticodeError, Changed, unsigned};
use kit_format::pe::PeError;
use kit_format::uki::read;

use super::carried::{Found, IN_OS_RELEASE, ON_CMDLINE, SHORT};

/// Returns the pins that a unified kernel image carries, on its command line or in its `os-release`; nothing of another program.
pub(super) fn in_program(file: &File, length: u64) -> Result<Option<Found>, PeError> {
    let open = &|| from_start(file);
    let Some(uki) = read(open, length)? else { return Ok(None) };
    let text = |name: &str| -> Result<String, PeError> {
        let bytes = uki.section(open, name, SHORT)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let cmdline = text(".cmdline")?;
    if let Some(pin) = cmdline.split_whitespace().find_map(|word| word.strip_prefix(ON_CMDLINE)) {
        return Ok(Some(Some(pin.to_owned())));
    }
    let os_release = text(".osrel")?;
    Ok(Some(os_release.lines().find_map(|line| line.strip_prefix(IN_OS_RELEASE)).map(str::to_owned)))
}

/// Returns what a program is without its signatures.
pub(super) fn identity(file: &File, length: u64) -> Result<Changed, AuthenticodeError> {
    unsigned(&|| from_start(file), length)
}

/// Reads a file from its start, whoever read it before.
pub(super) fn from_start(mut file: &File) -> io::Result<Box<dyn Read + '_>> {
    file.rewind()?;
    Ok(Box::new(BufReader::new(file)))
}
