//! Programs for UEFI with a kernel in them, and what an initrd holds.

use std::fs::File;
use std::io::{self, BufReader, Read};

use kit_format::cpio::{Segments, plain_length, read_cpio};
use kit_format::locate::Open;
use kit_format::{Decoder, Limits, uki};
use kit_recipe::image::Format;
use kit_store::Store;
use kit_tree::Tree;

use super::window::Window;
use super::{Machine, pin_in};
use crate::opened::error::OpenError;

/// The longest command line that is looked at, in bytes.
const SHORT: u64 = 64 << 10;

/// The root in an initrd, and the pins on a command line, where there are some.
type Inside = (Option<Tree>, Option<String>);

/// Looks into a program; none where there is no kernel in it.
pub(super) fn look(file: &File, store: &Store) -> Result<Option<Machine>, OpenError> {
    let length = file.metadata()?.len();
    let open =
        || -> io::Result<Box<dyn Read + '_>> { Ok(Box::new(BufReader::new(Window::new(file, 0..length)))) };
    let found = inside(&open, length, store)?;
    Ok(found.map(|(root, pin)| Machine { format: Format::Uki, root, pin }))
}

/// Returns the root in a program's initrd, and the pins on its command line.
pub(super) fn inside(open: Open<'_>, length: u64, store: &Store) -> Result<Option<Inside>, OpenError> {
    let Some(program) = uki::read(open, length)? else { return Ok(None) };
    let cmdline = program.section(open, ".cmdline", SHORT)?.unwrap_or_default();
    let pin = pin_in(&String::from_utf8_lossy(&cmdline));
    let root = match program.program.section(".initrd") {
        Some(section) => {
            let (start, length) = (section.file_range().start, section.length());
            let open = || -> io::Result<Box<dyn Read + '_>> {
                let mut reader = open()?;
                io::copy(&mut reader.by_ref().take(start), &mut io::sink())?;
                Ok(Box::new(reader.take(length)))
            };
            Some(initrd(&open, store)?)
        }
        None => None,
    };
    Ok(Some((root, pin)))
}

/// Returns what is in an initrd, behind microcode where there is some.
pub(crate) fn initrd(open: Open<'_>, store: &Store) -> Result<Tree, OpenError> {
    let limits = Limits::standard();
    let plain = plain_length(&mut *open()?)?.unwrap_or(0);
    let mut reader = open()?;
    io::copy(&mut reader.by_ref().take(plain), &mut io::sink())?;
    let reader = Decoder::sniff(BufReader::new(reader), &limits)?;
    Ok(read_cpio(reader, store, &limits, Segments::Many)?)
}
