//! What a blob's bytes say by themselves, whatever its path.
//!
//! ```text
//! kit:hardening-content:v1
//! variant     0 nothing of interest, 1 ELF file, 2 broken ELF file, 3 text with secrets
//!   1         weaknesses: number, a bit each; search paths: list of bytes; plain functions: list of text
//!   2         why: text
//!   3         list of: variant of the secret, line
//! ```

use std::collections::BTreeSet;
use std::io::{self, Read};

use kit_hash::{BlobId, DecodeError, Decoder, Encoder};
use kit_tree::Blobs;

use super::elf::{ElfFacts, Weakness, extent};
use super::secrets::text::{Hit, Secret, scan};

/// Which encoding this is.
const KIND: &str = "hardening-content";
const VERSION: u64 = 1;
/// How much is read to see what a blob is.
const PREFIX: u64 = 64 << 10;
/// The most of an ELF file that is read.
const ELF_LIMIT: u64 = 512 << 20;
/// The most that a text may have to be searched for secrets.
const TEXT_LIMIT: u64 = 1 << 20;

/// What a blob's bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing of interest.
    Other,
    /// A program or a shared library.
    Elf(ElfFacts),
    /// It starts like an ELF file and isn't one that can be read: why.
    BrokenElf(String),
    /// A text with secrets in it.
    Secrets(Vec<Hit>),
}

impl Content {
    /// Examines a blob of `size` bytes, reading no more of it than is needed.
    pub fn examine(blobs: &dyn Blobs, id: &BlobId, size: u64) -> io::Result<Self> {
        if size == 0 {
            return Ok(Self::Other);
        }
        let mut reader = blobs.open(id)?;
        let mut bytes = Vec::new();
        (&mut reader).take(PREFIX).read_to_end(&mut bytes)?;
        if bytes.starts_with(b"\x7fELF") {
            return elf(&mut reader, bytes);
        }
        if size > TEXT_LIMIT || bytes.contains(&0) {
            return Ok(Self::Other);
        }
        (&mut reader).take(TEXT_LIMIT).read_to_end(&mut bytes)?;
        let hits = if bytes.contains(&0) { Vec::new() } else { scan(&bytes) };
        Ok(if hits.is_empty() { Self::Other } else { Self::Secrets(hits) })
    }

    /// Returns the encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(KIND, VERSION);
        match self {
            Self::Other => encoder.variant(0),
            Self::Elf(facts) => {
                let bits = facts.weaknesses.iter().fold(0, |bits, weakness| bits | weakness.bit());
                encoder.variant(1).u64(bits);
                encoder.list(&facts.search_paths, |encoder, path| {
                    encoder.bytes(path);
                });
                encoder.list(&facts.plain_functions, |encoder, name| {
                    encoder.str(name);
                })
            }
            Self::BrokenElf(why) => encoder.variant(2).str(why),
            Self::Secrets(hits) => {
                encoder.variant(3);
                encoder.list(hits, |encoder, hit| {
                    encoder.variant(hit.secret.number()).u64(u64::from(hit.line));
                })
            }
        };
        encoder.finish().to_vec()
    }

    /// Reads the encoding back.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes, KIND, VERSION)?;
        let content = match decoder.u64()? {
            0 => Self::Other,
            1 => Self::Elf(decode_elf(&mut decoder)?),
            2 => Self::BrokenElf(decoder.str()?.to_owned()),
            3 => Self::Secrets(decode_hits(&mut decoder)?),
            _ => return Err(decoder.invalid("kind of content")),
        };
        decoder.finish()?;
        Ok(content)
    }
}

/// Examines an ELF file, of which the start was read.
fn elf(reader: &mut dyn Read, mut bytes: Vec<u8>) -> io::Result<Content> {
    let wanted = match extent(&bytes) {
        Ok(wanted) if wanted > ELF_LIMIT => {
            return Ok(Content::BrokenElf(format!("what is loaded of it ends behind {ELF_LIMIT} bytes")));
        }
        Ok(wanted) => wanted,
        Err(why) => return Ok(Content::BrokenElf(why.to_string())),
    };
    reader.take(wanted.saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes)?;
    Ok(match ElfFacts::read(&bytes) {
        Ok(Some(facts)) => Content::Elf(facts),
        Ok(None) => Content::Other,
        Err(why) => Content::BrokenElf(why.to_string()),
    })
}

fn decode_elf(decoder: &mut Decoder<'_>) -> Result<ElfFacts, DecodeError> {
    let bits = decoder.u64()?;
    let weaknesses: BTreeSet<Weakness> =
        Weakness::ALL.into_iter().filter(|weakness| bits & weakness.bit() != 0).collect();
    if weaknesses.iter().fold(0, |bits, weakness| bits | weakness.bit()) != bits {
        return Err(decoder.invalid("set of weaknesses"));
    }
    let mut search_paths = Vec::new();
    for _ in 0..decoder.list_len()? {
        search_paths.push(decoder.bytes()?.to_vec());
    }
    let mut plain_functions = Vec::new();
    for _ in 0..decoder.list_len()? {
        plain_functions.push(decoder.str()?.to_owned());
    }
    Ok(ElfFacts { weaknesses, search_paths, plain_functions })
}

fn decode_hits(decoder: &mut Decoder<'_>) -> Result<Vec<Hit>, DecodeError> {
    let mut hits = Vec::new();
    for _ in 0..decoder.list_len()? {
        let number = decoder.u64()?;
        let secret = Secret::ALL.into_iter().find(|secret| secret.number() == number);
        let secret = secret.ok_or_else(|| decoder.invalid("kind of secret"))?;
        let line = u32::try_from(decoder.u64()?).map_err(|_| decoder.invalid("line"))?;
        hits.push(Hit { secret, line });
    }
    Ok(hits)
}

#[cfg(test)]
mod tests;
