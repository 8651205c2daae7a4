//! Unpacking within limits.

use std::collections::BTreeMap;
use std::io::Write as _;

use kit_hash::Sha256;

use super::{Compression, IndexError, Pinned, unpack};
use crate::debian::archives::AttemptError;
use crate::debian::date::Timestamp;
use crate::debian::release::{ByHash, IndexFile, Release};

/// 100 bytes `x` by `xz -9`.
const XZ: &[u8] = &[
    0xfd, b'7', b'z', b'X', b'Z', 0, 0, 4, 0xe6, 0xd6, 0xb4, 0x46, 2, 0, 0x21, 1, 0x1c, 0, 0, 0, 0x10, 0xcf,
    0x58, 0xcc,
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn pinned(packed: &[u8], plain: &[u8], compression: Compression) -> Pinned {
    let pin = |bytes: &[u8]| IndexFile { size: bytes.len() as u64, sha256: Sha256::of(bytes) };
    Pinned { path: "p".to_owned(), compression, packed: pin(packed), plain: pin(plain) }
}

#[test]
fn unpacks_what_was_pinned() {
    let packed = gzip(b"text");
    assert_eq!(pinned(&packed, b"text", Compression::Gzip).unpack(&packed).unwrap(), b"text");
    assert_eq!(pinned(b"text", b"text", Compression::Plain).unpack(b"text").unwrap(), b"text");
}

#[test]
fn stops_a_bomb_at_the_pinned_size() {
    let packed = gzip(&vec![0; 64 << 20]);
    assert!(packed.len() < 100_000);
    let bomb = pinned(&packed, b"small", Compression::Gzip);
    assert!(matches!(bomb.unpack(&packed), Err(IndexError::Size { expected: 5, .. })));
    let text = unpack(&packed, Compression::Gzip, 5).unwrap();
    assert_eq!(text.len(), 6);
}

#[test]
fn refuses_broken_and_other_contents() {
    let packed = gzip(b"text");
    let error = |pinned: Pinned, bytes: &[u8]| pinned.unpack(bytes).unwrap_err().code();
    assert_eq!(error(pinned(&packed, b"test", Compression::Gzip), &packed), "kit::debian::index_mismatch");
    assert_eq!(error(pinned(&packed, b"longer", Compression::Gzip), &packed), "kit::debian::index_mismatch");
    assert_eq!(error(pinned(b"?", b"x", Compression::Gzip), b"?"), "kit::debian::index_compression");
    assert_eq!(error(pinned(XZ, b"x", Compression::Xz), XZ), "kit::debian::index_compression");
    assert_eq!(
        error(pinned(&packed, b"text", Compression::Gzip), &packed[..8]),
        "kit::debian::index_compression"
    );
}

#[test]
fn prefers_xz_and_refuses_what_is_too_large() {
    let file = |size| IndexFile { size, sha256: Sha256::of(b"") };
    let mut release = Release {
        suite: None,
        codename: None,
        date: Timestamp(0),
        valid_until: None,
        by_hash: ByHash::No,
        architectures: Vec::new(),
        components: Vec::new(),
        files: BTreeMap::from([
            ("P".to_owned(), file(9)),
            ("P.gz".to_owned(), file(3)),
            ("P.xz".to_owned(), file(2)),
        ]),
        signatures: Vec::new(),
    };
    let found = Pinned::find(&release, "P").unwrap();
    assert_eq!((found.compression, found.packed.size, found.plain.size), (Compression::Xz, 2, 9));
    release.files.remove("P.xz");
    assert_eq!(Pinned::find(&release, "P").unwrap().compression, Compression::Gzip);
    release.files.insert("P".to_owned(), file(2 << 30));
    assert!(matches!(Pinned::find(&release, "P"), Err(AttemptError::Index(IndexError::TooLarge { .. }))));
    release.files.remove("P");
    assert!(matches!(Pinned::find(&release, "P"), Err(AttemptError::Release(_))));
}
