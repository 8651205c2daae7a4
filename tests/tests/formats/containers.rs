//! Disks in the containers of virtual machines.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::Command;

use kit_hash::{BlobId, Sha256};
use kit_tests::{Said, TestProject};

/// A word, the name that a disk gets, and what qemu calls it; none where qemu doesn't know it.
const CONTAINERS: [(&str, &str, Option<&str>); 13] = [
    ("raw.gz", "disk.img.gz", None),
    ("raw.zst", "disk.img.zst", None),
    ("qcow2", "disk.qcow2", Some("qcow2")),
    ("qcow2+zlib", "disk-zlib.qcow2", Some("qcow2")),
    ("qcow2+zstd", "disk-zstd.qcow2", Some("qcow2")),
    ("vhd", "disk.vhd", Some("vpc")),
    ("dynamic-vhd", "disk-dynamic.vhd", Some("vpc")),
    ("vhdx", "disk.vhdx", Some("vhdx")),
    ("vmdk", "disk.vmdk", Some("vmdk")),
    ("vdi", "disk.vdi", Some("vdi")),
    ("ova", "disk.ova", None),
    ("gcp", "disk-gcp.tar.gz", None),
    ("azure", "disk-azure.vhd", Some("vpc")),
];

/// Bytes that no compressor makes shorter, the same each time.
fn noise(count: usize) -> Vec<u8> {
    let blocks = (0..count.div_ceil(32)).map(|number| Sha256::of(&number.to_le_bytes()));
    let mut bytes: Vec<u8> = blocks.flat_map(|digest| *digest.as_bytes()).collect();
    bytes.truncate(count);
    bytes
}

/// Writes a sparse disk with the marks of a GPT: text, noise, and something behind the first table of each container.
fn write_disk(path: &Path, size: u64) {
    let file = File::create(path).expect("a file");
    file.set_len(size).expect("a length");
    let put = |at: u64, bytes: &[u8]| file.write_all_at(bytes, at).expect("a file that can be written");
    put(510, b"\x55\xaaEFI PART");
    put(544, &(size / 512 - 1).to_le_bytes());
    put(1 << 20, &b"The quick brown fox jumps over the lazy dog. ".repeat(20_000));
    put(5_000_001, &noise(700_000));
    put(size - 40 * 1024 * 1024, b"far behind");
    put(size - 512, b"EFI PART");
}

/// The disk of most tests: its last sector is in no whole cluster.
const SIZE: u64 = 560 * 1024 * 1024 + 7 * 512;

fn project_with_disk() -> TestProject {
    let project = TestProject::new();
    write_disk(&project.path().join("disk.img"), SIZE);
    project
}

fn qemu_img(project: &TestProject, arguments: &[&str]) -> Said {
    project.kit(&[&["tool", "disk-tools", "--", "qemu-img"], arguments].concat())
}

fn digest(project: &TestProject, name: &str) -> BlobId {
    let file = File::open(project.path().join(name)).expect("a file");
    BlobId::of_reader(file).expect("a file that can be read").0
}

fn on_disk(project: &TestProject, name: &str) -> u64 {
    project.path().join(name).metadata().expect("a file").blocks() * 512
}

#[test]
fn qemu_reads_what_kit_writes() {
    let project = project_with_disk();
    for (word, name, qemu) in CONTAINERS {
        assert_eq!(project.kit(&["convert", "disk.img", word]).succeeded().stdout, format!("{name}\n"));
        assert!(on_disk(&project, name) < 8 << 20, "{word}: what is zero takes no room");
        let Some(qemu) = qemu else { continue };
        if qemu != "vpc" {
            let said = qemu_img(&project, &["check", "-f", qemu, name]).succeeded();
            assert!(said.stdout.contains("No errors were found"), "{word}: {said}");
        }
        let compared =
            qemu_img(&project, &["compare", "-f", qemu, "-F", "raw", name, "disk.img"]).succeeded();
        assert!(compared.stdout.contains("Images are identical"), "{word}: {compared}");
        let size = if word == "azure" { SIZE.next_multiple_of(1 << 20) } else { SIZE };
        let info = qemu_img(&project, &["info", "-f", qemu, "--output=json", name]).succeeded().stdout;
        let info: serde_json::Value = serde_json::from_str(&info).expect("it is JSON");
        assert_eq!(info["virtual-size"], size, "{word}: {info}");
    }
    packages_hold_the_disk(&project);
}

/// GNU tar and zstd unpack what qemu doesn't know.
fn packages_hold_the_disk(project: &TestProject) {
    let tool = |arguments: &[&str]| project.kit(&[&["tool"], arguments].concat()).succeeded();
    tool(&["zstd", "--", "zstd", "--decompress", "--quiet", "disk.img.zst", "-o", "unpacked.raw"]);
    assert_eq!(digest(project, "unpacked.raw"), digest(project, "disk.img"));
    std::fs::create_dir(project.path().join("ova")).expect("a directory");
    let listed =
        tool(&["gnu-tar", "--", "tar", "--extract", "--verbose", "--directory=ova", "--file=disk.ova"]);
    assert_eq!(listed.stdout, "disk.ovf\ndisk.mf\ndisk.vmdk\n");
    let member = |name: &str| std::fs::read(project.path().join("ova").join(name)).expect("a member");
    let manifest =
        ["disk.ovf", "disk.vmdk"].map(|name| format!("SHA256({name})= {}\n", Sha256::of(&member(name))));
    assert_eq!(String::from_utf8(member("disk.mf")).expect("text"), manifest.concat());
    assert_eq!(digest(project, "ova/disk.vmdk"), digest(project, "disk.vmdk"));
    let descriptor = String::from_utf8(member("disk.ovf")).expect("text");
    assert!(descriptor.contains(&format!("ovf:size=\"{}\"", member("disk.vmdk").len())), "{descriptor}");
    assert!(descriptor.contains("vmw:value=\"efi\""), "the first sector has nothing that a BIOS could start");

    // The locked tools have no gzip: kit takes that off.
    let archive = File::open(project.path().join("disk-gcp.tar.gz")).expect("a file");
    let limits = kit_format::Limits::standard();
    let mut decoder = kit_format::Decoder::sniff(archive, &limits).expect("it is gzip");
    let mut tar = File::create(project.path().join("gcp.tar")).expect("a file");
    std::io::copy(&mut decoder, &mut tar).expect("it can be unpacked");
    tool(&["gnu-tar", "--", "tar", "--extract", "--sparse", "--file=gcp.tar"]);
    let whole = File::open(project.path().join("disk.raw")).expect("a file");
    assert_eq!(whole.metadata().expect("a length").len(), 1 << 30, "whole GiB");
    let (found, _) = BlobId::of_reader(whole.take(SIZE)).expect("a file that can be read");
    assert_eq!(found, digest(project, "unpacked.raw"));
}

#[test]
fn kit_reads_what_qemu_writes() {
    let project = project_with_disk();
    let disk = digest(&project, "disk.img");
    for (name, options) in [
        ("a.qcow2", &["-O", "qcow2"][..]),
        ("old.qcow2", &["-O", "qcow2", "-o", "compat=0.10,cluster_size=4k"]),
        ("zlib.qcow2", &["-c", "-O", "qcow2", "-o", "cluster_size=2M"]),
        ("zstd.qcow2", &["-c", "-O", "qcow2", "-o", "compression_type=zstd"]),
        ("dynamic.vhd", &["-O", "vpc", "-o", "force_size=on"]),
        ("fixed.vhd", &["-O", "vpc", "-o", "subformat=fixed,force_size=on"]),
        ("a.vhdx", &["-O", "vhdx"]),
        ("fixed.vhdx", &["-O", "vhdx", "-o", "subformat=fixed"]),
        ("sparse.vmdk", &["-O", "vmdk"]),
        ("stream.vmdk", &["-O", "vmdk", "-o", "subformat=streamOptimized"]),
        ("a.vdi", &["-O", "vdi"]),
    ] {
        let convert = [&["convert", "-f", "raw"], options, &["disk.img", name]].concat();
        qemu_img(&project, &convert).succeeded();
        project.kit(&["convert", name, "raw", "--output", "back.raw"]).succeeded();
        assert_eq!(digest(&project, "back.raw"), disk, "{name}");
        std::fs::remove_file(project.path().join(name)).expect("it is there");
    }
    assert!(on_disk(&project, "back.raw") < 8 << 20, "what is zero takes no room");
}

#[test]
fn the_same_bytes_whatever_the_disk_was_in() {
    let project = TestProject::new();
    // Whole GiB, so that no container fills it up.
    write_disk(&project.path().join("disk.img"), 1 << 30);
    let words: Vec<_> =
        CONTAINERS.iter().map(|(word, name, _)| (*word, *name)).chain([("raw", "disk.img")]).collect();
    for (word, _) in &words[..13] {
        project.kit(&["convert", "disk.img", word, "--jobs", "7"]).succeeded();
    }
    // Each is read once and written once.
    for (at, (word, name)) in words.iter().enumerate() {
        let from = words[(at + 5) % words.len()].1;
        let arguments =
            ["convert", from, word, "--jobs", "1", "--output", &format!("again/{name}"), "--json"];
        let said = project.kit(&arguments).succeeded().stdout;
        assert_eq!(digest(&project, &format!("again/{name}")), digest(&project, name), "{from} to {word}");
        let last = said.lines().last().expect("a result");
        let result: serde_json::Value = serde_json::from_str(last).expect("it is JSON");
        assert_eq!(result["result"]["format"], *word);
        assert_eq!(result["result"]["disk_bytes"], 1 << 30, "{from} to {word}");
    }
}

#[test]
fn what_can_not_be_converted_is_told_and_nothing_is_left() {
    let project = project_with_disk();
    project.kit(&["convert", "disk.img", "vhdx"]).succeeded();
    project.write("notes.txt", "no disk").write("there/file", "");
    let convert = |arguments: &[&str]| project.kit(&[&["convert"], arguments].concat());
    let unknown = convert(&["notes.txt", "qcow2"]);
    unknown.failed(
        1,
        &["kit::convert::unreadable", "no disk and no container of one", "begins with a partition table"],
    );
    convert(&["missing.raw", "qcow2"]).failed(3, &["kit::project::file", "missing.raw"]);
    convert(&["there", "qcow2"]).failed(3, &["kit::project::file", "something else than a file"]);
    convert(&["disk.img", "qcow3"]).failed(2, &["qcow3", "qcow2+zstd"]);
    convert(&["disk.img", "qcow2", "--output", "there"]).failed(3, &["cannot write", "there", "directory"]);
    convert(&["disk.img", "raw"]).failed(2, &["kit::convert::onto_itself", "--output FILE"]);
    let cut = File::options().write(true).open(project.path().join("disk.vhdx")).expect("a file");
    cut.set_len(5 << 20).expect("a length");
    let said = convert(&["disk.vhdx", "qcow2"]);
    said.failed(1, &["kit::convert::unreadable", "cut off", "the file has 5242880", "again"]);
    let name = format!("{}.ova", "n".repeat(120));
    convert(&["disk.img", "ova", "--output", &name])
        .failed(1, &["kit::convert::unfit", "95 at most", "--output"]);
    let left = std::fs::read_dir(project.path()).expect("a directory");
    let mut left: Vec<_> = left.map(|entry| entry.expect("an entry").file_name()).collect();
    left.sort();
    assert_eq!(left, ["disk.img", "disk.vhdx", "kit.toml", "notes.txt", "there"]);
}

#[test]
fn a_disk_that_is_too_large_for_a_container() {
    let project = TestProject::new();
    let mut file = File::create(project.path().join("large.raw")).expect("a file");
    file.write_all(&[0x55, 0xaa].repeat(256)).expect("a file that can be written");
    file.seek(SeekFrom::Start(3 << 40)).expect("a place in it");
    // Some file systems hold no file of 3 TiB: then there is nothing to see.
    if file.write_all(b"end").and_then(|()| file.set_len((3 << 40) + 512)).is_err() {
        return;
    }
    for (word, limit) in [("vhd", "2190433320960"), ("azure", "2190433320960"), ("vmdk", "2199023255552")] {
        let said = project.kit(&["convert", "large.raw", word]);
        said.failed(1, &["kit::convert::unfit", "3298534883840 bytes", limit, "`vhdx`"]);
    }
}

/// On a small disk there is no room; the file that was there stays.
#[test]
fn a_full_disk_leaves_what_was_there() {
    let project = project_with_disk();
    std::fs::create_dir(project.path().join("small")).expect("a directory");
    let script = r#"mount -t tmpfs -o size=400k none small; echo old > small/disk.qcow2
        code=0; "$KIT" convert disk.img qcow2 --output small/disk.qcow2 || code=$?
        cat small/*; exit $code"#;
    let kit = project.command(&[]);
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-euc", script]);
    unshare.current_dir(project.path()).env("KIT", kit.get_program());
    let said = Said::from_output(&unshare.output().expect("unshare runs"));
    assert_eq!(said.stdout, "old\n", "{said}");
    said.failed(3, &["cannot write", "small/disk.qcow2", "No space left"]);
}
