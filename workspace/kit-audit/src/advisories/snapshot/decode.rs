//! Reads a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{BlobId, DecodeError, Decoder};

use super::encode::{self, BLOCK, HEAD, SNAPSHOT, VERSION};
use super::{LIMIT, Snapshot, SnapshotError, TrackerState};
use crate::advisories::{
    Advisory, Decision, Ecosystem, Event, Informational, Moment, NoDsa, NotUnderstood, Package, Range,
    Rating, Release, Status, Tracked, Wanted,
};

/// An entry of the index.
struct Entry<'a> {
    ecosystem: Ecosystem,
    name: &'a str,
    length: u64,
    digest: BlobId,
}

pub(super) fn snapshot(bytes: &[u8], asked: &Release, wanted: &Wanted) -> Result<Snapshot, SnapshotError> {
    let length = bytes.len() as u64;
    if length > LIMIT {
        return Err(SnapshotError::TooLong { length, limit: LIMIT });
    }
    let mut decoder = Decoder::new(bytes, SNAPSHOT, VERSION)?;
    let head = decoder.bytes()?;
    let digest: BlobId = decoder.id()?;
    let mut blocks = decoder.bytes()?;
    decoder.finish()?;
    verify(head, digest, || "head".to_owned())?;
    let (mut snapshot, index) = read_head(head)?;
    if snapshot.release != *asked {
        return Err(SnapshotError::Release { found: snapshot.release, asked: asked.clone() });
    }
    for entry in index {
        let name = || entry.name.to_owned();
        let too_long = || SnapshotError::Package { name: name(), source: DecodeError::Truncated { at: 0 } };
        let length = usize::try_from(entry.length).map_err(|_| too_long())?;
        let (block, rest) = blocks.split_at_checked(length).ok_or_else(too_long)?;
        blocks = rest;
        if !wanted.has(entry.ecosystem, entry.name) {
            continue;
        }
        let part = || format!("part about `{}`", entry.name);
        verify(block, entry.digest, part)?;
        let package = read_block(block).map_err(|source| SnapshotError::Package { name: name(), source })?;
        if encode::block(&package) != block {
            return Err(SnapshotError::NotCanonical { part: part() });
        }
        snapshot.packages.entry(entry.ecosystem).or_default().insert(name(), package);
    }
    if !blocks.is_empty() {
        return Err(DecodeError::Trailing { count: blocks.len() }.into());
    }
    snapshot.made_for = both(snapshot.made_for, wanted);
    Ok(snapshot)
}

/// Returns the packages of two sets.
fn both(made_for: Wanted, read_for: &Wanted) -> Wanted {
    match (made_for, read_for) {
        (Wanted::Everything, read_for) => read_for.clone(),
        (made_for, Wanted::Everything) => made_for,
        (Wanted::Only(names), read_for) => {
            let names = names.into_iter().flat_map(|(e, names)| names.into_iter().map(move |name| (e, name)));
            Wanted::only(names.filter(|(ecosystem, name)| read_for.has(*ecosystem, name)))
        }
    }
}

fn verify(bytes: &[u8], digest: BlobId, part: impl Fn() -> String) -> Result<(), SnapshotError> {
    if BlobId::of(bytes) == digest { Ok(()) } else { Err(SnapshotError::Changed { part: part() }) }
}

fn read_head(head: &[u8]) -> Result<(Snapshot, Vec<Entry<'_>>), SnapshotError> {
    let mut decoder = Decoder::new(head, HEAD, VERSION)?;
    let number = decoder.u64()?;
    let number = u32::try_from(number).map_err(|_| decoder.invalid("number of a release"))?;
    let release = Release { number, codename: decoder.str()?.to_owned() };
    let ecosystems = list(&mut decoder, ecosystem)?.into_iter().collect();
    let date = option(&mut decoder, moment)?;
    let tracker = match decoder.u64()? {
        0 => TrackerState::Missing,
        1 => TrackerState::Undated,
        2 => TrackerState::ReadAt(moment(&mut decoder)?),
        _ => return Err(decoder.invalid("state of the tracker").into()),
    };
    let made_for = option(&mut decoder, |d| list(d, |d| Ok((ecosystem(d)?, d.str()?.to_owned()))))?;
    let not_understood = list(&mut decoder, |d| {
        Ok(NotUnderstood { record: d.str()?.to_owned(), reason: d.str()?.to_owned() })
    })?;
    let snapshot = Snapshot {
        release,
        ecosystems,
        date,
        tracker,
        made_for: made_for.map_or(Wanted::Everything, Wanted::only),
        digest: BlobId::of(head),
        not_understood: not_understood.into_iter().collect(),
        packages: BTreeMap::new(),
    };
    let index = list(&mut decoder, |d| {
        Ok(Entry { ecosystem: ecosystem(d)?, name: d.str()?, length: d.u64()?, digest: d.id()? })
    })?;
    decoder.finish()?;
    let is_sorted = index.is_sorted_by(|a, b| (a.ecosystem, a.name) < (b.ecosystem, b.name));
    if !is_sorted || !head.starts_with(encode::front(&snapshot).finish()) {
        return Err(SnapshotError::NotCanonical { part: "head".to_owned() });
    }
    Ok((snapshot, index))
}

pub(super) fn read_block(block: &[u8]) -> Result<Package, DecodeError> {
    let mut decoder = Decoder::new(block, BLOCK, VERSION)?;
    let advisories = list(&mut decoder, |d| Ok((d.str()?.to_owned(), record(d)?)))?;
    let tracked = list(&mut decoder, |d| Ok((d.str()?.to_owned(), tracked(d)?)))?;
    decoder.finish()?;
    Ok(Package { advisories: advisories.into_iter().collect(), tracked: tracked.into_iter().collect() })
}

fn record(decoder: &mut Decoder<'_>) -> Result<Advisory, DecodeError> {
    Ok(Advisory {
        modified: moment(decoder)?,
        published: option(decoder, moment)?,
        withdrawn: option(decoder, moment)?,
        aliases: texts(decoder)?,
        upstream: texts(decoder)?,
        summary: decoder.str()?.to_owned(),
        vectors: texts(decoder)?,
        rating: option(decoder, rating)?,
        informational: option(decoder, informational)?,
        ranges: list(decoder, range)?,
        versions: texts(decoder)?,
    })
}

fn range(decoder: &mut Decoder<'_>) -> Result<Range, DecodeError> {
    let events = list(decoder, |decoder| {
        let number = decoder.u64()?;
        let event = match number {
            0 => Event::Introduced,
            1 => Event::Fixed,
            2 => Event::LastAffected,
            _ => return Err(decoder.invalid("event")),
        };
        Ok(event(decoder.str()?.to_owned()))
    })?;
    Ok(Range { events, limits: texts(decoder)? })
}

fn tracked(decoder: &mut Decoder<'_>) -> Result<Tracked, DecodeError> {
    let status = match decoder.u64()? {
        0 => Status::NotAffected,
        1 => Status::Resolved(decoder.str()?.to_owned()),
        2 => Status::Open,
        3 => Status::Undetermined,
        _ => return Err(decoder.invalid("status")),
    };
    Ok(Tracked {
        status,
        rating: option(decoder, rating)?,
        no_dsa: option(decoder, |d| Ok(NoDsa { decision: decision(d)?, reason: d.str()?.to_owned() }))?,
        unstable: option(decoder, |d| Ok(d.str()?.to_owned()))?,
        summary: decoder.str()?.to_owned(),
    })
}

fn texts(decoder: &mut Decoder<'_>) -> Result<BTreeSet<String>, DecodeError> {
    Ok(list(decoder, |d| Ok(d.str()?.to_owned()))?.into_iter().collect())
}

fn list<'a, T>(
    decoder: &mut Decoder<'a>,
    mut each: impl FnMut(&mut Decoder<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    // A length isn't more than the bytes that are left, and no item has less than eight: what is made is in proportion.
    let length = decoder.list_len()?;
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(each(decoder)?);
    }
    Ok(items)
}

fn option<'a, T>(
    decoder: &mut Decoder<'a>,
    some: impl FnOnce(&mut Decoder<'a>) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    match decoder.u64()? {
        0 => Ok(None),
        1 => some(decoder).map(Some),
        _ => Err(decoder.invalid("option")),
    }
}

fn moment(decoder: &mut Decoder<'_>) -> Result<Moment, DecodeError> {
    let seconds = decoder.u64()?;
    u32::try_from(seconds).map(Moment::from_seconds).map_err(|_| decoder.invalid("moment"))
}

fn ecosystem(decoder: &mut Decoder<'_>) -> Result<Ecosystem, DecodeError> {
    one_of(decoder, "ecosystem", &Ecosystem::ALL, encode::ecosystem_number)
}

fn rating(decoder: &mut Decoder<'_>) -> Result<Rating, DecodeError> {
    one_of(decoder, "rating", &Rating::ALL, encode::rating_number)
}

fn informational(decoder: &mut Decoder<'_>) -> Result<Informational, DecodeError> {
    let all = [Informational::Unmaintained, Informational::Notice, Informational::Unsound];
    one_of(decoder, "information", &all, encode::informational_number)
}

fn decision(decoder: &mut Decoder<'_>) -> Result<Decision, DecodeError> {
    one_of(decoder, "decision", &Decision::ALL, encode::decision_number)
}

fn one_of<T: Copy>(
    decoder: &mut Decoder<'_>,
    what: &'static str,
    all: &[T],
    number: fn(T) -> u64,
) -> Result<T, DecodeError> {
    let found = decoder.u64()?;
    all.iter().copied().find(|one| number(*one) == found).ok_or_else(|| decoder.invalid(what))
}
