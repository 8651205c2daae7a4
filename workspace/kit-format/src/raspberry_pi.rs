//! The files that a Raspberry Pi starts from: what its firmware reads on the first FAT partition of a card.
//!
//! | file | what |
//! |---|---|
//! | `bootcode.bin` | read by the ROM of boards before the 4 |
//! | `start.elf`, `fixup.dat` | the firmware of boards before the 4 |
//! | `start4.elf`, `fixup4.dat` | that of the 4; of the 5 it is on the board |
//! | `config.txt` | [`configuration()`]: what the firmware is to start |
//! | `cmdline.txt` | the kernel's command line, one line, which the firmware adds words of its own to |
//! | `kernel8.img`, `initrd.img` | kernel and initrd |
//! | `bcm2711-rpi-4-b.dtb` and the like | device trees under Linux's names, of which the firmware takes the board's |
//!
//! The names are those of Raspberry Pi's documentation, section `config.txt`.

/// Names the exact bytes that are made here.
pub const REVISION: u32 = 1;

/// Where Debian's `raspi-firmware` has the firmware.
pub const PLACE: &str = "/usr/lib/raspi-firmware";

/// What is taken of it.
pub const FIRMWARE: [&str; 5] = ["bootcode.bin", "fixup.dat", "fixup4.dat", "start.elf", "start4.elf"];

/// The kernel's file.
pub const KERNEL: &str = "kernel8.img";

/// The initrd's file.
pub const INITRD: &str = "initrd.img";

/// The command line's file.
pub const COMMAND_LINE: &str = "cmdline.txt";

/// The file that the firmware reads first.
pub const CONFIGURATION: &str = "config.txt";

/// The longest command line that the kernel takes, in bytes.
const COMMAND_LINE_LIMIT: usize = 2047;

/// Where the kernel's header has its mark, and the mark.
const MARK: (usize, &[u8]) = (0x38, b"ARM\x64");

/// Bytes of a kernel that [`is_kernel`] looks at.
pub const HEADER: u64 = 0x40;

/// Why there is nothing to start from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RaspberryPiError {
    /// The command line doesn't fit into the kernel's.
    #[error(
        "the command line has {size} bytes, more than the {COMMAND_LINE_LIMIT} that a kernel for arm64 takes"
    )]
    Long {
        /// Bytes that it has.
        size: usize,
    },
    /// The command line has more lines than one.
    #[error("the firmware reads one line of a command line, and this one has a line break: `{command_line}`")]
    Lines {
        /// The command line.
        command_line: String,
    },
}

/// Returns `config.txt`.
///
/// `upstream_kernel` makes the firmware look for device trees by Linux's names; `enable_uart` keeps the clock of the serial port still and
/// makes the kernel use it; `followkernel` puts the initrd behind the kernel.
pub fn configuration() -> String {
    format!(
        "# Written by kit.\narm_64bit=1\nupstream_kernel=1\nenable_uart=1\nkernel={KERNEL}\ninitramfs {INITRD} followkernel\n"
    )
}

/// Returns `cmdline.txt`.
pub fn command_line(text: &str) -> Result<String, RaspberryPiError> {
    let text = text.trim();
    if text.contains(['\n', '\r', '\0']) {
        return Err(RaspberryPiError::Lines { command_line: text.to_owned() });
    }
    if text.len() > COMMAND_LINE_LIMIT {
        return Err(RaspberryPiError::Long { size: text.len() });
    }
    Ok(format!("{text}\n"))
}

/// Whether these are the first bytes of a kernel for arm64.
pub fn is_kernel(start: &[u8]) -> bool {
    start.get(MARK.0..).is_some_and(|rest| rest.starts_with(MARK.1))
}

/// Returns the name of a device tree for one of the boards, by its path in the tree of a kernel's package.
pub fn device_tree(path: &[u8]) -> Option<&str> {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let name = std::str::from_utf8(parts.next()?).ok()?;
    let is_one = name.strip_suffix(".dtb")?.starts_with("bcm2") && name.contains("-rpi-");
    (is_one && parts.next()? == b"broadcom").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_what_lies_beside_it() {
        assert_eq!(
            configuration(),
            "# Written by kit.\narm_64bit=1\nupstream_kernel=1\nenable_uart=1\nkernel=kernel8.img\n\
             initramfs initrd.img followkernel\n"
        );
    }

    #[test]
    fn a_command_line_is_one_line_that_the_kernel_takes() {
        assert_eq!(command_line("quiet  kit.pin=1 ").unwrap(), "quiet  kit.pin=1\n");
        let lines = RaspberryPiError::Lines { command_line: "a\nb".to_owned() };
        assert_eq!(command_line("a\nb"), Err(lines));
        assert_eq!(command_line(&"a".repeat(2047)).map(|line| line.len()), Ok(2048));
        assert_eq!(command_line(&"a".repeat(2048)), Err(RaspberryPiError::Long { size: 2048 }));
    }

    #[test]
    fn kernels_are_told_by_their_mark() {
        let mut kernel = [0; 64];
        assert!(!is_kernel(&kernel));
        kernel[0x38..0x3c].copy_from_slice(b"ARMd");
        assert!(is_kernel(&kernel));
        assert!(!is_kernel(&kernel[..0x3b]));
    }

    #[test]
    fn device_trees_of_other_boards_stay_away() {
        let name = "usr/lib/linux-image-6.1.0-50-arm64/broadcom/bcm2711-rpi-4-b.dtb";
        assert_eq!(device_tree(name.as_bytes()), Some("bcm2711-rpi-4-b.dtb"));
        for other in [
            "broadcom/stingray/bcm958742k.dtb",
            "usr/lib/linux-image-1/rockchip/rk3399-rpi-.dtb",
            "usr/lib/linux-image-1/broadcom/bcm2711-rpi-4-b.dts",
            "bcm2711-rpi-4-b.dtb",
            "",
        ] {
            assert_eq!(device_tree(other.as_bytes()), None);
        }
    }
}
