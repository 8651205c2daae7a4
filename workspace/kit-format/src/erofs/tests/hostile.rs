//! Images that are damaged, or made to do harm.

use super::*;

#[test]
fn what_is_no_image_is_refused() {
    assert_eq!(read_back(b"").unwrap_err().to_string(), "there is no superblock of EROFS");
    assert_eq!(read_back(&[0; 8192]).unwrap_err().to_string(), "there is no superblock of EROFS");
    let blobs = MemoryBlobs::new();
    let mut bytes = write(&plain_tree(&blobs), &blobs);
    bytes[1200] ^= 1;
    assert!(matches!(read_back(&bytes), Err(ErofsReadError::Checksum { .. })));
    let bytes = write(&plain_tree(&blobs), &blobs);
    assert!(matches!(read_back(&bytes[..4096]), Err(ErofsReadError::Truncated { .. })));
}

#[test]
fn limits_hold() {
    let blobs = MemoryBlobs::new();
    let bytes = write(&limited_tree(&blobs), &blobs);
    limits_hold_for(
        &|limits| match super::super::read(Cursor::new(&bytes), limits, &MemoryBlobs::new()) {
            Err(ErofsReadError::Entry(EntryError::Limit { source, .. })) => source,
            other => panic!("{other:?}"),
        },
        28,
    );
}

/// Sets the checksum right after a change.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = superblock::checksum(&bytes[1024..4096]);
    bytes[1028..1032].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn directories_that_are_there_twice_are_refused() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    tree.insert(path("/d"), Entry::directory()).unwrap();
    let mut bytes = write(&tree, &blobs);
    // the names of the root begin behind its inode: `.`, `..`, `d`, whose inode becomes the root
    let (root, inner) = (1152 / 32_u64, 1184 + 24);
    bytes[inner..inner + 8].copy_from_slice(&root.to_le_bytes());
    let error = read_back(&with_checksum(bytes)).unwrap_err().to_string();
    assert_eq!(error, "`/d` is damaged: it is a directory that is there twice");
}

fn sample(compression: Compression) -> Vec<u8> {
    let blobs = MemoryBlobs::new();
    let mut tree = rich_tree(&blobs);
    put(&mut tree, &blobs, "/mixed", &mixed(9, 100_000));
    for name in ["/usr/bin/tool", "/mixed"] {
        change(&mut tree, name, |meta| drop(meta.xattrs.insert(b"user.shared".to_vec(), vec![1; 30])));
    }
    write_with(&tree, &blobs, compression, &Alone)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_is_an_error_or_another_tree(
        which in 0_usize..3,
        flips in proptest::collection::vec((0_usize..20_000, any::<u8>()), 1..6),
        end in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = sample(ALL[which]);
        for (at, byte) in flips {
            // superblock and inodes more often than contents
            let at = (at + 1024).min(bytes.len() - 1);
            bytes[at] = byte;
        }
        let mut bytes = with_checksum(bytes);
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        let limits = Limits { file_bytes: 8 << 20, total_bytes: 32 << 20, ..Limits::standard() };
        let _ = super::super::read(Cursor::new(&bytes), &limits, &MemoryBlobs::new());
    }
}
