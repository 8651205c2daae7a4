//! Programs and shared libraries: how they were built, and where they look for libraries.
//!
//! A finding is for one file: copies have one each, further names of the same file none. Not looked at are separate debugging symbols
//! (`/usr/lib/debug`), the kernel's own (`/boot`, `/usr/lib/modules`) and firmware (`/usr/lib/firmware`), which no program loads.

mod facts;
mod parsed;

use kit_tree::resolve::Resolved;
use kit_tree::{Entry, TreePath};

pub(super) use self::facts::contains;
pub use self::facts::{ElfFacts, Weakness};
pub use self::parsed::ElfError;
pub(super) use self::parsed::extent;
use super::content::Content;
use super::roots::Root;
use super::{Context, files};
use crate::finding::{Area, Evidence, Finding, Kind, Severity};

const fn kind(id: &'static str, severity: Severity, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::Hardening, severity, title, help }
}

const NO_PIE: Kind = kind(
    "elf-no-pie",
    Severity::Medium,
    "a program is always at the same address",
    "build it with `-fPIE` and link it with `-pie`",
);
const STATIC_NO_PIE: Kind = kind(
    "elf-static-no-pie",
    Severity::Low,
    "a static program is always at the same address",
    "build it with `-fPIE` and link it with `-static-pie`, or `-buildmode=pie` for Go",
);
const NO_RELRO: Kind = kind(
    "elf-no-relro",
    Severity::Medium,
    "relocated data stays writable",
    "link it with `-Wl,-z,relro,-z,now`",
);
const PARTIAL_RELRO: Kind = kind(
    "elf-partial-relro",
    Severity::Note,
    "the table of called functions stays writable",
    "link it with `-Wl,-z,now` besides `-z relro`",
);
const NO_BIND_NOW: Kind = kind(
    "elf-no-bind-now",
    Severity::Low,
    "functions are looked up when they are first called",
    "link it with `-Wl,-z,now`",
);
const EXECUTABLE_STACK: Kind = kind(
    "elf-executable-stack",
    Severity::High,
    "the stack of a program is executable",
    "link it with `-Wl,-z,noexecstack`, and mark its assembly files with a `.note.GNU-stack` section",
);
const TEXT_RELOCATIONS: Kind = kind(
    "elf-text-relocations",
    Severity::Medium,
    "code is changed when it is loaded",
    "build it with `-fPIC` throughout, and link it with `-Wl,-z,text` to find what isn't",
);
const WRITABLE_CODE: Kind = kind(
    "elf-writable-code",
    Severity::High,
    "memory of a program is writable and executable",
    "link it without `-N` and without a linker script that puts data and code together",
);
const NO_STACK_PROTECTOR: Kind = kind(
    "elf-no-stack-protector",
    Severity::Low,
    "functions don't notice when their stack is overwritten",
    "build it with `-fstack-protector-strong`",
);
const NO_FORTIFY: Kind = kind(
    "elf-no-fortify",
    Severity::Note,
    "calls to the C library aren't the checked ones",
    "build it with `-O2 -D_FORTIFY_SOURCE=2` or more",
);
const SEARCH_PATH: Kind = kind(
    "elf-search-path",
    Severity::Low,
    "a program says where its libraries are looked for",
    "link it without `-rpath`, or take it out with `patchelf --remove-rpath`",
);
const UNREADABLE: Kind = kind(
    "elf-unreadable",
    Severity::Note,
    "a file that looks like a program can't be read",
    "see where the file comes from; nothing is known of how it was built",
);

/// The kinds of findings about programs and libraries.
pub const KINDS: &[Kind] = &[
    NO_PIE,
    STATIC_NO_PIE,
    NO_RELRO,
    PARTIAL_RELRO,
    NO_BIND_NOW,
    EXECUTABLE_STACK,
    TEXT_RELOCATIONS,
    WRITABLE_CODE,
    NO_STACK_PROTECTOR,
    NO_FORTIFY,
    SEARCH_PATH,
    UNREADABLE,
];

/// Places of files that no program loads.
const NOT_LOADED: [&[u8]; 7] = [
    b"boot/",
    b"usr/lib/debug/",
    b"lib/modules/",
    b"usr/lib/modules/",
    b"lib/firmware/",
    b"usr/lib/firmware/",
    b"usr/share/",
];

/// Whether a file at a path of a root is looked at.
pub(super) fn concerns(path: &TreePath) -> bool {
    let path = path.as_bytes();
    !path.ends_with(b".ko") && !NOT_LOADED.iter().any(|place| path.starts_with(place))
}

/// Finds what is weak about programs and libraries.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for root in &context.roots {
        for (path, entry) in root.tree.entries().filter(|(path, _)| concerns(path)) {
            let Entry::File { blob, .. } = entry else { continue };
            match context.content(blob) {
                Some(Content::Elf(facts)) => of_file(context, root, path, facts, &mut findings),
                Some(Content::BrokenElf(why)) => findings.push(
                    about(context, root, path, &UNREADABLE, "starts like a program, but can't be read")
                        .because(Evidence::Fact(why.clone())),
                ),
                Some(Content::Other | Content::Secrets(_)) | None => {}
            }
        }
    }
    findings
}

fn of_file(
    context: &Context<'_>,
    root: &Root,
    path: &TreePath,
    facts: &ElfFacts,
    findings: &mut Vec<Finding>,
) {
    for weakness in &facts.weaknesses {
        let (kind, what) = describe(*weakness);
        let mut finding = about(context, root, path, kind, what);
        if *weakness == Weakness::NoFortify {
            let names: Vec<String> = facts.plain_functions.iter().map(|name| format!("`{name}`")).collect();
            finding = finding.because(Evidence::Fact(format!("it calls {}", names.join(", "))));
        }
        findings.push(finding);
    }
    findings.extend(search_path(context, root, path, facts));
}

fn about(context: &Context<'_>, root: &Root, path: &TreePath, kind: &'static Kind, what: &str) -> Finding {
    let whole = root.whole(path);
    Finding::new(kind, whole.to_string(), format!("`{whole}` {what}")).because(context.evidence(root, path))
}

fn describe(weakness: Weakness) -> (&'static Kind, &'static str) {
    match weakness {
        Weakness::NotPositionIndependent => (&NO_PIE, "is always loaded at the same address"),
        Weakness::StaticNotPositionIndependent => {
            (&STATIC_NO_PIE, "is static and always loaded at the same address")
        }
        Weakness::NoRelro => (&NO_RELRO, "keeps what is relocated at its start writable"),
        Weakness::PartialRelro => (&PARTIAL_RELRO, "keeps its table of called functions writable"),
        Weakness::NoBindNow => (&NO_BIND_NOW, "looks functions up when they are first called"),
        Weakness::ExecutableStack => (&EXECUTABLE_STACK, "has its stack executable"),
        Weakness::TextRelocations => (&TEXT_RELOCATIONS, "has its code changed when it is loaded"),
        Weakness::WritableCode => (&WRITABLE_CODE, "has a segment that is writable and executable"),
        Weakness::NoStackProtector => (&NO_STACK_PROTECTOR, "has no stack protector"),
        Weakness::NoFortify => (&NO_FORTIFY, "calls functions of the C library in their unchecked form"),
    }
}

/// Judges where a file has its libraries looked for, by the worst place.
fn search_path(context: &Context<'_>, root: &Root, path: &TreePath, facts: &ElfFacts) -> Option<Finding> {
    let places = facts.search_paths.iter().flat_map(|paths| paths.split(|byte| *byte == b':'));
    let judged = places.map(|place| (judge(root, path, place), place));
    let mut judged: Vec<_> = judged.map(|((severity, why), place)| (severity, why, place)).collect();
    judged.sort_by_key(|(severity, ..)| std::cmp::Reverse(*severity));
    let (severity, ..) = *judged.first()?;
    let mut finding = about(context, root, path, &SEARCH_PATH, "says where its libraries are looked for")
        .as_bad_as(severity);
    for (_, why, place) in judged {
        let place = String::from_utf8_lossy(place).escape_debug().to_string();
        finding = finding.because(Evidence::Fact(format!("`{place}` {why}")));
    }
    Some(finding)
}

fn judge(root: &Root, path: &TreePath, place: &[u8]) -> (Severity, &'static str) {
    let origin = [b"$ORIGIN".as_slice(), b"${ORIGIN}"].into_iter().find_map(|o| place.strip_prefix(o));
    let whole = match origin {
        Some(below) => {
            let mut whole = path.parent().unwrap_or_default().as_bytes().to_vec();
            whole.extend_from_slice(below);
            whole
        }
        None if place.starts_with(b"/") => place.to_vec(),
        None => return (Severity::High, "is relative to where the program is started"),
    };
    match place_of(root, &whole) {
        Place::Writable => (Severity::High, "is where others than root can put files"),
        Place::There if origin.is_some() => (Severity::Note, "is relative to the file"),
        Place::There => (Severity::Note, "is a directory of root's"),
        Place::Missing => (Severity::Low, "isn't there"),
    }
}

enum Place {
    There,
    Missing,
    Writable,
}

/// Follows a place name by name, as the loader would; `..` goes up.
fn place_of(root: &Root, whole: &[u8]) -> Place {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in whole.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let Ok(path) = TreePath::new(names.join(&b'/')) else { return Place::Missing };
    let is_open = |path: &TreePath| match root.tree.resolve(path) {
        Resolved::There(_, Entry::Directory(meta)) => files::is_open_to_others(meta),
        _ => false,
    };
    let mut above = Some(path.clone());
    while let Some(at) = above {
        if is_open(&at) {
            return Place::Writable;
        }
        above = at.parent();
    }
    match root.tree.resolve(&path) {
        Resolved::There(..) => Place::There,
        Resolved::Nothing(..) | Resolved::Nowhere => Place::Missing,
    }
}

#[cfg(test)]
pub(crate) mod tests;
