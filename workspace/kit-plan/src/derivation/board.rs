//! What boards start from.

use kit_format::{fat, mbr, raspberry_pi, tar};
use kit_hash::Encoder;
use kit_recipe::image::Packing;

use super::image::written_by;
use super::{EncodeInput, Input};

/// What a Raspberry Pi starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaspberryPi {
    /// What it is packed into.
    pub packing: Packing,
    /// Package with the firmware.
    pub firmware: Input,
    /// The kernel's package, which has device trees.
    pub kernel: Input,
    /// The result of [`ImageFormat::KernelInitrd`](super::ImageFormat::KernelInitrd).
    pub boot: Input,
    /// Bytes of the disk; none is as many as it takes.
    pub size: Option<u64>,
}

impl RaspberryPi {
    pub(super) fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        let (number, revisions) = match self.packing {
            Packing::Archive => (0, vec![raspberry_pi::REVISION, tar::write::REVISION]),
            Packing::Disk => (1, vec![raspberry_pi::REVISION, mbr::write::REVISION, fat::write::REVISION]),
        };
        written_by(e.variant(number), &revisions);
        for part in [&self.firmware, &self.kernel, &self.boot] {
            input(e, part);
        }
        e.option(self.size, |e, size| _ = e.u64(size));
    }
}
