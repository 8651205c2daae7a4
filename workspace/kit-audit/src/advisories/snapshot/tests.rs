use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::advisories::tests::{bookworm, builder, osv, snapshot as build, state, with};

fn records() -> Vec<Value> {
    let mut rustsec =
        osv("RUSTSEC-2024-1", "crates.io", "time", &["introduced 0.0.0-0", "fixed 0.2.23", "limit *"]);
    rustsec["affected"][0]["database_specific"] =
        json!({"informational": "unsound", "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"});
    let mut dsa = osv("DSA-1-1", "Debian:12", "openssl", &["introduced 1", "last_affected 3.0"]);
    dsa["affected"][0]["versions"] = json!(["4.0"]);
    vec![
        osv("DEBIAN-CVE-2024-1", "Debian:12", "openssl", &["introduced 0", "fixed 3.0.13-1"]),
        with(
            dsa,
            json!({"related": ["CVE-2024-1"], "withdrawn": "2024-03-02T00:00:00Z", "summary": "A flaw"}),
        ),
        with(rustsec, json!({"aliases": ["CVE-2024-7"]})),
        with(osv("DEBIAN-CVE-2024-2", "Debian:12", "zlib", &[]), json!({"published": null})),
    ]
}

fn tracker() -> Value {
    let mut no_dsa = state("open", None, "low");
    no_dsa["nodsa"] = json!("Minor");
    let sid = state("resolved", Some("9"), "low");
    json!({
        "openssl": {
            "CVE-2024-1": {"description": "d", "releases": {"bookworm": no_dsa, "sid": sid}},
            "CVE-2024-3": {"releases": {"bookworm": state("resolved", Some("0"), "")}},
        },
        "bash": {
            "CVE-2024-4": {"releases": {"bookworm": state("resolved", Some("5.2"), "unimportant")}},
            "TEMP-1-2": {"releases": {"bookworm": state("undetermined", None, "?")}},
        },
    })
}

fn full() -> Snapshot {
    build(&records(), Some(&tracker()))
}

#[test]
fn what_is_written_is_read() {
    for snapshot in [full(), build(&[], None), build(&records(), None)] {
        let bytes = snapshot.to_bytes();
        let read = Snapshot::read(&bytes, &bookworm(), &Wanted::Everything).unwrap();
        assert_eq!(read, snapshot);
        assert_eq!(read.to_bytes(), bytes);
    }
    let snapshot = full();
    assert_eq!(snapshot.ecosystems().len(), 2);
    assert_eq!(snapshot.not_understood().len(), 2);
    assert_eq!(snapshot.date(), Moment::parse("2024-03-01T00:00:00Z"));
    assert_eq!(
        snapshot.packages().map(|(_, name, _)| name).collect::<Vec<_>>(),
        ["bash", "openssl", "zlib", "time"]
    );
}

/// Changes with every change of the form: then `kit:advisory-snapshot` needs another version, since lockfiles pin it.
#[test]
fn the_digest_is_pinned() {
    let digests = [full().digest().to_string(), build(&[], None).digest().to_string()];
    let expected = [
        "6291ba5cd4a976cf06f3831cd934cae242438bc073d983274fa654abaf991308",
        "dc55e0a4d99a18916961d02b7a522d726487b1bd466a128a28f09a0d750aa649",
    ];
    assert_eq!(digests, expected);
}

#[test]
fn the_order_of_files_doesnt_matter() {
    let mut reversed = records();
    reversed.reverse();
    let newer = with(records().remove(0), json!({"modified": "2024-02-02T00:00:00Z", "summary": "newer"}));
    let mut with_both = records();
    with_both.push(newer.clone());
    let mut newer_first = vec![newer];
    newer_first.extend(reversed.clone());
    assert_eq!(build(&reversed, None).to_bytes(), build(&records(), None).to_bytes());
    let both = build(&with_both, None);
    assert_eq!(build(&newer_first, None).to_bytes(), both.to_bytes());
    let openssl = both.package(Ecosystem::Debian, "openssl").unwrap();
    assert_eq!(openssl.advisories["DEBIAN-CVE-2024-1"].summary, "newer");
    // What a newer record no longer is about, is gone.
    let moved = osv("DEBIAN-CVE-2024-1", "Debian:11", "openssl", &["introduced 0"]);
    let moved = with(moved, json!({"modified": "2025-01-01T00:00:00Z"}));
    let moved = build(&[moved, records().remove(0)], None);
    assert_eq!(moved.package(Ecosystem::Debian, "openssl"), None);
    assert_eq!(moved.date(), Moment::parse("2025-01-01T00:00:00Z"));
}

#[test]
fn the_tracker_that_was_fetched_last_counts() {
    let other =
        json!({"openssl": {"CVE-1-1": {"releases": {"bookworm": state("open", None, "")}}}}).to_string();
    let (early, late) = (Moment::from_seconds(1), Moment::from_seconds(2));
    for order in [[0, 1], [1, 0]] {
        let mut builder = builder(&[]);
        for index in order {
            let (text, date) = [(other.clone(), early), (tracker().to_string(), late)][index].clone();
            builder.tracker("t.json", text.as_bytes(), Some(date)).unwrap();
        }
        let snapshot = builder.finish();
        assert_eq!(snapshot.tracker_date(), Some(late));
        assert_eq!(snapshot.package(Ecosystem::Debian, "openssl").unwrap().tracked.len(), 2);
    }
}

#[test]
fn only_what_is_wanted_is_decoded() {
    let bytes = full().to_bytes();
    let wanted = Wanted::only([(Ecosystem::Debian, "openssl")]);
    let read = Snapshot::read(&bytes, &bookworm(), &wanted).unwrap();
    assert_eq!(read.packages().map(|(_, name, _)| name).collect::<Vec<_>>(), ["openssl"]);
    assert!(read.has_asked(Ecosystem::Debian, "openssl") && !read.has_asked(Ecosystem::Debian, "bash"));
    assert_eq!(read.digest(), full().digest());
    // Writing it again says what it is: one of fewer packages.
    let again = Snapshot::read(&read.to_bytes(), &bookworm(), &Wanted::Everything).unwrap();
    assert!(again.has_asked(Ecosystem::Debian, "openssl") && !again.has_asked(Ecosystem::Debian, "bash"));
}

#[test]
fn a_snapshot_for_another_release_is_refused() {
    let trixie = Release::of_codename("trixie").unwrap();
    let error = Snapshot::read(&full().to_bytes(), &trixie, &Wanted::Everything).unwrap_err();
    assert_eq!(error.to_string(), "the advisories are for Debian 12 (bookworm), not for Debian 13 (trixie)");
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = full().to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Snapshot::read(&changed, &bookworm(), &Wanted::Everything).is_err(), "byte {at}");
        assert!(Snapshot::read(&bytes[..at], &bookworm(), &Wanted::Everything).is_err(), "byte {at}");
    }
}

#[test]
fn what_isnt_canonical_is_refused() {
    let snapshot = full();
    // A block with its advisories the other way round, with a digest that fits.
    let package = snapshot.package(Ecosystem::Debian, "openssl").unwrap();
    let block = encode::block(package);
    let text = |text: &[u8]| block.windows(text.len()).position(|part| part == text).unwrap();
    let mut odd = block.clone();
    // The second name of an alias list before the first is as good as a record's id that sorts behind the next.
    let at = text(b"DEBIAN-CVE-2024-1");
    odd[at] = b'X';
    let bytes = snapshot.to_bytes();
    let mut changed = Vec::new();
    let old = BlobId::of(&block);
    let new = BlobId::of(&odd);
    let replace = |bytes: &[u8], from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|part| part == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    changed.extend(replace(&replace(&bytes, &block, &odd), raw(&old), raw(&new)));
    let tag = b"kit:advisory-head:v1\0";
    let start = changed.windows(tag.len()).position(|part| part == tag).unwrap();
    let length = u64::from_le_bytes(changed[start - 8..start].try_into().unwrap());
    let end = start + usize::try_from(length).unwrap();
    let digest = BlobId::of(&changed[start..end]);
    changed[end..end + 32].copy_from_slice(raw(&digest));
    let error = Snapshot::read(&changed, &bookworm(), &Wanted::Everything).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the part about `openssl` of the snapshot of advisories isn't in its canonical form"
    );
}

fn raw(id: &BlobId) -> &[u8] {
    kit_hash::Identity::as_bytes(id)
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<usize>(), byte in any::<u8>()) {
        let mut tagged = b"kit:advisory-snapshot:v1\0".to_vec();
        tagged.extend_from_slice(&bytes);
        let mut block = encode::block(full().package(Ecosystem::Debian, "openssl").unwrap());
        let at = at % block.len();
        block[at] = byte;
        let _ = (Snapshot::read(&tagged, &bookworm(), &Wanted::Everything), decode::read_block(&block));
    }
}
