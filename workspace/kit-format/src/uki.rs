//! Unified kernel images: kernel, initrd and command line as sections of one program for EFI, which a small one before them starts.
//!
//! ```text
//! headers of the stub   with these sections and sizes, the time of the program zero, no symbols, the checksum right
//! sections of the stub  as they are, one behind the other; what was between and behind them is left out
//! .osrel                /etc/os-release
//! .cmdline              the command line, no end of line
//! .uname                the kernel's release
//! .dtb                  a device tree, where there is one
//! .initrd               the initial file system
//! .linux                the kernel, last: it may unpack itself over what follows
//! ```
//! In memory each new section begins at a multiple of 4 KiB behind the one before it, in the file at a multiple of the stub's alignment, with
//! zeros between: no byte is in no section, so that all who hash the program hash the same. `.sbat` is the stub's own; what is added to it
//! has to fit into its padding.

mod read;

use std::io::{self, Read as _};

use kit_hash::BlobId;
use kit_tree::Blobs;

pub use self::read::{Uki, read};
use crate::authenticode::each;
use crate::compression::Compression;
use crate::layout::Layout;
use crate::pe::{Checksum, HEADERS_LIMIT, PeError, Program, ROW, Section};

/// Names the exact bytes that this writer makes of its parts.
pub const REVISION: u32 = 1;

/// What new sections are aligned to in memory: a page.
const PAGE: u64 = 4096;
/// What they are: data that is read.
const READ_ONLY_DATA: u32 = 0x4000_0040;
/// Names of the sections that are added.
const NAMES: [&str; 6] = [".osrel", ".cmdline", ".uname", ".dtb", ".initrd", ".linux"];
/// The section of the revocation list.
const SBAT: &str = ".sbat";

/// A content and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// The content.
    pub blob: BlobId,
    /// Its bytes.
    pub size: u64,
}

/// What a unified kernel image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// For which machine it is to be, such as [`Program::X86_64`].
    pub machine: u16,
    /// The program that starts the kernel: systemd's `linuxx64.efi.stub` or `linuxaa64.efi.stub`.
    pub stub: Vec<u8>,
    /// What the image says of itself: its `/etc/os-release`.
    pub os_release: Vec<u8>,
    /// The kernel's command line.
    pub cmdline: Vec<u8>,
    /// The kernel's release, such as `6.1.0-50-cloud-amd64`.
    pub uname: String,
    /// The initial file system, compressed or not.
    pub initrd: Content,
    /// The kernel, a program for EFI itself.
    pub kernel: Content,
    /// A device tree for the kernel.
    pub device_tree: Option<Content>,
    /// Lines for the stub's own `.sbat`, to be added to it; mostly none.
    pub sbat: Vec<u8>,
}

/// Why parts don't make a unified kernel image.
#[derive(Debug, thiserror::Error)]
pub enum UkiError {
    /// The stub is no program.
    #[error("the stub is no program to begin a unified kernel image with")]
    Stub(#[source] PeError),
    /// The stub is signed, or is a whole image already.
    #[error("the stub has {what} already")]
    Used {
        /// What it has.
        what: String,
    },
    /// The stub is for another machine than the image.
    #[error("the stub is for {}, the image for {}", machine(*.stub), machine(*.image))]
    Stranger {
        /// What the stub is for.
        stub: u16,
        /// What the image is for.
        image: u16,
    },
    /// The kernel is compressed as a whole, and not by its own EFI stub.
    #[error("the kernel is a compressed file, which firmware can't unpack")]
    Compressed,
    /// The kernel has no EFI stub.
    #[error("the kernel has no EFI stub, so firmware can't start it")]
    Kernel(#[source] PeError),
    /// Kernel and stub are for different machines.
    #[error("the kernel is for {}, the stub for {}", machine(*.kernel), machine(*.stub))]
    Machine {
        /// What the kernel is for.
        kernel: u16,
        /// What the stub is for.
        stub: u16,
    },
    /// The headers of the stub have no room for more sections.
    #[error(
        "the headers need {needed} bytes for all sections, and the stub's first section begins at {room}"
    )]
    Headers {
        /// How many bytes they need.
        needed: u64,
        /// How many there are.
        room: u64,
    },
    /// Text of a section has a zero byte, where it would end.
    #[error("`{section}` has a zero byte at {offset}, where it would end")]
    Zero {
        /// The section.
        section: &'static str,
        /// Where.
        offset: usize,
    },
    /// A part that can't be empty is.
    #[error("`{section}` is empty")]
    Empty {
        /// The section.
        section: &'static str,
    },
    /// More is added to `.sbat` than its padding holds.
    #[error("`.sbat` would have {needed} bytes, and the stub has room for {room}")]
    Sbat {
        /// How many it would have.
        needed: u64,
        /// How many fit.
        room: u64,
    },
    /// The image is larger than a program can be.
    #[error("with `{section}` the image has {length} bytes, and a program has less than 4 GiB")]
    TooLarge {
        /// The section that is too much.
        section: &'static str,
        /// Bytes with it.
        length: u64,
    },
    /// A content can't be read, or isn't as long as was said.
    #[error("a part can't be read")]
    Read(#[from] io::Error),
}

/// Names a machine as people do.
pub fn machine(number: u16) -> String {
    match number {
        Program::X86_64 => "x86-64".to_owned(),
        Program::AARCH64 => "64-bit ARM".to_owned(),
        0x014c => "32-bit x86".to_owned(),
        0x01c2 | 0x01c4 => "32-bit ARM".to_owned(),
        Program::RISCV64 => "64-bit RISC-V".to_owned(),
        0x6264 => "64-bit LoongArch".to_owned(),
        other => format!("machine {other:#06x}"),
    }
}

/// What a new section has in it.
enum Contents<'a> {
    Bytes(&'a [u8]),
    Blob(Content),
}

impl Contents<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Blob(content) => content.size,
        }
    }
}

/// Lays a unified kernel image out. All contents are read once, for the checksum.
pub fn layout(parts: &Parts, blobs: &dyn Blobs) -> Result<Layout, UkiError> {
    let stub = stub(parts)?;
    check_kernel(parts, &stub, blobs)?;
    let added = added(parts)?;
    let plan = Plan::new(parts, &stub, &added)?;
    let mut headers = plan.headers(parts, &stub);
    let draft = plan.lay_out(parts, &stub, headers.clone(), &added);
    let mut checksum = Checksum::new();
    each(&mut draft.stream(blobs), draft.len(), &mut |bytes| checksum.update(bytes))?;
    put(&mut headers, stub.pe + CHECKSUM, &checksum.finish().to_le_bytes());
    Ok(plan.lay_out(parts, &stub, headers, &added))
}

/// Where the checksum is, counted from `PE`.
const CHECKSUM: usize = 24 + 64;

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Reads the stub's headers, and refuses one that is more than a stub.
fn stub(parts: &Parts) -> Result<Program, UkiError> {
    let stub = Program::parse(&parts.stub, parts.stub.len() as u64).map_err(UkiError::Stub)?;
    if stub.machine != parts.machine {
        return Err(UkiError::Stranger { stub: stub.machine, image: parts.machine });
    }
    if stub.signatures.is_some() {
        return Err(UkiError::Used { what: "a signature".to_owned() });
    }
    if let Some(name) = NAMES.into_iter().find(|name| stub.section(name).is_some()) {
        return Err(UkiError::Used { what: format!("a section `{name}`") });
    }
    Ok(stub)
}

fn check_kernel(parts: &Parts, stub: &Program, blobs: &dyn Blobs) -> Result<(), UkiError> {
    let mut start = Vec::new();
    blobs.open(&parts.kernel.blob)?.take(HEADERS_LIMIT).read_to_end(&mut start)?;
    // Kernels for arm64 may be installed so, for boot loaders that unpack them.
    if !matches!(Compression::sniff(&start), Compression::None) {
        return Err(UkiError::Compressed);
    }
    match Program::parse(&start, parts.kernel.size) {
        Ok(kernel) if kernel.machine == stub.machine => Ok(()),
        Ok(kernel) => Err(UkiError::Machine { kernel: kernel.machine, stub: stub.machine }),
        Err(error) => Err(UkiError::Kernel(error)),
    }
}

/// Returns the sections that are added, in their order.
fn added(parts: &Parts) -> Result<Vec<(&'static str, Contents<'_>)>, UkiError> {
    let texts = [
        (NAMES[0], parts.os_release.as_slice()),
        (NAMES[1], parts.cmdline.as_slice()),
        (NAMES[2], parts.uname.as_bytes()),
    ];
    for (section, text) in texts {
        if let Some(offset) = text.iter().position(|byte| *byte == 0) {
            return Err(UkiError::Zero { section, offset });
        }
    }
    let mut added: Vec<_> = texts.into_iter().map(|(name, text)| (name, Contents::Bytes(text))).collect();
    added.extend(parts.device_tree.map(|tree| (NAMES[3], Contents::Blob(tree))));
    added.push((NAMES[4], Contents::Blob(parts.initrd)));
    added.push((NAMES[5], Contents::Blob(parts.kernel)));
    match added.iter().find(|(_, contents)| contents.size() == 0) {
        Some((section, _)) => Err(UkiError::Empty { section }),
        None => Ok(added),
    }
}

/// Where everything goes.
struct Plan {
    sections: Vec<Section>,
    headers: u32,
    image_size: u32,
    initialized: u32,
}

impl Plan {
    fn new(parts: &Parts, stub: &Program, added: &[(&'static str, Contents<'_>)]) -> Result<Self, UkiError> {
        let alignment = u64::from(stub.file_alignment);
        let table_end = stub.table_end() + (added.len() * ROW) as u64;
        let headers = table_end.next_multiple_of(alignment).max(u64::from(stub.headers));
        let room = stub.sections.iter().map(|section| u64::from(section.address)).min().unwrap_or(0);
        if headers > room {
            return Err(UkiError::Headers { needed: headers, room });
        }
        let mut plan = Self { sections: stub.sections.clone(), headers: 0, image_size: 0, initialized: 0 };
        let mut offset = headers;
        let small =
            |section, length: u64| u32::try_from(length).map_err(|_| UkiError::TooLarge { section, length });
        plan.headers = small(".text", headers)?;
        for kept in stub.in_file_order() {
            let at =
                stub.sections.iter().position(|section| section == kept).expect("because it is one of them");
            plan.sections[at].file_offset = small(".text", offset)?;
            offset += u64::from(kept.file_size);
        }
        plan.add_sbat(parts)?;
        let mut address = stub.sections.iter().map(Section::address_end).max().unwrap_or(0);
        for (name, contents) in added {
            address = address.next_multiple_of(PAGE.max(u64::from(stub.section_alignment)));
            let file_size = contents.size().next_multiple_of(alignment);
            let mut section = Section {
                name: [0; 8],
                size: small(name, contents.size())?,
                address: small(name, address)?,
                file_size: small(name, file_size)?,
                file_offset: small(name, offset)?,
                characteristics: READ_ONLY_DATA,
            };
            section.name[..name.len()].copy_from_slice(name.as_bytes());
            plan.sections.push(section);
            offset += file_size;
            address += file_size;
            plan.image_size = small(name, address.next_multiple_of(PAGE))?;
            plan.initialized = plan.initialized.saturating_add(small(name, file_size)?);
        }
        Ok(plan)
    }

    /// Gives `.sbat` the size that it has with the lines that are added.
    fn add_sbat(&mut self, parts: &Parts) -> Result<(), UkiError> {
        if parts.sbat.is_empty() {
            return Ok(());
        }
        let section = self.sections.iter_mut().find(|section| section.is_named(SBAT));
        let section = section.ok_or(UkiError::Sbat { needed: parts.sbat.len() as u64, room: 0 })?;
        let needed = u64::from(section.size) + parts.sbat.len() as u64;
        let room = section.file_size;
        section.size = u32::try_from(needed)
            .ok()
            .filter(|needed| *needed <= room)
            .ok_or(UkiError::Sbat { needed, room: room.into() })?;
        Ok(())
    }

    /// Returns the headers of the whole, the checksum zero.
    fn headers(&self, parts: &Parts, stub: &Program) -> Vec<u8> {
        let mut bytes = parts.stub[..stub.table].to_vec();
        bytes.resize(usize::try_from(self.headers).expect("because headers are small"), 0);
        let optional = stub.pe + 24;
        let count = u16::try_from(self.sections.len()).expect("because a stub has few");
        put(&mut bytes, stub.pe + 6, &count.to_le_bytes());
        // Time, place and number of symbols.
        put(&mut bytes, stub.pe + 8, &[0; 12]);
        let initialized = bytes[optional + 8..].first_chunk().copied().map_or(0, u32::from_le_bytes);
        put(&mut bytes, optional + 8, &initialized.saturating_add(self.initialized).to_le_bytes());
        put(&mut bytes, optional + 56, &self.image_size.to_le_bytes());
        put(&mut bytes, optional + 60, &self.headers.to_le_bytes());
        put(&mut bytes, stub.pe + CHECKSUM, &[0; 4]);
        for (at, section) in self.sections.iter().enumerate() {
            put(&mut bytes, stub.table + at * ROW, &section.row());
        }
        bytes
    }

    fn lay_out(
        &self,
        parts: &Parts,
        stub: &Program,
        headers: Vec<u8>,
        added: &[(&'static str, Contents<'_>)],
    ) -> Layout {
        let mut layout = Layout::new();
        layout.bytes("headers", headers);
        for section in stub.in_file_order() {
            let mut bytes = parts.stub[slice(section)].to_vec();
            if section.is_named(SBAT) && !parts.sbat.is_empty() {
                let at = usize::try_from(section.size).expect("because it is in memory");
                bytes[at..at + parts.sbat.len()].copy_from_slice(&parts.sbat);
            }
            layout.bytes(format!("section `{}` of the stub", section.name()), bytes);
        }
        for (section, (name, contents)) in self.sections[stub.sections.len()..].iter().zip(added) {
            match contents {
                Contents::Bytes(bytes) => layout.bytes(format!("section `{name}`"), bytes.to_vec()),
                Contents::Blob(content) => {
                    layout.blob(format!("section `{name}`"), content.blob, content.size, None);
                }
            }
            layout.zeros_to("padding", section.file_range().end);
        }
        layout
    }
}

/// Returns where a section is in a program that is in memory.
fn slice(section: &Section) -> std::ops::Range<usize> {
    let range = section.file_range();
    let at = |offset: u64| usize::try_from(offset).expect("because it was compared with the stub's length");
    at(range.start)..at(range.end)
}

#[cfg(test)]
pub(crate) mod tests;
