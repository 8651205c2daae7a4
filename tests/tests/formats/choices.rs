//! What recipes choose of the files that hold kernel and root: compressions, labels, sizes, device trees, drivers.

use kit_format::cpio::{Segments, read_cpio};
use kit_format::{Decoder, Limits};
use kit_tests::TestProject;
use kit_tests::booted::{PATIENCE, anyone_may, head};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, Entry};

/// A service that says when it is there, with the kernel's modules.
const SHELL: &str = r#"
[init]
packages = ["init"]

[[directory]]
path = "/var"

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/sh", "-c", "echo ready; exec sleep inf"]
"#;

/// Makes a project with `minimal` in these formats: `kernel` stands in its `[kernel]`, `more` behind all.
fn project(formats: &str, kernel: &str, more: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    write(&project, formats, kernel, more);
    project
}

fn write(project: &TestProject, formats: &str, kernel: &str, more: &str) {
    let head = head("minimal", "").replace("\"kernel+initrd\"", formats);
    // The power button, so that the machine goes down when it is asked to.
    let modules = if kernel.contains("modules") { "" } else { "modules = [\"button\", \"evdev\"]\n" };
    project.write("recipes/images/minimal.toml", &format!("{head}{modules}{kernel}\n{SHELL}{more}"));
}

/// Pins and builds it.
fn built(project: &TestProject) {
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
}

fn boots(project: &TestProject, format: &str, more: &[&str]) -> String {
    let words = ["run", "minimal", "--format", format, "--until", "shell: ready", "--timeout", PATIENCE];
    project.kit(&[&words, more].concat()).succeeded().stdout
}

fn disk_tool(project: &TestProject, words: &str) -> String {
    let words: Vec<_> = ["tool", "disk-tools", "--"].into_iter().chain(words.split(' ')).collect();
    project.kit(&words).succeeded().stdout
}

fn start(project: &TestProject, file: &str) -> Vec<u8> {
    let bytes = std::fs::read(project.path().join("out").join(file)).expect("it was built");
    bytes[..8].to_vec()
}

/// Returns the paths in an initrd, a line each, and the list by which its modules are loaded.
fn modules(project: &TestProject, file: &str) -> (String, String) {
    let (blobs, limits) = (MemoryBlobs::new(), Limits::standard());
    let file = std::fs::File::open(project.path().join("out").join(file)).expect("it was built");
    let unpacked = Decoder::sniff(std::io::BufReader::new(file), &limits).expect("a stream");
    let tree = read_cpio(unpacked, &blobs, &limits, Segments::Many).expect("an archive");
    let list = "/etc/kit/modules".parse().expect("a path");
    let Some(Entry::File { blob, .. }) = tree.get(&list) else { panic!("no list of modules") };
    let list = String::from_utf8(blobs.read(blob, 1 << 20).expect("its content")).expect("text");
    let paths: Vec<_> = tree.entries().map(|(path, _)| path.to_string()).collect();
    (paths.join("\n") + "\n", list)
}

/// A kernel that can't unpack everything, with no Hyper-V, and no device tree.
const BARE: &str = r#"
[package]
name = "kernel-debian"

[[file]]
path = "/boot/vmlinuz-1"
contents = "not one"

[[file]]
path = "/boot/config-1"
contents = "CONFIG_RD_ZSTD=y\n# CONFIG_RD_XZ is not set\nCONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_ZSTD=y\nCONFIG_EROFS_FS=y\nCONFIG_HYPERV=y\n"
"#;

#[test]
fn an_initrd_is_compressed_as_the_kernel_can_unpack_it() {
    let project = project("\"kernel+initrd\"", "", "");
    for (word, magic) in [("gzip", &b"\x1f\x8b"[..]), ("xz", b"\xfd7zXZ\0"), ("none", b"070701")] {
        write(&project, "\"kernel+initrd\"", &format!("initrd = \"{word}\""), "");
        built(&project);
        let start = start(&project, "minimal-initrd.img");
        assert!(start.starts_with(magic), "{word}: {start:?}");
        boots(&project, "kernel+initrd", &[]);
    }
    project.write("recipes/packages/kernel-debian.toml", BARE);
    write(&project, "\"kernel+initrd\"", "# no modules\ninitrd = \"xz\"", "");
    let said = ["kit::image::initrd_compression", "`/boot/config-1` has no CONFIG_RD_XZ", "`zstd`, `gzip`"];
    project.kit(&["lock", "minimal"]).failed(1, &said);
    write(&project, "\"kernel+initrd\"", "# no modules\ninitrd = \"zstd\"", "");
    project.kit(&["lock", "minimal"]).succeeded();
}

#[test]
fn a_root_is_compressed_as_it_is_said() {
    let project = project("\"kernel+squashfs\"", "", "");
    for (format, word, said) in [
        ("kernel+squashfs", "xz", "Compression xz"),
        ("kernel+squashfs", "gzip", "Compression gzip"),
        ("kernel+erofs", "none", ""),
    ] {
        write(&project, &format!("\"{format}\""), "", &format!("\n[disk]\ncompression = \"{word}\"\n"));
        built(&project);
        if said.is_empty() {
            disk_tool(&project, "fsck.erofs out/minimal-erofs.img");
            let statistics = disk_tool(&project, "dump.erofs -s out/minimal-erofs.img");
            assert!(!statistics.contains("lz4"), "{statistics}");
        } else {
            let statistics = disk_tool(&project, "unsquashfs -stat out/minimal-squashfs.img");
            assert!(statistics.contains(said), "{statistics}");
        }
        boots(&project, format, &[]);
    }
    // Linux 6.1 doesn't know zstd there.
    write(&project, "\"kernel+erofs\"", "", "\n[disk]\ncompression = \"zstd\"\n");
    let said = ["takes CONFIG_EROFS_FS_ZIP_ZSTD=y to read it", "the kernel of package kernel-debian"];
    project.kit(&["lock", "minimal"]).failed(1, &said);
    write(&project, "\"kernel+erofs\"", "", "\n[disk]\ncompression = \"xz\"\n");
    let said = ["kit::plan::root_compression", "`kernel+erofs`", "`xz`", "one of `lz4`, `zstd`, `none`"];
    project.kit(&["lock", "minimal"]).failed(1, &said);
}

#[test]
fn a_disk_has_the_labels_and_the_sizes_that_are_said() {
    let disk = r#"
[disk]
root = "erofs"
verity = true
data = "1M"
esp = "48M"
find = "label"
labels = { esp = "firmware", fat = "START", root = "system", data = "state" }
"#;
    let project = project("\"raw-efi\"", "", disk);
    built(&project);
    let table = disk_tool(&project, "sfdisk --json out/minimal-efi.img");
    let json: serde_json::Value = serde_json::from_str(&table).expect("JSON");
    let partitions = json["partitiontable"]["partitions"].as_array().expect("partitions");
    let names: Vec<_> = partitions.iter().map(|partition| partition["name"].as_str().unwrap_or("")).collect();
    assert_eq!(names, ["firmware", "system", "system-verity", "state"]);
    assert_eq!(partitions[0]["size"], (48 << 20) / 512);
    let label = disk_tool(&project, "mlabel -s -i out/minimal-efi.img@@1M ::");
    assert!(label.contains("START"), "{label}");
    boots(&project, "raw-efi", &[]);
    write(&project, "\"raw-efi\"", "", &disk.replace("48M", "4M"));
    let said = ["the files need ", " more than the given 4194304", "largest: `/EFI/BOOT/BOOTX64.EFI` ("];
    project.kit(&["lock", "minimal"]).failed(1, &said);
    write(&project, "\"raw-efi\"", "", &disk.replace("data = \"1M\"", "size = \"50M\"\ndata = \"1M\""));
    let said = ["the disk needs ", " more than the given 52428800", "the largest partition is 1 `firmware`"];
    project.kit(&["lock", "minimal"]).failed(1, &said);
}

#[test]
fn a_program_for_uefi_has_the_device_tree() {
    let tree = b"\xd0\x0d\xfe\xed and the rest of it";
    let kernel = r#"
[package]
name = "kernel"

[tree]
packages = ["kernel-debian"]

[[file]]
path = "/boot/board.dtb"
source = "board.dtb"
"#;
    let project = project("\"uki\"", "devicetree = \"/boot/board.dtb\"", "");
    let text = project.read("recipes/images/minimal.toml").replace("\"kernel-debian\"", "\"kernel\"");
    project.write("recipes/images/minimal.toml", &text).write("recipes/packages/kernel.toml", kernel);
    project.write("board.dtb", "/dts-v1/;");
    project
        .kit(&["lock", "minimal"])
        .failed(1, &["kit::image::device_tree", "`/boot/board.dtb` is no device tree"]);
    project.write_bytes("board.dtb", tree);
    built(&project);
    disk_tool(&project, "objcopy -O binary --only-section=.dtb out/minimal.efi dtb");
    let section = std::fs::read(project.path().join("dtb")).expect("it was written");
    assert_eq!(section[..tree.len()], *tree);
    project.write("recipes/images/minimal.toml", &text.replace("board.dtb", "other.dtb"));
    let said = ["kit::image::device_tree", "`/boot/other.dtb` isn't a file of the kernel's package"];
    project.kit(&["lock", "minimal"]).failed(1, &said);
}

#[test]
fn a_machine_of_hyper_v_has_its_drivers() {
    let project = project("\"hyper-v\", \"lcow\", \"kernel+initrd\"", "modules = [\"button\"]", "");
    built(&project);
    let (lcow, loaded) = modules(&project, "minimal-lcow/initrd.img");
    for driver in ["hv_vmbus", "hv_storvsc", "hv_netvsc", "hv_sock", "hv_utils"] {
        assert!(lcow.contains(&format!("/{driver}.ko")), "no {driver} in {lcow}");
    }
    assert!(!modules(&project, "minimal-initrd.img").0.contains("hv_"));
    let at = |what: &str| loaded.find(what).unwrap_or_else(|| panic!("no {what} in {loaded}"));
    assert!(at("/hv_vmbus.ko") < at("/hv_storvsc.ko") && at("/hv_storvsc.ko") < at("/button.ko"));
    let bus = loaded.lines().find(|line| line.ends_with("/hv_vmbus.ko")).expect("a line of its own");
    assert!(bus.starts_with('?'), "what is of use to some is no must: {loaded}");
    assert!(
        loaded.contains(&format!("/hv_utils.ko {}", &bus[1..])),
        "what the bus carries isn't tried without it: {loaded}"
    );
    // This machine isn't of Hyper-V: nobody complains.
    let said = boots(&project, "lcow", &[]);
    assert!(!said.contains("cannot load module") && !said.contains("Unknown symbol"), "{said}");
    project.write("recipes/packages/kernel-debian.toml", BARE);
    write(&project, "\"hyper-v\"", "# no modules", "");
    let said = [
        "the format hyper-v of minimal needs the driver hv_storvsc, which the kernel of package kernel-debian lacks",
        "CONFIG_HYPERV_STORAGE=y",
        "the driver hv_netvsc",
    ];
    let said = project.kit(&["lock", "minimal"]).failed(1, &said);
    assert!(!said.stderr.contains("hv_vmbus"), "{said}");
}

#[test]
fn the_root_is_found_by_the_identifier_of_its_partition() {
    let project = project("\"raw-efi\"", "", "\n[disk]\nroot = \"erofs\"\n");
    built(&project);
    let table = disk_tool(&project, "sfdisk --json out/minimal-efi.img");
    let json: serde_json::Value = serde_json::from_str(&table).expect("JSON");
    let id = json["partitiontable"]["partitions"][1]["uuid"].as_str().expect("an identifier").to_lowercase();
    std::fs::rename(project.path().join("out/minimal-efi.img"), project.path().join("disk.img"))
        .expect("it was built");
    anyone_may(&project.path().join("disk.img"), 0o666);
    let modules = "modules = [\"virtio_pci\", \"virtio_blk\", \"erofs\"]";
    write(&project, "\"uki\"", modules, "");
    let text = project.read("recipes/images/minimal.toml");
    let line = format!("cryptomgr.notests kit.root=erofs:partuuid:{id}");
    project.write("recipes/images/minimal.toml", &text.replace("cryptomgr.notests", &line));
    built(&project);
    let words = [
        "run",
        "out/minimal.efi",
        "--disk",
        "file=disk.img",
        "--until",
        "shell: ready",
        "--timeout",
        PATIENCE,
    ];
    let said = project.kit(&words).succeeded();
    assert!(said.stdout.contains("kit-init: the root is erofs on /dev/vd"), "{said}");
}

#[test]
fn a_disk_for_a_bios_has_an_old_table_when_nothing_else_is_on_it() {
    let project = project("\"raw-bios\", \"aws\"", "", "");
    built(&project);
    let table = disk_tool(&project, "sfdisk --json out/minimal-bios.img");
    let json: serde_json::Value = serde_json::from_str(&table).expect("JSON");
    let table = &json["partitiontable"];
    assert_eq!((&table["label"], &table["partitions"][0]["type"]), (&"dos".into(), &"c".into()));
    assert_eq!(table["partitions"][0]["bootable"], true);
    boots(&project, "raw-bios", &[]);
    let aws = project.path().join("out/minimal-aws.raw").metadata().expect("it was built");
    assert_eq!(aws.len() % (1 << 30), 0);
}
