//! ISO 9660: xorriso and isoinfo read what kit writes, the kernel mounts it, a BIOS starts it from discs and disks.

use std::collections::BTreeMap;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_format::gpt::{self, Guid};
use kit_format::iso::{self, BiosBoot};
use kit_format::layout::Layout;
use kit_format::{fat, grub, mbr};
use kit_recipe::Lockfile;
use kit_store::Store;
use kit_tests::TestProject;
use kit_tests::booted;
use kit_tests::formats::{Seen, record};
use kit_tests::machine::{Machine, disks};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, DeviceKind, Entry, Meta, Mode, Tree, TreePath};

use super::samples::{path, tool, write};

/// Where the kernel's discs are in the tests.
const DISC: &str = "disc.iso";

fn put(tree: &mut Tree, blobs: &MemoryBlobs, name: &str, meta: Meta, content: &[u8]) {
    let (blob, size) = (blobs.insert(content.to_vec()), content.len() as u64);
    tree.make_parents(&path(name), &Meta::root(Mode::DIRECTORY)).expect("directories");
    tree.insert(path(name), Entry::File { meta, blob, size }).expect("a place");
}

fn owned(mode: u32, uid: u32, gid: u32) -> Meta {
    Meta { uid, gid, ..Meta::root(Mode::new(mode).expect("a mode")) }
}

/// One of everything that an ISO holds, and what is hard to hold. Owners can read all of it, so that it can be extracted.
fn tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    let noise = |length: u32| -> Vec<u8> {
        (0..length).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
    };
    let plain = || owned(0o644, 0, 0);
    put(&mut tree, blobs, "/etc/motd", plain(), b"Welcome.\n");
    put(&mut tree, blobs, "/etc/empty", plain(), b"");
    put(&mut tree, blobs, "/bin/tool", owned(0o4755, 0, 7), &noise(100_001));
    put(&mut tree, blobs, "/bin/copy", owned(0o600, 1000, u32::MAX - 1), &noise(100_001));
    put(&mut tree, blobs, "/odd/LONG", plain(), b"long");
    put(&mut tree, blobs, &format!("/odd/{}", "n".repeat(253)), plain(), b"longest");
    put(&mut tree, blobs, "/odd/two words", plain(), b"words");
    put(&mut tree, blobs, "/odd/Größe.ä", plain(), b"letters");
    put(&mut tree, blobs, "/odd/a-b.c", plain(), b"first");
    put(&mut tree, blobs, "/odd/a_b.c", plain(), b"second");
    put(&mut tree, blobs, &format!("{}/file", "/deep".repeat(20)), plain(), b"deep");
    for number in 0..300 {
        let content = noise(number * 17);
        put(&mut tree, blobs, &format!("/many/a rather long name {number:03}.text"), plain(), &content);
    }
    let mut insert = |name: &str, entry: Entry| _ = tree.insert(path(name), entry).expect("a place");
    insert("/bin/zool", Entry::HardLink { target: path("/bin/tool") });
    insert("/odd/zool", Entry::HardLink { target: path("/bin/tool") });
    insert("/tmp", Entry::Directory(owned(0o1777, 3, 4)));
    insert("/dev", Entry::directory());
    insert("/dev/pipe", Entry::Fifo(owned(0o640, 5, 6)));
    let device = |kind, major, minor| Entry::Device { meta: owned(0o660, 0, 6), kind, major, minor };
    insert("/dev/null", device(DeviceKind::Char, 1, 3));
    insert("/dev/far", device(DeviceKind::Block, 259, 70_000));
    insert("/links", Entry::directory());
    let far = ["component".repeat(30), "x".repeat(300), "..".to_owned(), "y".to_owned()].join("/");
    for (number, target) in ["/", "../etc/./motd", "/bin/tool", "a//b/", &far].iter().enumerate() {
        insert(&format!("/links/{number}"), Entry::symlink(*target));
    }
    tree
}

fn options() -> iso::Options {
    iso::Options { label: "KIT_TEST".to_owned(), mtime: 1_700_000_000, bios: None, efi: None, hybrid: false }
}

/// A project with the tools and an ISO of the tree.
fn project_with_disc() -> (TestProject, Tree, MemoryBlobs) {
    let project = TestProject::new();
    project.take("recipes/tools.toml").take("lockfiles/tools.lock");
    let blobs = MemoryBlobs::new();
    let tree = tree(&blobs);
    write(&project, DISC, &iso::layout(&tree, &blobs, &options()).expect("it is laid out"), &blobs);
    (project, tree, blobs)
}

/// Runs a program of the tools that read disks.
/// Returns how many names a path's inode has; of a directory 2 and one for each in it.
pub(super) fn links(tree: &Tree, path: &TreePath) -> usize {
    let entry = tree.get(path).expect("it is there");
    if entry.is_directory() {
        return 2 + tree
            .entries()
            .filter(|(p, e)| e.is_directory() && p.parent().as_ref() == Some(path))
            .count();
    }
    let first = match entry {
        Entry::HardLink { target } => target,
        _ => path,
    };
    let linked = |entry: &Entry| matches!(entry, Entry::HardLink { target } if target == first);
    1 + tree.entries().filter(|(_, entry)| linked(entry)).count()
}

/// Returns type and mode as `ls` shows them.
fn kind_and_mode(entry: &Entry) -> String {
    let (kind, mode) = match entry {
        Entry::Directory(meta) => ('d', meta.mode),
        Entry::File { meta, .. } => ('-', meta.mode),
        Entry::Symlink { .. } => ('l', Mode::new(0o777).expect("a mode")),
        Entry::Device { meta, kind: DeviceKind::Char, .. } => ('c', meta.mode),
        Entry::Device { meta, kind: DeviceKind::Block, .. } => ('b', meta.mode),
        Entry::Fifo(meta) => ('p', meta.mode),
        Entry::HardLink { .. } => unreachable!("because the inode is asked"),
    };
    let mut text: Vec<char> = "rwxrwxrwx".chars().collect();
    for (at, letter) in text.iter_mut().enumerate() {
        if mode.bits() & (0o400 >> at) == 0 {
            *letter = '-';
        }
    }
    for (bit, at, letter) in [(0o4000, 2, 's'), (0o2000, 5, 's'), (0o1000, 8, 't')] {
        if mode.bits() & bit != 0 {
            text[at] = if text[at] == 'x' { letter } else { letter.to_ascii_uppercase() };
        }
    }
    std::iter::once(kind).chain(text).collect()
}

fn owner(entry: &Entry) -> (u32, u32) {
    match entry {
        Entry::Symlink { uid, gid, .. } => (*uid, *gid),
        entry => entry.meta().map_or((0, 0), |meta| (meta.uid, meta.gid)),
    }
}

#[test]
fn xorriso_lists_and_extracts_it() {
    let (project, tree, blobs) = project_with_disc();
    let listing = tool(&project, &["xorriso", "-indev", DISC, "-find", "/", "-exec", "lsdl", "--"]);
    let mut seen = std::collections::BTreeSet::new();
    for line in listing.lines().filter(|line| line.contains('\'')) {
        let (words, name) = line.split_once('\'').expect("it is in quotes");
        let words: Vec<&str> = words.split_whitespace().collect();
        let (name, target) = match name.split_once("' -> '") {
            Some((name, target)) => (name, Some(target)),
            None => (name, None),
        };
        let name = name.trim_end_matches('\'');
        let entry = tree.inode(&path(name)).unwrap_or_else(|| panic!("`{name}` is not in the tree"));
        assert_eq!(words[0], kind_and_mode(entry), "{name}");
        let (uid, gid) = owner(entry);
        assert_eq!(words[2..4], [uid.to_string(), gid.to_string()], "{name}");
        if let Entry::Symlink { target: expected, .. } = entry {
            // It shows one slash for two.
            let expected = String::from_utf8(expected.clone()).expect("it is text").replace("//", "/");
            assert_eq!(target.map(|target| target.trim_end_matches('\'')), Some(expected.as_str()), "{name}");
        }
        seen.insert(path(name));
    }
    assert!(seen.iter().eq(tree.entries().map(|(path, _)| path)), "no more and no less: {listing}");
    // Not what is set-uid: the sandbox lets nobody make that.
    tool(&project, &["xorriso", "-osirrox", "on:auto_chmod_on", "-indev", DISC, "-extract", "/many", "many"]);
    for (name, entry) in tree.entries().filter(|(_, entry)| matches!(entry, Entry::File { .. })) {
        let Entry::File { blob, .. } = entry else { continue };
        let name = String::from_utf8(name.as_bytes().to_vec()).expect("it is text");
        if name.starts_with("many") {
            let found = std::fs::read(project.path().join(&name)).expect("it was extracted");
            assert!(found == blobs.read(blob, 1 << 20).expect("it is in memory"), "{name}");
        }
    }
}

#[test]
fn isoinfo_reads_its_names_of_all_kinds() {
    let (project, _, _) = project_with_disc();
    let info = tool(&project, &["isoinfo", "-d", "-i", DISC]);
    for line in ["Volume id: KIT_TEST", "Application id: KIT", "Joliet with UCS level 3 found"] {
        assert!(info.lines().any(|found| found.trim_end() == line), "no `{line}` in {info}");
    }
    assert!(info.contains("Rock Ridge signatures version 1 found"), "{info}");
    let extract = |arguments: &[&str]| tool(&project, &[&["isoinfo", "-i", DISC], arguments].concat());
    assert_eq!(extract(&["-x", "/ODD/A_B.C;1"]), "first");
    assert_eq!(extract(&["-x", "/ODD/A_B2.C;1"]), "second");
    assert_eq!(extract(&["-R", "-x", "/odd/a_b.c"]), "second");
    assert!(extract(&["-J", "-l"]).contains("two words"), "Joliet has long names");
    let deep = format!("{}/file", "/deep".repeat(20));
    assert_eq!(extract(&["-R", "-x", &deep]), "deep");
}

/// What is asked of a mounted disc; `find` of busybox names all that is there.
const ASK: &str = r#"
[[onboot]]
name = "ask"
package = "busybox"
capabilities = ["CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH"]
binds = ["/dev:/dev:rw,dev"]
devices = [{ path = "all", type = "b", access = "rwm" }]
tmpfs = ["/tmp"]
command = ["/bin/sh", "-c", '''
mkdir /tmp/disc
mount -t iso9660 -o ro /dev/vda /tmp/disc || exit 1
cd /tmp/disc
find . -exec stat -c 'stat %A %h %u %g %t,%T %n' {} +
find . -type l -exec sh -c 'for at; do echo "link $(readlink "$at")X $at"; done' sh {} +
find . -type f -exec sha256sum {} +
echo end of the disc
''']
"#;

/// Returns what the machine is to say of the tree, sorted.
fn answers(tree: &Tree, blobs: &MemoryBlobs) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, _) in tree.entries() {
        let bytes = String::from_utf8(path.as_bytes().to_vec()).expect("it is text");
        let name = if path.is_root() { ".".to_owned() } else { format!("./{bytes}") };
        let entry = tree.inode(path).expect("it is there");
        let (uid, gid) = owner(entry);
        let device = match entry {
            Entry::Device { major, minor, .. } => format!("{major:x},{minor:x}"),
            _ => "0,0".to_owned(),
        };
        lines.push(format!(
            "stat {} {} {uid} {gid} {device} {name}",
            kind_and_mode(entry),
            links(tree, path)
        ));
        match entry {
            Entry::Symlink { target, .. } => {
                let target = String::from_utf8(target.clone()).expect("it is text");
                lines.push(format!("link {target}X {name}"));
            }
            Entry::File { blob, .. } => {
                let content = blobs.read(blob, 1 << 20).expect("it is in memory");
                lines.push(format!("{}  {name}", kit_hash::Sha256::of(&content)));
            }
            _ => {}
        }
    }
    lines.sort();
    lines
}

#[test]
fn the_kernel_mounts_it_as_the_same_tree() {
    let project = booted::project(r#""virtio_pci", "virtio_blk", "isofs""#, ASK);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    let blobs = MemoryBlobs::new();
    let tree = tree(&blobs);
    write(&project, DISC, &iso::layout(&tree, &blobs, &options()).expect("it is laid out"), &blobs);
    let mut machine = Machine::start(&project, "minimal", "console", &disks(&[DISC]));
    machine.wait_for("ask: end of the disc\n");
    let printed = machine.printed();
    let mut said: Vec<_> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("ask: "))
        .filter(|line| *line != "end of the disc")
        .map(str::to_owned)
        .collect();
    said.sort();
    let expected = answers(&tree, &blobs);
    for (said, expected) in said.iter().zip(&expected) {
        assert_eq!(said, expected);
    }
    assert_eq!(said.len(), expected.len());
    record("kernel+iso", Seen::ReadBy("Linux"));
}

/// The images of the package `bios-boot`, out of the store.
struct Loader(BTreeMap<String, Vec<u8>>);

impl Loader {
    fn of(project: &TestProject) -> Self {
        // it has no program, but is built before that is seen
        project.kit(&["tool", "bios-boot", "--", "none"]).failed(2, &["kit::tool::start"]);
        let lock = Lockfile::parse(&project.read("lockfiles/tools.lock")).expect("kit reads it");
        let directory = Dir::open_ambient_dir(project.store(), ambient_authority()).expect("it is there");
        let store = Store::open(directory, project.store()).expect("a store");
        let tree = store.tree(&lock.steps["package bios-boot"].tree).expect("it was built");
        let images = tree.entries().filter_map(|(path, entry)| match entry {
            Entry::File { blob, .. } => {
                let name = path.to_string().strip_prefix(grub::PLACE)?.trim_start_matches('/').to_owned();
                Some((name, store.read(blob, 1 << 20).expect("it is in the store")))
            }
            _ => None,
        });
        Self(images.collect())
    }

    fn image(&self, name: &str) -> &[u8] {
        self.0.get(name).unwrap_or_else(|| panic!("no `{name}`"))
    }
}

/// A project with `minimal`, built; the loader; what it loads as a tree.
fn project_to_boot() -> (TestProject, Loader, Tree, MemoryBlobs) {
    let project = TestProject::new();
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
    project.take("recipes/tools.toml").take("lockfiles/tools.lock");
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    let loader = Loader::of(&project);
    let (blobs, mut tree) = (MemoryBlobs::new(), Tree::new());
    let output = |name: &str| std::fs::read(project.path().join("out").join(name)).expect("it was built");
    let plain = || owned(0o644, 0, 0);
    put(&mut tree, &blobs, "/boot/kernel", plain(), &output("minimal-kernel"));
    put(&mut tree, &blobs, "/boot/initrd", plain(), &output("minimal-initrd.img"));
    let command_line = project.read("out/minimal-cmdline") + " said=$by[the]loader";
    let configuration = grub::configuration(&command_line).expect("it can be said");
    put(&mut tree, &blobs, grub::CONFIGURATION, plain(), configuration.as_bytes());
    (project, loader, tree, blobs)
}

#[test]
fn a_bios_starts_an_iso_from_a_disc_and_from_a_disk() {
    let (project, loader, mut tree, blobs) = project_to_boot();
    let image = "/boot/grub/eltorito.img";
    put(&mut tree, &blobs, image, owned(0o644, 0, 0), loader.image("eltorito.img"));
    let bios = BiosBoot { image: path(image), hybrid_mbr: Some(loader.image("hybrid.img").to_vec()) };
    let mut efi = Layout::new();
    efi.zeros_to("a file system", 5 << 20);
    let options = iso::Options { bios: Some(bios), efi: Some(efi), hybrid: true, ..options() };
    write(&project, DISC, &iso::layout(&tree, &blobs, &options).expect("it is laid out"), &blobs);
    let report = ["xorriso", "-indev", DISC, "-report_el_torito", "plain", "-report_system_area", "plain"];
    let report: Vec<String> =
        tool(&project, &report).lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let has =
        |text: &str| assert!(report.iter().any(|line| line.starts_with(text)), "no `{text}`: {report:?}");
    has("El Torito boot img : 1 BIOS y none 0x0000 0x00 4 ");
    has("El Torito boot img : 2 UEFI y none 0x0000 0x00 10240 ");
    has("El Torito img path : 1 /boot/grub/eltorito.img");
    has("El Torito img opts : 1 boot-info-table grub2-boot-info");
    has("System area summary: MBR grub2-mbr cyl-align-off");
    has("MBR partition : 1 0x80 0xcd 0 ");
    has("MBR partition : 2 0x00 0xef ");
    for (console, drive) in [("disc", "-cdrom disc.iso"), ("disk", "-drive file=disc.iso,format=raw")] {
        let mut machine = Machine::bare(&project, console, drive);
        machine.wait_for("shell: ready");
    }
}

#[test]
fn a_bios_starts_disks_with_both_partition_tables() {
    let (project, loader, tree, blobs) = project_to_boot();
    let file_system = || {
        let options = fat::Options {
            label: String::new(),
            mtime: 1_700_000_000,
            size: fat::Size::Fitting { spare: 0 },
            hidden_sectors: 0,
            kind: None,
            seed: [0; 32],
        };
        fat::layout(&tree, &options).expect("it is laid out")
    };
    let core = |first| {
        let mut layout = Layout::new();
        layout.bytes("GRUB", grub::core(loader.image("core.img"), first).expect("it is GRUB"));
        layout
    };
    let code = |first| Some(grub::boot_code(loader.image("boot.img"), first).expect("it is GRUB"));
    let first = 2048;
    let partition = |kind, number, content: Layout| gpt::Partition {
        kind,
        id: Guid::from_bytes([number; 16]),
        label: String::new(),
        attributes: 0,
        size: content.len(),
        content,
        mbr: None,
    };
    let partitions =
        vec![partition(Guid::BIOS_BOOT, 1, core(first)), partition(Guid::XBOOTLDR, 2, file_system())];
    let options =
        gpt::Options { id: Guid::from_bytes([3; 16]), size: None, boot_code: code(first), hybrid: false };
    let disk = gpt::layout(partitions, &options).expect("it is laid out");
    write(&project, "gpt.img", &disk, &blobs);
    let content = file_system();
    let partition = mbr::Partition { kind: 0x0c, active: true, size: content.len(), content };
    let options = mbr::Options { signature: 7, size: None, boot_code: code(1), loader: core(1) };
    write(&project, "mbr.img", &mbr::layout(vec![partition], &options).expect("it is laid out"), &blobs);
    for name in ["gpt.img", "mbr.img"] {
        let drive = format!("-drive file={name},format=raw");
        let mut machine = Machine::bare(
            &project,
            Path::new(name).with_extension("console").to_str().expect("text"),
            &drive,
        );
        machine.wait_for("shell: ready");
    }
}
