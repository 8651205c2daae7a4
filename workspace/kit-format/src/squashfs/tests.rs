mod hostile;

use std::fmt::Write as _;
use std::io::{Cursor, Read as _};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree, TreePath};
use proptest::prelude::*;

use super::*;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::samples::{MTIME, any_tree, change, lines, path, put, rich_tree};
use crate::workers::{Alone, Backwards};

const METHODS: [Compression; 4] =
    [Compression::Gzip, Compression::Xz, Compression::Zstd { level: 15 }, Compression::Zstd { level: 3 }];

fn options(compression: Compression) -> Options {
    Options { mtime: MTIME, compression, block: BLOCK }
}

fn laid_out(tree: &Tree, blobs: &MemoryBlobs, options: &Options) -> Layout {
    layout(tree, blobs, blobs, options, &Alone).unwrap()
}

fn image(tree: &Tree, blobs: &MemoryBlobs, options: &Options) -> Vec<u8> {
    let mut bytes = Vec::new();
    laid_out(tree, blobs, options).stream(blobs).read_to_end(&mut bytes).unwrap();
    bytes
}

fn read_back(bytes: &[u8]) -> Result<Tree, SquashfsReadError> {
    read(Cursor::new(bytes), &Limits::standard(), &MemoryBlobs::new())
}

/// Files of all lengths that matter, with zeros in all places that matter, and equal ones.
fn blocks_tree(blobs: &MemoryBlobs, block: u32) -> Tree {
    let block = block as usize;
    let mut tree = Tree::new();
    let text = lines(20_000);
    for (name, length) in [
        ("/one-less", block - 1),
        ("/exact", block),
        ("/one-more", block + 1),
        ("/two", 2 * block),
        ("/two-and-more", 2 * block + 77),
    ] {
        put(&mut tree, blobs, name, &text[..length]);
    }
    put(&mut tree, blobs, "/zero/short", &[0; 100]);
    put(&mut tree, blobs, "/zero/exact", &vec![0; block]);
    put(&mut tree, blobs, "/zero/more", &vec![0; 3 * block + 5]);
    let mut holes = vec![0; 5 * block];
    holes[block..block + 5].copy_from_slice(b"hello");
    holes[4 * block + 1] = 1;
    put(&mut tree, blobs, "/zero/holes", &holes);
    put(&mut tree, blobs, "/again/two", &text[..2 * block]);
    put(&mut tree, blobs, "/again/exact", &text[..block]);
    put(&mut tree, blobs, "/again/one-less", &text[..block - 1]);
    for number in 0..40_u8 {
        put(&mut tree, blobs, &format!("/small/{number}"), &text[usize::from(number) * 200..][..900]);
    }
    tree.insert(path("/small/link"), Entry::HardLink { target: path("/one-more") }).unwrap();
    tree
}

/// Bytes that don't get shorter.
fn noise(length: u32) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// A directory whose listing has an index, and one that hasn't although it is nearly as large.
fn many_names(blobs: &MemoryBlobs, count: u32) -> Tree {
    let mut tree = Tree::new();
    for number in 0..count {
        let name = format!("{number:05}-{}", "n".repeat(number as usize % 90));
        put(&mut tree, blobs, &format!("/many/{name}"), b"");
        tree.insert(path(&format!("/many/{number:05}")), Entry::directory()).unwrap();
        if number % 7 == 0 {
            put(&mut tree, blobs, &format!("/many/{number:05}/below"), name.as_bytes());
        }
    }
    tree
}

/// What each part of a file system is and how long, with its digest.
fn described(tree: &Tree, blobs: &MemoryBlobs, options: &Options) -> String {
    let layout = laid_out(tree, blobs, options);
    let mut text = format!("{:?}\n", options.compression);
    for piece in layout.pieces() {
        let length = piece.range.end - piece.range.start;
        writeln!(text, "{length:>6} {}", piece.what).unwrap();
    }
    writeln!(text, "{}", Sha256::of(&image(tree, blobs, options))).unwrap();
    text
}

/// The digests change only with [`write::REVISION`].
#[test]
fn bytes_are_pinned() {
    let blobs = MemoryBlobs::new();
    let mut found = described(&Tree::new(), &blobs, &options(Compression::Zstd { level: 15 }));
    for method in METHODS {
        found += &described(&rich_tree(&blobs), &blobs, &options(method));
    }
    assert_eq!(write::REVISION, 1);
    assert_eq!(found, include_str!("tests/pinned.txt"));
}

#[test]
fn what_was_written_is_read_back() {
    let blobs = MemoryBlobs::new();
    let small = 4 << 10;
    let trees = [Tree::new(), rich_tree(&blobs), blocks_tree(&blobs, small), many_names(&blobs, 900)];
    for tree in trees {
        for method in METHODS {
            let bytes = image(&tree, &blobs, &Options { block: small, ..options(method) });
            assert_eq!(bytes.len() % 4096, 0);
            let back = read_back(&bytes).unwrap();
            assert_eq!(Dump(&back).to_string(), Dump(&tree).to_string());
            assert_eq!(back, tree);
        }
    }
    let tree = blocks_tree(&blobs, BLOCK);
    assert_eq!(read_back(&image(&tree, &blobs, &options(METHODS[2]))).unwrap(), tree);
}

#[test]
fn equal_contents_and_zeros_take_nothing() {
    let blobs = MemoryBlobs::new();
    let length = |tree: &Tree| {
        let layout = laid_out(tree, &blobs, &options(Compression::Zstd { level: 3 }));
        let contents = layout.pieces().iter().filter(|piece| piece.what.starts_with("compressed "));
        contents.map(|piece| piece.range.end - piece.range.start).sum::<u64>()
    };
    let noise = noise(300_000);
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/a", &noise);
    put(&mut tree, &blobs, "/b", &noise[..5000]);
    let once = length(&tree);
    put(&mut tree, &blobs, "/c", &noise);
    put(&mut tree, &blobs, "/d", &noise[..5000]);
    put(&mut tree, &blobs, "/zeros", &vec![0; 4 << 20]);
    assert_eq!(length(&tree), once);
    assert!(once > 300_000, "{once}");
}

#[test]
fn equal_attributes_are_there_once() {
    let blobs = MemoryBlobs::new();
    let with = |files: u8, same: bool| {
        let mut tree = Tree::new();
        for number in 0..files {
            let name = format!("/{number}");
            put(&mut tree, &blobs, &name, &[number]);
            let value = noise(4000);
            change(&mut tree, &name, |meta| {
                meta.xattrs.insert(b"trusted.value".to_vec(), value);
                if !same {
                    meta.xattrs.insert(b"user.number".to_vec(), vec![number]);
                }
            });
        }
        let bytes = image(&tree, &blobs, &options(Compression::Gzip));
        assert_eq!(read_back(&bytes).unwrap(), tree);
        bytes.len()
    };
    assert_eq!(with(1, true), with(100, true));
    assert!(with(100, false) <= with(1, false) + 4096);
}

#[test]
fn any_number_of_threads_makes_the_same_bytes() {
    let blobs = MemoryBlobs::new();
    let tree = blocks_tree(&blobs, 4 << 10);
    for method in METHODS {
        let options = Options { block: 4 << 10, ..options(method) };
        let expected = image(&tree, &blobs, &options);
        for count in [1, 2, 7] {
            let layout = layout(&tree, &blobs, &blobs, &options, &Backwards(count)).unwrap();
            let mut bytes = Vec::new();
            layout.stream(&blobs).read_to_end(&mut bytes).unwrap();
            assert!(bytes == expected, "{method:?} with {count} threads");
        }
    }
}

#[test]
fn what_squashfs_cannot_hold_is_refused() {
    let blobs = MemoryBlobs::new();
    let zstd = options(Compression::Zstd { level: 3 });
    let refuse = |tree: &Tree, options: &Options| {
        layout(tree, &blobs, &blobs, options, &Alone).unwrap_err().to_string()
    };
    let with = |place: &str, entry| {
        let mut tree = Tree::new();
        tree.insert(path(place), entry).unwrap();
        refuse(&tree, &zstd)
    };
    let attribute = |name: &str, length| {
        let mut meta = Meta::root(Mode::DIRECTORY);
        meta.xattrs.insert(name.as_bytes().to_vec(), vec![0; length]);
        with("/d", Entry::Directory(meta))
    };
    let namespaces = "squashfs holds names in `user.`, `trusted.` and `security.` of at most 255 bytes";
    for name in ["system.posix_acl_access", "user.", &format!("user.{}", "n".repeat(251))] {
        assert_eq!(attribute(name, 1), format!("`/d` has the extended attribute `{name}`; {namespaces}"));
    }
    assert_eq!(
        attribute("user.a", 65537),
        "the extended attribute `user.a` of `/d` has 65537 bytes; Linux hands out 65536"
    );
    assert_eq!(with("/l", Entry::symlink("")), "the symbolic link `/l` points to 0 bytes, not to 1 to 4095");
    let device =
        |major, minor| Entry::Device { meta: Meta::root(Mode::FILE), kind: DeviceKind::Char, major, minor };
    assert_eq!(with("/d", device(4096, 0)), "the device number 4096,0 of `/d` is larger than Linux has them");
    let blob = blobs.insert(vec![1; 10]);
    for size in [9, 11, 1 << 20] {
        let file = Entry::File { meta: Meta::root(Mode::FILE), blob, size };
        assert_eq!(
            with("/f", file),
            format!("the content of `/f` has not the {size} bytes that the tree says")
        );
    }
    let mut owners = Tree::new();
    for uid in 1..=65536_u32 {
        let meta = Meta { uid, ..Meta::root(Mode::FILE) };
        owners.insert(path(&format!("/{uid}")), Entry::Fifo(meta)).unwrap();
    }
    assert_eq!(
        refuse(&owners, &zstd),
        "the files have 65537 different owners and groups; squashfs holds 65535"
    );
    for block in [0, 2048, 5000, 2 << 20] {
        let options = Options { block, ..zstd };
        assert!(refuse(&Tree::new(), &options).starts_with(&format!("{block} bytes are no block size")));
    }
    for level in [0, 23] {
        let options = options(Compression::Zstd { level });
        assert_eq!(
            refuse(&Tree::new(), &options),
            format!("zstd has no level {level}: its levels are 1 to 22")
        );
    }
}

/// Moves attributes into namespaces that there are.
fn named(mut tree: Tree) -> Tree {
    let paths: Vec<TreePath> = tree.entries().map(|(path, _)| path.clone()).collect();
    for path in paths {
        let mut entry = tree.get(&path).unwrap().clone();
        if let Some(meta) = entry.meta_mut() {
            let all = std::mem::take(&mut meta.xattrs).into_iter();
            meta.xattrs =
                all.map(|(name, value)| ([NAMESPACES[name.len() % 3], &name].concat(), value)).collect();
            tree.insert(path, entry).unwrap();
        }
    }
    tree
}

proptest! {
    #[test]
    fn any_tree_survives((tree, blobs) in any_tree(true), method in 0..4_usize) {
        let tree = named(tree);
        let bytes = image(&tree, &blobs, &Options { block: 4 << 10, ..options(METHODS[method]) });
        prop_assert_eq!(Dump(&read_back(&bytes).unwrap()).to_string(), Dump(&tree).to_string());
    }

    #[test]
    fn damaged_file_systems_never_panic(
        (tree, blobs) in any_tree(true),
        at in any::<usize>(),
        flip in 1_u8..,
        cut in any::<bool>(),
        method in 0..4_usize,
    ) {
        let mut bytes = image(&named(tree), &blobs, &options(METHODS[method]));
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        let _ = read_back(&bytes);
    }
}
