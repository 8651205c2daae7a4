use std::io::{self, Read, Write};
use std::num::NonZeroU32;

use kit_hash::Sha256;
use proptest::prelude::*;

use super::zstd::ZstdOptions;
use super::*;
use crate::limits::{LimitError, Limits};
use crate::samples::{Trickle, lines};

fn read_all(mut reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn gzip(content: &[u8]) -> Vec<u8> {
    read_all(GzipStream::new(content)).unwrap()
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    read_all(bzip2::read::BzEncoder::new(content, bzip2::Compression::best())).unwrap()
}

fn zstd(content: &[u8], level: i32, workers: u32) -> Vec<u8> {
    let options = ZstdOptions { level, workers: NonZeroU32::new(workers).unwrap() };
    read_all(ZstdStream::new(content, content.len() as u64, options).unwrap()).unwrap()
}

fn xz(content: &[u8], dictionary: u32) -> Vec<u8> {
    let mut options = lzma_rust2::XzOptions::with_preset(1);
    options.lzma_options.dict_size = dictionary;
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

fn written_xz(content: &[u8]) -> Vec<u8> {
    read_all(XzStream::new(content).unwrap()).unwrap()
}

fn decode(bytes: &[u8], limits: &Limits) -> io::Result<Vec<u8>> {
    read_all(Decoder::sniff(bytes, limits)?)
}

fn limit_of(error: &io::Error) -> Option<&LimitError> {
    error.get_ref()?.downcast_ref()
}

const PINNED: &str = "\
text 0be1fe02151e26c162749de9bd83454cdad9fda6f33d97cb3e1547ce9238c9af
gzip empty ac73670af3abed54ac6fb4695131f4099be9fbe39d6076c5d0264a6bbdae9d83
gzip ee4c82a08096538a84008604504fb7fd9e327ffff658aeb598ea2dccfe16c674
zstd empty f96deff1816083fdff8bc3e46c3fe6ca46a6bb49f4d5a00627616c13237a512c
zstd 3 8be43e409cb2ed7d07662c5dcc57313a36549ff831aee6221c1cdda48a36c3f4
zstd 15 c5b8ee7cb504aabec9734ef97f4a44e65b0802e0ea3ab29ac9257c6ae78f5421
xz empty 14c80c40f5b247deead9e9d1d31b8b4f5f0b4f4425e6eb12291fd3e505fc8414
xz 2f550f55a4af4661c8693911b07f10f13452801fc7e1da0b92a5b2e39f7d6f38";

/// These change only with a `REVISION`; a new one is taken from the message of the failing test.
#[test]
fn bytes_are_pinned() {
    let text = lines(40_000);
    let found = [
        format!("text {}", Sha256::of(&text)),
        format!("gzip empty {}", Sha256::of(&gzip(b""))),
        format!("gzip {}", Sha256::of(&gzip(&text))),
        format!("zstd empty {}", Sha256::of(&zstd(b"", 3, 1))),
        format!("zstd 3 {}", Sha256::of(&zstd(&text, 3, 1))),
        format!("zstd 15 {}", Sha256::of(&zstd(&text, 15, 2))),
        format!("xz empty {}", Sha256::of(&written_xz(b""))),
        format!("xz {}", Sha256::of(&written_xz(&text))),
    ];
    assert_eq!((gzip::REVISION, super::xz::REVISION, super::zstd::REVISION), (1, 1, 1));
    assert_eq!(found.join("\n"), PINNED);
}

#[test]
fn gzip_says_nothing_about_its_maker() {
    assert_eq!(gzip(b"x")[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
}

#[test]
fn xz_is_what_the_kernel_unpacks() {
    let text = lines(5_000);
    let written = written_xz(&text);
    // The magic number, and the flags of a stream with CRC-32.
    assert_eq!(written[..8], [0xfd, b'7', b'z', b'X', b'Z', 0, 0, 1]);
    let mut read = Vec::new();
    lzma_rust2::XzReader::new(written.as_slice(), false).read_to_end(&mut read).unwrap();
    assert!(read == text, "another implementation reads it");
    assert!(decode(&written, &Limits::standard()).unwrap() == text);
}

#[test]
fn zstd_is_the_same_for_any_number_of_workers() {
    // several jobs of 4 MiB, the last one short
    let text = lines(900_000);
    assert!(text.len() > 12 << 20);
    let one = zstd(&text, 1, 1);
    assert!(one == zstd(&text, 1, 2), "two workers");
    assert!(one == zstd(&text, 1, 4), "four workers");
    assert!(decode(&one, &Limits::standard()).unwrap() == text);
}

#[test]
fn bytes_do_not_depend_on_how_the_source_reads() {
    let text = lines(30_000);
    let options = ZstdOptions { level: 3, workers: NonZeroU32::MIN };
    for step in [1, 7, 4096, 131_073] {
        assert!(read_all(GzipStream::new(Trickle(&text, step))).unwrap() == gzip(&text), "{step}");
        assert!(
            read_all(XzStream::new(Trickle(&text, step)).unwrap()).unwrap() == written_xz(&text),
            "{step}"
        );
        let stream = ZstdStream::new(Trickle(&text, step), text.len() as u64, options).unwrap();
        assert!(read_all(stream).unwrap() == zstd(&text, 3, 1), "{step}");
    }
}

#[test]
fn zstd_refuses_another_length_than_was_said() {
    let options = ZstdOptions { level: 3, workers: NonZeroU32::MIN };
    for (said, kind) in [(4, io::ErrorKind::InvalidData), (6, io::ErrorKind::UnexpectedEof)] {
        let stream = ZstdStream::new(&b"12345"[..], said, options).unwrap();
        assert_eq!(read_all(stream).unwrap_err().kind(), kind, "{said}");
    }
}

#[test]
fn reads_every_kind_and_several_in_a_row() {
    let text = lines(5_000);
    let limits = Limits::standard();
    for (kind, bytes) in [
        (Compression::None, text.clone()),
        (Compression::Bzip2, bzip2(&text)),
        (Compression::Gzip, gzip(&text)),
        (Compression::Xz, xz(&text, 1 << 20)),
        (Compression::Zstd, zstd(&text, 3, 1)),
    ] {
        let decoder = Decoder::sniff(Trickle(&bytes, 5), &limits).unwrap();
        assert_eq!(decoder.compression(), kind);
        assert!(read_all(decoder).unwrap() == text, "{kind:?}");
        let twice = [bytes.clone(), bytes].concat();
        assert!(decode(&twice, &limits).unwrap() == [text.clone(), text.clone()].concat(), "{kind:?} twice");
    }
    assert_eq!(decode(b"", &limits).unwrap(), b"");
    assert_eq!(decode(b"\x1f", &limits).unwrap(), b"\x1f");
}

#[test]
fn truncated_streams_are_errors() {
    let text = lines(300);
    for bytes in [bzip2(&text), gzip(&text), xz(&text, 1 << 16), zstd(&text, 3, 1)] {
        for end in Compression::MAGIC_BYTES..bytes.len() {
            assert!(decode(&bytes[..end], &Limits::standard()).is_err(), "{end} of {}", bytes.len());
        }
    }
}

#[test]
fn bombs_are_refused_soon() {
    let limits = Limits::standard();
    let zeros = || io::repeat(0).take(140 << 20);
    let options = ZstdOptions { level: 1, workers: NonZeroU32::MIN };
    let zstd_bomb = read_all(ZstdStream::new(zeros(), 140 << 20, options).unwrap()).unwrap();
    let gzip_bomb = read_all(GzipStream::new(zeros())).unwrap();
    let xz_bomb = xz(&vec![0; 140 << 20], 1 << 20);
    let bzip2_bomb = bzip2(&vec![0; 140 << 20]);
    for bomb in [zstd_bomb, gzip_bomb, xz_bomb, bzip2_bomb] {
        let mut decoder = Decoder::sniff(bomb.as_slice(), &limits).unwrap();
        let (mut taken, mut buffer) = (0, vec![0; 65536]);
        let error = loop {
            match decoder.read(&mut buffer) {
                Ok(0) => panic!("the bomb went off"),
                Ok(count) => taken += count as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(limit_of(&error), Some(&LimitError::Ratio { limit: limits.ratio }));
        assert!(taken <= Limits::RATIO_FLOOR);
        // it stays refused
        assert!(decoder.read(&mut [0]).is_err());
    }
}

#[test]
fn large_decoders_are_refused() {
    let limits = Limits { decoder_kib: 1 << 10, ..Limits::standard() };
    let content = lines(100_000);
    for bytes in [xz(&content, 8 << 20), zstd(&content, 9, 1)] {
        let error = decode(&bytes, &limits).unwrap_err();
        assert_eq!(limit_of(&error), Some(&LimitError::DecoderMemory { limit: 1 << 10 }));
        assert!(decode(&bytes, &Limits::standard()).unwrap() == content);
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(kind in 0_usize..4, mut bytes in proptest::collection::vec(any::<u8>(), 0..400), at in any::<usize>(), flip in 1_u8..) {
        let magic: [&[u8]; 4] = [b"", &[0x1f, 0x8b, 8, 0], b"\xfd7zXZ\0", &[0x28, 0xb5, 0x2f, 0xfd]];
        let mut start = magic[kind].to_vec();
        start.append(&mut bytes);
        let _ = decode(&start, &Limits::standard());
        let text = lines(50);
        for mut damaged in [gzip(&text), xz(&text, 1 << 16), zstd(&text, 3, 1)] {
            let at = at % damaged.len();
            damaged[at] ^= flip;
            let _ = decode(&damaged, &Limits::standard());
        }
    }
}
