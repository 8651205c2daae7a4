//! Programs for UEFI that have an image in them: which pins they carry.

use std::fs::File;

use kit_format::pe::PeError;
use kit_format::uki::read;

use super::carried::{Found, IN_OS_RELEASE, ON_CMDLINE, SHORT};
use crate::unsigned::from_start;

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
