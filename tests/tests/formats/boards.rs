//! Boards: what a Raspberry Pi starts from is read by other tools, and its kernel runs on one that is emulated.
//!
//! The firmware itself runs on nothing but the board, so the emulator is given what the firmware would take of the card by `config.txt`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _, SeekFrom};

use kit_format::{Limits, fat, mbr};
use kit_tests::booted::PATIENCE;
use kit_tests::formats::{Seen, record};
use kit_tests::machine::Machine;
use kit_tests::{Said, TestProject};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, Entry};

/// Makes a project with the image.
fn project() -> TestProject {
    let project = TestProject::new();
    project.take("recipes/images/raspberry-pi.toml").take("lockfiles/raspberry-pi.lock");
    project
}

/// Returns the one partition of a card.
fn partition(project: &TestProject, card: &str) -> Vec<u8> {
    let mut file = File::open(project.path().join(card)).expect("a card");
    let table = mbr::read(&mut file).expect("a table");
    let [only] = table.partitions.as_slice() else { panic!("not one partition: {:?}", table.partitions) };
    assert_eq!((only.kind, only.active, only.bytes.start), (0x0c, false, 1 << 20));
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(only.bytes.start)).expect("a place");
    file.take(only.bytes.end - only.bytes.start).read_to_end(&mut bytes).expect("its bytes");
    bytes
}

/// Returns the files of a file system, as kit reads them.
fn files(system: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let blobs = MemoryBlobs::new();
    let tree = fat::read(&mut Cursor::new(system), &Limits::standard(), &blobs).expect("a file system");
    let content = |entry: &Entry| match entry {
        Entry::File { blob, .. } => {
            let mut bytes = Vec::new();
            blobs.open(blob).expect("its content").read_to_end(&mut bytes).expect("it is read");
            Some(bytes)
        }
        _ => None,
    };
    let name = |path: String| path.trim_start_matches('/').to_owned();
    tree.entries().filter_map(|(path, entry)| Some((name(path.to_string()), content(entry)?))).collect()
}

/// Runs a program of the tools that read disks.
fn tool(project: &TestProject, command: &[&str]) -> Said {
    project.kit(&[&["tool", "disk-tools", "--"], command].concat()).succeeded()
}

#[test]
fn a_raspberry_pi_starts_from_the_card() {
    let project = project();
    project.kit(&["build", "raspberry-pi"]).succeeded();
    record("rpi", Seen::Written);
    record("rpi-disk", Seen::Written);
    let card = "out/raspberry-pi-rpi.img";
    let dump = tool(&project, &["sfdisk", "--dump", card]).stdout;
    assert!(
        dump.contains("label: dos") && dump.contains("start=        2048") && dump.contains("type=c"),
        "{dump}"
    );
    tool(&project, &["sfdisk", "--verify", card]);
    record("rpi-disk", Seen::ReadBy("sfdisk"));
    let system = partition(&project, card);
    project.write_bytes("system", &system);
    let said = tool(&project, &["fsck.fat", "-n", "-v", "-V", "system"]).stdout;
    assert!(said.contains("32 bit entries"), "{said}");
    record("rpi-disk", Seen::ReadBy("fsck.fat"));

    let files = files(&system);
    let listed = tool(&project, &["mdir", "-b", "-i", "system", "::/"]).stdout;
    let names: Vec<_> = listed.lines().map(|line| line.trim().trim_start_matches("::/")).collect();
    assert_eq!(names, files.keys().collect::<Vec<_>>());
    record("rpi-disk", Seen::ReadBy("mtools"));
    for name in [
        "bcm2711-rpi-4-b.dtb",
        "bcm2837-rpi-3-b.dtb",
        "bootcode.bin",
        "cmdline.txt",
        "config.txt",
        "fixup4.dat",
        "initrd.img",
        "kernel8.img",
        "start.elf",
        "start4.elf",
    ] {
        assert!(files.contains_key(name), "no {name} in {names:?}");
    }
    assert!(
        files.keys().filter_map(|name| name.strip_suffix(".dtb")).all(|name| name.contains("-rpi-")),
        "{names:?}"
    );

    std::fs::create_dir(project.path().join("unpacked")).expect("a directory");
    let archive = ["tar", "--extract", "--file=out/raspberry-pi-rpi.tar", "--directory=unpacked"];
    project.kit(&[&["tool", "gnu-tar", "--"], &archive[..]].concat()).succeeded();
    let unpacked = std::fs::read_dir(project.path().join("unpacked")).expect("a directory");
    let unpacked: BTreeMap<_, _> = unpacked
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            let name = entry.file_name().into_string().expect("plain names");
            (name, std::fs::read(entry.path()).expect("a file"))
        })
        .collect();
    assert!(unpacked == files, "the archive has {:?}", unpacked.keys());
    record("rpi", Seen::ReadBy("GNU tar"));
    let unpack = "tool zstd -- zstd --decompress --quiet unpacked/initrd.img -o initrd";
    project.kit(&unpack.split(' ').collect::<Vec<_>>()).succeeded();
    let listed = project.kit(&["tool", "cpio", "--", "cpio", "--list", "--quiet", "--file=initrd"]);
    let listed = listed.succeeded().stdout;
    assert!(listed.lines().any(|line| line == "usr/bin/kit-init"), "{listed}");
    for tool in ["zstd", "cpio"] {
        record("rpi", Seen::ReadBy(tool));
    }

    // What the firmware does.
    let text = |name: &str| String::from_utf8(files[name].clone()).expect("a text");
    let configuration = text("config.txt");
    for line in ["arm_64bit=1", "enable_uart=1", "kernel=kernel8.img", "initramfs initrd.img followkernel"] {
        assert!(configuration.lines().any(|other| other == line), "{configuration}");
    }
    for name in ["kernel8.img", "initrd.img", "bcm2837-rpi-3-b.dtb"] {
        project.write_bytes(name, &files[name]);
    }
    // The emulator's cards have a power of two of bytes.
    let card = File::options().write(true).open(project.path().join(card)).expect("it is ours");
    card.set_len(64 << 20).expect("it grows");
    let words = "tool qemu-arm64 -- qemu-system-aarch64 -no-user-config -no-reboot -display none \
         -machine raspi3b -serial null -serial stdio -kernel kernel8.img -initrd initrd.img -dtb bcm2837-rpi-3-b.dtb \
         -drive if=sd,format=raw,file=out/raspberry-pi-rpi.img -append";
    let mut words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    words.push(text("cmdline.txt").trim_end().to_owned());
    Machine::spawn(&project, "console", &words).wait_for("shell: ready");
    record("rpi-disk", Seen::BootedBy("its kernel on raspi3b"));
}

#[test]
fn a_kernel_for_arm64_boots_on_a_machine_of_its_own() {
    let project = project();
    project.kit(&["run", "raspberry-pi", "--until", "shell: ready", "--timeout", PATIENCE]).succeeded();
    record("kernel+initrd", Seen::BootedBy("arm64 kernel"));
    for option in ["--bios", "--tpm", "--netboot"] {
        project
            .kit(&["run", "raspberry-pi", "--format", "kernel+initrd", option])
            .failed(1, &["kit::run::no_pc", "`raspberry-pi` is for arm64"]);
    }
}

#[test]
fn what_is_for_other_processors_is_refused() {
    let project = project();
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
    project.kit(&["build", "minimal", "--format", "rpi"]).failed(
        1,
        &[
            "kit::plan::format_architecture",
            "`rpi` is for arm64, and the image for amd64",
            "architecture = \"arm64\"",
        ],
    );
    let image = project.read("recipes/images/raspberry-pi.toml");
    project.write("recipes/images/raspberry-pi.toml", &image.replace("busybox-arm64", "busybox"));
    project.kit(&["check", "raspberry-pi"]).failed(
        1,
        &[
            "kit::plan::other_architecture",
            "`busybox` is for amd64, and the image for arm64",
            "goes into the image",
            "for arm64",
        ],
    );
}
