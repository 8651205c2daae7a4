//! Every key of disks and of extensions counts.

use super::every_change_counts;

const DISK: &str = r#"
[image]
name = "router"
formats = ["raw-efi"]

[kernel]
package = "kernel"
initrd = "xz"
devicetree = "/boot/board.dtb"

[disk]
root = "erofs"
verity = true
size = "1G"
data = "64M"
esp = "32M"
compression = "zstd"
find = "label"
labels = { esp = "boot", fat = "FIRMWARE", root = "system", data = "state" }
"#;

#[test]
fn every_key_of_a_disk_counts() {
    every_change_counts(
        "image router",
        DISK,
        r#"
root = "erofs" => root = "squashfs"
verity = true => verity = false
size = "1G" => size = "2G"
data = "64M" => data = "65M"
initrd = "xz" => initrd = "gzip"
initrd = "xz" => initrd = "zstd"
devicetree = "/boot/board.dtb" => devicetree = "/boot/other.dtb"
esp = "32M" => esp = "33M"
compression = "zstd" => compression = "lz4"
find = "label" => find = "type"
esp = "boot" => esp = "other"
fat = "FIRMWARE" => fat = "OTHER"
root = "system" => root = "other"
data = "state" => data = "other"
"#,
    );
}

#[test]
fn the_size_of_a_root_counts() {
    every_change_counts(
        "image router",
        &DISK
            .replace("root = \"erofs\"\nverity = true", "root = \"ext4\"\nroot-size = \"1G\"")
            .replace("compression = \"zstd\"\n", ""),
        r#"
root-size = "1G" => root-size = "2G"
root-size = "1G"⏎ => 
"#,
    );
}

const EXTENSION: &str = r#"
[image]
name = "debug"
formats = ["sysext"]

[extension]
packages = ["strace"]
id = "debian"
version-id = "12"
level = "1.0"
scope = ["system", "portable"]
"#;

#[test]
fn every_key_of_an_extension_counts() {
    every_change_counts(
        "image debug",
        EXTENSION,
        r#"
packages = ["strace"] => packages = ["ltrace"]
id = "debian" => id = "ubuntu"
version-id = "12" => version-id = "13"
version-id = "12" => 
level = "1.0" => level = "1.1"
level = "1.0" => 
scope = ["system", "portable"] => scope = ["system"]
scope = ["system", "portable"] => scope = ["portable", "system"]
scope = ["system", "portable"] => ⏎[disk]⏎root = "erofs"
"#,
    );
}

#[test]
fn every_key_of_slots_counts() {
    let text = DISK.replace("\nformats", "\nversion = \"1\"\nformats").replace("find = \"label\"\n", "")
        + "slots = 2\nslot-size = \"32M\"\nupdates = \"https://updates.example.com/\"\n";
    every_change_counts(
        "image router",
        &text,
        r#"
root = "erofs" => root = "squashfs"
slot-size = "32M" => slot-size = "33M"
slot-size = "32M"⏎ => 
slots = 2⏎slot-size = "32M"⏎updates = "https://updates.example.com/"⏎ => slots = 1⏎
updates = "https://updates.example.com/" => updates = "https://updates.example.com/router/"
updates = "https://updates.example.com/"⏎ => 
version = "1" => version = "2"
version = "1"⏎ => 
"#,
    );
}
