use kit_format::oci::cosign::with_layer;
use std::collections::BTreeMap;

use super::*;

/// What cosign has under a tag: envelopes of these contents and sizes.
fn envelopes(parts: &[(&str, u64)]) -> Vec<u8> {
    parts.iter().fold(Vec::new(), |before, (text, size)| {
        let layer = Part {
            media_type: cosign::ENVELOPE.to_owned(),
            sha256: Sha256::of(text.as_bytes()),
            size: *size,
            annotations: BTreeMap::from([("number".to_owned(), before.len().to_string())]),
        };
        with_layer((!before.is_empty()).then_some(before.as_slice()), &layer).unwrap().unwrap().manifest
    })
}

/// Takes documents; returns how many parts were read, and what was found.
fn take(documents: &[Vec<u8>]) -> (usize, Result<Vec<Attached>, BuildError>) {
    let mut finding = Finding::about(Sha256::of(b"image"));
    let mut count = 0;
    let mut read = |_: &Part| {
        count += 1;
        Ok(Ok(Vec::new()))
    };
    let mut taken = Ok(());
    for document in documents {
        taken = taken.and_then(|()| finding.take("at", (document, By::Tag), &mut read));
    }
    (count, taken.map(|()| finding.all))
}

#[test]
fn the_same_part_is_read_once() {
    let (count, found) = take(&[envelopes(&[("a", 1), ("a", 1), ("b", 1)]), envelopes(&[("b", 1)])]);
    assert_eq!((count, found.unwrap().len()), (2, 2));
    // One that says another size doesn't stand for it.
    let (count, found) = take(&[envelopes(&[("a", 2), ("a", 1)])]);
    assert_eq!((count, found.unwrap().len()), (2, 2));
}

#[test]
fn no_more_is_read_than_is_bearable() {
    let large = Envelope::LIMIT as u64;
    let (count, found) =
        take(&[envelopes(&[("huge", 1 << 40), ("a", large), ("b", large), ("c", large), ("d", 1)])]);
    assert_eq!(count, 3);
    let found = found.unwrap();
    let broken: Vec<_> = found.iter().map(|found| matches!(found.what, What::Broken(_))).collect();
    assert_eq!(broken, [true, false, false, true, false]);
}

#[test]
fn a_document_with_too_many_parts_isn_t_read_to_its_end() {
    let names: Vec<_> = (0..=MOST).map(|number| number.to_string()).collect();
    let documents: Vec<_> = names
        .chunks(Artifact::MOST_PARTS)
        .map(|names| envelopes(&names.iter().map(|name| (name.as_str(), 1)).collect::<Vec<_>>()))
        .collect();
    let (count, found) = take(&documents);
    assert!(found.unwrap_err().to_string().contains("129"));
    assert_eq!(count, MOST);
}
