//! Kernel and initrd in a directory, as what loads them finds them.

use kit_format::ipxe::Netboot;
use kit_plan::derivation::DirectoryLoader;
use kit_tree::Tree;

use super::Writer;
use crate::BuildError;

/// What the files are called: Windows looks for these two names, and addresses are fine with any.
const KERNEL: &str = "kernel";
const INITRD: &str = "initrd.img";
/// The boot command line, for who wants to give more than the loader does.
const CMDLINE: &str = "cmdline";
/// The script for iPXE.
const SCRIPT: &str = "boot.ipxe";

impl Writer<'_> {
    pub(super) fn directory(&self, boot: &Tree, loader: DirectoryLoader) -> Result<Tree, BuildError> {
        let mut tree = Tree::new();
        let mut add = |name: &str, content| {
            let path = format!("/{}{}/{name}", self.image.name, loader.suffix());
            self.add(&mut tree, &path, content)
        };
        for (name, suffix) in [(KERNEL, "-kernel"), (INITRD, "-initrd.img"), (CMDLINE, "-cmdline")] {
            let content = self.content(boot, suffix)?;
            add(name, (content.blob, content.size))?;
        }
        if loader == DirectoryLoader::Ipxe {
            let cmdline = self.cmdline(boot)?;
            let cmdline = String::from_utf8_lossy(&cmdline);
            let netboot = Netboot { kernel: KERNEL, initrd: INITRD, cmdline: &cmdline };
            let script = netboot.script().map_err(|e| self.failed(e))?;
            add(SCRIPT, (self.store.put_bytes(script.as_bytes())?, script.len() as u64))?;
        }
        Ok(tree)
    }
}
