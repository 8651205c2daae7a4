//! A script for iPXE that boots a kernel over the network.
//!
//! ```text
//! #!ipxe
//! kernel --name kernel NAME-kernel initrd=initrd.img CMDLINE
//! initrd --name initrd.img NAME-initrd.img
//! boot
//! ```
//! Addresses are relative to that of the script, so that the directory can lie anywhere. The names given to the files are the same for
//! all, which is what `initrd=` (by which the kernel finds its initrd when UEFI starts it) refers to. A command line ends at the end of its
//! line, and iPXE expands `${…}` and splits at blanks without any quoting, so one with a line break or with `${` is refused.

/// Changes whenever these bytes do.
pub const REVISION: u32 = 1;

/// Why there is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IpxeError {
    /// A command line that iPXE would understand otherwise.
    #[error("the boot command line has {what}, which iPXE doesn't hand on as it is")]
    CommandLine {
        /// What is in it.
        what: &'static str,
    },
    /// A name that isn't one of a file, or one that an address can't have as it is.
    #[error("`{name}` can't be in an address")]
    Name {
        /// The name.
        name: String,
    },
}

/// What is booted: files beside the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Netboot<'a> {
    /// Name of the kernel's file.
    pub kernel: &'a str,
    /// Name of the initrd's file.
    pub initrd: &'a str,
    /// Boot command line, with or without a line break at its end.
    pub cmdline: &'a str,
}

impl Netboot<'_> {
    /// Returns the script.
    pub fn script(&self) -> Result<String, IpxeError> {
        let (kernel, initrd) = (plain(self.kernel)?, plain(self.initrd)?);
        let cmdline = self.cmdline.trim_end_matches('\n');
        let refused = |what| Err(IpxeError::CommandLine { what });
        if cmdline.chars().any(char::is_control) {
            return refused("a line break or another control character");
        }
        if cmdline.contains("${") {
            return refused("`${`");
        }
        let blank = if cmdline.is_empty() { "" } else { " " };
        Ok(format!(
            "#!ipxe\nkernel --name kernel {kernel} initrd=initrd.img{blank}{cmdline}\n\
             initrd --name initrd.img {initrd}\nboot\n"
        ))
    }
}

/// Returns the name when an address can have it as it is.
fn plain(name: &str) -> Result<&str, IpxeError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._+~".contains(c);
    let is_file = !name.is_empty() && name != "." && name != ".." && !name.starts_with('-');
    if is_file && name.chars().all(is_plain) {
        Ok(name)
    } else {
        Err(IpxeError::Name { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: Netboot<'_> =
        Netboot { kernel: "web-kernel", initrd: "web-initrd.img", cmdline: "console=ttyS0 quiet\n" };

    #[test]
    fn a_script_names_the_files_beside_it() {
        let script = WEB.script().unwrap();
        assert_eq!(
            script,
            "#!ipxe\n\
             kernel --name kernel web-kernel initrd=initrd.img console=ttyS0 quiet\n\
             initrd --name initrd.img web-initrd.img\n\
             boot\n"
        );
        let alone = Netboot { cmdline: "", ..WEB }.script().unwrap();
        assert!(alone.contains("initrd=initrd.img\n"), "{alone}");
    }

    #[test]
    fn what_ipxe_would_understand_otherwise_is_refused() {
        for cmdline in ["a\nboot", "a ${net0/ip}", "a\tb"] {
            let refused = Netboot { cmdline, ..WEB }.script();
            assert!(matches!(refused, Err(IpxeError::CommandLine { .. })), "{cmdline:?}");
        }
        for name in ["", "..", "a/b", "a b", "-x", "ä", "http:x"] {
            let refused = Netboot { kernel: name, ..WEB }.script();
            assert_eq!(refused, Err(IpxeError::Name { name: name.to_owned() }));
        }
    }
}
