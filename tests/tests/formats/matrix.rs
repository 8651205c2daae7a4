//! The same bytes: each word of `Format`, and each choice that a recipe has of what is in them, by one thread, two and seven, with all
//! that `kit verify` varies.
//!
//! Kernel and root are small ones, since here nothing boots: the root is as large as it takes for each thread to get blocks of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;

use kit_format::gpt;
use kit_recipe::Lockfile;
use kit_recipe::image::Format;
use kit_tests::TestProject;

/// An image with some of the formats.
struct Image {
    name: &'static str,
    /// Whether the image is for arm64, as those for boards are.
    is_arm64: bool,
    /// Words, with blanks between.
    formats: &'static str,
    /// What stands in `[kernel]`.
    kernel: &'static str,
    /// What stands behind it.
    more: &'static str,
}

const fn image(name: &'static str, formats: &'static str, kernel: &'static str, more: &'static str) -> Image {
    Image { name, is_arm64: false, formats, kernel, more }
}

/// Each choice is made by one of them at least.
const IMAGES: [Image; 11] = [
    image(
        "plain",
        "kernel+initrd tar-kernel-initrd uki raw-bios raw-efi",
        "initrd = \"gzip\"\ndevicetree = \"/boot/board.dtb\"",
        "[disk]\nesp = \"2M\"\nsize = \"8M\"\nlabels = { esp = \"firmware\", fat = \"START\" }",
    ),
    image(
        "xz",
        "kernel+initrd kernel+squashfs raw-efi",
        "initrd = \"xz\"",
        "[disk]\nroot = \"squashfs\"\ncompression = \"xz\"\nverity = true",
    ),
    image(
        "gzip",
        "kernel+initrd kernel+squashfs ipxe",
        "initrd = \"none\"\nmicrocode = \"/boot/microcode\"",
        "[disk]\nroot = \"squashfs\"\ncompression = \"gzip\"",
    ),
    image(
        "zstd",
        "kernel+erofs raw-hybrid",
        "",
        "[disk]\nroot = \"erofs\"\ncompression = \"zstd\"\nfind = \"label\"",
    ),
    image("none", "kernel+erofs raw-bios", "", "[disk]\nroot = \"erofs\"\ncompression = \"none\""),
    image("writable", "raw-hybrid vhdx", "", "[disk]\nroot = \"ext4\"\nroot-size = \"96M\"\ndata = \"1M\""),
    image(
        "slots",
        "raw-efi qcow2-efi update",
        "",
        "[disk]\nroot = \"erofs\"\nverity = true\nslots = 2\nslot-size = \"4M\"\ndata = \"1M\"",
    ),
    Image { is_arm64: true, ..image("board", "kernel+initrd tar rpi rpi-disk", "", "") },
    Image {
        is_arm64: true,
        ..image(
            "arm64",
            "uki iso-efi raw-efi vhdx-efi kernel+squashfs",
            "",
            "[disk]\nroot = \"erofs\"\nverity = true",
        )
    },
    image("programs", "sysext", "", "[extension]\nid = \"_any\"\n[disk]\nverity = true"),
    image("settings", "confext", "", "[extension]\nid = \"_any\"\n[disk]\nroot = \"squashfs\""),
];

/// What the image with all formats that need no image of their own has.
const EVERY: &str = "[disk]\nroot = \"erofs\"\nverity = true\ndata = \"1M\"";

/// The drivers that formats ask for, and what unpacks all of it.
const CONFIGURATION: &str = "\
CONFIG_RD_GZIP=y\nCONFIG_RD_XZ=y\nCONFIG_RD_ZSTD=y\nCONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_XZ=y\nCONFIG_SQUASHFS_ZLIB=y\n\
CONFIG_SQUASHFS_ZSTD=y\nCONFIG_ISO9660_FS=y\nCONFIG_EROFS_FS=y\nCONFIG_EROFS_FS_ZIP=y\nCONFIG_EROFS_FS_ZIP_ZSTD=y\nCONFIG_EXT4_FS=y\n\
CONFIG_DM_MOD=y\nCONFIG_DM_VERITY=y\nCONFIG_BLK_DEV_LOOP=y\nCONFIG_VFAT_FS=y\nCONFIG_NLS_CODEPAGE_437=y\nCONFIG_NLS_ISO8859_1=y\n\
CONFIG_NLS_ASCII=y\nCONFIG_EFIVAR_FS=y\nCONFIG_HYPERV=y\nCONFIG_HYPERV_STORAGE=y\nCONFIG_HYPERV_NET=y\nCONFIG_HYPERV_VSOCKETS=y\n";

/// Makes a program for UEFI on such a machine that does nothing.
fn stub(machine: u16) -> Vec<u8> {
    const PE: usize = 0x40;
    let mut bytes = vec![0; 0x600];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"MZ");
    put(0x3c, &[0x40]);
    put(PE, b"PE\0\0");
    put(PE + 4, &machine.to_le_bytes());
    put(PE + 6, &[1]);
    put(PE + 20, &240_u16.to_le_bytes());
    let optional = PE + 24;
    put(optional, &0x020b_u16.to_le_bytes());
    for (at, value) in [(8, 0x200_u32), (32, 0x200), (36, 0x200), (56, 0x2000), (60, 0x400), (108, 16)] {
        put(optional + at, &value.to_le_bytes());
    }
    put(optional + 240, b".text");
    for (at, value) in [(8, 4_u32), (12, 0x1000), (16, 0x200), (20, 0x400), (36, 0x6000_0020)] {
        put(optional + 240 + at, &value.to_le_bytes());
    }
    bytes
}

/// Writes a package of files that are in a directory of the project.
pub(super) fn package(project: &TestProject, name: &str, more: &str, files: &[(&str, &[u8])]) {
    let source = format!("[package]\nname = \"{name}\"\n{more}[sources.files]\nlocal = \"{name}\"\n");
    project.write(&format!("recipes/packages/{name}.toml"), &source);
    for (path, content) in files {
        project.write_bytes(&format!("{name}/{path}"), content);
    }
}

/// What kernels for arm64 have behind 56 bytes.
pub(super) const BOARD_KERNEL: &[u8] = b"ARM\x64";

/// Writes what a Raspberry Pi reads first.
pub(super) fn firmware(project: &TestProject) {
    for name in kit_format::raspberry_pi::FIRMWARE {
        project.write(&format!("raspi-firmware/usr/lib/raspi-firmware/{name}"), name);
    }
    package(project, "raspi-firmware", "architecture = \"arm64\"\n", &[]);
}

/// Writes the packages that images are made of.
fn packages(project: &TestProject) {
    let configuration = CONFIGURATION.as_bytes();
    let tree = &b"\xd0\x0d\xfe\xed and the rest of it"[..];
    let kernel = stub(0x8664);
    let microcode = [&b"070701"[..], &[b'0'; 58]].concat();
    package(
        project,
        "kernel",
        "",
        &[
            ("boot/vmlinuz-1.0", &kernel),
            ("boot/config-1.0", configuration),
            ("boot/board.dtb", tree),
            ("boot/microcode", &microcode),
        ],
    );
    let arm64 = "architecture = \"arm64\"\n";
    let board = "usr/lib/linux-image-1.0/broadcom/bcm2837-rpi-3-b.dtb";
    let mut board_kernel = stub(0xaa64);
    board_kernel[56..][..BOARD_KERNEL.len()].copy_from_slice(BOARD_KERNEL);
    let files = [("boot/vmlinuz-1.0", &board_kernel[..]), ("boot/config-1.0", configuration), (board, tree)];
    package(project, "kernel-board", arm64, &files);
    firmware(project);
    let names = ["init", "usr/bin/kit-init", "usr/bin/kit-ctl", "usr/bin/kit-log"];
    let init = names.map(|name| (name, &b"first"[..]));
    package(project, "init", "", &init);
    package(project, "init-board", arm64, &init);
    // Blocks that are pressed well, badly and not at all, and that are there twice.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    };
    let noise: Vec<u8> = std::iter::repeat_with(&mut next).take(300_000).collect();
    let words: Vec<u8> = noise.iter().flat_map(|byte| format!("word {} ", byte / 3).into_bytes()).collect();
    let hole = vec![0; 700_000];
    for name in ["content", "content-board"] {
        let more = if name == "content" { "" } else { arm64 };
        let files: [(&str, &[u8]); 5] = [
            ("usr/share/words", &words[..1_500_000]),
            ("usr/share/noise", &noise),
            ("usr/share/hole", &hole),
            ("usr/share/again", &words[..400_000]),
            ("usr/share/empty", b""),
        ];
        package(project, name, more, &files);
        for (number, small) in noise.chunks(3000).enumerate() {
            project.write_bytes(&format!("{name}/usr/share/small/{number}"), small);
        }
    }
    package(project, "settings", "", &[("etc/settings", &words[..300_000])]);
}

/// Writes the recipe of an image.
fn write(project: &TestProject, image: &Image, formats: &[&str]) {
    let Image { name, is_arm64, kernel, more, .. } = image;
    let architecture = if *is_arm64 { "architecture = \"arm64\"\n" } else { "" };
    let end = if *is_arm64 { "-board" } else { "" };
    let mut text =
        format!("[image]\nname = \"{name}\"\nversion = \"1\"\nformats = {formats:?}\n{architecture}");
    if more.starts_with("[extension]") {
        let package = if formats.contains(&"confext") { "settings" } else { "content" };
        writeln!(text, "{}", more.replacen('\n', &format!("\npackages = [\"{package}\"]\n"), 1))
            .expect("a string takes it");
    } else {
        write!(
            text,
            "[kernel]\npackage = \"kernel{end}\"\ncmdline = \"quiet\"\n{kernel}\n{more}\n\
             [init]\npackages = [\"init{end}\", \"content{end}\"]\n"
        )
        .expect("a string takes it");
    }
    project.write(&format!("recipes/images/{name}.toml"), &text);
    let locked = if *is_arm64 { "minimal-arm64" } else { "every-format" };
    project.take(&format!("lockfiles/{locked}.lock"));
    let pins = project.read(&format!("lockfiles/{locked}.lock"));
    std::fs::remove_file(project.path().join(format!("lockfiles/{locked}.lock"))).expect("it is ours");
    project.write(&format!("lockfiles/{name}.lock"), &pins);
    project.kit(&["lock", name]).succeeded();
}

/// Fails unless images of which nothing is Debian's are the bytes that they were: those of formats that no lockfile of the repository has.
fn pinned(project: &TestProject) {
    let mut found = String::new();
    for (name, file) in [("programs", "programs.sysext.raw"), ("settings", "settings.confext.raw")] {
        let lock = Lockfile::parse(&project.read(&format!("lockfiles/{name}.lock"))).expect("a lockfile");
        assert!(lock.debs.is_empty(), "{name} changes with Debian");
        for (file, output) in lock.outputs {
            writeln!(found, "{file} {} {}", output.size, output.sha256).expect("a string takes it");
        }
        project.kit(&["build", name]).succeeded();
        let mut disk = File::open(project.path().join("out").join(file)).expect("it was built");
        for partition in gpt::read(&mut disk).expect("a table").partitions {
            let gpt::Slice { label, kind, id, bytes, .. } = partition;
            writeln!(found, "    {bytes:?} {label} {kind} {id}").expect("a string takes it");
        }
    }
    assert_eq!(found, include_str!("matrix.txt"));
}

/// The digests of outputs as a verification found them.
type Found = BTreeMap<String, String>;

/// Rebuilds all images with all that can be varied, after a build by so many threads.
fn verify(project: &TestProject, names: &[&str], jobs: &str) -> Found {
    let words = [&["verify"], names, &["--jobs", jobs, "--json"]].concat();
    let said = project.kit(&words).succeeded();
    let result: serde_json::Value =
        serde_json::from_str(said.stdout.lines().last().expect("a result")).expect("JSON");
    let images = result["result"]["images"].as_array().expect("images");
    assert_eq!(images.len(), names.len(), "{result:#}");
    let mut found = Found::new();
    for image in images {
        let varied = image["varied"].as_array().expect("a list");
        assert!(varied.iter().any(|word| word == "jobs"), "{image:#}");
        for output in image["outputs"].as_array().expect("outputs") {
            let text = |key: &str| output[key].as_str().expect("a text").to_owned();
            assert_eq!(output["sha256"], output["rebuilt"], "{output:#}");
            assert_eq!(found.insert(text("name"), text("rebuilt")), None, "each name is one image's");
        }
    }
    found
}

#[test]
fn each_format_and_each_choice_is_the_same_by_any_number_of_threads() {
    let project = TestProject::new();
    project.take("lockfiles/tools.lock");
    packages(&project);
    let of_their_own =
        |format: &Format| matches!(format, Format::Extension(_) | Format::RaspberryPi(_) | Format::Update);
    let every: Vec<_> = Format::all().filter(|format| !of_their_own(format)).map(Format::word).collect();
    write(&project, &image("every", "", "", EVERY), &every);
    for image in &IMAGES {
        write(&project, image, &image.formats.split(' ').collect::<Vec<_>>());
    }
    let names: Vec<_> = ["every"].into_iter().chain(IMAGES.iter().map(|image| image.name)).collect();
    let (mut formats, mut locked) = (BTreeSet::new(), Found::new());
    for name in &names {
        let lock = Lockfile::parse(&project.read(&format!("lockfiles/{name}.lock"))).expect("a lockfile");
        for (file, output) in lock.outputs {
            formats.insert(output.format.to_string());
            locked.insert(file.clone(), output.sha256.to_string());
        }
    }
    let all: BTreeSet<_> = Format::all().map(|format| format.word().to_owned()).collect();
    assert_eq!(formats, all, "each word is of some image");
    pinned(&project);
    // The rebuild has another number: of one two, of two seven, of others one.
    for jobs in ["1", "2", "7"] {
        assert_eq!(verify(&project, &names, jobs), locked, "of {jobs} jobs");
    }
}
