//! The first initrd of an image whose root is a file system of its own.
//!
//! It has the first process, which finds that root by `kit.root` on the kernel's command line, and the modules that reaching it takes:
//! those of the file system and what is between, without which there is no image, and those of all disks that machines have, as far
//! as the kernel has them.

use std::collections::BTreeMap;

use kit_hash::DerivationId;
use kit_recipe::image::Kernel;
use kit_recipe::package::TreeRules;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Architecture, Name};
use kit_tree::TreePath;

use super::{MODULES_SCRIPT, modules};
use crate::derivation::{Action, Input, Part};
use crate::planner::Planner;
use crate::recipes::first_process;

/// Stands before the selection of modules: what is needed must be there.
pub(super) const DRIVERS_SCRIPT: &str = include_str!("drivers.sh");

/// Modules of the disks and discs that machines have: virtual machines of all makers, then what stands on a desk.
const DISKS: [&str; 29] = [
    "virtio_pci",
    "virtio_mmio",
    "virtio_blk",
    "virtio_scsi",
    "sd_mod",
    "sr_mod",
    "nvme",
    "ahci",
    "ata_piix",
    "ata_generic",
    "hv_vmbus",
    "hv_storvsc",
    "xen_blkfront",
    "vmw_pvscsi",
    "mptspi",
    "mptsas",
    "megaraid_sas",
    "mpt3sas",
    "xhci_pci",
    "ehci_pci",
    "usb_storage",
    "uas",
    "mmc_block",
    "sdhci_pci",
    "sdhci_acpi",
    "sdhci_iproc",
    "bcm2835",
    "pcie_brcmstb",
    "reset_raspberrypi",
];

/// What ext4 asks the kernel's own library of checksums for, where that is in modules.
const CHECKSUMS: [&str; 2] = ["crc32c_generic", "crc32c_cryptoapi"];

/// Plans the root of that initrd. `needs` are the drivers, by the names of their modules, without which the root can't be mounted; `options`
/// are options of the kernel's configuration without which it can't be read.
pub(super) fn stage_one(
    planner: &mut Planner<'_>,
    (image, architecture): (&Name, Architecture),
    kernel: &Kernel,
    tree: Input,
    needs: &[&str],
    options: &[&str],
) -> DerivationId {
    let init = first_process(architecture).parse().expect("because it is a name");
    let part = |input, owner: &str| Part { input, owner: owner.to_owned(), at: TreePath::root() };
    let modules = stage_modules(planner, image, kernel, tree, needs, options);
    let parts =
        vec![part(Input::Derivation(planner.package(&init)), init.as_str()), part(modules, "kernel modules")];
    let recipe = RecipeName::Image(image.clone());
    let mut compose = planner.compose(&recipe, &TreeRules::default(), parts);
    // Other names of the first process, which nobody calls there.
    compose.exclude = ["/usr/bin/kit-ctl", "/usr/bin/kit-log"].map(str::to_owned).to_vec();
    planner.plan.add(format!("stage one {image} for {}", needs.join("+")), Action::Compose(compose))
}

/// Plans the modules with their list.
fn stage_modules(
    planner: &mut Planner<'_>,
    image: &Name,
    kernel: &Kernel,
    tree: Input,
    needs: &[&str],
    options: &[&str],
) -> Input {
    let checksums = if needs.contains(&"ext4") { &CHECKSUMS[..] } else { &[] };
    let optional = [&DISKS[..], checksums].concat();
    let mut own = needs_of(image, kernel, needs);
    // A disk's driver must be there for some formats; other machines lack the disk.
    let musts: Vec<_> = needs.iter().copied().filter(|driver| !DISKS.contains(driver)).collect();
    own.insert("MODULES".to_owned(), musts.join(" "));
    own.insert("OPTIONAL".to_owned(), optional.join(" "));
    if !options.is_empty() {
        own.insert("OPTIONS".to_owned(), options.join(" "));
    }
    let script = format!("{DRIVERS_SCRIPT}\n{MODULES_SCRIPT}");
    let title = format!("modules of stage one {image} for {}", needs.join("+"));
    modules::select(planner, image, title, tree, script, &own)
}

/// Returns what the script that looks for drivers is told of them.
pub(super) fn needs_of(image: &Name, kernel: &Kernel, needs: &[&str]) -> BTreeMap<String, String> {
    let drivers: Vec<_> = needs.iter().map(|driver| format!("{driver}:{}", option(driver))).collect();
    let own = [
        ("DRIVERS", drivers.join(" ")),
        ("IMAGE", image.to_string()),
        ("KERNEL", kernel.package.value.to_string()),
    ];
    own.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Returns the option of the kernel's configuration that a driver comes by, without `CONFIG_`.
fn option(driver: &str) -> String {
    match driver {
        "erofs" => "EROFS_FS".to_owned(),
        "squashfs" => "SQUASHFS".to_owned(),
        "isofs" => "ISO9660_FS".to_owned(),
        "ext4" => "EXT4_FS".to_owned(),
        "loop" => "BLK_DEV_LOOP".to_owned(),
        "hv_vmbus" => "HYPERV".to_owned(),
        "hv_storvsc" => "HYPERV_STORAGE".to_owned(),
        "hv_netvsc" => "HYPERV_NET".to_owned(),
        "hv_sock" => "HYPERV_VSOCKETS".to_owned(),
        "vfat" => "VFAT_FS".to_owned(),
        "nls_cp437" => "NLS_CODEPAGE_437".to_owned(),
        "efivarfs" => "EFIVAR_FS".to_owned(),
        // Such as dm_verity.
        other => other.to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use kit_recipe::recipe::RecipeName;

    use crate::derivation::{Action, Derivation};
    use crate::planner::tests::{built, name, package, texts};

    /// An image whose root is a file system of its own, with the packages that it takes.
    fn steps(format: &str) -> Vec<Derivation> {
        let mut texts = texts();
        for (own, path) in [
            ("init", "/init"),
            ("module-tools", "/usr/bin/depmod"),
            ("linux", "/boot/vmlinuz"),
            ("systemd-stub", "/stub"),
        ] {
            let text =
                format!("[package]\nname = \"{own}\"\n[[file]]\npath = \"{path}\"\ncontents = \"x\"\n");
            texts.0.insert(package(own), text);
        }
        let image = texts.0.get_mut(&RecipeName::Image(name("demo"))).unwrap();
        *image = image.replace("\"tar\", \"oci\"", &format!("\"{format}\""));
        image.push_str("[kernel]\npackage = \"linux\"\ncmdline = \"quiet\"\n");
        built(&texts).0.derivations().to_vec()
    }

    fn step<'a>(steps: &'a [Derivation], title: &str) -> &'a Action {
        let titles: Vec<_> = steps.iter().map(Derivation::title).collect();
        let found = steps.iter().find(|step| step.title() == title);
        found.unwrap_or_else(|| panic!("no {title} in {titles:?}")).action()
    }

    #[test]
    fn it_has_the_first_process_and_the_drivers_of_the_root() {
        let steps = steps("kernel+erofs");
        let Action::Run(run) = step(&steps, "modules of stage one demo for erofs") else {
            panic!("a script")
        };
        let env = |key: &str| run.env[key].as_str();
        assert_eq!(
            (env("MODULES"), env("DRIVERS"), env("KERNEL"), env("IMAGE")),
            ("erofs", "erofs:EROFS_FS", "linux", "demo")
        );
        assert!(env("OPTIONAL").starts_with("virtio_pci "));
        let Action::Compose(stage) = step(&steps, "stage one demo for erofs") else { panic!("a tree") };
        let owners: Vec<_> = stage.parts.iter().map(|part| part.owner.as_str()).collect();
        assert_eq!(owners, ["init", "kernel modules"]);
        assert!(stage.additions.is_empty());
    }

    #[test]
    fn hyper_v_has_its_drivers_in_the_root() {
        let planned = steps("hyper-v");
        let Action::Run(run) = step(&planned, "modules demo for hyper-v") else { panic!("a script") };
        let env = |key: &str| run.env[key].as_str();
        assert_eq!((env("FIRST"), env("MODULES")), ("hv_vmbus hv_storvsc hv_netvsc", ""));
        assert_eq!(env("DRIVERS"), "hv_vmbus:HYPERV hv_storvsc:HYPERV_STORAGE hv_netvsc:HYPERV_NET");
        assert_eq!((env("FOR"), env("KERNEL")), ("the format hyper-v", "linux"));
        assert!(env("OPTIONAL").contains("hyperv_keyboard"));
        step(&planned, "root demo for hyper-v");
        step(&planned, "boot demo for hyper-v");
        let Action::Run(run) = step(&steps("lcow"), "modules demo for lcow").clone() else {
            panic!("a script")
        };
        assert!(run.env["DRIVERS"].ends_with(" hv_sock:HYPERV_VSOCKETS"));
    }

    #[test]
    fn each_root_has_its_own() {
        let steps = [steps("kernel+squashfs"), steps("kernel+iso")].concat();
        step(&steps, "stage one demo for squashfs");
        let Action::Run(run) = step(&steps, "modules of stage one demo for isofs") else {
            panic!("a script")
        };
        assert_eq!(run.env["DRIVERS"], "isofs:ISO9660_FS");
        assert!(!run.env["OPTIONAL"].contains("crc32c"));
        let steps = self::steps("kernel+ext4");
        let Action::Run(run) = step(&steps, "modules of stage one demo for ext4") else { panic!("a script") };
        assert_eq!(run.env["DRIVERS"], "ext4:EXT4_FS");
        assert!(run.env["OPTIONAL"].ends_with(" crc32c_generic crc32c_cryptoapi"));
        assert_eq!(super::option("dm_verity"), "DM_VERITY");
    }
}
