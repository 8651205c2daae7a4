//! Bytes of every format, both ways.
//!
//! Readers take `impl Read` from strangers: everything has a limit, and what isn't understood is a typed error. Writers are streams to
//! read from, functions over `&mut dyn Write`, or return a [`layout::Layout`], which also says what each byte is: the same tree gives the same
//! bytes everywhere, named by each module's `REVISION`.
//! Contents come from [`kit_tree::Blobs`] and go to [`kit_tree::BlobSink`]; no file is ever in memory as a whole.
//!
//! | module | what |
//! |---|---|
//! | [`workers`] | the seam to threads |
//! | [`limits`] | [`Limits`] on foreign bytes |
//! | [`compression`] | bzip2, gzip, xz and zstd, reading; gzip and zstd, writing |
//! | [`tar`] | tar archives, both ways |
//! | [`zip`] | zip archives, reading |
//! | [`sources`] | what upstream publishes, told by its content |
//! | [`cpio`] | the kernel's initial root file system, both ways |
//! | [`ar`], [`deb`] | Debian packages, reading |
//! | [`oci`] | image layouts, both ways |
//! | [`iso`] | ISO 9660 with Rock Ridge, Joliet and El Torito, both ways |
//! | [`grub`] | GRUB for BIOS, told where it lies and what it loads |
//! | [`raspberry_pi`] | what a Raspberry Pi starts from |
//! | [`ipxe`] | scripts that boot over the network |
//! | [`sysupdate`] | updates as systemd-sysupdate finds them |
//! | [`json`], [`date`] | canonical JSON, the source date as text |
//! | [`erofs`] | EROFS, both ways |
//! | [`ext4`] | ext4, both ways |
//! | [`inodes`] | what readers of EROFS and ext4 have in common |
//! | [`squashfs`] | compressed file systems, both ways |
//! | [`disk_image`] | disks in the containers of virtual machines, both ways |
//! | [`largest`] | what is biggest where something doesn't fit |
//! | [`layout`] | a file that is laid out before it is written |
//! | [`extents`] | what its pieces are, as a side file |
//! | [`fat`] | FAT file systems, both ways |
//! | [`gpt`], [`mbr`] | partition tables, both ways |
//! | [`verity`] | hash trees of dm-verity, both ways |
//! | [`pe`], [`uki`] | programs for EFI; kernel, initrd and command line as one of them |
//! | [`mod@authenticode`] | what signatures of such programs cover, and where they are |
//! | [`mod@signing`] | such signatures in the programs of a disk, which stays as it is otherwise |
//! | [`mod@measure`] | what a TPM has after such a program was started |
//! | [`efi_variables`] | the variables of a virtual machine's firmware, with keys of Secure Boot |
//! | [`dedupe`] | equal files as hard links |
//! | [`mod@explain`] | what two files differ in, in their format's words |
//! | [`mod@locate`] | what of a file a byte is, in its format's words |
#![forbid(unsafe_code)]

pub mod ar;
pub mod authenticode;
pub mod compression;
pub mod cpio;
pub mod date;
pub mod deb;
pub mod dedupe;
pub mod disk_image;
pub mod efi_variables;
pub mod erofs;
pub mod explain;
pub mod ext4;
pub mod extents;
pub mod fat;
pub mod gpt;
pub mod grub;
pub mod inodes;
pub mod input;
pub mod ipxe;
pub mod iso;
pub mod json;
pub mod largest;
pub mod layout;
pub mod limits;
pub mod locate;
pub mod mbr;
pub mod measure;
mod members;
pub mod oci;
mod part;
pub mod pe;
pub mod raspberry_pi;
#[cfg(test)]
mod samples;
pub mod signing;
pub mod sources;
pub mod squashfs;
mod stat;
pub mod sysupdate;
pub mod tar;
pub mod uki;
pub mod verity;
pub mod workers;
pub mod zip;

pub use compression::{Compression, Decoder};
pub use limits::{LimitError, Limits};
