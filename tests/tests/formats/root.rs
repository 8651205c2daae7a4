//! Roots that aren't copied: booted from a file system, checked by a hash tree.

use kit_hash::Sha256;
use kit_tests::TestProject;
use kit_tests::booted::{anyone_may, empty_disk, head, project};
use kit_tests::deb::Tar;
use kit_tests::image::{INDEX, Image, MANIFEST, descriptor};
use kit_tests::machine::{Machine, disks};
use serde_json::json;

/// A container whose root has what file systems get wrong, and that shows all of it as the kernel sees it: an archive with names,
/// modes, owners, times and contents (the kernel knows no links on a disc, it only counts them), and one with the extended attributes as well.
const LOOK: &str = r#"
[init]
packages = ["init"]

[[directory]]
path = "/var"

[[onboot]]
name = "look"
package = "odd"
capabilities = ["CAP_DAC_READ_SEARCH"]
command = ["/bin/sh", "-c", '''
cd /odd
tar="/usr/bin/tar --create --sort=name --format=posix --pax-option=delete=atime,delete=ctime"
echo "all $($tar --hard-dereference . | sha256sum)"
echo "attributes $($tar --xattrs --xattrs-include=* . | sha256sum)"
echo "value $($tar --xattrs --xattrs-include=* . | grep -ao 'SCHILY.xattr.user.kit=[a-z]*')"
echo "links $(stat -c %h first second | tr '\n' ' ')"
''']

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/sh", "-c", "echo ready; exec sleep inf"]
"#;

pub(super) const ODD: &str = r#"
[package]
name = "odd"

[sources.layer]
image = "oci-archive:odd.tar"

[tree]
packages = ["gnu-tar", "shell-tools"]

[[file]]
path = "/odd/owned"
contents = "x"
mode = "0640"
uid = 1000
gid = 4294967294

[[file]]
path = "/odd/nobody"
contents = "secret"
mode = "0000"

[[file]]
path = "/odd/empty"
contents = ""

[[file]]
path = "/odd/Größe mit Leerzeichen"
contents = "ä"

[[file]]
path = "/odd/LONG/LONG"
contents = "long"

[[directory]]
path = "/odd/sticky"
mode = "1777"
uid = 7

[[symlink]]
path = "/odd/link"
target = "LONG/LONG/LONG/LONG"
"#;

/// An image in an archive, with what recipes can't say; not every format has attributes.
pub(super) fn layer(with_attribute: bool) -> Vec<u8> {
    let large: Vec<u8> = (0..300_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
    let tar = Tar::default()
        .set_user_id("odd/setuid", b"x")
        .file("odd/first", b"linked")
        .hard_link("odd/second", "odd/first")
        .file("odd/large", &large);
    let tar =
        if with_attribute { tar.with_attribute("odd/attribute", b"x", "user.kit", b"kept") } else { tar };
    let image = Image::new(&[tar.end()]);
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(MANIFEST, &image.manifest())] });
    let layout = Tar::default()
        .file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
        .file("index.json", index.to_string().as_bytes());
    let blobs = image.blobs();
    blobs.iter().fold(layout, |tar, blob| tar.file(&format!("blobs/sha256/{}", Sha256::of(blob)), blob)).end()
}

/// Makes a project whose image `minimal` looks at itself; `more` stands in its recipe.
fn looking(formats: &str, more: &str, with_attribute: bool) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let head = head("minimal", "").replace("\"kernel+initrd\"", formats);
    project.write("recipes/images/minimal.toml", &(head + LOOK + more));
    project.write("recipes/packages/odd.toml", &ODD.replace("LONG", &"long-name-".repeat(20)));
    project.write_bytes("odd.tar", &layer(with_attribute));
    project.kit(&["lock", "minimal"]).succeeded();
    project
}

/// Returns what the machine's container printed of a thing.
fn seen(printed: &str, what: &str) -> String {
    let start = format!("look: {what} ");
    let line = printed.lines().find_map(|line| line.trim_end().strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no `{start}` in:\n{printed}")).to_owned()
}

/// Boots the kernel and initrd whose files are called so to the service's line.
fn booted(project: &TestProject, files: &str, disk: &[&str]) -> String {
    let mut machine = Machine::start(project, files, &format!("console-{files}"), &disks(disk));
    machine.wait_for("shell: ready");
    machine.printed()
}

#[test]
fn the_kernel_sees_the_same_in_each_file_system() {
    let formats = r#""kernel+initrd", "kernel+erofs", "kernel+squashfs", "kernel+iso", "kernel+ext4""#;
    let project = looking(formats, "", false);
    project.kit(&["build", "minimal"]).succeeded();
    let copied = booted(&project, "minimal", &[]);
    assert_eq!(seen(&copied, "links"), "2 2");
    for (kind, file) in [
        ("erofs", "minimal-erofs.img"),
        ("squashfs", "minimal-squashfs.img"),
        ("iso9660", "minimal-root.iso"),
        ("ext4", "minimal-ext4.img"),
    ] {
        let printed = booted(&project, &format!("minimal-{kind}"), &[&format!("out/{file}")]);
        assert!(printed.contains(&format!("kit-init: the root is {kind} on /dev/vda")), "{printed}");
        for what in ["all", "links"] {
            assert_eq!(seen(&printed, what), seen(&copied, what), "{what} in {kind}:\n{printed}");
        }
    }
}

#[test]
fn attributes_are_the_same_in_each_that_has_them() {
    let project = looking(r#""kernel+erofs", "kernel+squashfs", "kernel+ext4""#, "", true);
    project.kit(&["build", "minimal"]).succeeded();
    let erofs = booted(&project, "minimal-erofs", &["out/minimal-erofs.img"]);
    let squashfs = booted(&project, "minimal-squashfs", &["out/minimal-squashfs.img"]);
    let ext4 = booted(&project, "minimal-ext4", &["out/minimal-ext4.img"]);
    assert_eq!(seen(&erofs, "value"), "SCHILY.xattr.user.kit=kept");
    assert_eq!(seen(&erofs, "attributes"), seen(&squashfs, "attributes"));
    assert_eq!(seen(&erofs, "attributes"), seen(&ext4, "attributes"));
    assert_ne!(seen(&erofs, "attributes"), seen(&erofs, "all"));
}

/// What a container keeps in the root itself.
const KEEP: &str = r#"
[init]
packages = ["init"]

[[directory]]
path = "/var/kept"

[[service]]
name = "keep"
package = "busybox"
binds = ["/var/kept:/kept:rw"]
command = ["/bin/sh", "-c", '''
cat /kept/it
echo what stays > /kept/it
for number in $(seq 300); do echo $number > "/kept/many/another of many, $number"; done
echo "names $(ls /kept/many | wc -l), contents $(cat /kept/many/* | sort -u | wc -l)"
echo "room $(df -k /kept | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2)"
sync
echo done
exec sleep inf
''']
"#;

#[test]
fn what_is_written_to_ext4_stays() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let head = head("minimal", "").replace("\"kernel+initrd\"", r#""raw-bios", "kernel+ext4""#);
    let disk = "\n[disk]\nroot = \"ext4\"\nroot-size = \"320M\"\n";
    // So many that Linux goes by hashes to write more of them.
    let file = |number| {
        format!("\n[[file]]\npath = \"/var/kept/many/one of many, {number}\"\ncontents = \"{number}\\n\"\n")
    };
    let many: String = (200..600).map(file).collect();
    project.write("recipes/images/minimal.toml", &(head + KEEP + disk + &many));
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    // Each machine ends as by a failure of power: the next one replays the journal.
    for file in ["minimal-bios.img", "minimal-ext4.img"] {
        let bytes = std::fs::read(project.path().join("out").join(file)).expect("it was built");
        project.write_bytes(file, &bytes);
        anyone_may(&project.path().join(file), 0o666);
        for (console, words) in [("first", "keep: cat: can't open"), ("second", "keep: what stays")] {
            let console = format!("{console}-{file}");
            let mut machine = if file == "minimal-bios.img" {
                Machine::bare(&project, &console, &disks(&[file]))
            } else {
                Machine::start(&project, "minimal-ext4", &console, &disks(&[file]))
            };
            machine.wait_for(words);
            machine.wait_for("keep: names 700, contents 599\n");
            machine.wait_for("keep: done");
            let room = machine
                .printed()
                .lines()
                .find_map(|line| line.trim_end().strip_prefix("keep: room ")?.parse().ok());
            assert!(matches!(room, Some(250_000..=327_680)), "{}", machine.printed());
            assert!(
                machine.printed().contains("kit-init: the root is ext4 on /dev/vda"),
                "{}",
                machine.printed()
            );
        }
    }
    // One that ends in order leaves a file system that has all in its place.
    let kept = |file| {
        let run = ["run", file, "--persistent", "--until", "keep: done", "--timeout", "300"];
        project.kit(&run).succeeded();
    };
    kept("minimal-bios.img");
    let disk = std::fs::read(project.path().join("minimal-bios.img")).expect("it was written to");
    let start = place(&disk, 1024 + 0x38, b"\x53\xef");
    project.write_bytes("root.img", &disk[start..start + (320 << 20)]);
    let said = project.kit(&["tool", "disk-tools", "--", "e2fsck", "-fn", "root.img"]).succeeded().stdout;
    assert!(said.contains("Pass 5") && !said.contains("Fix"), "{said}");
    // Beside a kernel there is a root to write to, too.
    kept("out/minimal-ext4-kernel");
    for root in ["root.img", "out/minimal-ext4.img"] {
        let read = ["tool", "disk-tools", "--", "debugfs", "-R", "cat /var/kept/it", root];
        assert_eq!(project.kit(&read).succeeded().stdout, "what stays\n", "{root}");
    }
    project.kit(&["run", "minimal", "--persistent"]).failed(2, &["kit::run::image_is_forgotten"]);
}

/// A kernel of one piece, by its configuration.
const BARE: &str = r#"
[package]
name = "kernel-debian"

[[file]]
path = "/boot/vmlinuz"
contents = "not one"

[[file]]
path = "/boot/config"
contents = "CONFIG_SQUASHFS=y\n# CONFIG_EROFS_FS is not set\nCONFIG_ISO9660_FS=m\n"
"#;

#[test]
fn a_kernel_without_the_driver_is_told_when_it_is_built() {
    let project = project("", "");
    let recipe = project.read("recipes/images/minimal.toml");
    project.write("recipes/packages/kernel-debian.toml", BARE);
    let lock = |format: &str| {
        let text = recipe.replace("kernel+initrd", format);
        project.write("recipes/images/minimal.toml", &text);
        project.kit(&["lock", "minimal"])
    };
    for (format, driver, option) in [
        ("kernel+erofs", "erofs", "CONFIG_EROFS_FS=y"),
        ("kernel+iso", "isofs", "CONFIG_ISO9660_FS=y"),
        ("kernel+ext4", "ext4", "CONFIG_EXT4_FS=y"),
    ] {
        let words = format!(
            "the root of minimal needs the driver {driver}, which the kernel of package kernel-debian lacks"
        );
        lock(format).failed(1, &[&words, option]);
    }
    lock("kernel+squashfs").succeeded();
}

/// Where a disk has something that begins like this in one of its partitions, which begin at whole MiB.
fn place(disk: &[u8], skipped: usize, beginning: &[u8]) -> usize {
    let mut starts = (0..disk.len()).step_by(1 << 20);
    let found = starts.find(|start| disk[start + skipped..].starts_with(beginning));
    found.unwrap_or_else(|| panic!("nothing on the disk begins with {beginning:?}"))
}

/// Where a file system has the first extent of the first process.
fn place_of_init(project: &TestProject) -> usize {
    let dump =
        ["tool", "disk-tools", "--", "dump.erofs", "--path=/usr/bin/kit-init", "-e", "out/minimal-erofs.img"];
    let dump = project.kit(&dump).succeeded().stdout;
    let extent = dump.lines().find_map(|line| line.trim().strip_prefix("0: ")).expect("it has an extent");
    let physical = extent.rsplit(':').next().and_then(|text| text.split("..").next());
    physical.and_then(|text| text.trim().parse().ok()).unwrap_or_else(|| panic!("{dump}"))
}

#[test]
fn one_flipped_byte_is_refused_at_boot() {
    let formats = r#""raw-bios", "kernel+erofs""#;
    let project = looking(formats, "\n[disk]\nroot = \"erofs\"\nverity = true\n", true);
    project.kit(&["build", "minimal"]).succeeded();
    let good = std::fs::read(project.path().join("out/minimal-bios.img")).expect("it was built");
    let boot = |console: &str, flipped: Option<usize>| {
        let mut bytes = good.clone();
        if let Some(place) = flipped {
            bytes[place] ^= 1;
        }
        let file = format!("{console}.img");
        project.write_bytes(&file, &bytes);
        anyone_may(&project.path().join(&file), 0o666);
        Machine::bare(&project, console, &disks(&[&file]))
    };
    let mut machine = boot("good", None);
    machine.wait_for("shell: ready");
    assert!(machine.printed().contains(", checked by /dev/vda"), "{}", machine.printed());
    assert_eq!(seen(&machine.printed(), "value"), "SCHILY.xattr.user.kit=kept");
    drop(machine);

    let root = place(&good, 1024, b"\xe2\xe1\xf5\xe0");
    let physical = place_of_init(&project);
    let digests = place(&good, 0, b"verity\0\0");
    for (console, flipped, words) in [
        ("superblock", root + 1024 + 90, "it isn't what kit.roothash says"),
        ("digests", digests + 4096 + 5, "it isn't what kit.roothash says"),
        ("program", root + physical + 100, "cannot read /init of the root"),
    ] {
        let mut machine = boot(console, Some(flipped));
        machine.wait_for("kit-init: powering off");
        let printed = machine.printed();
        assert!(printed.contains("kit-init: boot failed: ") && printed.contains(words), "{printed}");
        assert!(!printed.contains("kit-init: up"), "{printed}");
    }
}

#[test]
fn what_becomes_of_a_flipped_byte_is_said_on_the_command_line() {
    let formats = r#""raw-bios", "kernel+erofs""#;
    let project = looking(formats, "\n[disk]\nroot = \"erofs\"\nverity = true\n", false);
    let recipe = project.read("recipes/images/minimal.toml");
    for (word, said) in [
        ("panic", "Kernel panic - not syncing: dm-verity device corrupted"),
        ("reboot", "Restarting system with command 'dm-verity device corrupted'"),
        ("perhaps", "it is none of error, reboot and panic"),
    ] {
        let cmdline = format!("cryptomgr.notests kit.on-corruption={word}");
        project.write("recipes/images/minimal.toml", &recipe.replace("cryptomgr.notests", &cmdline));
        project.kit(&["lock", "minimal"]).succeeded();
        project.kit(&["build", "minimal"]).succeeded();
        let mut disk = std::fs::read(project.path().join("out/minimal-bios.img")).expect("it was built");
        let at = place(&disk, 1024, b"\xe2\xe1\xf5\xe0") + place_of_init(&project) + 100;
        disk[at] ^= 1;
        let file = format!("{word}.img");
        project.write_bytes(&file, &disk);
        anyone_may(&project.path().join(&file), 0o666);
        let mut machine = Machine::bare(&project, word, &disks(&[&file]));
        machine.wait_for(said);
        assert!(!machine.printed().contains("kit-init: up"), "{}", machine.printed());
    }
}

#[test]
fn a_partition_that_is_called_so_is_formatted_and_kept() {
    let parts = r#"
[[onboot]]
name = "format"
package = "format"

[[onboot]]
name = "mount"
package = "mount"

[[service]]
name = "keep"
package = "busybox"
binds = ["/var/lib:/var/lib:rw"]
command = ["/bin/sh", "-c", "cat /var/lib/kept; echo what stays > /var/lib/kept; sync; echo done"]
"#;
    let project = project(r#""virtio_pci", "virtio_blk""#, parts);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    empty_disk(&project, "disk.img", 64);
    let table = "tool disk-tools -- sgdisk -n 1:2048:4095 -c 1:other -n 2:4096:0 -c 2:data disk.img";
    project.kit(&table.split(' ').collect::<Vec<_>>()).succeeded();
    anyone_may(&project.path().join("disk.img"), 0o666);
    for (console, words) in [("first", "format: /dev/vda2 is data now"), ("second", "keep: what stays")] {
        let mut machine = Machine::start(&project, "minimal", console, &disks(&["disk.img"]));
        machine.wait_for(words);
        machine.wait_for("mount: /dev/vda2 is at /var/lib");
        machine.wait_for("keep: done");
    }
}
