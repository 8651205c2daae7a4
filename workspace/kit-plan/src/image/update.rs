//! Updates: what replaces one of the two systems on a disk.

use kit_recipe::image::Firmware;

use super::outputs::Machine;
use super::slots;
use crate::PlanError;
use crate::derivation::{ImageFormat, Loaders, Update};
use kit_hash::DerivationId;

impl Machine<'_, '_> {
    /// Plans an update; none where the disk has but one system, which is noted.
    pub(super) fn update(&mut self, title: &str) -> Option<DerivationId> {
        let disk = self.image.disk.as_ref().map(|disk| disk.value.clone()).unwrap_or_default();
        let Some(asked) = &disk.slots else {
            let place = self.asked();
            self.planner.problems.push(PlanError::UpdateSlots { place });
            return None;
        };
        let version = slots::check(self.planner, self.image, self.format, &asked.span)?;
        let (root, place) = self.partition(&disk)?;
        let Loaders { uki, architecture, .. } = self.loaders(Firmware::Efi, place.as_ref())?;
        let update = Update {
            version,
            label: disk.labels.root().to_owned(),
            architecture,
            source: asked.value.updates.clone(),
            slot: asked.value.size,
            uki: uki?,
            // The recipe's reader sees to it that slots have both.
            root: root?,
            verity: place?.verity?,
        };
        Some(self.add(title, ImageFormat::Update(update)))
    }
}
