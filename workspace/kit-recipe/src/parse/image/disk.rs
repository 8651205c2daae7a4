//! `[disk]`.

mod root_size;

use super::super::Faults;
use super::super::container::memory;
use super::super::section::Section;
use super::super::value::Value;
use crate::Spanned;
use crate::image::{
    Disk, DiskRoot, FAT_LABEL, FileSystem, LABEL_UNITS, Labels, RootCompression, RootPlace, Slots,
};
use crate::problem::Fault;

const ROOTS: [(&str, DiskRoot); 4] = [
    ("initrd", DiskRoot::Initrd),
    ("erofs", DiskRoot::Erofs),
    ("squashfs", DiskRoot::Squashfs),
    ("ext4", DiskRoot::Ext4),
];

/// Whose disk it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Of a system.
    System,
    /// Of an extension: it has a root, and nothing else.
    Extension,
}

pub(super) fn disk(mut section: Section<'_>, of: Of, faults: &mut Faults<'_>) -> Spanned<Disk> {
    let span = section.span.clone();
    let default = if of == Of::Extension { DiskRoot::Erofs } else { DiskRoot::Initrd };
    let written = section.value("root");
    let root = written.as_ref().map_or(Some(default), |value| value.word(&ROOTS, faults));
    let unfit = match root.filter(|_| of == Of::Extension) {
        Some(DiskRoot::Initrd) => Some(("initrd", "an extension has no initrd")),
        Some(DiskRoot::Ext4) => Some(("ext4", "an extension is only read")),
        _ => None,
    };
    if let (Some(value), Some((word, why))) = (&written, unfit) {
        let form = "`root = \"erofs\"` or `root = \"squashfs\"`";
        faults.add(value.span.clone(), Fault::malformed(value.key, word, why, form));
    }
    let verity = section.value("verity");
    let checked = verity.as_ref().and_then(|value| value.boolean(faults)).unwrap_or(false);
    let unchecked = match root {
        Some(DiskRoot::Initrd) if of == Of::System => {
            Some("checks a partition, and the root is in the initrd")
        }
        Some(DiskRoot::Ext4) => Some("checks what is only read, and `root = \"ext4\"` is written to"),
        Some(DiskRoot::Initrd | DiskRoot::Erofs | DiskRoot::Squashfs) | None => None,
    };
    if let Some((value, why)) = verity.as_ref().filter(|_| checked).zip(unchecked) {
        let form = "`root = \"erofs\"` beside it";
        faults.add(value.span.clone(), Fault::malformed(value.key, "true", why, form));
    }
    if of == Of::Extension {
        for value in ["size", "data", "esp", "root-size", "labels", "find", "slots", "slot-size", "updates"]
            .iter()
            .filter_map(|key| section.peek(key))
        {
            let why = "an extension is as large as what is in it, and nobody writes to it";
            faults.add(value.key_span.clone(), section.invalid_key(&value, why));
        }
    }
    let size = section.value("size").and_then(|value| memory(&value, faults));
    let data = section.value("data").and_then(|value| memory(&value, faults));
    let esp = section.value("esp").and_then(|value| memory(&value, faults));
    let root_size = section.value("root-size");
    let root_size = root_size.and_then(|value| root_size::read(&value, root, written.as_ref(), faults));
    let compression = section.value("compression").and_then(|value| {
        let word = value.word(&RootCompression::WORDS, faults)?;
        if let (Some(root), Some(written)) = (root, &written) {
            fits(word, root, &value, written, faults);
        }
        Some(value.spanned(word))
    });
    let labels = section.section("labels", faults).map(|section| labels(section, faults)).unwrap_or_default();
    let find = section.value("find");
    let find = find.and_then(|value| Some((value.word(&RootPlace::WORDS, faults)?, value)));
    if let Some((RootPlace::Label, value)) = &find {
        find_by_label(root, &labels, value, faults);
    }
    let slots = slots(&mut section, faults);
    if let Some(slots) = &slots {
        slots_fit(slots, (root, checked), (written.as_ref(), verity.as_ref()), faults);
    }
    if let (Some((RootPlace::Label, value)), Some(slots)) = (&find, &slots) {
        let why = "finds one partition, and there are two for roots";
        let fault = Fault::malformed(value.key, "label", why, "`find = \"type\"`, or one slot");
        faults.add_both(value.span.clone(), slots.span.clone(), fault);
    }
    section.finish(faults);
    let root = root.unwrap_or_default();
    let find = find.map_or(RootPlace::Type, |(find, _)| find);
    let verity = checked;
    Spanned::new(Disk { root, verity, size, data, esp, root_size, compression, labels, find, slots }, span)
}

/// Notes a compression that the file system of the root isn't written with.
fn fits(
    word: RootCompression,
    root: DiskRoot,
    value: &Value<'_>,
    written: &Value<'_>,
    faults: &mut Faults<'_>,
) {
    let (kind, why, form) = match root {
        // Formats with a file system of their own look for themselves.
        DiskRoot::Initrd => return,
        DiskRoot::Erofs => (
            FileSystem::Erofs,
            "isn't a compression of EROFS",
            "`\"lz4\"`, `\"zstd\"` or `\"none\"`, or `root = \"squashfs\"`",
        ),
        DiskRoot::Squashfs => (
            FileSystem::Squashfs,
            "isn't a compression of SquashFS",
            "`\"zstd\"`, `\"xz\"` or `\"gzip\"`, or `root = \"erofs\"`",
        ),
        DiskRoot::Ext4 => (
            FileSystem::Ext4,
            "isn't what ext4 has: it isn't compressed",
            "`root = \"erofs\"` or no compression",
        ),
    };
    if !word.fits(kind) {
        let fault = Fault::malformed(value.key, word.word(), why, form);
        faults.add_both(value.span.clone(), written.span.clone(), fault);
    }
}

fn labels(mut section: Section<'_>, faults: &mut Faults<'_>) -> Labels {
    let mut label = |key, read: fn(&Value<'_>, &mut Faults<'_>) -> Option<String>| {
        section.value(key).and_then(|value| read(&value, faults))
    };
    let (esp, root, data) = (label("esp", of_partition), label("root", of_root), label("data", of_partition));
    let fat = label("fat", of_fat);
    section.finish(faults);
    Labels { esp, fat, root, data }
}

/// Reads the label of a partition.
fn of_partition(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    with_units(value, LABEL_UNITS, "a table of partitions has room for 36 UTF-16 units", faults)
}

/// Reads the label of the root's partition: that of its digests is longer.
fn of_root(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let why =
        "a table of partitions has room for 36 UTF-16 units, and the root's digests have `-verity` behind it";
    with_units(value, LABEL_UNITS - "-verity".len(), why, faults)
}

fn with_units(value: &Value<'_>, most: usize, why: &'static str, faults: &mut Faults<'_>) -> Option<String> {
    let label = value.line(faults)?;
    let form = "a short name of ASCII letters, digits and hyphens, which every tool shows";
    if label.chars().any(char::is_control) {
        return value.fault(Fault::malformed(value.key, label, "has a control character", form), faults);
    }
    if label.encode_utf16().count() > most {
        return value.fault(Fault::malformed(value.key, label, why, form), faults);
    }
    Some(label.to_owned())
}

/// Reads the label of a FAT file system.
fn of_fat(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let label = value.line(faults)?;
    let is_plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_-".contains(c);
    if label.len() <= FAT_LABEL && label.chars().all(is_plain) {
        return Some(label.to_owned());
    }
    let why = "is more than FAT has room for: 11 letters, all of them capitals";
    let form = "at most 11 of `A` to `Z`, `0` to `9`, `_` and `-`, such as `\"BOOT\"`";
    value.fault(Fault::malformed(value.key, label, why, form), faults)
}

/// Notes what can't be found by a label.
fn find_by_label(root: Option<DiskRoot>, labels: &Labels, value: &Value<'_>, faults: &mut Faults<'_>) {
    if root == Some(DiskRoot::Initrd) {
        let (why, form) =
            ("finds a partition, and the root is in the initrd", "`root = \"erofs\"` beside it");
        faults.add(value.span.clone(), Fault::malformed(value.key, "label", why, form));
    }
    if labels.root().contains(char::is_whitespace) {
        let (why, form) = (
            "stands on the boot command line, and the root's label has a blank",
            "`find = \"type\"`, or a label without blanks",
        );
        faults.add(value.span.clone(), Fault::malformed(value.key, "label", why, form));
    }
}

/// Notes slots for a root that can't have them.
fn slots_fit(
    slots: &Spanned<Slots>,
    (root, checked): (Option<DiskRoot>, bool),
    (written_root, verity): (Option<&Value<'_>>, Option<&Value<'_>>),
    faults: &mut Faults<'_>,
) {
    let (why, form, other) = if root == Some(DiskRoot::Initrd) {
        ("are partitions, and the root is in the initrd", "`root = \"erofs\"` beside it", written_root)
    } else if !checked {
        ("are told apart by the digest of what is in them", "`verity = true` beside it", verity)
    } else {
        return;
    };
    let fault = Fault::malformed("slots", "2", why, form);
    match other {
        Some(other) => faults.add_both(slots.span.clone(), other.span.clone(), fault),
        None => faults.add(slots.span.clone(), fault),
    }
}

/// Reads `slots`, and what there is to say of them.
fn slots(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Slots>> {
    let written = section.value("slots");
    let number = written.as_ref().and_then(|value| value.number(1, 2, faults));
    let written_size = section.value("slot-size");
    let size = written_size.as_ref().and_then(|value| memory(value, faults));
    let written_updates = section.value("updates");
    let updates = written_updates.as_ref().and_then(|value| address(value, faults));
    for (value, why) in [
        (written_size, "is the size of slots, and there are none"),
        (written_updates, "is where updates of one of two slots are, and there are none"),
    ] {
        if let Some(value) = value.filter(|_| written.is_none() || number == Some(1)) {
            only_one(&value, why, written.as_ref(), faults);
        }
    }
    written.filter(|_| number == Some(2)).map(|value| value.spanned(Slots { size, updates }))
}

/// Reads the address of a directory.
fn address(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.line(faults)?;
    let why = if !text.starts_with("https://") && !text.starts_with("http://") {
        "doesn't begin with `https://` or `http://`"
    } else if !text.chars().all(|letter| letter.is_ascii_graphic()) {
        "has a letter that no address has as it is"
    } else {
        return Some(text.to_owned());
    };
    let form = "the address of a directory, such as `\"https://updates.example.com/router/\"`";
    value.fault(Fault::malformed(value.key, text, why, form), faults)
}

/// Says that there are no slots that something is said of.
fn only_one(said: &Value<'_>, why: &'static str, slots: Option<&Value<'_>>, faults: &mut Faults<'_>) {
    let fault = Fault::malformed(said.key, faults.written(&said.span), why, "`slots = 2` beside it");
    match slots {
        Some(slots) => faults.add_both(said.span.clone(), slots.span.clone(), fault),
        None => faults.add(said.span.clone(), fault),
    }
}
