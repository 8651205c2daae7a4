//! What an image has to have in a machine of Hyper-V: the drivers of what is in it, whatever else the recipe says.
//!
//! Those without which such a machine is of no use are part of the kernel, or modules of it; a kernel that lacks one is told when the image is
//! built. The others are taken as far as the kernel has them.

use kit_recipe::Name;
use kit_recipe::image::{Format, Kernel};

use super::modules;
use super::stage::{DRIVERS_SCRIPT, needs_of};
use crate::derivation::Input;
use crate::planner::Planner;

/// The bus, its disks and its network cards.
const NEEDED: [&str; 3] = ["hv_vmbus", "hv_storvsc", "hv_netvsc"];
/// What Windows talks by to the machine that it loads for Linux containers.
const SOCKETS: &str = "hv_sock";
/// What else such machines have: shutdown and time, memory, keyboard, mouse, screen, disks and discs by SCSI, devices passed through.
const MORE: [&str; 9] = [
    "hv_utils",
    "hv_balloon",
    "hyperv_keyboard",
    "hid_hyperv",
    "hyperv_drm",
    "hyperv_fb",
    "sd_mod",
    "sr_mod",
    "pci_hyperv",
];
/// What takes to the root, where that is on a disk.
pub(super) const TO_DISKS: [&str; 2] = ["hv_vmbus", "hv_storvsc"];

/// Plans the modules of an image's root, with those that the format needs; none where it needs none of its own.
pub(super) fn modules_of(
    planner: &mut Planner<'_>,
    image: &Name,
    format: Format,
    kernel: Option<(&Kernel, Input)>,
) -> Option<Input> {
    let (kernel, tree) = kernel.filter(|_| format.is_for_hyper_v())?;
    let mut needed = NEEDED.to_vec();
    needed.extend((format == Format::Lcow).then_some(SOCKETS));
    let own: Vec<_> = kernel.modules.iter().map(|module| module.value.as_str()).collect();
    let mut env = needs_of(image, kernel, &needed);
    env.insert("FOR".to_owned(), format!("the format {format}"));
    // It may be started elsewhere, too.
    env.insert("FIRST".to_owned(), needed.join(" "));
    env.insert("MODULES".to_owned(), own.join(" "));
    env.insert("OWN".to_owned(), own.join(" "));
    env.insert("OPTIONAL".to_owned(), MORE.join(" "));
    let title = format!("modules {image} for {format}");
    let script = format!("{DRIVERS_SCRIPT}\n{}", super::MODULES_SCRIPT);
    Some(modules::select(planner, image, title, tree, script, &env))
}
