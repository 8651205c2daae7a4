use kit_tree::blobs::MemoryBlobs;
use kit_tree::{BlobSink as _, TreePath};
use proptest::prelude::*;

use super::*;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

/// A file of all that there is, and its bytes.
fn sample(blobs: &MemoryBlobs) -> (Layout, Vec<u8>) {
    let (blob, size) = blobs.put(&mut b"content of a file".as_slice()).unwrap();
    let mut inner = Layout::new();
    let mut superblock = vec![0; 128];
    superblock[..4].copy_from_slice(&[0xe2, 0xe1, 0xf5, 0xe0]);
    superblock[36..40].copy_from_slice(&7_u32.to_le_bytes());
    inner.bytes("superblock", superblock);
    inner.zeros_to("unused", 200);
    inner.blob_part("content", blob, 3..size, Some(path("/etc/motd")));
    inner.bytes_of("names", vec![1; 9], path("/etc"));
    let mut layout = Layout::new();
    layout.bytes("GPT header", b"EFI PART".to_vec());
    layout.part("partition 1", inner);
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).unwrap();
    (layout, bytes)
}

#[test]
fn the_side_file_has_all_of_it_and_is_the_same_each_time() {
    let (layout, _) = sample(&MemoryBlobs::new());
    let extents = Extents::record("a disk", Of::DiskInside, &layout);
    let bytes = extents.to_bytes().unwrap();
    assert_eq!(bytes, extents.to_bytes().unwrap());
    assert_eq!(Extents::from_bytes(&bytes).unwrap(), extents);
    let ends: Vec<_> = extents.pieces.iter().map(|piece| (piece.range.end, piece.what.as_str())).collect();
    assert_eq!(
        ends,
        [
            (8, "GPT header"),
            (136, "partition 1, superblock"),
            (208, "partition 1, unused"),
            (222, "partition 1, content"),
            (231, "partition 1, names"),
        ]
    );
}

/// Changed on purpose alone: with [`REVISION`].
#[test]
fn the_side_file_is_pinned() {
    let (layout, _) = sample(&MemoryBlobs::new());
    let bytes = Extents::record("a disk", Of::File, &layout).to_bytes().unwrap();
    let mut plain = Vec::new();
    Decoder::new(Compression::Zstd, bytes.as_slice(), &Limits::standard())
        .unwrap()
        .read_to_end(&mut plain)
        .unwrap();
    assert_eq!(
        BlobId::of(&plain).to_string(),
        "52ceedd408d343160b2b562fc23b5a2162118106bc29d9cbc3b4252bbc625a27"
    );
}

#[test]
fn each_byte_is_told_down_to_the_field_and_the_content() {
    let blobs = MemoryBlobs::new();
    let (layout, bytes) = sample(&blobs);
    let extents = Extents::record("a disk", Of::File, &layout);
    let at = |offset: u64| locate(&extents, &|| Ok(Box::new(bytes.as_slice())), offset).unwrap();
    let told = |offset: u64| {
        let piece = at(offset).unwrap();
        (piece.extent.what, piece.extent.value, piece.extent.range)
    };
    let field = ("partition 1, superblock, field blocks".to_owned(), Some("7".to_owned()), 44..48);
    assert_eq!(told(46), field);
    // Behind the last field there is the piece alone.
    assert_eq!(told(130), ("partition 1, superblock".to_owned(), None, 8..136));
    assert_eq!(told(150).0, "partition 1, unused");
    let content = at(209).unwrap();
    assert_eq!(content.extent.member, Some(path("/etc/motd")));
    assert!(content.extent.is_content);
    assert_eq!(content.part.unwrap().offset, 4);
    assert_eq!(at(230).unwrap().extent.member, Some(path("/etc")));
    assert_eq!(at(231), None);
    let (named, more) = overlapping(&extents, &(0..231));
    assert_eq!((named.len(), more), (4, 0), "zeros have no name");
    assert_eq!(overlapping(&extents, &(136..208)), (Vec::new(), 0));
}

proptest! {
    #[test]
    fn what_is_damaged_is_refused_and_never_panics(at in 0_usize..400, flip in 1_u8.., cut in 0_usize..400) {
        let (layout, _) = sample(&MemoryBlobs::new());
        let mut bytes = Extents::record("a disk", Of::File, &layout).to_bytes().unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let _ = Extents::from_bytes(&bytes);
        bytes.truncate(cut % bytes.len());
        prop_assert!(Extents::from_bytes(&bytes).is_err());
    }
}
