//! What machines of some processors start from, and others don't: a Raspberry Pi's files, what a BIOS starts.

use kit_hash::DerivationId;
use kit_recipe::Architecture;
use kit_recipe::image::{Firmware, Format, Packing};

use super::outputs::Machine;
use crate::PlanError;
use crate::derivation::{ImageFormat, Input, RaspberryPi};
use crate::recipes::RASPBERRY_PI;

impl Machine<'_, '_> {
    /// Whether the format is for the processors that the image is for; notes it where it isn't.
    pub(super) fn fits(&mut self) -> bool {
        let (is, format) = (self.architecture(), self.format.word());
        let problem = match self.format {
            Format::RaspberryPi(_) if is != Architecture::Arm64 => {
                PlanError::FormatArchitecture { format, wanted: Architecture::Arm64, is, place: self.asked() }
            }
            Format::Iso { firmware, .. } | Format::Disk { firmware, .. }
                if firmware.has_bios() && is != Architecture::Amd64 =>
            {
                let instead = self.by_uefi().word();
                PlanError::FormatBios { format, instead, is, place: self.asked() }
            }
            _ => return true,
        };
        self.planner.problems.push(problem);
        false
    }

    /// Returns the same format for UEFI alone.
    fn by_uefi(&self) -> Format {
        match self.format {
            Format::Iso { root, .. } => Format::Iso { firmware: Firmware::Efi, root },
            Format::Disk { container, .. } => Format::Disk { container, firmware: Firmware::Efi },
            other => other,
        }
    }

    /// Returns which processors the image is for.
    pub(super) fn architecture(&self) -> Architecture {
        self.image.architecture.as_ref().map_or(Architecture::USUAL, |written| written.value)
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
