//! `root-size` of `[disk]`.

use super::super::super::Faults;
use super::super::super::container::memory;
use super::super::super::value::Value;
use crate::image::DiskRoot;
use crate::problem::Fault;

/// What ext4 is divided into here.
const BLOCK: u64 = 4096;

/// Reads it, beside the root that is written. With the root in the initrd, it is for `kernel+ext4`.
pub(super) fn read(
    value: &Value<'_>,
    root: Option<DiskRoot>,
    written: Option<&Value<'_>>,
    faults: &mut Faults<'_>,
) -> Option<u64> {
    let size = memory(value, faults)?;
    if let Some(DiskRoot::Erofs | DiskRoot::Squashfs) = root {
        let why = "is for a root that can be written to, and this one is as large as what is in it";
        let fault =
            Fault::malformed(value.key, faults.written(&value.span), why, "`root = \"ext4\"` beside it");
        match written {
            Some(written) => faults.add_both(value.span.clone(), written.span.clone(), fault),
            None => faults.add(value.span.clone(), fault),
        }
        return None;
    }
    if !size.is_multiple_of(BLOCK) {
        let fault = Fault::malformed(
            value.key,
            faults.written(&value.span),
            "doesn't end with a block of 4096 bytes",
            "an amount such as `\"2G\"`",
        );
        return value.fault(fault, faults);
    }
    Some(size)
}
