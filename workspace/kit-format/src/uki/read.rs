//! Unified kernel images, read.

use std::io::Read as _;

use crate::authenticode::each;
use crate::locate::Open;
use crate::pe::{PeError, Program};

/// A program for EFI that has a kernel in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uki {
    /// Its headers.
    pub program: Program,
}

/// Reads the headers of a program; nothing when it is one without a kernel.
pub fn read(open: Open<'_>, length: u64) -> Result<Option<Uki>, PeError> {
    let program = Program::read(&mut open()?, length)?;
    let is_uki = program.section(".linux").is_some();
    Ok(is_uki.then_some(Uki { program }))
}

impl Uki {
    /// Returns what is in a section, without its padding; nothing where there is none, or it is larger than `limit`.
    pub fn section(&self, open: Open<'_>, name: &str, limit: u64) -> Result<Option<Vec<u8>>, PeError> {
        let Some(section) = self.program.section(name) else { return Ok(None) };
        let length = section.length();
        if length > limit {
            return Ok(None);
        }
        let mut reader = open()?;
        each(&mut reader, section.file_range().start, &mut |_| ())?;
        let mut bytes = Vec::new();
        reader.take(length).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}
