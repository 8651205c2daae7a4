//! One file system written by a process of its own, with kit's library: `figures write WORD STORE TREE FILE`.
//!
//! Some of what is compared has no word in recipes, and of what has one the command does more than to write it.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use kit_build::workers::Threads;
use kit_format::layout::Layout;
use kit_format::{erofs, squashfs};
use kit_hash::TreeId;
use kit_store::Store;
use kit_store::sparse::SparseFile;
use kit_tree::Tree;

use crate::stores;

/// What the first argument of such a process is.
pub(crate) const WORD: &str = "write";
/// The level of `mksquashfs`, and kit's.
const ZSTD_LEVEL: i32 = 15;

/// Returns the command that writes a tree of a store.
pub(crate) fn command(kind: &str, store: &Path, tree: &TreeId, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    command.args([WORD, kind]).arg(store).arg(tree.to_string()).arg(file);
    command
}

/// Does what such a command says.
pub(crate) fn run(arguments: &[String]) {
    let [kind, store, tree, file] = arguments else { panic!("{arguments:?} are not what it takes") };
    let store = stores::open(Path::new(store));
    let tree = store.tree(&tree.parse().expect("a tree's name")).expect("the tree is there");
    let layout = layout(kind, &store, &tree);
    let file = File::create(file).expect("a file");
    SparseFile::new(&file).fill(&mut layout.stream(&store)).expect("the store is whole, and there is room");
}

fn layout(kind: &str, store: &Store, tree: &Tree) -> Layout {
    let workers = Threads::of_jobs(std::thread::available_parallelism().map_or(1, usize::from));
    let squashfs = |compression| {
        let options = squashfs::Options { mtime: 0, compression, block: squashfs::BLOCK };
        squashfs::layout(tree, store, store, &options, &workers).expect("squashfs holds it")
    };
    let erofs = |compression| {
        let options = erofs::Options { mtime: 0, label: "root".to_owned(), compression };
        erofs::layout(tree, store, store, &options, &workers).expect("EROFS holds it")
    };
    match kind {
        "squashfs-zstd" => squashfs(squashfs::Compression::Zstd { level: ZSTD_LEVEL }),
        "squashfs-gzip" => squashfs(squashfs::Compression::Gzip),
        "squashfs-xz" => squashfs(squashfs::Compression::Xz),
        "erofs" => erofs(erofs::Compression::None),
        "erofs-lz4" => erofs(erofs::Compression::Lz4),
        "erofs-zstd" => erofs(erofs::Compression::Zstd { level: 9 }),
        other => panic!("`{other}` is none of the file systems"),
    }
}
