//! What can't be written, and images that are damaged or made to do harm.

use super::*;

#[test]
fn what_ext4_cannot_hold_is_refused() {
    let refuse = |tree: &Tree, options: &Options| layout(tree, options).unwrap_err().to_string();
    let named = Options { label: String::from("seventeen letters"), ..options(ROOMY) };
    assert_eq!(refuse(&Tree::new(), &named), "the label `seventeen letters` has 17 bytes; ext4 holds 16");
    let late = Options { mtime: inode::TIME_MAX + 1, ..options(ROOMY) };
    assert_eq!(
        refuse(&Tree::new(), &late),
        "the source date 15032385536 is after 2446, where ext4's dates end"
    );
    let with = |place: &str, entry| {
        let mut tree = Tree::new();
        tree.insert(path(place), entry).unwrap();
        refuse(&tree, &options(ROOMY))
    };
    assert_eq!(with("/l", Entry::symlink("")), "the symbolic link `/l` points to 0 bytes, not to 1 to 4095");
    let device =
        |major, minor| Entry::Device { meta: Meta::root(Mode::FILE), kind: DeviceKind::Char, major, minor };
    assert_eq!(with("/d", device(4096, 0)), "the device number 4096,0 of `/d` is larger than Linux has them");
    let attribute = |name: &[u8], length| {
        let mut meta = Meta::root(Mode::DIRECTORY);
        meta.xattrs.insert(name.to_vec(), vec![0; length]);
        Entry::Directory(meta)
    };
    assert_eq!(
        with("/x", attribute(b"other.name", 1)),
        "`/x` has the extended attribute `other.name`; ext4 holds user, trusted, security and access control lists"
    );
    assert_eq!(
        with("/x", attribute(b"system.posix_acl_access", 3)),
        "the extended attribute `system.posix_acl_access` of `/x` is no access control list"
    );
    assert_eq!(
        with("/x", attribute(b"user.name", 4096)),
        "the extended attributes of `/x` take 4116 bytes more than there are behind an inode; ext4 has a block of 4060 for them"
    );
    assert_eq!(
        with("/lost+found", Entry::symlink("x")),
        "`/lost+found` is not a directory; ext4 keeps in it what was lost"
    );
    let blobs = MemoryBlobs::new();
    let file = |size| Entry::File { meta: Meta::root(Mode::FILE), blob: blobs.insert(vec![]), size };
    assert_eq!(
        with("/large", file(1 << 44)),
        "`/large` has 17592186044416 bytes; ext4 holds less than 17592186040321"
    );
    assert!(
        with("/large", file((1 << 44) - 4096)).ends_with("ext4 with blocks of 4096 holds less than 16 TiB")
    );
}

#[test]
fn what_does_not_fit_is_told_with_what_is_largest() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/small", b"x");
    put(&mut tree, &blobs, "/large", &vec![1; 9 << 20]);
    let refuse = |size| layout(&tree, &options(Size::Exactly(size))).unwrap_err().to_string();
    assert_eq!(refuse(5000), "a file system of 5000 bytes doesn't end with a block of 4096");
    let text = refuse(8 << 20);
    assert!(
        text.ends_with("more than the given 8388608; largest: `/large` (9437184), `/small` (1)"),
        "{text}"
    );
    let needed: u64 = text.split(' ').nth(3).unwrap().parse().unwrap();
    assert_eq!(layout(&tree, &options(Size::Exactly(needed))).unwrap().len(), needed);
}

#[test]
fn names_of_a_file_are_counted() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/0", b"linked");
    for number in 1..65_000 {
        tree.insert(path(&format!("/{number}")), Entry::HardLink { target: path("/0") }).unwrap();
    }
    assert_eq!(read_back(&write(&tree, &blobs)).unwrap(), with_lost(&tree));
    tree.insert(path("/one more"), Entry::HardLink { target: path("/0") }).unwrap();
    let text = layout(&tree, &options(ROOMY)).unwrap_err().to_string();
    assert_eq!(text, "`/0` has 65001 names; ext4 counts 65000");
}

/// A large file is laid out without being read: around copies of the superblock, in a tree of extents.
#[test]
fn large_files_are_only_laid_out() {
    let blobs = MemoryBlobs::new();
    let size = 300 << 30;
    let mut tree = Tree::new();
    let entry = Entry::File { meta: Meta::root(Mode::FILE), blob: blobs.insert(vec![]), size };
    tree.insert(path("/large"), entry).unwrap();
    let layout = layout(&tree, &options(ROOMY)).unwrap();
    let contents = layout.pieces().iter().filter(|piece| piece.what == "content");
    assert_eq!(contents.map(|piece| piece.range.end - piece.range.start).sum::<u64>(), size);
    // 2400 groups: 8 leaves of at most 340 extents, and no node between them and the inode's four entries but two
    let nodes = layout.pieces().iter().filter(|piece| piece.what == "extents").count();
    assert_eq!(nodes, 9);
}

#[test]
fn what_is_no_image_is_refused() {
    assert_eq!(read_back(b"").unwrap_err().to_string(), "there is no superblock of ext4");
    assert_eq!(read_back(&[0; 8192]).unwrap_err().to_string(), "there is no superblock of ext4");
    let blobs = MemoryBlobs::new();
    let mut bytes = write(&plain_tree(&blobs), &blobs);
    bytes[1024 + 0x78] ^= 1;
    assert!(matches!(read_back(&bytes), Err(Ext4ReadError::Checksum { what: "superblock", .. })));
    bytes[1024 + 0x78] ^= 1;
    assert!(matches!(read_back(&bytes[..8192]), Err(Ext4ReadError::Truncated { .. })));
    bytes[4096] ^= 1;
    assert!(matches!(read_back(&bytes), Err(Ext4ReadError::Checksum { what: "descriptor of a group", .. })));
}

#[test]
fn limits_hold() {
    let blobs = MemoryBlobs::new();
    let bytes = write(&limited_tree(&blobs), &blobs);
    limits_hold_for(
        &|limits| match super::super::read(Cursor::new(&bytes), limits, &MemoryBlobs::new()) {
            Err(Ext4ReadError::Entry(EntryError::Limit { source, .. })) => source,
            other => panic!("{other:?}"),
        },
        16,
    );
}

/// Without checksums, damage goes further.
fn without_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[1024 + 0x65] &= !4;
    bytes
}

#[test]
fn directories_that_are_there_twice_are_refused() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    tree.insert(path("/d"), Entry::directory()).unwrap();
    let options = options(Size::Fitting { spare: 0 });
    let layout = layout(&tree, &options).unwrap();
    let names = layout.pieces().iter().find(|piece| piece.what == "names").unwrap();
    let place = usize::try_from(names.range.start).unwrap();
    let mut bytes = Vec::new();
    layout.stream(&blobs).read_to_end(&mut bytes).unwrap();
    // behind `.` and `..` is `d`, whose inode becomes the root
    bytes[place + 24] = 2;
    assert!(matches!(read_back(&bytes), Err(Ext4ReadError::Checksum { what: "block of names", .. })));
    let error = read_back(&without_checksums(bytes)).unwrap_err().to_string();
    assert_eq!(error, "`/d` is damaged: it is a directory that is there twice");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damage_is_an_error_or_another_tree(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..4096, any::<u8>()), 1..6),
        end in proptest::option::of(any::<prop::sample::Index>()),
        checked in any::<bool>(),
    ) {
        let blobs = MemoryBlobs::new();
        let mut tree = rich_tree(&blobs);
        change(&mut tree, "/tmp", |meta| drop(meta.xattrs.insert(b"user.a".to_vec(), vec![1; 200])));
        let layout = layout(&tree, &options(Size::Fitting { spare: 0 })).unwrap();
        let metadata: Vec<_> =
            layout.pieces().iter().filter(|piece| !matches!(piece.source, crate::layout::Source::Zeros)).collect();
        let mut bytes = Vec::new();
        layout.stream(&blobs).read_to_end(&mut bytes).unwrap();
        if !checked {
            bytes = without_checksums(bytes);
        }
        for (piece, at, byte) in flips {
            let range = &piece.get(&metadata).range;
            let (start, length) = (range.start, range.end - range.start);
            bytes[usize::try_from(start).unwrap() + at % usize::try_from(length).unwrap()] = byte;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        let limits = Limits { file_bytes: 8 << 20, total_bytes: 32 << 20, ..Limits::standard() };
        let _ = super::super::read(Cursor::new(&bytes), &limits, &MemoryBlobs::new());
    }
}
