//! cpio archives in the "newc" form, which the kernel unpacks as its initial root file system; both ways.
//!
//! A member is a header of 110 characters, its name with a NUL, zeros to a multiple of four, its content, zeros to a multiple of four.
//! The header is `070701` and thirteen numbers of eight hexadecimal digits: ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor,
//! rdevmajor, rdevminor, namesize (with the NUL), check (0). The member `TRAILER!!!` ends the archive.
//!
//! # Where the content of a hard link stands
//! On the first of its names in path order; the others have the same inode number, the link count, and no content. Both readers take it:
//! - Linux (`init/initramfs.c`): `do_name` calls `maybe_link`, which looks the member up by device, inode number and type when nlink is 2 or more. The
//!   first member isn't found, is kept for the others, and its file is created and truncated. Later ones are found and linked; their
//!   content would overwrite the file, but the file is truncated only when there is some, so a length of zero leaves it as it is.
//! - GNU cpio: `copyin_regular_file` puts members of several links without content off to the end, and then links them to the one that had some.
//!
//! Content first, as against GNU cpio's writer that has it on the last, means that a reader in one pass knows every file before its links.
//!
//! # Segments
//! The kernel takes archives one after the other, each compressed by itself or not at all; between them it skips zeros. An uncompressed one
//! starts at a multiple of four, which every archive's length here is. Inode numbers count within a segment. So each part of a system can be one
//! compressed segment that is made once and kept; parents are repeated in each.
//!
//! | module | what |
//! |---|---|
//! | [`mod@read`] | [`read_cpio`]: an archive into a tree |
//! | [`mod@plain`] | [`plain_length`]: where microcode ends and the initrd begins |
//! | [`mod@write`] | [`CpioStream`]: a tree as the one archive that there is for it |

pub mod plain;
pub mod read;
pub mod write;

pub use plain::plain_length;
pub use read::{CpioReadError, Segments, read_cpio};
pub use write::{CpioStream, CpioWriteError};

/// What every header starts with.
const MAGIC: &[u8; 6] = b"070701";
/// Bytes of a header without the name.
pub(crate) const HEADER: usize = 110;
/// Names with their header, and contents, are padded to a multiple of this.
pub(crate) const ALIGNMENT: u64 = 4;
/// The name that ends an archive.
pub(crate) const TRAILER: &[u8] = b"TRAILER!!!";
/// The name of the root.
const ROOT: &[u8] = b".";

#[cfg(test)]
mod tests;
