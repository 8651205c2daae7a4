//! Pinned vectors. They change only with a new version in the domain tag.

use super::*;
use crate::{BlobHasher, BlobId, DerivationId, HexError, TreeId};

fn sample() -> Encoder {
    let mut e = Encoder::new("sample", 1);
    e.u64(258).str("kit").bytes(&[0, 255]).id(&BlobId::of(b"x")).sha256(&Sha256::of(b"x"));
    e.option(None::<u64>, |_, _| ()).option(Some(7), |e, n| _ = e.u64(n));
    e.list(["a", "bc"], |e, s| _ = e.str(s)).variant(3);
    e
}

#[test]
fn vectors_are_pinned() {
    let digests = [
        ("blob of nothing", BlobId::of(b"").to_string()),
        ("sha256 of nothing", Sha256::of(b"").to_string()),
        ("empty encoding", Encoder::new("sample", 1).id_of::<TreeId>().to_string()),
        ("every field", sample().id_of::<DerivationId>().to_string()),
    ];
    let expected = [
        ("blob of nothing", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        ("sha256 of nothing", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("empty encoding", "748611c39b67e72f20ecf18348a1fe13300d983e0aee1e24c12fcf9a967951f6"),
        ("every field", "edea4272fd6cd464411dc7c26c71e50e889aa5984d4d31e7d22205fabfcf8ced"),
    ];
    assert_eq!(digests, expected.map(|(name, hex)| (name, hex.to_owned())));
    assert_eq!(&sample().finish()[..26], b"kit:sample:v1\0\x02\x01\0\0\0\0\0\0\x03\0\0\0");
}

#[test]
fn decodes_what_it_encodes() {
    let encoder = sample();
    let mut d = Decoder::new(encoder.finish(), "sample", 1).unwrap();
    assert_eq!(d.u64(), Ok(258));
    assert_eq!(d.str(), Ok("kit"));
    assert_eq!(d.bytes(), Ok(&[0, 255][..]));
    assert_eq!(d.id::<BlobId>(), Ok(BlobId::of(b"x")));
    assert_eq!(d.sha256(), Ok(Sha256::of(b"x")));
    assert_eq!((d.u64(), d.u64(), d.u64()), (Ok(0), Ok(1), Ok(7)));
    assert_eq!((d.list_len(), d.str(), d.str()), (Ok(2), Ok("a"), Ok("bc")));
    assert_eq!(d.u64(), Ok(3));
    assert_eq!(d.finish(), Ok(()));
}

#[test]
fn refuses_what_it_never_writes() {
    let encoder = sample();
    assert!(matches!(Decoder::new(encoder.finish(), "other", 1), Err(DecodeError::Tag { .. })));
    let mut huge = Encoder::new("sample", 1);
    huge.u64(u64::MAX);
    let mut d = Decoder::new(huge.finish(), "sample", 1).unwrap();
    assert!(matches!(d.bytes(), Err(DecodeError::Truncated { .. })));
    let d = Decoder::new(huge.finish(), "sample", 1).unwrap();
    assert_eq!(d.finish(), Err(DecodeError::Trailing { count: 8 }));
}

#[test]
fn one_pass_gives_both_digests() {
    let mut hasher = BlobHasher::new();
    hasher.update(b"ki");
    hasher.update(b"t");
    let digests = hasher.finish();
    assert_eq!(digests.blob, BlobId::of(b"kit"));
    assert_eq!(digests.sha256, Sha256::of(b"kit"));
    assert_eq!(digests.size, 3);
    assert_eq!(BlobId::of_reader(&b"kit"[..]).unwrap(), (digests.blob, 3));
}

#[test]
fn hexadecimal_is_strict() {
    let text = BlobId::of(b"").to_string();
    assert_eq!(text.parse(), Ok(BlobId::of(b"")));
    assert_eq!(text[1..].parse::<BlobId>(), Err(HexError::Length(63)));
    let upper = text.to_uppercase();
    assert!(matches!(upper.parse::<BlobId>(), Err(HexError::Digit { position: 0, character: 'A' })));
    assert_eq!("md5:00".parse::<Sha256>().is_err(), Sha256::from_oci("md5:00").is_err());
    let digest = Sha256::of(b"");
    assert_eq!(Sha256::from_oci(&digest.oci()), Ok(digest));
}
