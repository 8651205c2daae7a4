use std::io::Cursor;

use kit_tree::blobs::MemoryBlobs;

use super::*;
use crate::testing::{TestStore, damage, mode, remove};

/// What every place for content promises.
fn conforms<S: Blobs + BlobSink>(store: &S) {
    let long: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    let edge = vec![7; usize::try_from(SMALL).unwrap()];
    for content in [b"".as_slice(), b"a", &edge[1..], &edge, &long] {
        let (id, size) = store.put(&mut Cursor::new(content)).unwrap();
        assert_eq!((id, size), (BlobId::of(content), content.len() as u64));
        assert_eq!(store.put(&mut Cursor::new(content)).unwrap().0, id);
        assert_eq!(store.read(&id, size).unwrap(), content);
        if size > 0 {
            assert_eq!(store.read(&id, size - 1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        }
        let mut streamed = Vec::new();
        store.open(&id).unwrap().read_to_end(&mut streamed).unwrap();
        assert_eq!(streamed, content);
    }
    let absent = store.open(&BlobId::of(b"absent")).map(|_| ());
    assert_eq!(absent.unwrap_err().kind(), io::ErrorKind::NotFound);
    let broken = store.put(&mut Broken(3)).unwrap_err();
    assert_eq!(broken.kind(), io::ErrorKind::ConnectionReset);
}

/// Gives some buffers full, then an error.
struct Broken(u32);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.0 -= 1;
        buffer.fill(1);
        Ok(buffer.len())
    }
}

#[test]
fn all_places_for_content_behave_the_same() {
    let test = TestStore::new();
    conforms(&test.store);
    conforms(&MemoryBlobs::new());
    assert!(test.store.verify(&mut |_| ()).unwrap().is_empty());
    let temporary = test.store.du().unwrap().temporary;
    assert_eq!(temporary.count, 0, "a broken stream leaves nothing");
}

#[test]
fn reading_finds_damage() {
    let test = TestStore::new();
    let id = test.store.put_bytes(b"content").unwrap();
    damage(&test.object(&id, ""), b"Content");
    let error = test.store.read(&id, 100).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let inside = StoreError::inside(&error).unwrap();
    assert_eq!(inside.damaged(), Some(&Item::Blob(id)));
    assert_eq!(inside.code(), "kit::store::corrupt");
    let StoreError::Corrupt { source, .. } = inside else { panic!("{inside}") };
    assert_eq!(**source, Damage::Digest { expected: id, found: BlobId::of(b"Content") });

    assert!(test.store.discard(&Item::Blob(id)).unwrap());
    assert_eq!(test.store.put_bytes(b"content").unwrap(), id);
    assert_eq!(test.store.read(&id, 100).unwrap(), b"content");
}

#[test]
fn a_shortened_object_is_replaced_and_odd_ones_are_damage() {
    let test = TestStore::new();
    let id = test.store.put_bytes(b"content").unwrap();
    let path = test.object(&id, "");
    damage(&path, b"cont");
    test.store.put_bytes(b"content").unwrap();
    assert_eq!(test.store.read(&id, 100).unwrap(), b"content");

    remove(&path);
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert_eq!(test.store.open_blob(&id).unwrap_err().damaged(), Some(&Item::Blob(id)));
    test.store.put_bytes(b"content").unwrap();
    assert_eq!(test.store.read(&id, 100).unwrap(), b"content");
}

#[test]
fn downloads_are_known_by_sha256() {
    let test = TestStore::new();
    let long = vec![9; 600_000];
    for content in [b"short".as_slice(), &long] {
        let digests = test.store.put_download(&mut Cursor::new(content)).unwrap();
        assert_eq!(digests.sha256, Sha256::of(content));
        assert_eq!(digests.blob, BlobId::of(content));
        assert_eq!(digests.size, content.len() as u64);
        assert_eq!(test.store.blob_of_sha256(&digests.sha256).unwrap(), Some(digests.blob));
    }
    let sha256 = Sha256::of(b"short");
    assert_eq!(test.store.blob_of_sha256(&Sha256::of(b"other")).unwrap(), None);
    test.store.discard(&Item::Blob(BlobId::of(b"short"))).unwrap();
    assert_eq!(test.store.blob_of_sha256(&sha256).unwrap(), None, "a name of nothing is no name");
    let path = test.path(&format!("sha256/{}/{sha256}", &sha256.to_string()[..2]));
    damage(&path, b"kit:sha256:v1\0 garbage that is long enough to hold a seal, but holds none");
    let error = test.store.blob_of_sha256(&sha256).unwrap_err();
    assert_eq!(error.damaged(), Some(&Item::Sha256(sha256)));
    test.store.put_download(&mut Cursor::new(b"short")).unwrap();
    assert!(test.store.blob_of_sha256(&sha256).unwrap().is_some(), "putting it again mends it");
}

#[test]
fn programs_are_doubles_that_run() {
    let test = TestStore::new();
    let id = test.store.put_bytes(b"#!/bin/sh\n").unwrap();
    test.store.make_program(&id).unwrap();
    test.store.make_program(&id).unwrap();
    assert_eq!((mode(&test.object(&id, "")), mode(&test.object(&id, ".x"))), (0o444, 0o555));

    let other = test.store.put_bytes(b"content").unwrap();
    damage(&test.object(&other, ""), b"Content");
    let error = test.store.make_program(&other).unwrap_err();
    assert_eq!(error.damaged(), Some(&Item::Blob(other)), "{error}");
    assert!(std::fs::metadata(test.object(&other, ".x")).is_err());
}

#[test]
fn many_writers_of_one_blob_agree() {
    let test = TestStore::new();
    let others = [test.again(), test.again(), test.again()];
    let content: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; 300_000 * usize::from(n % 2) + 10]).collect();
    std::thread::scope(|scope| {
        for store in &others {
            scope.spawn(|| {
                for content in &content {
                    let (id, _) = store.put(&mut content.as_slice()).unwrap();
                    assert_eq!(store.read(&id, u64::MAX).unwrap(), *content);
                }
            });
        }
    });
    assert!(test.store.verify(&mut |_| ()).unwrap().is_empty());
    assert_eq!(test.store.du().unwrap().blobs.count, 40);
}
