//! `[disk]`.

use super::super::Faults;
use super::super::container::memory;
use super::super::section::Section;
use crate::Spanned;
use crate::image::{Disk, DiskRoot};
use crate::problem::Fault;

const ROOTS: [(&str, DiskRoot); 3] =
    [("initrd", DiskRoot::Initrd), ("erofs", DiskRoot::Erofs), ("squashfs", DiskRoot::Squashfs)];

pub(super) fn disk(mut section: Section<'_>, faults: &mut Faults<'_>) -> Spanned<Disk> {
    let span = section.span.clone();
    let root = section.value("root").map_or(Some(DiskRoot::Initrd), |value| value.word(&ROOTS, faults));
    let verity = section.value("verity");
    let checked = verity.as_ref().and_then(|value| value.boolean(faults)).unwrap_or(false);
    if let Some(value) = verity.filter(|_| checked && root == Some(DiskRoot::Initrd)) {
        let (why, form) =
            ("checks a partition, and the root is in the initrd", "`root = \"erofs\"` beside it");
        faults.add(value.span.clone(), Fault::malformed(value.key, "true", why, form));
    }
    let size = section.value("size").and_then(|value| memory(&value, faults));
    let data = section.value("data").and_then(|value| memory(&value, faults));
    section.finish(faults);
    Spanned::new(Disk { root: root.unwrap_or_default(), verity: checked, size, data }, span)
}
