//! Modules that are compressed files, as Debian has them since its release 13.

use kit_tests::TestProject;
use kit_tests::booted::{PATIENCE, head, printed};

/// Debian's kernel, with modules that are compressed in each way.
const PACKED: &str = r#"
[package]
name = "kernel-packed"

[build]
tools = ["kernel-debian", "module-tools"]
run = '''
mkdir -p "$OUT/usr/lib"
cp -R /boot "$OUT/"
cp -R /usr/lib/modules "$OUT/usr/lib/"
chmod -R u+w "$OUT"
find "$OUT" -name "squashfs.ko" -exec xz --check=crc32 {} +
find "$OUT" -name "virtio*.ko" -exec zstd -q --rm {} +
find "$OUT" -name "loop.ko" -exec gzip {} +
test "$(find "$OUT" -name "*.ko.*" | sed 's/.*\.//' | sort -u | tr '\n' ' ')" = "gz xz zst "
'''
"#;

const IMAGE: &str = r#"
modules = ["loop"]

[init]
packages = ["init"]

[[onboot]]
name = "modules"
package = "busybox"
command = ["/bin/cut", "-d", " ", "-f", "1", "/proc/modules"]

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/sh", "-c", "echo ready; exec sleep inf"]
"#;

#[test]
fn compressed_modules_are_loaded() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let head = head("minimal", "").replace("kernel-debian", "kernel-packed");
    project.write("recipes/images/minimal.toml", &(head.replace("kernel+initrd", "kernel+squashfs") + IMAGE));
    project.write("recipes/packages/kernel-packed.toml", PACKED);
    project.kit(&["lock", "minimal"]).succeeded();
    let said = project.kit(&["run", "minimal", "--until", "shell: ready", "--timeout", PATIENCE]).succeeded();
    assert!(said.stdout.contains("kit-init: the root is squashfs on /dev/vda"), "{said}");
    printed(&said, &["modules: squashfs", "modules: virtio_blk", "modules: loop"]);
}
