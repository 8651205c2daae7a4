//! Variables of the firmware, in which the boot loader says what it has started.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::error::{During, Failure};
use crate::files;
use crate::stage::Guid;
use crate::sys::{self, Errno, io, mount};

/// Who has set them, as their names say.
const VENDOR: &str = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
/// Where the kernel shows them, on machines that have some.
const PLACE: &str = "/sys/firmware/efi/efivars";
/// The longest variable that is read, in bytes.
const LONGEST: usize = 4096;

/// What the boot loader has said.
#[derive(Debug)]
pub(super) struct Variables {
    /// The path of what it has started, with the counter that it has written.
    pub(super) path: String,
    /// The partition that this path is on.
    pub(super) partition: Guid,
}

/// Reads them; nothing where no boot is counted.
pub(super) fn read() -> Result<Option<Variables>, Failure> {
    if !files::is_directory(PLACE) {
        return Ok(None);
    }
    let shown = match open() {
        // Builds of images whose boots are counted see to it that the kernel can show them.
        Err(Errno(libc::ENODEV)) => return Ok(None),
        shown => shown.during("mount", PLACE)?,
    };
    let Some(path) = text(&shown, "LoaderBootCountPath")? else { return Ok(None) };
    let name = "LoaderDevicePartUUID";
    let partition = text(&shown, name)?
        .ok_or_else(|| Failure::new("find", "the partition of what was started", "no variable names it"))?;
    let id = Guid::parse(&partition).ok_or_else(|| {
        Failure::new("understand", format!("{name} {partition:?}"), "this is not the id of a partition")
    })?;
    Ok(Some(Variables { path, partition: id }))
}

/// Mounts what shows them where nobody else sees it.
fn open() -> Result<OwnedFd, Errno> {
    let system = mount::open_file_system(c"efivarfs")?;
    mount::create_file_system(system.as_fd(), mount::RDONLY | mount::NOSUID | mount::NODEV | mount::NOEXEC)
}

/// Reads a variable that is a text.
fn text(shown: &OwnedFd, name: &str) -> Result<Option<String>, Failure> {
    let file = sys::c_string(format!("/{name}-{VENDOR}"))
        .and_then(|path| mount::open_in_root(shown.as_fd(), &path, libc::O_RDONLY));
    let file = match file {
        Err(Errno(libc::ENOENT)) => return Ok(None),
        file => file.during("open", name)?,
    };
    let mut bytes = vec![0; LONGEST];
    let mut length = 0;
    loop {
        match io::read(file.as_fd(), &mut bytes[length..]).during("read", name)? {
            0 => break,
            count => length += count,
        }
    }
    match decode(&bytes[..length]) {
        Some(text) if length < LONGEST => Ok(Some(text)),
        _ => Err(Failure::new("read", name, "it is not a text")),
    }
}

/// Takes the text of a variable: UTF-16 with a zero at its end, behind four bytes of the variable's attributes.
fn decode(bytes: &[u8]) -> Option<String> {
    let units = bytes.get(4..)?;
    if units.len() % 2 != 0 {
        return None;
    }
    let units: Vec<u16> = units.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    let (last, text) = units.split_last()?;
    (*last == 0 && !text.contains(&0)).then(|| String::from_utf16(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(text: &str) -> Vec<u8> {
        let units = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
        [6, 0, 0, 0].into_iter().chain(units).collect()
    }

    #[test]
    fn a_text_is_decoded() {
        for text in ["", r"\EFI\Linux\router_A+2-1.efi", "ä😀"] {
            assert_eq!(decode(&variable(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn anything_else_is_no_text() {
        let good = variable("ab");
        for length in 0..good.len() {
            assert_eq!(decode(&good[..length]), None, "{length}");
        }
        assert_eq!(decode(&variable("a\0b")), None);
        assert_eq!(decode(&[6, 0, 0, 0, 0, 0xd8, 0, 0]), None);
    }
}
