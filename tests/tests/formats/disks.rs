//! FAT, partition tables, hash trees: mtools, dosfstools, fdisk, gdisk and cryptsetup read what kit writes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Seek as _, SeekFrom};

use kit_format::gpt::{self, Guid, attributes};
use kit_format::layout::Layout;
use kit_format::{fat, mbr, verity};
use kit_tests::{Said, TestProject};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Mode, Tree};

/// What is put into a file system, by its path.
fn files() -> BTreeMap<String, Vec<u8>> {
    let noise = |length: u32| (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut files = BTreeMap::from([
        (String::from("EFI/BOOT/BOOTX64.EFI"), noise(300_001)),
        (String::from("EFI/Linux/kit-1.0+3.efi"), noise(100_000)),
        (String::from("loader/loader.conf"), b"timeout 0\n".to_vec()),
        (String::from("loader/empty"), Vec::new()),
        (String::from("a [b] (c) ~1.x"), noise(511)),
        (String::from(".hidden"), noise(512)),
        (format!("{}/{}", "deep/".repeat(20).trim_end_matches('/'), "n".repeat(255)), noise(513)),
    ]);
    files.extend((0..700).map(|number| (format!("many/a rather long name {number:03}.dtbo"), noise(number))));
    files
}

fn tree(files: &BTreeMap<String, Vec<u8>>, blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    for (path, content) in files {
        let path = format!("/{path}").parse().expect("a path");
        tree.insert_file(path, Mode::FILE, blobs.insert(content.clone()), content.len() as u64)
            .expect("a file");
    }
    tree
}

fn options(kind: fat::Kind) -> fat::Options {
    fat::Options {
        label: String::from("KIT TEST"),
        mtime: 1_700_000_001,
        size: fat::Size::Fitting { spare: 100_000 },
        hidden_sectors: 2048,
        kind: Some(kind),
        seed: [7; 32],
    }
}

fn bytes(layout: &Layout, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).expect("it is read");
    bytes
}

/// Runs a program of the tools that read disks.
fn tool(project: &TestProject, command: &[&str]) -> Said {
    project.kit(&[&["tool", "disk-tools", "--"], command].concat())
}

/// A project with the tools.
fn project() -> TestProject {
    let project = TestProject::new();
    project.take("recipes/tools.toml").take("lockfiles/tools.lock");
    project
}

/// Returns the files below a directory of a project.
fn found(project: &TestProject, directory: &str) -> BTreeMap<String, Vec<u8>> {
    let base = project.path().join(directory);
    let files = walkdir::WalkDir::new(&base).into_iter().map(|entry| entry.expect("an entry"));
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path =
                entry.path().strip_prefix(&base).expect("because it is below").to_str().expect("UTF-8");
            (path.to_owned(), std::fs::read(entry.path()).expect("a file"))
        })
        .collect()
}

#[test]
fn fat_is_what_dosfstools_and_mtools_read() {
    let (project, blobs, files) = (project(), MemoryBlobs::new(), files());
    let tree = tree(&files, &blobs);
    for kind in [fat::Kind::Fat12, fat::Kind::Fat16, fat::Kind::Fat32] {
        let image = format!("{kind}.img");
        let disk = bytes(&fat::layout(&tree, &options(kind)).expect("it fits"), &blobs);
        project.write_bytes(&image, &disk);
        let said = tool(&project, &["fsck.fat", "-n", "-v", "-V", &image]).succeeded();
        let table = if kind == fat::Kind::Fat32 {
            "Root directory start at cluster 2"
        } else {
            "Root directory starts at"
        };
        assert!(said.stdout.contains(table) && said.stdout.contains(": 733 files,"), "{said}");
        let info = tool(&project, &["minfo", "-i", &image, "::"]).succeeded().stdout;
        for wanted in ["hidden sectors: 2048", "disk label=\"KIT TEST   \"", &format!("disk type=\"{kind}")] {
            assert!(info.contains(wanted), "no `{wanted}` in {info}");
        }
        std::fs::create_dir(project.path().join(kind.to_string())).expect("a directory");
        tool(&project, &["mcopy", "-s", "-n", "-i", &image, "::/*", &format!("{kind}/")]).succeeded();
        let read = found(&project, &kind.to_string());
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&read), names(&files), "{kind}");
        assert!(read == files, "{kind}: the contents differ");
    }
    let listing = tool(&project, &["mdir", "-i", "FAT32.img", "::/EFI/Linux"]).succeeded().stdout;
    assert!(listing.contains("KIT-10~1 EFI    100000 2023-11-14  22:13  kit-1.0+3.efi"), "{listing}");
}

/// A disk with a system partition, a root and its hash tree.
fn disk(project: &TestProject, hybrid: bool) -> Vec<u8> {
    let blobs = MemoryBlobs::new();
    let system = fat::layout(&tree(&files(), &blobs), &options(fat::Kind::Fat32)).expect("it fits");
    let data: Vec<u8> = (0..300_u64).flat_map(|block| (block + 1).to_le_bytes().repeat(512)).collect();
    let open = || Ok(Box::new(data.as_slice()) as Box<dyn std::io::Read>);
    let uuid = Guid::derived(&[7; 32], "verity", 0);
    let hashes = verity::tree(&open, data.len() as u64, &[9; 32], uuid).expect("a hash tree");
    let root_hash = hashes.root_hash.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    project
        .write("root-hash", &root_hash)
        .write_bytes("root", &data)
        .write_bytes("hashes", &bytes(&hashes.tree, &blobs));
    let (root_id, hashes_id) = verity::partition_ids(&hashes.root_hash);
    let mut root = Layout::new();
    root.bytes("content", data);
    let partition = |kind, id, label: &str, attributes, content: Layout, mbr| gpt::Partition {
        kind,
        id,
        label: label.to_owned(),
        attributes,
        size: content.len().next_multiple_of(1 << 20),
        content,
        mbr,
    };
    let partitions = vec![
        partition(Guid::ESP, Guid::derived(&[7; 32], "partition", 0), "system", 0, system, Some(0xef)),
        partition(Guid::LINUX_ROOT_X86_64, root_id, "root", attributes::READ_ONLY, root, None),
        partition(
            Guid::LINUX_ROOT_X86_64_VERITY,
            hashes_id,
            "root-verity",
            attributes::READ_ONLY,
            hashes.tree,
            None,
        ),
    ];
    let options =
        gpt::Options { id: Guid::derived(&[7; 32], "disk", 0), size: None, boot_code: None, hybrid };
    bytes(&gpt::layout(partitions, &options).expect("it fits"), &blobs)
}

#[test]
fn tables_of_partitions_are_what_fdisk_and_gdisk_read() {
    let project = project();
    for (name, hybrid) in [("gpt.img", false), ("hybrid.img", true)] {
        project.write_bytes(name, &disk(&project, hybrid));
        let verified = tool(&project, &["sfdisk", "--verify", name]).succeeded();
        assert!(verified.stdout.contains("No errors detected"), "{verified}");
        let verified = tool(&project, &["sgdisk", "--verify", name]).succeeded();
        assert!(verified.stdout.contains("No problems found"), "{verified}");
        let json = tool(&project, &["sfdisk", "--json", name]).succeeded().stdout;
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let table = &json["partitiontable"];
        assert_eq!(table["id"], Guid::derived(&[7; 32], "disk", 0).to_string().to_uppercase());
        let field = |field: &str| -> Vec<_> {
            let partitions = table["partitions"].as_array().expect("partitions").iter();
            partitions
                .map(|partition| partition[field].to_string().trim_matches('"').to_lowercase())
                .collect()
        };
        assert_eq!(field("name"), ["system", "root", "root-verity"]);
        let kinds = [Guid::ESP, Guid::LINUX_ROOT_X86_64, Guid::LINUX_ROOT_X86_64_VERITY];
        assert_eq!(field("type"), kinds.map(|kind| kind.to_string()));
        assert_eq!(field("attrs"), ["null", "guid:60", "guid:60"]);
        let root_hash = project.read("root-hash");
        let ids = field("uuid").into_iter().skip(1).map(|id| id.replace('-', "")).collect::<String>();
        assert_eq!(ids, root_hash);
        // Firmware's way to the file: the partition at 1 MiB, the file system in it.
        let conf = tool(&project, &["mtype", "-i", &format!("{name}@@1048576"), "::/loader/loader.conf"]);
        assert_eq!(conf.succeeded().stdout, "timeout 0\n");
    }
    let kinds = tool(&project, &["sgdisk", "--info=2", "gpt.img"]).succeeded().stdout;
    assert!(kinds.contains("(Linux x86-64 root (/))"), "{kinds}");
}

#[test]
fn a_hash_tree_is_what_veritysetup_verifies() {
    let project = project();
    disk(&project, false);
    let root_hash = project.read("root-hash");
    let verify = |root_hash: &str| tool(&project, &["veritysetup", "verify", "root", "hashes", root_hash]);
    verify(&root_hash).succeeded();
    let dump = tool(&project, &["veritysetup", "dump", "hashes"]).succeeded().stdout;
    assert!(dump.contains(&Guid::derived(&[7; 32], "verity", 0).to_string()), "{dump}");
    // What veritysetup itself writes with the same salt and UUID is the same, byte by byte.
    let uuid = format!("--uuid={}", Guid::derived(&[7; 32], "verity", 0));
    let salt = format!("--salt={}", "09".repeat(32));
    tool(&project, &["veritysetup", "format", &uuid, &salt, "root", "theirs"]).succeeded();
    let read = |name: &str| std::fs::read(project.path().join(name)).expect("a file");
    assert!(read("theirs") == read("hashes"), "veritysetup writes other bytes");
    let mut data = read("root");
    data[1_000_000] ^= 1;
    project.write_bytes("root", &data);
    assert!(verify(&root_hash).code.is_some_and(|code| code != 0), "a flipped byte of the data isn't found");
}

#[test]
fn a_disk_for_the_bios_is_what_fdisk_reads() {
    let (project, blobs) = (project(), MemoryBlobs::new());
    let partition = |kind, active, size| mbr::Partition { kind, active, content: Layout::new(), size };
    let options = mbr::Options { signature: 0x1234_abcd, ..mbr::Options::default() };
    let partitions = vec![partition(0x0c, true, 3 << 20), partition(0x83, false, 5 << 20)];
    project.write_bytes("mbr.img", &bytes(&mbr::layout(partitions, &options).expect("it fits"), &blobs));
    let verified = tool(&project, &["sfdisk", "--verify", "mbr.img"]).succeeded();
    assert!(verified.stdout.contains("No errors detected"), "{verified}");
    let dump = tool(&project, &["sfdisk", "--dump", "mbr.img"]).succeeded().stdout;
    for wanted in [
        "label-id: 0x1234abcd",
        "mbr.img1 : start=        2048, size=        6144, type=c, bootable",
        "mbr.img2 : start=        8192, size=       10240, type=83",
    ] {
        assert!(dump.contains(wanted), "no `{wanted}` in {dump}");
    }
}

/// Returns the bytes of a partition of a disk, with its GUID.
pub(super) fn partition(project: &TestProject, disk: &str, label: &str) -> (Vec<u8>, Guid) {
    let mut file = std::fs::File::open(project.path().join(disk)).expect("a disk");
    let table = gpt::read(&mut file).expect("a table");
    let found = table.partitions.into_iter().find(|found| found.label == label).expect("a partition");
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(found.bytes.start)).expect("a place");
    file.take(found.bytes.end - found.bytes.start).read_to_end(&mut bytes).expect("its bytes");
    (bytes, found.id)
}

/// The whole way: a recipe's disk, with a root that is checked.
#[test]
fn a_built_disk_is_what_the_tools_read() {
    const DISK: &str = "\n[disk]\nroot = \"erofs\"\nverity = true\ndata = \"16M\"\n";
    let project = project();
    let recipe = TestProject::new().take("recipes/images/minimal.toml").read("recipes/images/minimal.toml");
    let recipe = recipe.replace("[\"kernel+initrd\"]", "[\"kernel+initrd\", \"raw-efi\"]");
    project.write("recipes/images/minimal.toml", &(recipe + DISK)).take("lockfiles/minimal.lock");
    project.kit(&["lock"]).succeeded();
    project.kit(&["build", "--format", "raw-efi", "minimal"]).succeeded();
    let disk = "out/minimal-efi.img";
    tool(&project, &["sfdisk", "--verify", disk]).succeeded();
    let verified = tool(&project, &["sgdisk", "--verify", disk]).succeeded();
    assert!(verified.stdout.contains("No problems found"), "{verified}");
    let (system, _) = partition(&project, disk, "esp");
    project.write_bytes("system", &system);
    tool(&project, &["fsck.fat", "-n", "-V", "system"]).succeeded();
    let listing = tool(&project, &["mdir", "-b", "-i", "system", "::/EFI/BOOT"]).succeeded().stdout;
    assert!(listing.contains("::/EFI/BOOT/BOOTX64.EFI"), "{listing}");
    let ((mut root, root_id), (hashes, hashes_id)) =
        (partition(&project, disk, "root"), partition(&project, disk, "root-verity"));
    let root_hash = format!("{root_id}{hashes_id}").replace('-', "");
    project.write_bytes("root", &root).write_bytes("hashes", &hashes);
    tool(&project, &["fsck.erofs", "root"]).succeeded();
    let verify = || tool(&project, &["veritysetup", "verify", "root", "hashes", &root_hash]);
    verify().succeeded();
    root[5000] ^= 1;
    project.write_bytes("root", &root);
    assert!(verify().code.is_some_and(|code| code != 0), "a flipped byte of the root isn't found");
    let (data, _) = partition(&project, disk, "data");
    assert!(data.len() == 16 << 20 && data.iter().all(|byte| *byte == 0));
}
