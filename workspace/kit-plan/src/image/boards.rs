//! What boards start from: a file system with their firmware, kernel and initrd.

use kit_hash::DerivationId;
use kit_recipe::Architecture;
use kit_recipe::image::{Format, Packing};

use super::outputs::Machine;
use crate::PlanError;
use crate::derivation::{ImageFormat, Input, RaspberryPi};
use crate::recipes::RASPBERRY_PI;

impl Machine<'_, '_> {
    /// Whether the format is for the processors that the image is for; notes it where it isn't.
    pub(super) fn fits(&mut self) -> bool {
        let wanted = match self.format {
            Format::RaspberryPi(_) => Architecture::Arm64,
            // The first process in a small initrd, and what firmware starts, are those of PCs.
            Format::KernelRoot(_) | Format::Uki | Format::Iso { .. } | Format::Disk { .. } => {
                Architecture::Amd64
            }
            _ => return true,
        };
        let is = self.image.architecture.as_ref().map_or(Architecture::USUAL, |written| written.value);
        if is != wanted {
            let (format, place) = (self.format.word(), self.asked());
            self.planner.problems.push(PlanError::FormatArchitecture { format, wanted, is, place });
        }
        is == wanted
    }

    /// Plans what a Raspberry Pi starts from.
    pub(super) fn raspberry_pi(&mut self, title: &str, packing: Packing) -> Option<DerivationId> {
        let firmware = self.standard(RASPBERRY_PI)?;
        let boot = Input::Derivation(self.boot(None));
        let kernel = self.kernel;
        let size = match packing {
            Packing::Archive => None,
            Packing::Disk => self.image.disk.as_ref().and_then(|disk| disk.value.size),
        };
        let board = RaspberryPi { packing, firmware, kernel, boot, size };
        Some(self.add(title, ImageFormat::RaspberryPi(board)))
    }
}
