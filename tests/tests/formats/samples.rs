//! Trees that are written, and the programs of others that read them.

use std::io::Read as _;

use kit_format::layout::Layout;
use kit_tests::TestProject;
use kit_tests::booted::anyone_may;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Mode, Tree, TreePath};

pub(super) fn path(text: &str) -> TreePath {
    text.parse().expect("a path")
}

/// Puts a file of root.
pub(super) fn put(tree: &mut Tree, blobs: &MemoryBlobs, name: &str, bytes: &[u8]) {
    let blob = blobs.insert(bytes.to_vec());
    tree.insert_file(path(name), Mode::FILE, blob, bytes.len() as u64).expect("a place");
}

/// Writes what is laid out as a file of the project, which a machine may have as its disk, and returns its bytes.
pub(super) fn write(project: &TestProject, name: &str, layout: &Layout, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).expect("everything is in memory");
    project.write_bytes(name, &bytes);
    // The emulator may be another user than the one who tests.
    anyone_may(&project.path().join(name), 0o666);
    bytes
}

/// Runs a program of `disk-tools` in the project and returns what it printed.
pub(super) fn tool(project: &TestProject, command: &[&str]) -> String {
    project.kit(&[&["tool", "disk-tools", "--"], command].concat()).succeeded().stdout
}
