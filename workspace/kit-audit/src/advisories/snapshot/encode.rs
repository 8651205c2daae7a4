//! Writes a snapshot.

use std::collections::BTreeSet;

use kit_hash::{BlobId, Encoder};

use super::{Snapshot, TrackerState};
use crate::advisories::{
    Advisory, Decision, Ecosystem, Event, Informational, Moment, Package, Range, Rating, Status, Tracked,
    Wanted,
};

pub(super) const SNAPSHOT: &str = "advisory-snapshot";
pub(super) const HEAD: &str = "advisory-head";
pub(super) const BLOCK: &str = "advisories";
pub(super) const VERSION: u64 = 1;

pub(super) fn snapshot(snapshot: &Snapshot) -> Vec<u8> {
    let (head, blocks) = parts(snapshot);
    let mut encoder = Encoder::new(SNAPSHOT, VERSION);
    encoder.bytes(&head).id(&BlobId::of(&head)).bytes(&blocks);
    encoder.finish().to_vec()
}

pub(super) fn digest(snapshot: &Snapshot) -> BlobId {
    BlobId::of(&parts(snapshot).0)
}

fn parts(snapshot: &Snapshot) -> (Vec<u8>, Vec<u8>) {
    let mut blocks = Vec::new();
    let mut index = Vec::new();
    for (ecosystem, name, package) in snapshot.packages() {
        let block = block(package);
        index.push((ecosystem, name, block.len() as u64, BlobId::of(&block)));
        blocks.extend_from_slice(&block);
    }
    let mut encoder = front(snapshot);
    encoder.list(index, |encoder, (ecosystem, name, length, digest)| {
        encoder.variant(ecosystem_number(ecosystem)).str(name).u64(length).id(&digest);
    });
    (encoder.finish().to_vec(), blocks)
}

/// Writes the head up to its index.
pub(super) fn front(snapshot: &Snapshot) -> Encoder {
    let mut encoder = Encoder::new(HEAD, VERSION);
    encoder.u64(snapshot.release.number.into()).str(&snapshot.release.codename);
    encoder.list(&snapshot.ecosystems, |encoder, ecosystem| {
        encoder.variant(ecosystem_number(*ecosystem));
    });
    encoder.option(snapshot.date, moment);
    match snapshot.tracker {
        TrackerState::Missing => encoder.variant(0),
        TrackerState::Undated => encoder.variant(1),
        TrackerState::ReadAt(date) => encoder.variant(2).u64(date.seconds().into()),
    };
    let names = match &snapshot.made_for {
        Wanted::Everything => None,
        Wanted::Only(names) => Some(names),
    };
    encoder.option(names, |encoder, names| {
        let names: Vec<_> = names.iter().flat_map(|(e, names)| names.iter().map(|name| (*e, name))).collect();
        encoder.list(names, |encoder, (ecosystem, name)| {
            encoder.variant(ecosystem_number(ecosystem)).str(name);
        });
    });
    encoder.list(&snapshot.not_understood, |encoder, odd| {
        encoder.str(&odd.record).str(&odd.reason);
    });
    encoder
}

/// Writes what is known of one package.
pub(super) fn block(package: &Package) -> Vec<u8> {
    let mut encoder = Encoder::new(BLOCK, VERSION);
    encoder.list(&package.advisories, |encoder, (id, advisory)| record(encoder, id, advisory));
    encoder.list(&package.tracked, |encoder, (name, one)| tracked(encoder, name, one));
    encoder.finish().to_vec()
}

fn record(encoder: &mut Encoder, id: &str, advisory: &Advisory) {
    encoder.str(id).u64(advisory.modified.seconds().into());
    encoder.option(advisory.published, moment).option(advisory.withdrawn, moment);
    texts(encoder, &advisory.aliases);
    texts(encoder, &advisory.upstream);
    encoder.str(&advisory.summary);
    texts(encoder, &advisory.vectors);
    encoder.option(advisory.rating, rating);
    encoder.option(advisory.informational, |encoder, informational| {
        encoder.variant(informational_number(informational));
    });
    encoder.list(&advisory.ranges, range);
    texts(encoder, &advisory.versions);
}

fn range(encoder: &mut Encoder, range: &Range) {
    encoder.list(&range.events, |encoder, event| {
        let number = match event {
            Event::Introduced(_) => 0,
            Event::Fixed(_) => 1,
            Event::LastAffected(_) => 2,
        };
        encoder.variant(number).str(event.version());
    });
    texts(encoder, &range.limits);
}

fn tracked(encoder: &mut Encoder, name: &str, tracked: &Tracked) {
    encoder.str(name);
    match &tracked.status {
        Status::NotAffected => encoder.variant(0),
        Status::Resolved(version) => encoder.variant(1).str(version),
        Status::Open => encoder.variant(2),
        Status::Undetermined => encoder.variant(3),
    };
    encoder.option(tracked.rating, rating);
    encoder.option(tracked.no_dsa.as_ref(), |encoder, no_dsa| {
        encoder.variant(decision_number(no_dsa.decision)).str(&no_dsa.reason);
    });
    encoder.option(tracked.unstable.as_ref(), |encoder, version| {
        encoder.str(version);
    });
    encoder.str(&tracked.summary);
}

fn texts(encoder: &mut Encoder, texts: &BTreeSet<String>) {
    encoder.list(texts, |encoder, text| {
        encoder.str(text);
    });
}

fn moment(encoder: &mut Encoder, moment: Moment) {
    encoder.u64(moment.seconds().into());
}

fn rating(encoder: &mut Encoder, rating: Rating) {
    encoder.variant(rating_number(rating));
}

pub(super) fn ecosystem_number(ecosystem: Ecosystem) -> u64 {
    match ecosystem {
        Ecosystem::Debian => 0,
        Ecosystem::CratesIo => 1,
    }
}

pub(super) fn rating_number(rating: Rating) -> u64 {
    match rating {
        Rating::Unimportant => 0,
        Rating::Low => 1,
        Rating::Medium => 2,
        Rating::High => 3,
        Rating::Critical => 4,
        Rating::EndOfLife => 5,
    }
}

pub(super) fn informational_number(informational: Informational) -> u64 {
    match informational {
        Informational::Unmaintained => 0,
        Informational::Notice => 1,
        Informational::Unsound => 2,
    }
}

pub(super) fn decision_number(decision: Decision) -> u64 {
    match decision {
        Decision::NoDsa => 0,
        Decision::Postponed => 1,
        Decision::Ignored => 2,
    }
}
