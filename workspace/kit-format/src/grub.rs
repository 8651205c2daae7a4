//! GRUB for BIOS: the places of its images where it must be told where it lies, and what it is to load.
//!
//! The package `bios-boot` has the images below [`PLACE`], made by `grub-mkimage` of a locked GRUB:
//!
//! | image | what | patched here |
//! |---|---|---|
//! | `boot.img` | the code of a disk's first sector | byte 0x5c: the first sector of `core.img`; bytes 0x66, 0x67: two `nop` for firmware that gives a wrong drive |
//! | `core.img` | GRUB with its modules, in the gap behind the MBR or in a BIOS boot partition of a GPT disk | byte 0x1f4: the sector behind its first |
//! | `hybrid.img` | like `boot.img`, for an ISO on a disk | byte 0x1b0: the first sector of `core.img` in `eltorito.img` |
//! | `eltorito.img` | 2048 bytes that a BIOS starts from a CD, then `core.img` | byte 0x9f4: the sector behind the first of `core.img` |
//!
//! Numbers are `u64`, little-endian, in sectors of 512 bytes. All images look for [`CONFIGURATION`] on the medium they were started from.

use crate::mbr::CODE;

/// Where the images are in the package.
pub const PLACE: &str = "/usr/lib/bios-boot";

/// The file that GRUB reads what to do from.
pub const CONFIGURATION: &str = "/boot/grub/grub.cfg";

/// Bytes of a sector.
const SECTOR: usize = 512;
/// Bytes before `core.img` in `eltorito.img`.
const CD_CODE: usize = 2048;

const KERNEL_SECTOR: usize = 0x5c;
const DRIVE_CHECK: usize = 0x66;
const DRIVE_CHECK_CODE: [u8; 2] = [0xeb, 0x05];
const NOP: u8 = 0x90;
const HYBRID_KERNEL_SECTOR: usize = 0x1b0;
const BLOCK_LIST: usize = SECTOR - 12;

/// Why GRUB can't be told what it must know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrubError {
    /// Not the image that it should be, or of a GRUB that keeps its numbers somewhere else.
    #[error("`{image}` is not an image of GRUB 2 as `bios-boot` has it: {problem}")]
    Image {
        /// Which.
        image: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// GRUB puts a backslash before these characters, and can't be kept from it.
    #[error("GRUB can't give the kernel {character:?}, which is in the command line `{command_line}`")]
    Character {
        /// The character.
        character: char,
        /// Where it is.
        command_line: String,
    },
}

/// Returns the code for the first sector of a disk that has `core.img` at sector `core`.
pub fn boot_code(image: &[u8], core: u64) -> Result<[u8; CODE], GrubError> {
    let wrong = |problem| GrubError::Image { image: "boot.img", problem };
    let mut code = sector(image).ok_or(wrong("it isn't one sector of code"))?;
    if code[DRIVE_CHECK..][..2] != DRIVE_CHECK_CODE {
        return Err(wrong("there is no check of the drive at byte 0x66"));
    }
    code[DRIVE_CHECK..][..2].fill(NOP);
    put(&mut code, KERNEL_SECTOR, core);
    Ok(code)
}

/// Returns `core.img` as it lies on a disk at sector `first`, in whole sectors.
pub fn core(image: &[u8], first: u64) -> Result<Vec<u8>, GrubError> {
    let mut core = image.to_vec();
    core.resize(core.len().next_multiple_of(SECTOR), 0);
    patch_core(&mut core, first).map_err(|problem| GrubError::Image { image: "core.img", problem })?;
    Ok(core)
}

/// Returns the code for the first sector of an ISO that has `eltorito.img` at sector `image_sector`.
pub(crate) fn hybrid_code(image: &[u8], image_sector: u64) -> Result<[u8; CODE], GrubError> {
    let wrong = GrubError::Image { image: "hybrid.img", problem: "it isn't one sector of code" };
    let mut code = sector(image).ok_or(wrong)?;
    put(&mut code, HYBRID_KERNEL_SECTOR, image_sector + (CD_CODE / SECTOR) as u64);
    Ok(code)
}

/// Tells `eltorito.img` that it lies at sector `first`, for when it is started from a disk.
pub(crate) fn patch_eltorito(image: &mut [u8], first: u64) -> Result<(), GrubError> {
    let wrong = |problem| GrubError::Image { image: "eltorito.img", problem };
    let core = image.get_mut(CD_CODE..).ok_or(wrong("it is too short"))?;
    patch_core(core, first + (CD_CODE / SECTOR) as u64).map_err(wrong)
}

/// Returns what GRUB does, for [`CONFIGURATION`]: it starts `/boot/kernel` with `/boot/initrd`, at once and without a menu. It
/// speaks on the screen and on the first serial port.
pub fn configuration(command_line: &str) -> Result<String, GrubError> {
    let refused = |c: &char| matches!(c, '\'' | '"' | '\\') || c.is_control();
    if let Some(character) = command_line.chars().find(refused) {
        return Err(GrubError::Character { character, command_line: command_line.to_owned() });
    }
    let words: Vec<_> = command_line.split(' ').filter(|word| !word.is_empty()).collect();
    let words = if words.is_empty() { String::new() } else { format!(" '{}'", words.join("' '")) };
    Ok(format!(
        "if serial --unit=0 --speed=115200; then\n  \
         terminal_input console serial\n  \
         terminal_output console serial\n\
         fi\n\
         set gfxpayload=text\n\
         linux /boot/kernel{words}\n\
         initrd /boot/initrd\n\
         boot\n"
    ))
}

/// Returns the code of a boot sector.
fn sector(image: &[u8]) -> Option<[u8; CODE]> {
    let whole = image.len() == SECTOR && image.ends_with(&[0x55, 0xaa]);
    image.first_chunk().copied().filter(|_| whole)
}

/// Writes the one block list of `core.img`: the rest of it lies behind its first sector.
fn patch_core(core: &mut [u8], first: u64) -> Result<(), &'static str> {
    let sectors = core.len().div_ceil(SECTOR);
    let list = core.get_mut(BLOCK_LIST..SECTOR).ok_or("it is too short")?;
    let length = usize::from(u16::from_le_bytes([list[8], list[9]]));
    if length == 0 || length != sectors - 1 {
        return Err("its block list has another length");
    }
    put(list, 0, first + 1);
    Ok(())
}

fn put(bytes: &mut [u8], at: usize, number: u64) {
    bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests;
