//! Between what recipes want, what the archive is asked for, and what a lockfile keeps of its answer.

use std::collections::BTreeMap;

use kit_plan::requirements::DebianGroup;
use kit_recipe::Architecture;
use kit_recipe::lockfile::{Deb, DebKey, DebSource, DebianSource, SourceFile, SourcePart, Suite};
use kit_recipe::package::Dependencies;
use kit_source::debian::{Group, Listing, Part, Resolved, SourcePin, SuiteRequest, solver};

use super::{Kept, ResolvedSuite, SuiteWanted};

/// Asks for what is wanted, at the pins that are kept.
pub(super) fn request(wanted: &SuiteWanted<'_>, kept: &Kept<'_>) -> SuiteRequest {
    let group = |group: &&DebianGroup| {
        let mut pins = kept.groups.iter();
        let pins = pins.find(|(kept, _)| kept.package == group.package && kept.source == group.source);
        let found = pins.map_or_else(|| by_name(group), |(_, pins)| pinned(pins));
        Group { listed: listed(group), ..found }
    };
    let source = |source: &&kit_plan::requirements::DebianSourceGroup| {
        let mut pins = kept.sources.iter();
        let pin = pins.find(|(kept, _)| kept.package == source.package && kept.source == source.source);
        pin.map_or_else(|| source.name.clone(), |(_, pin)| format!("{}={}", pin.name, pin.version))
    };
    SuiteRequest {
        suite: wanted.suite.to_owned(),
        components: vec!["main".to_owned()],
        architecture: Architecture::USUAL.word().to_owned(),
        groups: wanted.groups.iter().map(group).collect(),
        sources: wanted.sources.iter().map(source).collect(),
    }
}

fn by_name(group: &DebianGroup) -> Group {
    let dependencies = match group.dependencies {
        Dependencies::Closure => solver::Dependencies::Closure,
        Dependencies::None => solver::Dependencies::None,
    };
    Group { names: group.names.clone(), dependencies, listed: None }
}

/// Returns where packages are listed, if elsewhere than most.
fn listed(group: &DebianGroup) -> Option<Listing> {
    let is_usual = group.architecture == Architecture::USUAL && group.component.is_none();
    let components = ["main".to_owned()].into_iter().chain(group.component.clone());
    let listing =
        || Listing { architecture: group.architecture.word().to_owned(), components: components.collect() };
    (!is_usual).then(listing)
}

fn pinned(pins: &[DebKey]) -> Group {
    let names = pins.iter().map(|pin| format!("{}={}", pin.name, pin.version)).collect();
    Group { names, dependencies: solver::Dependencies::None, listed: None }
}

/// Returns what a lockfile keeps.
pub(super) fn suite(wanted: &SuiteWanted<'_>, resolved: &Resolved) -> ResolvedSuite {
    let release = &resolved.release;
    let mut result = ResolvedSuite {
        suite: Suite {
            date: release.date.0,
            in_release: release.in_release,
            signed_by: release.signed_by.clone(),
        },
        debs: BTreeMap::new(),
        closures: BTreeMap::new(),
        sources: BTreeMap::new(),
    };
    for (group, pins) in wanted.groups.iter().zip(&resolved.groups) {
        let mut closure = Vec::new();
        for pin in pins {
            let key = DebKey {
                name: pin.name.clone(),
                version: pin.version.clone(),
                architecture: pin.architecture.clone(),
            };
            let deb = Deb {
                source: DebSource { name: pin.source.name.clone(), version: pin.source.version.clone() },
                suite: wanted.suite.to_owned(),
                filename: pin.filename.clone(),
                size: pin.size,
                sha256: pin.sha256,
                tree: None,
            };
            result.debs.insert(key.clone(), deb);
            closure.push(key);
        }
        result.closures.insert((group.package.clone(), group.source.clone()), closure);
    }
    for (source, pin) in wanted.sources.iter().zip(&resolved.sources) {
        let key = (source.package.clone(), source.source.clone());
        result.sources.insert(key, debian_source(wanted.suite, pin));
    }
    result
}

fn debian_source(suite: &str, pin: &SourcePin) -> DebianSource {
    let file = |file: &kit_source::debian::SourceFile| SourceFile {
        part: match &file.part {
            Part::Description => SourcePart::Description,
            Part::Original => SourcePart::Original,
            Part::Component(name) => SourcePart::Component(name.clone()),
            Part::Debian => SourcePart::Debian,
            Part::Difference => SourcePart::Difference,
        },
        name: file.name.clone(),
        size: file.size,
        sha256: file.sha256,
        tree: None,
    };
    DebianSource {
        name: pin.name.clone(),
        version: pin.version.clone(),
        suite: suite.to_owned(),
        directory: pin.directory.clone(),
        files: pin.files.iter().map(file).collect(),
    }
}
