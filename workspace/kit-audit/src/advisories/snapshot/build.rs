//! Puts a snapshot together from what others publish.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::BlobId;

use super::{Snapshot, TrackerState, encode};
use crate::advisories::osv::{self, Record};
use crate::advisories::tracker::{self, Tracker};
use crate::advisories::{AdvisoryError, Ecosystem, Moment, Package, Release, Wanted};

/// Takes files, in any order.
#[derive(Debug)]
pub struct Builder {
    release: Release,
    wanted: Wanted,
    records: BTreeMap<String, Record>,
    newest: Option<Moment>,
    ecosystems: BTreeSet<Ecosystem>,
    tracker: Option<(Option<Moment>, Tracker)>,
}

impl Builder {
    /// Starts with nothing known.
    pub fn new(release: Release, wanted: Wanted) -> Self {
        let (records, ecosystems) = (BTreeMap::new(), BTreeSet::new());
        Self { release, wanted, records, newest: None, ecosystems, tracker: None }
    }

    /// Adds a record of OSV; of two with one id the one that was changed last counts.
    pub fn osv(&mut self, file: &str, bytes: &[u8]) -> Result<(), AdvisoryError> {
        let record = osv::read(file, bytes, &self.release, &self.wanted)?;
        self.newest = self.newest.max(Some(record.modified));
        self.ecosystems.extend(&record.ecosystems);
        let order = |record: &Record| {
            let packages: Vec<_> =
                record.packages.iter().map(|(key, advisory)| (key.clone(), advisory.clone())).collect();
            (record.modified, packages, record.not_understood.clone())
        };
        let is_older = self.records.get(&record.id).is_some_and(|other| order(other) > order(&record));
        if !is_older {
            self.records.insert(record.id.clone(), record);
        }
        Ok(())
    }

    /// Adds the file of Debian's security tracker, and when it was fetched; of two the one that was fetched last counts.
    pub fn tracker(
        &mut self,
        file: &str,
        bytes: &[u8],
        fetched: Option<Moment>,
    ) -> Result<(), AdvisoryError> {
        let read = tracker::read(file, bytes, &self.release, &self.wanted)?;
        if self.tracker.as_ref().is_none_or(|(date, _)| *date <= fetched) {
            self.tracker = Some((fetched, read));
        }
        self.ecosystems.insert(Ecosystem::Debian);
        Ok(())
    }

    /// Returns all that was taken.
    pub fn finish(self) -> Snapshot {
        let mut packages: BTreeMap<Ecosystem, BTreeMap<String, Package>> = BTreeMap::new();
        let mut not_understood = BTreeSet::new();
        for (id, record) in self.records {
            not_understood.extend(record.not_understood);
            for ((ecosystem, name), advisory) in record.packages {
                let package = packages.entry(ecosystem).or_default().entry(name).or_default();
                package.advisories.insert(id.clone(), advisory);
            }
        }
        let mut state = TrackerState::Missing;
        if let Some((date, tracker)) = self.tracker {
            state = date.map_or(TrackerState::Undated, TrackerState::ReadAt);
            not_understood.extend(tracker.not_understood);
            let debian = packages.entry(Ecosystem::Debian).or_default();
            for (name, tracked) in tracker.packages {
                debian.entry(name).or_default().tracked = tracked;
            }
        }
        packages.retain(|_, packages| !packages.is_empty());
        let mut snapshot = Snapshot {
            release: self.release,
            ecosystems: self.ecosystems,
            date: self.newest,
            tracker: state,
            made_for: self.wanted,
            digest: BlobId::of(&[]),
            not_understood,
            packages,
        };
        snapshot.digest = encode::digest(&snapshot);
        snapshot
    }
}
