//! Canonical JSON (RFC 8785) without a tree of values in between: the types of a document have their fields in the order of the keys, as
//! bytes, and a test holds what comes out against [`kit_format::json::canonical`].

use std::fmt;

use kit_hash::Sha256;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::SbomError;

/// Writes a document that has a name which follows from all else in it: `document` is asked twice, first with a name of zeros.
pub(super) fn named<T: Serialize>(document: impl Fn(Uuid) -> T) -> Result<Vec<u8>, SbomError> {
    let unnamed = serde_json::to_vec(&document(Uuid::nil()))?;
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"tag:kit,2026:sbom");
    let name = Uuid::new_v5(&namespace, Sha256::of(&unnamed).as_bytes());
    let mut text = Vec::with_capacity(unnamed.len() + 1);
    serde_json::to_writer(&mut text, &document(name))?;
    text.push(b'\n');
    Ok(text)
}

/// Writes what it shows as a string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// Bytes in lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        for bytes in self.0.chunks(32) {
            let digits = &mut digits[..bytes.len() * 2];
            for (two, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
                *two = [byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
            }
            f.write_str(str::from_utf8(digits).expect("because digits are"))?;
        }
        Ok(())
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A list whose items are made while they are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Each<I>(pub(super) I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Each<I> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.clone())
    }
}
