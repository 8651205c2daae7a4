use object::elf::{
    DF_1_NOW, DF_1_PIE, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1, DT_GNU_HASH, DT_HASH, DT_NEEDED, DT_NULL,
    DT_PLTRELSZ, DT_RELASZ, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, DT_SYMTAB, DT_TEXTREL, EM_X86_64,
    ET_CORE, ET_DYN, ET_EXEC, ET_REL, PF_R, PF_W, PF_X, PT_DYNAMIC, PT_GNU_RELRO, PT_GNU_STACK, PT_INTERP,
    PT_LOAD, PT_NOTE,
};
use proptest::prelude::*;

use super::facts::{ElfFacts, Weakness};
use super::parsed::{ElfError, extent};
use super::{KINDS, concerns};
use crate::finding::Severity;
use crate::hardening::Content;
use crate::hardening::tests::{Sample, meta, path};
use kit_tree::Entry;

/// A small ELF file; as it starts, nothing is weak about it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that a linker does or doesn't")]
pub(crate) struct Elf {
    kind: u16,
    is_32_big: bool,
    interpreter: bool,
    stack: Option<u32>,
    relro: bool,
    tags: Vec<(u32, u64)>,
    texts: Vec<(u32, &'static str)>,
    symbols: Vec<&'static str>,
    code: usize,
    code_flags: u32,
    data: &'static [u8],
    note: &'static [u8],
    is_static: bool,
    has_hash: bool,
}

impl Elf {
    /// A program in C that was built with everything.
    pub(crate) fn program() -> Self {
        Self {
            kind: ET_DYN,
            is_32_big: false,
            interpreter: true,
            stack: Some(PF_R | PF_W),
            relro: true,
            tags: vec![(DT_RELASZ, 24), (DT_PLTRELSZ, 24), (DT_FLAGS_1, u64::from(DF_1_NOW | DF_1_PIE))],
            texts: vec![(DT_NEEDED, "libc.so.6")],
            symbols: vec!["memcpy", "__printf_chk", "__stack_chk_fail"],
            code: 20 << 10,
            code_flags: PF_R | PF_X,
            data: b"",
            note: b"",
            is_static: false,
            has_hash: false,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn fixed(self) -> Self {
        self.with(|elf| elf.kind = ET_EXEC)
    }

    fn number(&self, bytes: &mut Vec<u8>, value: u64, width: usize) {
        let width = if width == 0 { if self.is_32_big { 4 } else { 8 } } else { width };
        if self.is_32_big {
            bytes.extend_from_slice(&value.to_be_bytes()[8 - width..]);
        } else {
            bytes.extend_from_slice(&value.to_le_bytes()[..width]);
        }
    }

    fn numbers(&self, bytes: &mut Vec<u8>, numbers: &[(u64, usize)]) {
        for (value, width) in numbers {
            self.number(bytes, *value, *width);
        }
    }

    fn header(&self, segments: usize) -> Vec<u8> {
        let (class, order) = if self.is_32_big { (1, 2) } else { (2, 1) };
        let (size, each) = if self.is_32_big { (52, 32) } else { (64, 56) };
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order, 1];
        bytes.resize(16, 0);
        let machine = u64::from(EM_X86_64);
        self.numbers(&mut bytes, &[(self.kind.into(), 2), (machine, 2), (1, 4), (0, 0), (size, 0), (0, 0)]);
        self.numbers(
            &mut bytes,
            &[(0, 4), (size, 2), (each, 2), (segments as u64, 2), (0, 2), (0, 2), (0, 2)],
        );
        bytes
    }

    fn segment(&self, bytes: &mut Vec<u8>, (kind, flags, at, size): (u32, u32, u64, u64)) {
        let (kind, flags) = (u64::from(kind), u64::from(flags));
        if self.is_32_big {
            let fields = [(kind, 4), (at, 4), (at, 4), (at, 4), (size, 4), (size, 4), (flags, 4), (4, 4)];
            self.numbers(bytes, &fields);
        } else {
            let fields = [(kind, 4), (flags, 4), (at, 8), (at, 8), (at, 8), (size, 8), (size, 8), (8, 8)];
            self.numbers(bytes, &fields);
        }
    }

    fn symbol(&self, bytes: &mut Vec<u8>, name: u64) {
        if self.is_32_big {
            self.numbers(bytes, &[(name, 4), (0, 4), (0, 4), (0x12, 1), (0, 1), (0, 2)]);
        } else {
            self.numbers(bytes, &[(name, 4), (0x12, 1), (0, 1), (0, 2), (0, 8), (0, 8)]);
        }
    }

    /// Returns the file: headers, table of symbols, texts, hash table, dynamic table, data, note; then code.
    pub(crate) fn build(&self) -> Vec<u8> {
        const PLACE: u64 = 0x400;
        let mut texts = vec![0];
        let mut text = |name: &str| {
            let at = texts.len() as u64;
            texts.extend_from_slice(name.as_bytes());
            texts.push(0);
            at
        };
        let mut symbols = Vec::new();
        self.symbol(&mut symbols, 0);
        self.symbols.iter().for_each(|name| self.symbol(&mut symbols, text(name)));
        let mut tags: Vec<(u32, u64)> = self.texts.iter().map(|(tag, name)| (*tag, text(name))).collect();
        tags.extend(&self.tags);
        let texts_at = PLACE + symbols.len() as u64;
        let hash_at = (texts_at + texts.len() as u64).next_multiple_of(8);
        let mut hash = Vec::new();
        if self.has_hash {
            let count = 1 + self.symbols.len() as u64;
            self.numbers(&mut hash, &[(1, 4), (count, 4), (0, 4)]);
            (0..count).for_each(|_| self.number(&mut hash, 0, 4));
            tags.push((DT_HASH, hash_at));
        }
        let dynamic_at = (hash_at + hash.len() as u64).next_multiple_of(8);
        tags.extend([
            (DT_SYMTAB, PLACE),
            (DT_STRTAB, texts_at),
            (DT_STRSZ, texts.len() as u64),
            (DT_NULL, 0),
        ]);
        let mut dynamic = Vec::new();
        for (tag, value) in tags {
            self.numbers(&mut dynamic, &[(u64::from(tag), 0), (value, 0)]);
        }
        let note_at = dynamic_at + (dynamic.len() + self.data.len()) as u64;
        let code_at = note_at + self.note.len() as u64;
        let mut segments = vec![
            (PT_LOAD, PF_R, 0, code_at),
            (PT_LOAD, self.code_flags, code_at, self.code as u64),
            (PT_NOTE, PF_R, note_at, self.note.len() as u64),
        ];
        segments.extend(self.interpreter.then_some((PT_INTERP, PF_R, 0, 1)));
        segments.extend(self.stack.map(|flags| (PT_GNU_STACK, flags, 0, 0)));
        segments.extend(self.relro.then_some((PT_GNU_RELRO, PF_R, 0, 0)));
        if !self.is_static {
            segments.push((PT_DYNAMIC, PF_R, dynamic_at, dynamic.len() as u64));
        }
        let mut bytes = self.header(segments.len());
        for segment in segments {
            self.segment(&mut bytes, segment);
        }
        for (at, part) in [
            (PLACE, symbols),
            (texts_at, texts),
            (hash_at, hash),
            (dynamic_at, dynamic),
            (code_at, Vec::new()),
        ] {
            if at == code_at {
                bytes.extend_from_slice(self.data);
                bytes.extend_from_slice(self.note);
            }
            bytes.resize(usize::try_from(at).unwrap(), 0);
            bytes.extend_from_slice(&part);
        }
        bytes.resize(bytes.len() + self.code, 0x90);
        bytes
    }

    fn weaknesses(&self) -> Vec<Weakness> {
        let facts = ElfFacts::read(&self.build()).unwrap().unwrap();
        facts.weaknesses.into_iter().collect()
    }
}

fn retag(elf: &mut Elf, tags: &[(u32, u64)]) {
    elf.tags = tags.to_vec();
}

type Cases = [(&'static str, fn(&mut Elf), &'static [Weakness])];

/// Checks a file that was changed, in the other class and order of bytes as well, and with symbols counted in the other way.
fn check(cases: &Cases) {
    for (name, change, expected) in cases {
        let elf = Elf::program().with(*change);
        assert_eq!(elf.weaknesses(), *expected, "{name}");
        let other = elf.clone().with(|elf| elf.is_32_big = true);
        assert_eq!(other.weaknesses(), *expected, "{name}, 32 bits, big-endian");
        let hashed = elf.with(|elf| elf.has_hash = true);
        assert_eq!(hashed.weaknesses(), *expected, "{name}, with a hash table");
    }
}

#[test]
fn weak_loading_is_found() {
    use Weakness as W;
    check(&[
        ("all there", |_| (), &[]),
        ("always at one address", |elf| elf.kind = ET_EXEC, &[W::NotPositionIndependent]),
        (
            "static, always at one address",
            |elf| {
                elf.kind = ET_EXEC;
                elf.is_static = true;
                elf.interpreter = false;
            },
            &[W::StaticNotPositionIndependent],
        ),
        ("late", |elf| retag(elf, &[(DT_RELASZ, 24), (DT_PLTRELSZ, 24)]), &[W::PartialRelro]),
        ("not late by a tag", |elf| retag(elf, &[(DT_PLTRELSZ, 24), (DT_BIND_NOW, 0)]), &[]),
        ("not late by a flag", |elf| retag(elf, &[(DT_PLTRELSZ, 24), (DT_FLAGS, 8)]), &[]),
        ("nothing to look up", |elf| retag(elf, &[(DT_RELASZ, 24)]), &[]),
        (
            "static and relocated by itself",
            |elf| {
                elf.interpreter = false;
                retag(elf, &[(DT_PLTRELSZ, 24), (DT_FLAGS_1, u64::from(DF_1_PIE))]);
            },
            &[],
        ),
        ("writable", |elf| elf.relro = false, &[W::NoRelro]),
        (
            "writable and nothing relocated",
            |elf| {
                elf.relro = false;
                retag(elf, &[]);
            },
            &[],
        ),
        (
            "writable and late",
            |elf| {
                elf.relro = false;
                retag(elf, &[(DT_PLTRELSZ, 24)]);
            },
            &[W::NoRelro, W::NoBindNow],
        ),
        ("executable stack", |elf| elf.stack = Some(PF_R | PF_W | PF_X), &[W::ExecutableStack]),
        ("nothing said of the stack", |elf| elf.stack = None, &[W::ExecutableStack]),
        (
            "nothing said of the stack, static",
            |elf| {
                elf.stack = None;
                elf.is_static = true;
            },
            &[],
        ),
        ("text relocations by a tag", |elf| elf.tags.push((DT_TEXTREL, 0)), &[W::TextRelocations]),
        ("text relocations by a flag", |elf| elf.tags.push((DT_FLAGS, 4)), &[W::TextRelocations]),
        ("writable code", |elf| elf.code_flags |= PF_W, &[W::WritableCode]),
    ]);
}

#[test]
fn weak_use_of_the_c_library_is_found() {
    use Weakness as W;
    check(&[
        ("no stack protector", |elf| elf.symbols = vec!["memcpy"], &[W::NoStackProtector]),
        ("no stack protector, checked", |elf| elf.symbols = vec!["memcpy", "__read_chk"], &[]),
        (
            "no stack protector, small",
            |elf| {
                elf.symbols = vec!["memcpy"];
                elf.code = 15 << 10;
            },
            &[],
        ),
        ("nothing that writes", |elf| elf.symbols = vec!["exit"], &[]),
        (
            "no C library",
            |elf| {
                elf.symbols = vec!["memcpy", "printf"];
                elf.texts.clear();
            },
            &[],
        ),
        ("unchecked", |elf| elf.symbols = vec!["printf", "__stack_chk_fail"], &[W::NoFortify]),
        (
            "unchecked, of musl",
            |elf| {
                elf.symbols = vec!["printf", "__stack_chk_fail"];
                elf.texts = vec![(DT_NEEDED, "libc.musl-x86_64.so.1")];
            },
            &[],
        ),
        ("sizes weren't known", |elf| elf.symbols = vec!["strcpy", "__stack_chk_fail"], &[]),
        ("neither", |elf| elf.symbols = vec!["sprintf"], &[W::NoStackProtector, W::NoFortify]),
        (
            "neither, Rust by its sources",
            |elf| {
                elf.symbols = vec!["memcpy", "printf"];
                elf.data = b"at /rustc/90b35a623/library/std/src/io.rs";
            },
            &[],
        ),
        (
            "neither, Rust by its library",
            |elf| {
                elf.symbols = vec!["memcpy", "printf"];
                elf.texts.push((DT_NEEDED, "libstd-1234.so"));
            },
            &[],
        ),
        (
            "neither, Go",
            |elf| {
                elf.symbols = vec!["memcpy", "printf"];
                elf.note = b"\x04\0\0\0\x04\0\0\0\x04\0\0\0Go\0\0abcd";
            },
            &[],
        ),
    ]);
}

#[test]
fn plain_functions_are_named() {
    let elf = Elf::program().with(|elf| elf.symbols = vec!["vprintf", "printf", "puts", "__stack_chk_fail"]);
    let mut sample = Sample::default();
    sample.program("/bin/a", elf.build());
    let found = sample.findings(KINDS);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "`/bin/a` calls functions of the C library in their unchecked form");
    assert!(
        format!("{:?}", found[0].evidence).contains("it calls `printf`, `vprintf`"),
        "{:?}",
        found[0].evidence
    );
}

#[test]
fn other_files_are_left_out() {
    for kind in [ET_REL, ET_CORE] {
        let elf = Elf::program().fixed().with(|elf| elf.kind = kind);
        assert_eq!(ElfFacts::read(&elf.build()), Ok(None));
    }
    for (at, is_looked_at) in [
        ("/usr/bin/a", true),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", true),
        ("/usr/lib/modules/6.1/a.ko", false),
        ("/boot/vmlinux", false),
        ("/usr/lib/debug/.build-id/00/11.debug", false),
        ("/lib/firmware/a.bin", false),
        ("/opt/a.ko", false),
    ] {
        assert_eq!(concerns(&path(at)), is_looked_at, "{at}");
    }
}

#[test]
fn search_paths_are_judged_by_where_they_lead() {
    let ids = |tag: u32, place: &'static str| {
        let mut sample = Sample::default();
        sample.entry("/srv/open", Entry::Directory(meta(0o1777, (0, 0))));
        sample.entry("/srv/theirs", Entry::Directory(meta(0o755, (7, 7))));
        sample.entry("/opt/lib", Entry::directory());
        sample.entry("/opt/link", Entry::symlink("/srv/open"));
        sample.program("/opt/bin/a", Elf::program().with(|elf| elf.texts.push((tag, place))).build());
        let found = sample.findings(KINDS);
        found.iter().map(|finding| (finding.id(), finding.severity)).collect::<Vec<_>>()
    };
    let found = |severity| vec![("elf-search-path:/opt/bin/a".to_owned(), severity)];
    for (place, severity) in [
        ("/opt/lib", Severity::Note),
        ("$ORIGIN/../lib", Severity::Note),
        ("${ORIGIN}/../lib", Severity::Note),
        ("/build/lib", Severity::Low),
        ("$ORIGIN/../nothing", Severity::Low),
        ("lib", Severity::High),
        (".", Severity::High),
        ("/opt/lib:", Severity::High),
        ("/srv/open/lib", Severity::High),
        ("/srv/theirs", Severity::High),
        ("/opt/link", Severity::High),
        ("$ORIGIN/../../srv/open", Severity::High),
    ] {
        assert_eq!(ids(DT_RPATH, place), found(severity), "{place}");
        assert_eq!(ids(DT_RUNPATH, place), found(severity), "{place}");
    }
    assert_eq!(ids(DT_NEEDED, "/opt/lib"), []);
}

#[test]
fn broken_files_are_named_not_judged() {
    let whole = Elf::program().build();
    let mut class = whole.clone();
    class[4] = 7;
    assert_eq!(ElfFacts::read(&class), Err(ElfError::Class(7)));
    assert_eq!(extent(b"\x7fELF"), Err(ElfError::Class(0)));
    assert_eq!(ElfFacts::read(&whole[..40]), Err(ElfError::Part { part: "header" }));
    assert_eq!(ElfFacts::read(&whole[..100]), Err(ElfError::Part { part: "table of program headers" }));
    assert_eq!(ElfFacts::read(&whole[..0x400]), Err(ElfError::Part { part: "dynamic table" }));
    let mut sample = Sample::default();
    sample
        .program("/bin/a", &whole[..100])
        .program("/bin/b", "\x7fELF")
        .program("/usr/share/c", &whole[..100]);
    assert_eq!(sample.ids(KINDS), ["elf-unreadable:/bin/a note", "elf-unreadable:/bin/b note"]);
}

#[test]
fn only_what_is_loaded_is_read() {
    let mut bytes = Elf::program().build();
    assert_eq!(extent(&bytes[..0x400]), Ok(bytes.len() as u64));
    // Symbols for debugging follow; nothing of them is needed.
    bytes.resize(bytes.len() + 100_000, 0xaa);
    assert!(extent(&bytes).unwrap() + 100_000 == bytes.len() as u64);
    // A segment that ends far outside.
    let at = 64 + 32;
    bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    let blobs = kit_tree::blobs::MemoryBlobs::new();
    let id = blobs.insert(bytes.clone());
    let content = Content::examine(&blobs, &id, bytes.len() as u64).unwrap();
    assert!(matches!(content, Content::BrokenElf(why) if why.contains("536870912")));
}

proptest! {
    #[test]
    fn changed_files_never_panic(
        changes in proptest::collection::vec((0usize..0x700, any::<u8>()), 0..24),
        cut in 0usize..30_000,
        is_32_big in any::<bool>(),
        has_hash in any::<bool>(),
    ) {
        let elf = Elf::program().with(|elf| {
            elf.is_32_big = is_32_big;
            elf.has_hash = has_hash;
            elf.tags.push((DT_GNU_HASH, 0x400));
            elf.code = 64;
        });
        let mut bytes = elf.build();
        for (at, byte) in changes {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(cut);
        let _ = extent(&bytes);
        let _ = ElfFacts::read(&bytes);
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [b"\x7fELF\x02\x01\x01".as_slice(), &bytes].concat();
        let _ = extent(&bytes);
        let _ = ElfFacts::read(&bytes);
    }
}
