//! What the outside has now that is newer than what a lockfile pins. Nothing is pinned, and one that can't be asked hinders no other.

use std::collections::BTreeMap;

use kit_audit::advisories::semver::SemVer;
use kit_audit::inventory::ComponentId;
use kit_plan::registry::oci_architecture;
use kit_recipe::lockfile::{DebSource, Lockfile};
use kit_source::crates::CratePin;

use crate::load::Loaded;
use crate::lock::debian::by_suite;
use crate::lock::upstream::watched;
use crate::network::{Kept, Network, Now, SuiteWanted};
use crate::{BuildError, Events};

/// What there is now.
#[derive(Debug, Default)]
pub struct Newer {
    /// What is there in place of what is pinned.
    pub versions: BTreeMap<ComponentId, String>,
    /// What couldn't be asked, and why.
    pub unasked: Vec<(String, BuildError)>,
}

/// Asks for each pin that isn't fixed by its recipe.
pub fn newer(loaded: &Loaded, lock: &Lockfile, network: &Network<'_>, events: &dyn Events) -> Newer {
    let mut newer = Newer::default();
    newer.suites(loaded, lock, network, events);
    newer.sources(loaded, lock, network, events);
    newer.images(loaded, lock, network, events);
    newer.crates(lock, network, events);
    newer
}

impl Newer {
    fn unasked(&mut self, what: impl Into<String>, why: BuildError) {
        self.unasked.push((what.into(), why));
    }

    fn suites(&mut self, loaded: &Loaded, lock: &Lockfile, network: &Network<'_>, events: &dyn Events) {
        for (suite, (groups, sources)) in by_suite(loaded) {
            let kept = Kept::default();
            let not_before = lock.suites.get(suite).map(|suite| suite.date);
            let wanted = SuiteWanted { suite, groups: &groups, sources: &sources, kept: &kept, not_before };
            let now = match watched(events, suite, |_| network.suite_now(&wanted)) {
                Ok(now) => now,
                Err(error) => {
                    self.unasked(format!("packages of `{suite}`"), error);
                    continue;
                }
            };
            let here = lock.debs.iter().filter(|(_, deb)| deb.suite == suite);
            for (key, _) in here.filter(|(key, _)| !now.debs.contains_key(key)) {
                let same = |other: &&kit_recipe::lockfile::DebKey| {
                    (&other.name, &other.architecture) == (&key.name, &key.architecture)
                };
                let mut versions = now.debs.keys().filter(same).map(|other| other.version.clone());
                if let Some(version) = versions.next_back() {
                    self.versions.insert(ComponentId::Debian(key.clone()), version);
                }
            }
            for (key, source) in &now.sources {
                let Some(pin) = lock.debian_sources.get(key) else { continue };
                if pin.version != source.version {
                    let id = DebSource { name: pin.name.clone(), version: pin.version.clone() };
                    self.versions.insert(ComponentId::DebianSource(id), source.version.clone());
                }
            }
        }
    }

    fn sources(&mut self, loaded: &Loaded, lock: &Lockfile, network: &Network<'_>, events: &dyn Events) {
        for file in &loaded.requirements.files {
            let Some(pin) = lock.files.get(&(file.package.clone(), file.source.clone())) else { continue };
            let now = watched(events, &file.name, |progress| network.source_now(file, progress));
            let version = match now {
                Ok(None) => continue,
                Ok(Some(Now::File(sha256))) => {
                    (sha256 != pin.sha256).then(|| format!("another file (sha256 {sha256})"))
                }
                Ok(Some(Now::Commit(commit))) => {
                    (pin.commit.as_ref() != Some(&commit)).then(|| commit.to_string())
                }
                Err(error) => {
                    self.unasked(format!("source `{}` of package `{}`", file.source, file.package), error);
                    continue;
                }
            };
            if let Some(version) = version {
                let (package, source) = (file.package.clone(), file.source.clone());
                self.versions.insert(ComponentId::File { package, source }, version);
            }
        }
    }

    fn images(&mut self, loaded: &Loaded, lock: &Lockfile, network: &Network<'_>, events: &dyn Events) {
        let architecture = oci_architecture(&lock.architecture);
        for image in loaded.requirements.images.iter().filter(|image| !image.reference.is_fixed()) {
            let Some(pin) = lock.images.get(&image.reference) else { continue };
            let name = image.reference.to_string();
            match watched(events, &name, |_| network.image_now(&image.reference, architecture)) {
                // What is pinned is the index, where the reference leads to one, and the manifest in it.
                Ok(now) if now == pin.index.unwrap_or(pin.manifest.sha256) => {}
                Ok(now) => {
                    let version = format!("another image ({})", now.oci());
                    self.versions.insert(ComponentId::Image(image.reference.clone()), version);
                }
                Err(error) => self.unasked(format!("image `{name}`"), error),
            }
        }
    }

    fn crates(&mut self, lock: &Lockfile, network: &Network<'_>, events: &dyn Events) {
        // The newest that is pinned of each: an older one beside it is what others ask for.
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (name, version) in lock.crates.keys() {
            let newest = known.entry(name.clone()).or_insert_with(|| version.clone());
            if SemVer::new(version) > SemVer::new(newest) {
                newest.clone_from(version);
            }
        }
        if known.is_empty() {
            return;
        }
        let now = match watched(events, "crates", |_| network.crates_now(&known)) {
            Ok(now) => now,
            Err(error) => return self.unasked("crates", error),
        };
        for (name, version) in lock.crates.keys() {
            let is_newer =
                |krate: &&CratePin| krate.name == *name && SemVer::new(&krate.version) > SemVer::new(version);
            let newest = now.iter().filter(is_newer).map(|krate| krate.version.as_str());
            if let Some(newest) = newest.max_by_key(|version| SemVer::new(version)) {
                let id = ComponentId::Crate { name: name.clone(), version: version.clone() };
                self.versions.insert(id, newest.to_owned());
            }
        }
    }
}
