//! Images for 64-bit ARM that UEFI starts: what is on their disks, and that firmware boots them.

use kit_tests::TestProject;
use kit_tests::booted::PATIENCE;
use kit_tests::formats::{Seen, record};

use super::samples::tool;

/// Makes a project with the image.
fn project() -> TestProject {
    let project = TestProject::new();
    project.take("recipes/images/minimal-arm64.toml").take("lockfiles/minimal-arm64.lock");
    project
}

#[test]
fn firmware_boots_it_from_a_disk_and_from_a_disc() {
    let project = project();
    project.kit(&["build", "minimal-arm64"]).succeeded();
    for format in ["uki", "raw-efi", "iso-efi"] {
        record(format, Seen::Written);
    }
    let disk = "out/minimal-arm64-efi.img";
    has_what_firmware_and_root_are_found_by(&project, disk);
    is_told_by_its_file(&project, disk);
    // By its own name the format is known; of a file, for which processor it is.
    let until = ["--until", "shell: ready", "--timeout", PATIENCE];
    project.kit(&[&["run", disk], &until[..]].concat()).succeeded();
    record("raw-efi", Seen::BootedBy("UEFI on arm64"));
    project.kit(&[&["run", "minimal-arm64", "--format", "iso-efi"], &until[..]].concat()).succeeded();
    record("iso-efi", Seen::BootedBy("UEFI on arm64"));
}

fn has_what_firmware_and_root_are_found_by(project: &TestProject, disk: &str) {
    let json = tool(project, &["sfdisk", "--json", disk]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let partitions = json["partitiontable"]["partitions"].as_array().expect("partitions");
    let kinds: Vec<_> = partitions.iter().map(|part| part["type"].as_str().expect("a type")).collect();
    // Of the Discoverable Partitions Specification, for `arm64`.
    assert_eq!(
        kinds,
        [
            "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
            "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
            "DF3300CE-D69F-4C92-978C-9BFB0F38D820",
        ]
    );
    record("raw-efi", Seen::ReadBy("sfdisk"));
    let start = partitions[0]["start"].as_u64().expect("a number") * 512;
    let listed = tool(project, &["mdir", "-b", "-i", &format!("{disk}@@{start}"), "::/EFI/BOOT"]);
    assert_eq!(listed.trim(), "::/EFI/BOOT/BOOTAA64.EFI");
    record("raw-efi", Seen::ReadBy("mdir"));
}

/// What reads the disk says what it is for.
fn is_told_by_its_file(project: &TestProject, disk: &str) {
    let sbom = project.kit(&["sbom", disk]).succeeded().stdout;
    assert!(sbom.contains("arch=arm64") && !sbom.contains("arch=amd64"), "{sbom}");
}

#[test]
fn a_bios_starts_none_of_it() {
    let project = project();
    for (format, instead) in [
        ("raw-bios", "raw-efi"),
        ("raw-hybrid", "raw-efi"),
        ("qcow2", "qcow2-efi"),
        ("iso-hybrid", "iso-efi"),
    ] {
        project.kit(&["build", "minimal-arm64", "--format", format]).failed(
            1,
            &[
                "kit::plan::format_bios",
                &format!("the format `{format}` is started by a BIOS, which no machine for arm64 has"),
                &format!("take `{instead}`"),
            ],
        );
    }
    for option in ["--bios", "--tpm", "--secure-boot"] {
        project
            .kit(&["run", "minimal-arm64", "--format", "uki", option])
            .failed(1, &["kit::run::no_pc", "`minimal-arm64` is for arm64"]);
    }
}
