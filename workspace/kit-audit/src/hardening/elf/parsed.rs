//! The parts of an ELF file that the loader looks at, the same for 32 and 64 bits and both byte orders.

use object::elf::{
    DT_GNU_HASH, DT_HASH, DT_JMPREL, DT_NULL, DT_REL, DT_RELA, DT_STRSZ, DT_STRTAB, DT_SYMTAB, DT_VERNEED,
    DT_VERSYM, FileHeader32, FileHeader64, PT_DYNAMIC, PT_LOAD, PT_NOTE,
};
use object::read::elf::{Dyn, FileHeader, GnuHashTable, HashTable, ProgramHeader, Sym};
use object::{Endianness, ReadRef};

/// The table of relative relocations in their packed form, and its size in bytes.
pub(crate) const DT_RELR: u32 = 36;
pub(crate) const DT_RELRSZ: u32 = 35;
/// The most symbols that are looked at.
const SYMBOLS: u64 = 1 << 20;

/// Why an ELF file can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// Its class is neither 32 nor 64 bits.
    #[error("its class is {0}, neither 32 nor 64 bits")]
    Class(u8),
    /// A part is broken, or outside of the file.
    #[error("its {part} is broken or outside of the file")]
    Part {
        /// Which one.
        part: &'static str,
    },
}

/// A part of the file that is loaded, or says something about loading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    /// Its size in the file.
    pub(crate) size: u64,
    offset: u64,
    address: u64,
}

/// A symbol of the dynamic table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Symbol<'a> {
    pub(crate) name: &'a str,
    pub(crate) is_undefined: bool,
}

/// What the loader sees.
#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    bytes: &'a [u8],
    pub(crate) kind: u16,
    pub(crate) machine: u16,
    pub(crate) segments: Vec<Segment>,
    /// Whether it has a dynamic table.
    pub(crate) is_dynamic: bool,
    dynamic: Vec<(u64, u64)>,
    pub(crate) symbols: Vec<Symbol<'a>>,
}

/// Returns how many bytes of a file have to be read, by its start.
pub(crate) fn extent(start: &[u8]) -> Result<u64, ElfError> {
    match start.get(4) {
        Some(1) => extent_of::<FileHeader32<Endianness>>(start),
        Some(2) => extent_of::<FileHeader64<Endianness>>(start),
        class => Err(ElfError::Class(class.copied().unwrap_or_default())),
    }
}

fn extent_of<Elf: FileHeader<Endian = Endianness>>(start: &[u8]) -> Result<u64, ElfError> {
    let (endian, header) = header::<Elf>(start)?;
    let headers: u64 = u64::from(header.e_phentsize(endian)) * u64::from(header.e_phnum(endian));
    let headers = headers.saturating_add(header.e_phoff(endian).into());
    if headers > start.len() as u64 {
        return Ok(headers);
    }
    let segments = segments::<Elf>(start, endian, header)?;
    let read = segments.iter().filter(|s| matches!(s.kind, PT_LOAD | PT_DYNAMIC | PT_NOTE));
    Ok(read.map(|segment| segment.offset.saturating_add(segment.size)).max().unwrap_or_default())
}

fn header<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<(Endianness, &Elf), ElfError> {
    let broken = |_| ElfError::Part { part: "header" };
    let header = Elf::parse(bytes).map_err(broken)?;
    Ok((header.endian().map_err(broken)?, header))
}

fn segments<Elf: FileHeader<Endian = Endianness>>(
    bytes: &[u8],
    endian: Endianness,
    header: &Elf,
) -> Result<Vec<Segment>, ElfError> {
    let headers = header.program_headers(endian, bytes);
    let headers = headers.map_err(|_| ElfError::Part { part: "table of program headers" })?;
    let segment = |header: &Elf::ProgramHeader| Segment {
        kind: header.p_type(endian),
        flags: header.p_flags(endian),
        size: header.p_filesz(endian).into(),
        offset: header.p_offset(endian).into(),
        address: header.p_vaddr(endian).into(),
    };
    Ok(headers.iter().map(segment).collect())
}

impl<'a> Parsed<'a> {
    /// Reads a file, of which at least the [`extent`] is given.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ElfError> {
        match bytes.get(4) {
            Some(1) => Self::read_class::<FileHeader32<Endianness>>(bytes),
            Some(2) => Self::read_class::<FileHeader64<Endianness>>(bytes),
            class => Err(ElfError::Class(class.copied().unwrap_or_default())),
        }
    }

    fn read_class<Elf: FileHeader<Endian = Endianness>>(bytes: &'a [u8]) -> Result<Self, ElfError> {
        let (endian, header) = header::<Elf>(bytes)?;
        let mut parsed = Self {
            bytes,
            kind: header.e_type(endian),
            machine: header.e_machine(endian),
            segments: segments::<Elf>(bytes, endian, header)?,
            is_dynamic: false,
            dynamic: Vec::new(),
            symbols: Vec::new(),
        };
        if let Some(segment) = parsed.segment(PT_DYNAMIC) {
            parsed.is_dynamic = true;
            let broken = ElfError::Part { part: "dynamic table" };
            let bytes = parsed.bytes_of(&segment).ok_or_else(|| broken.clone())?;
            let entries: &[Elf::Dyn] =
                bytes.read_slice_at(0, bytes.len() / size_of::<Elf::Dyn>()).map_err(|()| broken)?;
            let entries =
                entries.iter().map(|entry| (entry.d_tag(endian).into(), entry.d_val(endian).into()));
            parsed.dynamic = entries.take_while(|(tag, _): &(u64, u64)| *tag != u64::from(DT_NULL)).collect();
        }
        parsed.symbols = parsed.read_symbols::<Elf>(endian)?;
        Ok(parsed)
    }

    /// Returns the first segment of a kind.
    pub(crate) fn segment(&self, kind: u32) -> Option<Segment> {
        self.segments.iter().find(|segment| segment.kind == kind).copied()
    }

    /// Returns what a segment has in the file.
    pub(crate) fn bytes_of(&self, segment: &Segment) -> Option<&'a [u8]> {
        self.bytes.read_bytes_at(segment.offset, segment.size).ok()
    }

    /// Returns the value of a tag of the dynamic table.
    pub(crate) fn value(&self, tag: u32) -> Option<u64> {
        self.dynamic.iter().find(|(other, _)| *other == u64::from(tag)).map(|(_, value)| *value)
    }

    /// Returns the texts that all entries of a tag point to; those outside of the table of texts are left out.
    pub(crate) fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> {
        let strings = self.strings();
        let entries = self.dynamic.iter().filter(move |(other, _)| *other == u64::from(tag));
        entries.filter_map(move |(_, at)| text_at(strings, *at))
    }

    fn strings(&self) -> &'a [u8] {
        let bytes = self.value(DT_STRTAB).and_then(|address| self.at(address)).unwrap_or_default();
        let size = self.value(DT_STRSZ).and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
        &bytes[..size.min(bytes.len())]
    }

    /// Returns what the file has at an address, to the end of its segment.
    fn at(&self, address: u64) -> Option<&'a [u8]> {
        let mut loaded = self.segments.iter().filter(|segment| segment.kind == PT_LOAD);
        loaded.find_map(|segment| {
            let inside = usize::try_from(address.checked_sub(segment.address)?).ok()?;
            self.bytes_of(segment)?.get(inside..)
        })
    }

    fn read_symbols<Elf: FileHeader<Endian = Endianness>>(
        &self,
        endian: Endianness,
    ) -> Result<Vec<Symbol<'a>>, ElfError> {
        let Some(table) = self.value(DT_SYMTAB) else { return Ok(Vec::new()) };
        let broken = ElfError::Part { part: "table of symbols" };
        let bytes = self.at(table).ok_or_else(|| broken.clone())?;
        let fitting = (bytes.len() / size_of::<Elf::Sym>()) as u64;
        let count = self.count_symbols::<Elf>(endian, table).min(fitting).min(SYMBOLS);
        let count = usize::try_from(count).map_err(|_| broken.clone())?;
        let symbols: &[Elf::Sym] = bytes.read_slice_at(0, count).map_err(|()| broken)?;
        let strings = self.strings();
        let symbol = |symbol: &Elf::Sym| {
            let name = std::str::from_utf8(text_at(strings, symbol.st_name(endian).into())?).ok()?;
            Some(Symbol { name, is_undefined: symbol.is_undefined(endian) })
        };
        Ok(symbols.iter().filter_map(symbol).collect())
    }

    /// Returns how many symbols there are. Nothing says so directly: the hash tables know, unless they are empty, and then the table of
    /// symbols ends where the next table starts.
    fn count_symbols<Elf: FileHeader<Endian = Endianness>>(&self, endian: Endianness, table: u64) -> u64 {
        let hash = self.value(DT_HASH).and_then(|address| self.at(address));
        if let Some(hash) = hash.and_then(|bytes| HashTable::<Elf>::parse(endian, bytes).ok()) {
            return u64::from(hash.symbol_table_length());
        }
        let hash = self.value(DT_GNU_HASH).and_then(|address| self.at(address));
        let hash = hash.and_then(|bytes| GnuHashTable::<Elf>::parse(endian, bytes).ok());
        if let Some(count) = hash.and_then(|hash| hash.symbol_table_length(endian)).filter(|count| *count > 1)
        {
            return u64::from(count);
        }
        let others =
            [DT_STRTAB, DT_HASH, DT_GNU_HASH, DT_VERSYM, DT_VERNEED, DT_REL, DT_RELA, DT_RELR, DT_JMPREL];
        let next = others.into_iter().filter_map(|tag| self.value(tag)).filter(|other| *other > table).min();
        next.map_or(0, |next| (next - table) / size_of::<Elf::Sym>() as u64)
    }
}

fn text_at(strings: &[u8], at: u64) -> Option<&[u8]> {
    let rest = strings.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(&rest[..end])
}
