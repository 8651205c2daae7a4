use std::io::Read as _;

use kit_tree::blobs::MemoryBlobs;

use super::*;

fn bytes(layout: &Layout, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).expect("it is read");
    bytes
}

#[test]
fn pieces_come_one_behind_the_other() {
    let blobs = MemoryBlobs::new();
    let blob = blobs.insert(b"content".to_vec());
    let mut inner = Layout::new();
    inner.blob("content", blob, 7, None);
    inner.align(4);
    inner.blob_part("tail", blob, 4..7, None);
    let mut outer = Layout::new();
    outer.bytes("header", b"head".to_vec());
    outer.zeros_to("gap", 6);
    outer.part("partition 1", inner);
    assert_eq!(bytes(&outer, &blobs), b"head\0\0content\0ent");
    assert_eq!(outer.len(), 17);
    let what: Vec<_> = outer.pieces().iter().map(|piece| piece.what.as_ref()).collect();
    assert_eq!(what, ["header", "gap", "partition 1, content", "partition 1, padding", "partition 1, tail"]);
}

#[test]
fn a_content_that_is_too_short_is_an_error() {
    let blobs = MemoryBlobs::new();
    let blob = blobs.insert(b"abc".to_vec());
    let mut layout = Layout::new();
    layout.blob("content", blob, 4, None);
    let error = layout.stream(&blobs).read_to_end(&mut Vec::new()).expect_err("it is too short");
    assert_eq!(error.to_string(), "content has less bytes than it should");
}

/// Counts how often contents are opened.
struct Counted<'a>(&'a MemoryBlobs, std::sync::atomic::AtomicUsize);

impl Blobs for Counted<'_> {
    fn open(&self, id: &BlobId) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.open(id)
    }
}

#[test]
fn pieces_that_go_on_in_a_content_open_it_once() {
    let blobs = MemoryBlobs::new();
    let blob = blobs.insert(b"content".to_vec());
    let mut layout = Layout::new();
    layout.blob_part("first", blob, 0..2, None);
    layout.align(4);
    layout.blob_part("second", blob, 3..5, None);
    layout.blob_part("third", blob, 5..7, None);
    layout.blob_part("again", blob, 0..1, None);
    let counted = Counted(&blobs, 0.into());
    let mut read = Vec::new();
    layout.stream(&counted).read_to_end(&mut read).expect("it is read");
    assert_eq!(read, b"co\0\0tentc");
    assert_eq!(counted.1.into_inner(), 2);
}
