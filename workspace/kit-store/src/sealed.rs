//! Small files whose name is not the digest of their bytes: an encoding, then the BLAKE3 digest of it.
//!
//! The encoding starts with the file's own name, so that a file that was torn, edited or put under another name is noticed.

use kit_hash::{BlobId, Decoder, Encoder, Identity as _};

use crate::Damage;

/// Returns the bytes of a sealed file.
pub(crate) fn seal(encoder: &Encoder) -> Vec<u8> {
    let mut bytes = encoder.finish().to_vec();
    let seal = BlobId::of(&bytes);
    bytes.extend_from_slice(seal.as_bytes());
    bytes
}

/// Checks the seal of a file that should hold `kind`, and starts to read it.
pub(crate) fn unseal<'a>(bytes: &'a [u8], kind: &str) -> Result<Decoder<'a>, Damage> {
    let (encoding, seal) = bytes.split_last_chunk::<32>().ok_or(Damage::Seal)?;
    if BlobId::of(encoding).as_bytes() != seal {
        return Err(Damage::Seal);
    }
    Ok(Decoder::new(encoding, kind, 1)?)
}

#[cfg(test)]
mod tests;
