//! What a machine with a TPM measures when its firmware starts a unified kernel image, foretold.
//!
//! ```text
//! 4    firmware: "Calling EFI Application from Boot Option"; a separator, four zero bytes; the image's Authenticode digest;
//!      then, unless Secure Boot is on, that of the kernel in it: the stub lets firmware load it past the check of signatures, which
//!      is what measures it, too
//! 9    kernel, before it starts: its command line as UTF-16 with a zero behind it; the initrd
//! 11   stub: of each of .linux .osrel .cmdline .initrd .dtb that is there the name with a zero byte behind it, then the contents
//! 12   stub: nothing, where nobody gives another command line and no credentials lie beside the image
//! ```
//! A register begins as zeros; each event makes it the hash of itself and the event's digest. This is what systemd's stub 252, EDK2 and
//! Linux 6.1 do when the image is the first that firmware tries: register 4 has two events more for each try before it.

use std::collections::BTreeMap;

use kit_tree::Blobs;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::authenticode::{each, feed};
use crate::locate::Open;
use crate::pe::{PeError, Program, Section};
use crate::uki::{Parts, UkiError, layout, read};

/// What firmware measures before it starts the first program.
const CALLING: &[u8] = b"Calling EFI Application from Boot Option";
/// What firmware measures between its own part and the operating system's.
const SEPARATOR: &[u8] = &[0; 4];

/// The sections that the stub measures, in its order.
const MEASURED: [&str; 5] = [".linux", ".osrel", ".cmdline", ".initrd", ".dtb"];
/// The longest command line, in bytes: more than any kernel takes.
const CMDLINE_LIMIT: u64 = 64 << 10;

/// A digest, or a register, in each of the algorithms that TPMs have banks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// SHA-384.
    pub sha384: [u8; 48],
    /// SHA-512.
    pub sha512: [u8; 64],
}

impl Digests {
    /// A register that nothing was measured into.
    const ZERO: Self = Self { sha256: [0; 32], sha384: [0; 48], sha512: [0; 64] };

    fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Returns the register after an event.
    fn extended(self, event: &Self) -> Self {
        Self {
            sha256: Sha256::new().chain_update(self.sha256).chain_update(event.sha256).finalize().into(),
            sha384: Sha384::new().chain_update(self.sha384).chain_update(event.sha384).finalize().into(),
            sha512: Sha512::new().chain_update(self.sha512).chain_update(event.sha512).finalize().into(),
        }
    }
}

/// All digests of one stream.
#[derive(Default)]
struct Hasher {
    sha256: Sha256,
    sha384: Sha384,
    sha512: Sha512,
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha384.update(bytes);
        self.sha512.update(bytes);
    }

    fn finish(self) -> Digests {
        Digests {
            sha256: self.sha256.finalize().into(),
            sha384: self.sha384.finalize().into(),
            sha512: self.sha512.finalize().into(),
        }
    }
}

/// Whether firmware checks signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureBoot {
    /// It starts only what is signed.
    On,
    /// It starts anything.
    Off,
}

/// Returns the registers of a TPM, by number, after a unified kernel image of these parts was started.
pub fn predict(
    parts: &Parts,
    blobs: &dyn Blobs,
    secure_boot: SecureBoot,
) -> Result<BTreeMap<u8, Digests>, UkiError> {
    let image = layout(parts, blobs)?;
    let open: Open<'_> = &|| Ok(Box::new(image.stream(blobs)));
    Ok(predict_image(open, image.len(), secure_boot)
        .map_err(UkiError::Stub)?
        .expect("because it has a kernel"))
}

/// Returns the same of a unified kernel image that is there, signed or not; nothing of a program without a kernel.
pub fn predict_image(
    open: Open<'_>,
    length: u64,
    secure_boot: SecureBoot,
) -> Result<Option<BTreeMap<u8, Digests>>, PeError> {
    let Some(uki) = read(open, length)? else { return Ok(None) };
    let mut by_stub = Vec::new();
    for (name, section) in MEASURED.iter().filter_map(|name| Some((name, uki.program.section(name)?))) {
        by_stub.push(Digests::of(format!("{name}\0").as_bytes()));
        by_stub.push(contents(open, section)?);
    }
    let section = |name| uki.program.section(name);
    let mut by_kernel = Vec::new();
    if let Some(text) = uki.section(open, ".cmdline", CMDLINE_LIMIT)? {
        by_kernel.push(Digests::of(&as_kernel_has_it(&text)));
    }
    if let Some(initrd) = section(".initrd") {
        by_kernel.push(contents(open, initrd)?);
    }
    let mut by_firmware = vec![Digests::of(CALLING), Digests::of(SEPARATOR), program(open, length)?];
    if let Some(kernel) = section(".linux")
        && secure_boot == SecureBoot::Off
    {
        let start = kernel.file_range().start;
        let open: Open<'_> = &|| {
            let mut reader = open()?;
            each(&mut reader, start, &mut |_| ())?;
            Ok(reader)
        };
        by_firmware.push(program(open, kernel.length())?);
    }
    let registers = [(4, by_firmware), (9, by_kernel), (11, by_stub), (12, Vec::new())];
    Ok(Some(registers.into_iter().map(|(number, events)| (number, register(&events))).collect()))
}

fn register(events: &[Digests]) -> Digests {
    events.iter().fold(Digests::ZERO, Digests::extended)
}

/// Returns the digests of a program as firmware takes them.
fn program(open: Open<'_>, length: u64) -> Result<Digests, PeError> {
    let program = Program::read(&mut open()?, length)?;
    let mut hasher = Hasher::default();
    feed(&program, open, &mut |bytes| hasher.update(bytes))?;
    Ok(hasher.finish())
}

fn contents(open: Open<'_>, section: &Section) -> Result<Digests, PeError> {
    let mut reader = open()?;
    each(&mut reader, section.file_range().start, &mut |_| ())?;
    let mut hasher = Hasher::default();
    each(&mut reader, section.length(), &mut |bytes| hasher.update(bytes))?;
    Ok(hasher.finish())
}

/// Returns a command line in UTF-16 with a zero behind it.
fn as_kernel_has_it(cmdline: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(cmdline);
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests;
