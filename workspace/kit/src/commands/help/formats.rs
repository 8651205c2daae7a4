//! The output formats, for `kit help formats`.

use crate::text::Text;

/// A format's word, the files that it is written to, and what it is for. `N` is the image's name.
type Line = (&'static str, &'static str, &'static str);

/// Groups of formats, each with its title.
const GROUPS: [(&str, &[Line]); 6] = [
    (
        "Kernel and initrd, for QEMU, Firecracker, kexec and boot loaders",
        &[
            ("kernel+initrd", "N-kernel, N-initrd.img, N-cmdline", "the root is in the initrd"),
            ("tar-kernel-initrd", "N-boot.tar", "the same in an archive"),
            ("kernel+erofs", "N-erofs.img, N-erofs-kernel, …", "the root on a disk of its own: EROFS"),
            ("kernel+squashfs", "N-squashfs.img, …", "SquashFS"),
            ("kernel+iso", "N-root.iso, …", "ISO 9660"),
            ("kernel+ext4", "N-ext4.img, …", "ext4, which can be written to"),
            ("ipxe", "N-ipxe/", "boots over the network, see `kit serve`"),
            ("lcow", "N-lcow/", "Linux containers on Windows"),
        ],
    ),
    (
        "What firmware starts",
        &[
            ("uki", "N.efi", "one program for UEFI"),
            ("iso-bios", "N-bios.iso", "a disc or stick for a BIOS"),
            ("iso-efi", "N-efi.iso", "for UEFI"),
            ("iso-hybrid", "N.iso", "for either"),
            ("iso-efi-initrd", "N-efi-initrd.iso", "for UEFI, not needed once it runs"),
            ("raw-bios", "N-bios.img", "a disk for a BIOS"),
            ("raw-efi", "N-efi.img", "for UEFI"),
            ("raw-hybrid", "N.img", "for either"),
            ("rpi", "N-rpi.tar", "files for the card of a Raspberry Pi"),
            ("rpi-disk", "N-rpi.img", "the card"),
        ],
    ),
    (
        "The disk in a container; with `-bios` or `-efi` behind the format for one firmware alone",
        &[
            ("raw.gz", "N.img.gz", "compressed"),
            ("raw.zst", "N.img.zst", "compressed"),
            ("qcow2", "N.qcow2", "QEMU, OpenStack"),
            ("qcow2+zlib", "N-zlib.qcow2", "compressed"),
            ("qcow2+zstd", "N-zstd.qcow2", "compressed, from QEMU 5.1 on"),
            ("vhd", "N.vhd", "Hyper-V, generation 1"),
            ("dynamic-vhd", "N-dynamic.vhd", "without what is empty"),
            ("vhdx", "N.vhdx", "Hyper-V"),
            ("vmdk", "N.vmdk", "VMware"),
            ("vdi", "N.vdi", "VirtualBox"),
            ("ova", "N.ova", "VMware and VirtualBox: disk and description"),
            ("gcp", "N-gcp.tar.gz", "Google's cloud"),
            ("azure", "N-azure.vhd", "Azure"),
            ("aws", "N-aws.raw", "Amazon's cloud"),
        ],
    ),
    (
        "For UEFI alone",
        &[
            ("hyper-v", "N-hyper-v.vhdx", "Hyper-V, generation 2, with its drivers"),
            ("update", "N-update/", "replaces one of two systems on a disk"),
        ],
    ),
    (
        "Archives and containers",
        &[
            ("tar", "N.tar", "the root file system"),
            ("tar+gzip", "N.tar.gz", "compressed"),
            ("tar+zstd", "N.tar.zst", "compressed"),
            ("oci", "N.oci/", "an OCI image layout"),
            ("docker-archive", "N.docker.tar", "for `docker load`"),
        ],
    ),
    (
        "Extensions, of images with `[extension]`",
        &[
            ("sysext", "N.sysext.raw", "systemd lays it over /usr and /opt"),
            ("confext", "N.confext.raw", "over /etc"),
        ],
    ),
];

/// Returns the table.
pub(super) fn table() -> String {
    let mut text = Text::default();
    text.line("Output formats, for `[image] formats` in recipes and for `--format`. N is the image's name.");
    for (title, formats) in GROUPS {
        text.line(format_args!("\n{title}:"));
        for (word, files, what) in formats {
            text.line(format_args!("  {word:<18} {files:<34} {what}"));
        }
    }
    text.line("\n`[disk]` in recipes says what is on disks. What boots: `kit run IMAGE --format FORMAT`.");
    text.into_string()
}

#[cfg(test)]
mod tests {
    use kit_recipe::image::Format;

    #[test]
    fn each_format_that_is_listed_has_its_line() {
        let words = super::GROUPS.iter().flat_map(|(_, formats)| *formats).map(|(word, ..)| *word);
        let told: std::collections::BTreeSet<_> = words.collect();
        assert_eq!(told, Format::listed().collect(), "those of help, and those there are");
    }

    #[test]
    fn its_lines_fit_on_a_terminal() {
        let table = super::table();
        let longest = table.lines().max_by_key(|line| line.chars().count()).expect("a line");
        assert!(longest.chars().count() <= 100, "{longest}");
    }
}
