//! Records and memos: what was built, found again.
//!
//! Both are *sealed*: the canonical encoding, which starts with the file's own name, is followed by the 32 bytes of its
//! BLAKE3 digest. A file that was torn, edited or renamed is noticed.
//!
//! | kind | fields |
//! |---|---|
//! | `kit:record:v1` | resolved id; tree id; option of the log's blob id; wall milliseconds, CPU milliseconds, bytes |
//! | `kit:memo:v1` | derivation id; resolved id |
//! | `kit:sha256:v1` | SHA-256; blob id |

use kit_hash::{BlobId, Decoder, DerivationId, Encoder, ResolvedId, TreeId};

use crate::sealed::unseal;
use crate::{Damage, Item, Store, StoreError};

/// What took at least this long, in milliseconds, isn't to be lost in a power cut. A sync takes as long as the disk takes for
/// all that is to be written, other processes' too, and hundreds of quick steps would each wait for one.
const WORTH_SYNCING: u64 = 1000;

/// What making something took. It is measured, so it never reaches an output byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Milliseconds from start to end.
    pub wall_millis: u64,
    /// Milliseconds of processor time.
    pub cpu_millis: u64,
    /// Bytes of content that came out.
    pub bytes: u64,
}

/// What a resolved derivation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The tree that came out.
    pub tree: TreeId,
    /// What it said while it was made.
    pub log: Option<BlobId>,
    /// What it took.
    pub cost: Cost,
}

impl Store {
    /// Keeps a record; its tree, blobs and log are put before it, and are on disk before it is when they were dear.
    pub fn put_record(&self, id: &ResolvedId, record: &Record) -> Result<(), StoreError> {
        if record.cost.wall_millis >= WORTH_SYNCING {
            self.settle()?;
        }
        self.publish_sealed(&self.records, &id.to_string(), &encode_record(id, record))
    }

    /// Reads a record, or none when there is none; marks it as used now.
    pub fn record(&self, id: &ResolvedId) -> Result<Option<Record>, StoreError> {
        let record = self.peek_record(id)?;
        if record.is_some() {
            self.records.touch(&id.to_string());
        }
        Ok(record)
    }

    /// Reads a record without marking it as used.
    pub(crate) fn peek_record(&self, id: &ResolvedId) -> Result<Option<Record>, StoreError> {
        let bytes = self.read_sealed(&self.records, &id.to_string(), || Item::Record(*id))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let record = decode_record(&bytes, id);
        record.map(Some).map_err(|damage| self.corrupt(Item::Record(*id), damage))
    }

    /// Remembers what a derivation resolved to, in place of what it did before.
    pub fn put_memo(&self, derivation: &DerivationId, resolved: &ResolvedId) -> Result<(), StoreError> {
        self.publish_sealed(&self.memos, &derivation.to_string(), &encode_memo(derivation, resolved))
    }

    /// Returns what a derivation last resolved to, or none when that isn't known.
    pub fn memo(&self, derivation: &DerivationId) -> Result<Option<ResolvedId>, StoreError> {
        let bytes = self.read_sealed(&self.memos, &derivation.to_string(), || Item::Memo(*derivation))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let resolved = decode_memo(&bytes, derivation);
        resolved.map(Some).map_err(|damage| self.corrupt(Item::Memo(*derivation), damage))
    }
}

/// Writes what a record's file holds.
pub(crate) fn encode_record(id: &ResolvedId, record: &Record) -> Encoder {
    let mut encoder = Encoder::new("record", 1);
    encoder.id(id).id(&record.tree).option(record.log.as_ref(), |e, log| _ = e.id(log));
    encoder.u64(record.cost.wall_millis).u64(record.cost.cpu_millis).u64(record.cost.bytes);
    encoder
}

/// Checks and reads the bytes of a record's file.
pub(crate) fn decode_record(bytes: &[u8], id: &ResolvedId) -> Result<Record, Damage> {
    let mut d = unseal(bytes, "record")?;
    if d.id::<ResolvedId>()? != *id {
        return Err(Damage::Seal);
    }
    let tree = d.id()?;
    let log = decode_log(&mut d)?;
    let cost = Cost { wall_millis: d.u64()?, cpu_millis: d.u64()?, bytes: d.u64()? };
    d.finish()?;
    Ok(Record { tree, log, cost })
}

fn decode_log(d: &mut Decoder<'_>) -> Result<Option<BlobId>, Damage> {
    match d.u64()? {
        0 => Ok(None),
        1 => Ok(Some(d.id()?)),
        _ => Err(d.invalid("option of the log").into()),
    }
}

/// Writes what a memo's file holds.
pub(crate) fn encode_memo(derivation: &DerivationId, resolved: &ResolvedId) -> Encoder {
    let mut encoder = Encoder::new("memo", 1);
    encoder.id(derivation).id(resolved);
    encoder
}

/// Checks and reads the bytes of a memo's file.
pub(crate) fn decode_memo(bytes: &[u8], derivation: &DerivationId) -> Result<ResolvedId, Damage> {
    let mut d = unseal(bytes, "memo")?;
    if d.id::<DerivationId>()? != *derivation {
        return Err(Damage::Seal);
    }
    let resolved = d.id()?;
    d.finish()?;
    Ok(resolved)
}

#[cfg(test)]
mod tests;
