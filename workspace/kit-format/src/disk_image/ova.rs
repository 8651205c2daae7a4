//! A machine with one disk as an OVF package in one file (DSP0243): a ustar archive without a PAX header.
//!
//! Members, in the order that the specification wants: `NAME.ovf`, `NAME.mf` with the SHA-256 digests of the others, `NAME.vmdk` as
//! [`super::vmdk`] writes it. Mode 0644, owner 0, time 0, then two zero blocks. The machine has one processor, 1 GiB of memory, the disk at
//! an LSI Logic controller, one network; its firmware is UEFI where the disk has a GPT and nothing that a BIOS could start.

mod descriptor;
mod read;

use std::io::{self, SeekFrom, Write};

use kit_hash::{BlobHasher, Sha256};

use super::survey::{Surveyed, put, put_zeros};
use super::{DiskFormat, DiskWriteError, WriteSeek, vmdk};
use crate::tar::BLOCK;
use crate::tar::header::{HeaderBlock, MODE, NAME, SIZE};
use crate::workers::Workers;

use self::descriptor::Machine;
pub(super) use self::read::disk_of;

/// Names the exact bytes, together with that of the VMDK.
pub const REVISION: u32 = 1;

/// The largest disk.
pub(super) const LARGEST: u64 = vmdk::LARGEST;

/// A member of a ustar archive is shorter than this.
const MEMBER_LIMIT: u64 = 8 << 30;
const BLOCK_BYTES: u64 = BLOCK as u64;

/// Writes the package.
pub(super) fn write(
    disk: &Surveyed<'_, '_>,
    name: &str,
    out: &mut dyn WriteSeek,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    let names = Names::new(name)?;
    let mut machine = Machine { name, file: &names.disk, file_bytes: 0, survey: disk.survey };
    // The descriptor and the manifest have the same length whatever they say of the disk's file.
    let descriptor_bytes = machine.descriptor().len() as u64;
    let manifest_bytes = names.manifest_text(&Sha256::of(b""), &Sha256::of(b"")).len() as u64;
    let disk_at = 3 * BLOCK_BYTES
        + descriptor_bytes.next_multiple_of(BLOCK_BYTES)
        + manifest_bytes.next_multiple_of(BLOCK_BYTES);
    out.seek(SeekFrom::Start(disk_at)).map_err(DiskWriteError::Write)?;
    let mut hashed = Hashed { out: &mut *out, hasher: BlobHasher::new() };
    vmdk::write_stream(disk, &mut hashed, workers)?;
    let digests = hashed.hasher.finish();
    if digests.size >= MEMBER_LIMIT {
        return Err(DiskWriteError::FileTooLarge {
            size: digests.size,
            limit: MEMBER_LIMIT - 1,
            format: DiskFormat::Ova,
        });
    }
    // Sectors of a VMDK are blocks of the archive.
    put_zeros(out, 2 * BLOCK_BYTES)?;
    out.rewind().map_err(DiskWriteError::Write)?;
    machine.file_bytes = digests.size;
    let descriptor = machine.descriptor();
    let manifest = names.manifest_text(&Sha256::of(descriptor.as_bytes()), &digests.sha256);
    for (name, text) in [(&names.descriptor, &descriptor), (&names.manifest, &manifest)] {
        let length = text.len() as u64;
        put(out, &member(name, length))?;
        put(out, text.as_bytes())?;
        put_zeros(out, length.next_multiple_of(BLOCK_BYTES) - length)?;
    }
    put(out, &member(&names.disk, digests.size))?;
    Ok(())
}

/// The names of the members.
struct Names {
    descriptor: String,
    manifest: String,
    disk: String,
}

impl Names {
    fn new(name: &str) -> Result<Self, DiskWriteError> {
        let limit = NAME.len() - ".vmdk".len();
        let format = DiskFormat::Ova;
        if name.len() > limit {
            return Err(DiskWriteError::LongName { name: name.to_owned(), limit, format });
        }
        if name.is_empty() || name.contains(|letter: char| letter == '/' || letter.is_control()) {
            return Err(DiskWriteError::BadName { name: name.to_owned(), format });
        }
        let [descriptor, manifest, disk] = ["ovf", "mf", "vmdk"].map(|end| format!("{name}.{end}"));
        Ok(Self { descriptor, manifest, disk })
    }

    fn manifest_text(&self, descriptor: &Sha256, disk: &Sha256) -> String {
        format!("SHA256({})= {descriptor}\nSHA256({})= {disk}\n", self.descriptor, self.disk)
    }
}

fn member(name: &str, size: u64) -> [u8; BLOCK] {
    let mut header = HeaderBlock::new(b'0');
    header.set_text(NAME, name.as_bytes());
    header.set_number(MODE, 0o644);
    header.set_number(SIZE, size);
    header.finish()
}

/// Hashes what goes through.
struct Hashed<'a> {
    out: &'a mut dyn WriteSeek,
    hasher: BlobHasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
