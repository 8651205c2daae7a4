//! The canonical encoding: what every identity of kit is a hash of.
//!
//! An encoding is the domain tag `kit:<kind>:v<n>\0` followed by fields in a stated order:
//!
//! | field | bytes |
//! |---|---|
//! | number, length, variant, option (0 absent, 1 present) | `u64`, little-endian |
//! | bytes, text | length, then the bytes |
//! | digest | its 32 bytes |
//! | list | number of items, then the items |
//!
//! Nothing is optional, skipped or padded, so an encoding can be read back one way only.
//! The identity of a kind is the BLAKE3 digest of its encoding.

use crate::{Identity, Sha256};

/// Writes one canonical encoding.
#[derive(Debug, Clone)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// Starts an encoding of `kind` (lower-case word) in `version`.
    pub fn new(kind: &str, version: u64) -> Self {
        Self { bytes: format!("kit:{kind}:v{version}\0").into_bytes() }
    }

    /// Appends a number.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends the length of a list whose items follow.
    pub fn len(&mut self, items: usize) -> &mut Self {
        self.u64(items as u64)
    }

    /// Appends the explicit number of an enum's variant.
    pub fn variant(&mut self, number: u64) -> &mut Self {
        self.u64(number)
    }

    /// Appends bytes with their length.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.len(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends text with its length in bytes.
    pub fn str(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Appends an identity.
    pub fn id(&mut self, id: &impl Identity) -> &mut Self {
        self.bytes.extend_from_slice(id.as_bytes());
        self
    }

    /// Appends a SHA-256 digest.
    pub fn sha256(&mut self, digest: &Sha256) -> &mut Self {
        self.bytes.extend_from_slice(digest.as_bytes());
        self
    }

    /// Appends an optional field: 0, or 1 and what `some` writes.
    pub fn option<T>(&mut self, value: Option<T>, some: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            None => self.variant(0),
            Some(value) => {
                self.variant(1);
                some(self, value);
                self
            }
        }
    }

    /// Appends a list: its length, then what `each` writes for each item.
    pub fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        let items = items.into_iter();
        self.len(items.len());
        items.for_each(|item| each(self, item));
        self
    }

    /// Returns the encoding.
    pub fn finish(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the identity that the encoding hashes to.
    pub fn id_of<I: Identity>(&self) -> I {
        I::from_bytes(*blake3::hash(&self.bytes).as_bytes())
    }
}

/// Why bytes are no canonical encoding of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The domain tag is another one.
    #[error("expected an encoding of `{expected}`")]
    Tag {
        /// The tag that was expected, without its NUL.
        expected: String,
    },
    /// The bytes end inside a field.
    #[error("the encoding ends inside a field at byte {at}")]
    Truncated {
        /// Offset of the field.
        at: usize,
    },
    /// Bytes follow the last field.
    #[error("{count} bytes follow the last field")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A field has a value that the encoder never writes.
    #[error("invalid {what} at byte {at}")]
    Value {
        /// What the field is.
        what: &'static str,
        /// Offset behind the field.
        at: usize,
    },
}

/// Reads a canonical encoding back, field by field.
#[derive(Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// Starts to read an encoding of `kind` in `version`.
    pub fn new(bytes: &'a [u8], kind: &str, version: u64) -> Result<Self, DecodeError> {
        let tag = format!("kit:{kind}:v{version}\0");
        if !bytes.starts_with(tag.as_bytes()) {
            return Err(DecodeError::Tag { expected: tag.trim_end_matches('\0').to_owned() });
        }
        Ok(Self { bytes, at: tag.len() })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(DecodeError::Truncated { at: self.at })?;
        self.at += count;
        Ok(taken)
    }

    /// Reads a number.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("because eight bytes were taken")))
    }

    /// Reads the length of a list; never more than the bytes that are left.
    pub fn list_len(&mut self) -> Result<usize, DecodeError> {
        let len = self.u64()?;
        usize::try_from(len)
            .ok()
            .filter(|len| *len <= self.bytes.len() - self.at)
            .ok_or(DecodeError::Truncated { at: self.at })
    }

    /// Reads bytes with their length.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.list_len()?;
        self.take(len)
    }

    /// Reads UTF-8 text with its length.
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.invalid("text"))
    }

    /// Reads an identity.
    pub fn id<I: Identity>(&mut self) -> Result<I, DecodeError> {
        let bytes = self.take(32)?;
        Ok(I::from_bytes(bytes.try_into().expect("because 32 bytes were taken")))
    }

    /// Reads a SHA-256 digest.
    pub fn sha256(&mut self) -> Result<Sha256, DecodeError> {
        let bytes = self.take(32)?;
        Ok(Sha256::from_bytes(bytes.try_into().expect("because 32 bytes were taken")))
    }

    /// Makes the error for a field, just read, whose value can't stand there.
    pub fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Value { what, at: self.at }
    }

    /// Checks that nothing follows.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            count => Err(DecodeError::Trailing { count }),
        }
    }
}

#[cfg(test)]
mod tests;
