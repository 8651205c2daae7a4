//! Disks with places for two systems, of which one can be replaced while the other runs.
//!
//! A boot manager counts how often a system is tried, the system says when it has come up (`kit-init/src/assessment.rs`), and a boot
//! that fails must end by starting again: else nobody would count any further.

use std::ops::Range;

use kit_format::sysupdate;
use kit_recipe::Image;
use kit_recipe::image::{Firmware, Format, LABEL_UNITS};
use kit_recipe::recipe::RecipeName;

use super::outputs::asked;
use crate::PlanError;
use crate::evaluate::place;
use crate::planner::Planner;
use crate::recipes::RecipeSet;

/// What it takes to say that a boot was good: the boot manager's file system with the characters of its names, and its variables.
pub(super) const DRIVERS: [&str; 4] = ["vfat", "nls_cp437", "nls_ascii", "efivarfs"];

/// What a boot that fails does, by the word that says otherwise: kit-init's own, and the kernel's, in seconds.
const ON_FAILURE: [(&str, &str); 2] = [("kit.on-failure=", "reboot"), ("panic=", "10")];

/// A system in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// What is added to its boot command line, each word after a space.
    pub(super) words: String,
}

impl Slot {
    /// Returns that of a system whose recipe has this boot command line.
    pub(super) fn of(cmdline: &str) -> Self {
        let is_said = |key: &str| cmdline.split_ascii_whitespace().any(|word| word.starts_with(key));
        let missing = ON_FAILURE.into_iter().filter(|(key, _)| !is_said(key));
        Self { words: missing.flat_map(|(key, value)| [" ", key, value]).collect() }
    }
}

/// Returns the version of a system in a slot; none where something contradicts slots, which is noted. They are asked for at `span` of the
/// recipe that says how disks are laid out.
pub(super) fn check(
    planner: &mut Planner<'_>,
    image: &Image,
    format: Format,
    span: &Range<usize>,
) -> Option<String> {
    let recipes = planner.inputs.recipes;
    let slots = place(recipes, &writer(recipes, &image.name.value), span.clone());
    if let Format::Disk { container, firmware: Firmware::Bios | Firmware::Hybrid } = format {
        let instead = Format::Disk { container, firmware: Firmware::Efi }.word();
        let place = asked(planner, image, format).place;
        let problem = PlanError::SlotsFirmware { format: format.word(), instead, place, slots };
        planner.problems.push(problem);
        return None;
    }
    let recipe = RecipeName::Image(image.name.value.clone());
    let image_place = place(recipes, &recipe, image.name.span.clone());
    let problem = match &image.version {
        None => PlanError::SlotsVersion { image: image_place, slots },
        Some(version) => match unfit(image, version) {
            None => return Some(version.clone()),
            Some(why) => {
                let version = version.clone();
                PlanError::SlotsName { version, why, image: image_place, slots }
            }
        },
    };
    // Once for all formats.
    let is_same = |other: &PlanError| other.code() == problem.code();
    if !planner.problems.iter().any(is_same) {
        planner.problems.push(problem);
    }
    None
}

/// Returns why names on the disk can't have a version; none where they can.
fn unfit(image: &Image, version: &str) -> Option<String> {
    if let Some(part) = sysupdate::misread(version) {
        return Some(format!("has `{part}`, by which names on a disk with `slots` would be misread"));
    }
    let root = image.disk.as_ref().map_or("root", |disk| disk.value.labels.root());
    let label = sysupdate::Part::Digests.label(root, version);
    let more = label.encode_utf16().count().checked_sub(LABEL_UNITS).filter(|more| *more > 0)?;
    Some(format!("is {more} letters too long for the partition `{label}`"))
}

/// Returns the recipe whose `[disk]` an image has: its own, or that of the last one that it extends.
fn writer(recipes: &RecipeSet, image: &kit_recipe::Name) -> RecipeName {
    fn find(recipes: &RecipeSet, name: &kit_recipe::Name) -> Option<RecipeName> {
        let image = recipes.image(name);
        if image.disk.is_some() {
            return Some(RecipeName::Image(name.clone()));
        }
        image.extends.iter().rev().find_map(|extended| find(recipes, &extended.value))
    }
    find(recipes, image).unwrap_or_else(|| RecipeName::Image(image.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derivation::{Action, Derivation, ImageFormat};
    use crate::planner::tests::{built, name, package, problems, texts};

    /// The recipes of an image with slots; `version` is a line of its head.
    fn slotted(format: &str, version: &str, cmdline: &str) -> crate::planner::tests::Texts {
        let mut texts = texts();
        for (own, path) in [
            ("init", "/init"),
            ("module-tools", "/usr/bin/depmod"),
            ("linux", "/boot/vmlinuz"),
            ("systemd-stub", "/usr/lib/x"),
            ("bios-boot", "/usr/lib/y"),
        ] {
            let text =
                format!("[package]\nname = \"{own}\"\n[[file]]\npath = \"{path}\"\ncontents = \"x\"\n");
            texts.0.insert(package(own), text);
        }
        let image = texts.0.get_mut(&RecipeName::Image(name("demo"))).unwrap();
        *image =
            image.replace("formats = [\"tar\", \"oci\"]", &format!("{version}\nformats = [\"{format}\"]"));
        image.extend(["[kernel]\npackage = \"linux\"\ncmdline = \"", cmdline, "\"\n"]);
        image.push_str("[disk]\nroot = \"erofs\"\nverity = true\nslots = 2\nslot-size = \"64M\"\n");
        texts
    }

    fn cmdline(written: &str) -> String {
        let plan = built(&slotted("raw-efi", "version = \"1\"", written)).0;
        let found = plan.derivations().iter().find_map(|step| match step.action() {
            Action::Image(image) => match &image.format {
                ImageFormat::KernelInitrd { cmdline, .. } => Some(cmdline.clone()),
                _ => None,
            },
            _ => None,
        });
        found.unwrap().split(" kit.pin=").next().unwrap().to_owned()
    }

    #[test]
    fn a_boot_that_fails_starts_again_unless_the_recipe_says_otherwise() {
        let root = "kit.root=erofs:type";
        assert_eq!(cmdline("quiet"), format!("quiet {root} kit.on-failure=reboot panic=10"));
        let own = "kit.on-failure=rescue panic=0";
        assert_eq!(cmdline(own), format!("{own} {root}"));
        assert_eq!(cmdline("xpanic=1"), format!("xpanic=1 {root} kit.on-failure=reboot panic=10"));
    }

    #[test]
    fn the_first_initrd_can_say_that_a_boot_was_good() {
        let plan = built(&slotted("raw-efi", "version = \"1\"", "quiet")).0;
        let modules = plan.derivations().iter().find_map(|step| match step.action() {
            Action::Run(run) => run.env.get("DRIVERS").cloned(),
            _ => None,
        });
        assert_eq!(
            modules.unwrap(),
            "erofs:EROFS_FS dm_verity:DM_VERITY vfat:VFAT_FS nls_cp437:NLS_CODEPAGE_437 \
             nls_ascii:NLS_ASCII efivarfs:EFIVAR_FS"
        );
        let disk = plan.derivations().iter().find_map(|step| match step.action() {
            Action::Image(image) => match &image.format {
                ImageFormat::Disk(disk) => disk.slots.clone(),
                _ => None,
            },
            _ => None,
        });
        assert_eq!(disk.unwrap().size, Some(64 << 20));
    }

    #[test]
    fn contradictions_have_both_ends() {
        for (format, version, code, help) in [
            ("raw-hybrid", "version = \"1\"", "kit::plan::slots_firmware", "`raw-efi`"),
            ("qcow2-bios", "", "kit::plan::slots_firmware", "`qcow2-efi`"),
            ("raw-efi", "", "kit::plan::slots_version", "`version = \"1\"`"),
            ("raw-efi\", \"vdi-efi", "", "kit::plan::slots_version", "`version = \"1\"`"),
            ("raw-efi\", \"update", "", "kit::plan::slots_version", "`version = \"1\"`"),
            ("raw-efi\", \"update", "version = \"1+2\"", "kit::plan::slots_name", "`version`"),
            ("update", "version = \"1234567890.1234567890.123\"", "kit::plan::slots_name", "`version`"),
        ] {
            let problems = problems(&slotted(format, version, ""));
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].code(), code);
            assert!(problems[0].help().unwrap().contains(help));
            let labels = problems[0].labels();
            let (slots, _) = labels[1];
            assert_eq!(&slots.text[slots.span.clone()], "2");
        }
    }

    #[test]
    fn an_update_is_of_what_the_disk_has() {
        let plan = built(&slotted("raw-efi\", \"update", "version = \"1234567890.1234567890.12\"", "")).0;
        let all: Vec<_> = plan.derivations().iter().map(Derivation::action).collect();
        let disk = all.iter().find_map(|action| match action {
            Action::Image(image) => match &image.format {
                ImageFormat::Disk(disk) => Some(disk.clone()),
                _ => None,
            },
            _ => None,
        });
        let update = all.iter().find_map(|action| match action {
            Action::Image(image) => match &image.format {
                ImageFormat::Update(update) => Some(update.clone()),
                _ => None,
            },
            _ => None,
        });
        let (disk, update) = (disk.unwrap(), update.unwrap());
        assert_eq!((disk.root, disk.verity), (Some(update.root), Some(update.verity)));
        assert_eq!(disk.loaders.uki, Some(update.uki));
        assert_eq!(disk.slots.unwrap().version, update.version);
    }

    #[test]
    fn an_update_needs_two_slots() {
        let mut texts = slotted("update", "version = \"1\"", "");
        let image = texts.0.get_mut(&RecipeName::Image(name("demo"))).unwrap();
        *image = image.replace("slots = 2\nslot-size = \"64M\"\n", "");
        let problems = problems(&texts);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].code(), "kit::plan::update_slots");
        assert!(problems[0].help().unwrap().contains("`slots = 2`"));
    }

    #[test]
    fn slots_of_an_extended_image_are_pointed_at_there() {
        let mut texts = slotted("tar", "", "");
        let demo = RecipeName::Image(name("demo"));
        let base = texts.0.remove(&demo).unwrap().replace("name = \"demo\"", "name = \"base-image\"");
        texts.0.insert(RecipeName::Image(name("base-image")), base);
        let own = "[image]\nname = \"demo\"\nextends = [\"base-image\"]\nformats = [\"raw-efi\"]\n";
        texts.0.insert(demo, own.to_owned());
        let problems = problems(&texts);
        let labels = problems[0].labels();
        assert_eq!(labels[1].0.recipe, RecipeName::Image(name("base-image")));
        assert_eq!(&labels[1].0.text[labels[1].0.span.clone()], "2");
    }
}
