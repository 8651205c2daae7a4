//! What an ELF file says about how it was built.
//!
//! Everything is read by way of program headers, as the kernel and the loader do it: section headers can be stripped or lie.

use std::collections::BTreeSet;

use object::elf::{
    DF_1_NOW, DF_1_PIE, DF_BIND_NOW, DF_TEXTREL, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1, DT_NEEDED, DT_PLTRELSZ,
    DT_RELASZ, DT_RELSZ, DT_RPATH, DT_RUNPATH, DT_TEXTREL, EM_386, EM_AARCH64, EM_ARM, EM_X86_64, ET_DYN,
    ET_EXEC, PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK, PT_INTERP, PT_LOAD, PT_NOTE,
};

use super::parsed::{DT_RELRSZ, ElfError, Parsed};

/// Below this much code, in bytes, a program may well have no function with an array on its stack.
const SMALL_CODE: u64 = 16 << 10;
/// The most names of plain functions that are kept.
const NAMES: usize = 8;

/// Functions of the C library that always have a checked form, whatever is known of the size of what they write to.
const ALWAYS_CHECKED: [&str; 14] = [
    "asprintf",
    "dprintf",
    "fprintf",
    "printf",
    "snprintf",
    "sprintf",
    "syslog",
    "vasprintf",
    "vdprintf",
    "vfprintf",
    "vprintf",
    "vsnprintf",
    "vsprintf",
    "vsyslog",
];
/// Functions that write into memory that they are given: what programs in C with arrays on the stack use.
const WRITES_MEMORY: [&str; 22] = [
    "fgets",
    "fread",
    "gethostname",
    "gets",
    "memcpy",
    "memmove",
    "memset",
    "read",
    "readlink",
    "realpath",
    "recv",
    "snprintf",
    "sprintf",
    "stpcpy",
    "strcat",
    "strcpy",
    "strncat",
    "strncpy",
    "vsnprintf",
    "vsprintf",
    "wcscpy",
    "wmemcpy",
];
/// What the standard library of Rust leaves in every program: where its sources were, or a variable that it reads.
const RUST_TRACES: [&[u8]; 3] = [b"/rustc/", b"/usr/src/rustc-", b"RUST_BACKTRACE"];

/// What is weak about a program or library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weakness {
    /// A program with a loader that is always at the same address.
    NotPositionIndependent,
    /// A static program that is always at the same address.
    StaticNotPositionIndependent,
    /// Relocated data stays writable.
    NoRelro,
    /// The table of called functions stays writable.
    PartialRelro,
    /// Functions are looked up when they are first called, and nothing is made read-only.
    NoBindNow,
    /// Its stack is executable.
    ExecutableStack,
    /// Its code is changed when it is loaded.
    TextRelocations,
    /// A segment is writable and executable.
    WritableCode,
    /// Functions don't notice when their stack is overwritten.
    NoStackProtector,
    /// Calls to the C library aren't the checked ones.
    NoFortify,
}

impl Weakness {
    /// All of them, in the order of their bits.
    pub const ALL: [Self; 10] = [
        Self::NotPositionIndependent,
        Self::StaticNotPositionIndependent,
        Self::NoRelro,
        Self::PartialRelro,
        Self::NoBindNow,
        Self::ExecutableStack,
        Self::TextRelocations,
        Self::WritableCode,
        Self::NoStackProtector,
        Self::NoFortify,
    ];

    /// Returns its bit in the encoding.
    pub(crate) fn bit(self) -> u64 {
        1 << match self {
            Self::NotPositionIndependent => 0,
            Self::StaticNotPositionIndependent => 1,
            Self::NoRelro => 2,
            Self::PartialRelro => 3,
            Self::NoBindNow => 4,
            Self::ExecutableStack => 5,
            Self::TextRelocations => 6,
            Self::WritableCode => 7,
            Self::NoStackProtector => 8,
            Self::NoFortify => 9,
        }
    }
}

/// What an ELF file says about how it was built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ElfFacts {
    /// What is weak about it.
    pub weaknesses: BTreeSet<Weakness>,
    /// Where it has its libraries looked for, as written (`RPATH` and `RUNPATH`).
    pub search_paths: Vec<Vec<u8>>,
    /// Functions that it calls in their unchecked form, where it calls no checked one; sorted, at most eight.
    pub plain_functions: Vec<String>,
}

impl ElfFacts {
    /// Reads a program or shared library; none for object files, kernel modules, core files and other kinds.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, ElfError> {
        let parsed = Parsed::read(bytes)?;
        if !matches!(parsed.kind, ET_EXEC | ET_DYN) || parsed.segments.is_empty() {
            return Ok(None);
        }
        let mut facts = Self { search_paths: search_paths(&parsed), ..Self::default() };
        let weak = &mut facts.weaknesses;
        position(&parsed, weak);
        relocations(&parsed, weak);
        memory(&parsed, weak);
        if !(is_go(&parsed) || is_rust_by_need(&parsed)) {
            c_library(&parsed, &mut facts);
        }
        Ok(Some(facts))
    }
}

fn position(parsed: &Parsed<'_>, weak: &mut BTreeSet<Weakness>) {
    if parsed.kind == ET_EXEC {
        weak.insert(if parsed.is_dynamic || parsed.segment(PT_INTERP).is_some() {
            Weakness::NotPositionIndependent
        } else {
            Weakness::StaticNotPositionIndependent
        });
    }
}

/// Looks at what stays writable after loading. Without relocations there is nothing that could be made read-only, and without any
/// of called functions nothing is looked up late; a static program has nobody who would do that either.
fn relocations(parsed: &Parsed<'_>, weak: &mut BTreeSet<Weakness>) {
    let has = |tag| parsed.value(tag).is_some_and(|size| size != 0);
    let flags = parsed.value(DT_FLAGS).unwrap_or_default();
    let flags_1 = parsed.value(DT_FLAGS_1).unwrap_or_default();
    let is_static =
        parsed.segment(PT_INTERP).is_none() && (flags_1 & u64::from(DF_1_PIE) != 0 || parsed.kind == ET_EXEC);
    let is_relocated = [DT_RELASZ, DT_RELSZ, DT_RELRSZ, DT_PLTRELSZ].into_iter().any(has);
    let is_late = has(DT_PLTRELSZ)
        && !is_static
        && parsed.value(DT_BIND_NOW).is_none()
        && flags & u64::from(DF_BIND_NOW) == 0
        && flags_1 & u64::from(DF_1_NOW) == 0;
    let has_relro = parsed.segment(PT_GNU_RELRO).is_some();
    if is_relocated && !has_relro {
        weak.insert(Weakness::NoRelro);
    }
    if is_late {
        weak.insert(if has_relro { Weakness::PartialRelro } else { Weakness::NoBindNow });
    }
    if parsed.value(DT_TEXTREL).is_some() || flags & u64::from(DF_TEXTREL) != 0 {
        weak.insert(Weakness::TextRelocations);
    }
}

/// Looks at what is executable. Where a file with a loader says nothing of its stack, the GNU loader takes it to need an executable one.
fn memory(parsed: &Parsed<'_>, weak: &mut BTreeSet<Weakness>) {
    let is_executable = match parsed.segment(PT_GNU_STACK) {
        Some(segment) => segment.flags & PF_X != 0,
        None => parsed.is_dynamic && matches!(parsed.machine, EM_386 | EM_X86_64 | EM_ARM | EM_AARCH64),
    };
    if is_executable {
        weak.insert(Weakness::ExecutableStack);
    }
    let both = PF_W | PF_X;
    if parsed.segments.iter().any(|segment| segment.kind == PT_LOAD && segment.flags & both == both) {
        weak.insert(Weakness::WritableCode);
    }
}

/// Looks at what is called in the C library. Only programs that use one are judged; the GNU one alone has checked functions.
fn c_library(parsed: &Parsed<'_>, facts: &mut ElfFacts) {
    let needed: Vec<&[u8]> = parsed.texts(DT_NEEDED).collect();
    if !needed.iter().any(|name| name.starts_with(b"libc.")) {
        return;
    }
    let imports: BTreeSet<&str> =
        parsed.symbols.iter().filter(|symbol| symbol.is_undefined).map(|symbol| symbol.name).collect();
    let is_protected = parsed.symbols.iter().any(|symbol| symbol.name.starts_with("__stack_chk_"));
    let is_checked = imports.iter().any(|name| name.starts_with("__") && name.ends_with("_chk"));
    let code: u64 =
        parsed.segments.iter().filter(|s| s.kind == PT_LOAD && s.flags & PF_X != 0).map(|s| s.size).sum();
    let plain: Vec<&str> = ALWAYS_CHECKED.into_iter().filter(|name| imports.contains(name)).collect();
    // Who builds with checked functions builds with a stack protector too: there is no function that would need it.
    let is_unprotected = !is_protected
        && !is_checked
        && code >= SMALL_CODE
        && WRITES_MEMORY.into_iter().any(|name| imports.contains(name));
    let is_unchecked = !is_checked && !plain.is_empty() && needed.contains(&b"libc.so.6".as_slice());
    if (!is_unprotected && !is_unchecked) || is_rust_by_trace(parsed) {
        return;
    }
    if is_unprotected {
        facts.weaknesses.insert(Weakness::NoStackProtector);
    }
    if is_unchecked {
        facts.weaknesses.insert(Weakness::NoFortify);
        facts.plain_functions = plain.into_iter().take(NAMES).map(str::to_owned).collect();
    }
}

fn search_paths(parsed: &Parsed<'_>) -> Vec<Vec<u8>> {
    [DT_RPATH, DT_RUNPATH].into_iter().flat_map(|tag| parsed.texts(tag)).map(<[u8]>::to_vec).collect()
}

/// Whether it has the note that Go's linker leaves.
fn is_go(parsed: &Parsed<'_>) -> bool {
    let notes = parsed.segments.iter().filter(|segment| segment.kind == PT_NOTE);
    notes.filter_map(|segment| parsed.bytes_of(segment)).any(|bytes| contains(bytes, b"Go\0\0"))
}

fn is_rust_by_need(parsed: &Parsed<'_>) -> bool {
    parsed.texts(DT_NEEDED).any(|name| name.starts_with(b"libstd-"))
}

fn is_rust_by_trace(parsed: &Parsed<'_>) -> bool {
    let read_only = parsed.segments.iter().filter(|s| s.kind == PT_LOAD && s.flags & PF_W == 0);
    read_only
        .filter_map(|segment| parsed.bytes_of(segment))
        .any(|bytes| RUST_TRACES.iter().any(|trace| contains(bytes, trace)))
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(part) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}
