//! The action that writes an update of one of the two systems on a disk.

use kit_format::compression::gzip;
use kit_format::sysupdate;
use kit_hash::Encoder;

use super::image::written_by;
use super::{EncodeInput, Input};

/// `NAME-update/`: root, digests and program of a system, with what tells systemd-sysupdate where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// What the names end with.
    pub version: String,
    /// What the partition of the root is called, without the version.
    pub label: String,
    /// `x86_64`, in Linux's words.
    pub architecture: String,
    /// The address at which machines find updates.
    pub source: Option<String>,
    /// Bytes of the partition that each slot has for a root, where the recipe says so.
    pub slot: Option<u64>,
    /// The result of `ImageFormat::Uki`.
    pub uki: Input,
    /// The result of `ImageFormat::FileSystem`.
    pub root: Input,
    /// The result of `ImageFormat::Verity`.
    pub verity: Input,
}

impl Update {
    pub(super) fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        let Self { version, label, architecture, source, slot, uki, root, verity } = self;
        written_by(e, &[sysupdate::REVISION, gzip::REVISION]).str(version).str(label).str(architecture);
        e.option(source.as_ref(), |e, source| _ = e.str(source));
        e.option(*slot, |e, slot| _ = e.u64(slot));
        for part in [uki, root, verity] {
            input(e, part);
        }
    }
}
