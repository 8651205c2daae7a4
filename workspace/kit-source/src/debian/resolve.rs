//! From a suite and package names to pins: the whole chain from the archive's key to each package's digest.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::Sha256;

use super::archives::{Archives, Attempt, AttemptError, Location, Unavailable, first};
use super::date::Timestamp;
use super::index::{IndexError, Source};
use super::packages::{EntryId, Packages};
use super::pin::{DebPin, ReleasePin};
use super::release::{Expected, IndexFile, Release, ReleaseError, SIZE_LIMIT, Times};
use super::solver::{self, Dependencies, SolveError};
use super::sources::{SourceError, SourcePin, pin_sources};
use crate::cache::Cache;
use crate::http::{self, Client};

/// What to look for.
#[derive(Debug, Clone)]
pub struct SuiteRequest {
    /// The suite or codename.
    pub suite: String,
    /// The components; `main` when empty.
    pub components: Vec<String>,
    /// The architecture, in Debian's name (`amd64`).
    pub architecture: String,
    /// Sets of packages; each is resolved by itself.
    pub groups: Vec<Group>,
    /// Source packages, each `name` or `name=version`.
    pub sources: Vec<String>,
}

/// One set of packages.
#[derive(Debug, Clone)]
pub struct Group {
    /// Each `name` or `name=version`.
    pub names: Vec<String>,
    /// Whether what they need is taken too.
    pub dependencies: Dependencies,
    /// Where they are listed, if elsewhere than the request says.
    pub listed: Option<Listing>,
}

/// Which indexes of a suite list packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listing {
    /// The architecture, in Debian's name.
    pub architecture: String,
    /// The components; `main` when empty.
    pub components: Vec<String>,
}

/// What was known before, and what time it is.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The date of the release that was locked before: an older one is a rollback.
    pub date: Option<Timestamp>,
    /// The fingerprints that the lockfile names: one of them must have signed. Empty for any known key.
    pub signed_by: Vec<String>,
}

/// Everything that a lockfile pins of a suite, with the proof.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The release.
    pub release: ReleasePin,
    /// The signed file itself.
    pub in_release: Vec<u8>,
    /// The packages of each group, sorted by name.
    pub groups: Vec<Vec<DebPin>>,
    /// The source packages, in the order in which they were asked for.
    pub sources: Vec<SourcePin>,
    /// The stanzas of all pinned packages, sorted: a `Packages` file that the pins can be read from again.
    pub excerpt: Vec<u8>,
}

/// Why a request can't be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No location has a usable release or index.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The release doesn't have what was asked for.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The index contradicts itself.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A group can't be satisfied.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A source package can't be pinned.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl ResolveError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(error) => error.code(),
            Self::Release(error) => error.code(),
            Self::Index(error) => error.code(),
            Self::Solve(error) => error.code(),
            Self::Source(error) => error.code(),
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unavailable(error) => error.help(),
            Self::Release(error) => error.help(),
            Self::Index(error) => error.help(),
            Self::Solve(error) => error.help(),
            Self::Source(error) => error.help(),
        }
    }
}

impl Unavailable {
    /// Makes the error of a release that all locations agree about.
    pub(super) fn whole(locations: &[Location], path: &str, error: AttemptError) -> Self {
        let location = locations.first().map_or_else(String::new, ToString::to_string);
        Self { path: path.to_owned(), attempts: vec![Attempt { location, error }] }
    }
}

/// Resolves a request against a live archive at the time `now`.
pub fn resolve(
    client: &Client,
    archives: &Archives,
    cache: &dyn Cache,
    request: &SuiteRequest,
    known: &Known,
    now: Timestamp,
) -> Result<Resolved, ResolveError> {
    let locations = archives.locations(&request.suite, Some(&request.architecture), None);
    let (in_release, release) = fetch_release(client, &locations, &request.suite, known, now)?;
    let usual = request.listing();
    check_listing(&release, request, &usual)?;
    let source = Source { client, locations: &locations, suite: &request.suite, cache };
    let (groups, excerpt, mut indexes) = resolve_groups(&source, &release, request, archives)?;
    let mut sources = Vec::new();
    if !request.sources.is_empty() {
        let (pins, of_sources) = pin_sources(&source, &release, request)?;
        sources = pins;
        indexes.extend(of_sources);
    }
    let release = ReleasePin {
        suite: request.suite.clone(),
        codename: release.codename.clone(),
        date: release.date,
        in_release: Sha256::of(&in_release),
        signed_by: release.fingerprints(),
        indexes,
    };
    Ok(Resolved { release, in_release, groups, sources, excerpt })
}

/// Verifies a stored `InRelease` again, years later: signature, suite, date and digest, but no clock.
pub fn replay(in_release: &[u8], pin: &ReleasePin, archives: &Archives) -> Result<Release, ReleaseError> {
    let keyring = archives.keyring(&pin.suite).restricted_to(pin.signed_by.iter().map(String::as_str));
    let release = Release::verify(in_release, &keyring, Times::Replay)?;
    release.check(&Expected { suite: &pin.suite, not_before: Some(pin.date), times: Times::Replay })?;
    Ok(release)
}

/// Returns the first release that is good; a location with a bad or stale one is passed over.
fn fetch_release(
    client: &Client,
    locations: &[Location],
    suite: &str,
    known: &Known,
    now: Timestamp,
) -> Result<(Vec<u8>, Release), Unavailable> {
    let path = format!("dists/{suite}/InRelease");
    first(locations, &path, |location| {
        let bytes = client.get(&format!("{}/{path}", location.base), &http::Expected::at_most(SIZE_LIMIT))?;
        let times = Times::Live { now, checks: location.checks };
        let keyring = location.keyring.clone().restricted_to(known.signed_by.iter().map(String::as_str));
        let release = Release::verify(&bytes, &keyring, times)?;
        release.check(&Expected { suite, not_before: known.date, times })?;
        Ok((bytes, release))
    })
}

pub(super) fn components(components: &[String]) -> Vec<&str> {
    let listed: BTreeSet<&str> = components.iter().map(String::as_str).collect();
    if listed.is_empty() { vec!["main"] } else { listed.into_iter().collect() }
}

impl SuiteRequest {
    /// Returns where packages are listed that don't say otherwise.
    fn listing(&self) -> Listing {
        Listing { architecture: self.architecture.clone(), components: self.components.clone() }
    }
}

fn check_listing(release: &Release, request: &SuiteRequest, listing: &Listing) -> Result<(), ReleaseError> {
    let architecture = &listing.architecture;
    if !release.architectures.is_empty() && !release.architectures.contains(architecture) {
        return Err(ReleaseError::Architecture {
            suite: request.suite.clone(),
            architecture: architecture.clone(),
            available: release.architectures.clone(),
        });
    }
    let is_missing = |component: &&str| {
        // Security suites list `updates/main` for what is called `main`.
        !release.components.iter().any(|listed| listed.rsplit('/').next() == Some(component))
    };
    let mut wanted = components(&listing.components).into_iter().filter(|_| !release.components.is_empty());
    match wanted.find(is_missing) {
        None => Ok(()),
        Some(component) => Err(ReleaseError::Component {
            suite: request.suite.clone(),
            component: component.to_owned(),
            available: release.components.clone(),
        }),
    }
}

/// What the groups of a request resolve to, with the excerpt of the index that proves it, and the indexes.
type ResolvedGroups = (Vec<Vec<DebPin>>, Vec<u8>, Vec<(String, IndexFile)>);

/// Resolves the groups, those that are listed in one place after another; each index is let go before another one is read.
fn resolve_groups(
    source: &Source<'_>,
    release: &Release,
    request: &SuiteRequest,
    archives: &Archives,
) -> Result<ResolvedGroups, ResolveError> {
    let mut by_listing: BTreeMap<Listing, Vec<usize>> = BTreeMap::new();
    for (at, group) in request.groups.iter().enumerate() {
        let listing = group.listed.clone().unwrap_or_else(|| request.listing());
        by_listing.entry(listing).or_default().push(at);
    }
    let mut pinned = vec![Vec::new(); request.groups.len()];
    let (mut stanzas, mut indexes) = (BTreeSet::new(), BTreeMap::new());
    for (listing, places) in by_listing {
        check_listing(release, request, &listing)?;
        let locations = archives.locations(&request.suite, Some(&listing.architecture), None);
        let (packages, files) =
            fetch_packages(&Source { locations: &locations, ..*source }, release, &listing)?;
        indexes.extend(files);
        let groups: Vec<_> = places.iter().map(|at| &request.groups[*at]).collect();
        let groups = solve_groups(&packages, &listing.architecture, &groups)?;
        let pins = pin_groups(&packages, &groups, &mut stanzas)?;
        for (at, pins) in places.into_iter().zip(pins) {
            pinned[at] = pins;
        }
    }
    let stanzas: Vec<String> = stanzas.into_iter().collect();
    let mut excerpt = stanzas.join("\n\n").into_bytes();
    if !excerpt.is_empty() {
        excerpt.push(b'\n');
    }
    Ok((pinned, excerpt, indexes.into_iter().collect()))
}

/// Fetches the index of each component and puts them one behind the other.
fn fetch_packages(
    source: &Source<'_>,
    release: &Release,
    listing: &Listing,
) -> Result<(Packages, Vec<(String, IndexFile)>), ResolveError> {
    let mut text = Vec::new();
    let mut pins = Vec::new();
    for component in components(&listing.components) {
        let path = format!("{component}/binary-{}/Packages", listing.architecture);
        let (mut bytes, pin) = source.fetch(release, &path)?;
        if text.is_empty() {
            text = bytes;
        } else {
            text.push(b'\n');
            text.append(&mut bytes);
        }
        pins.push((path, pin));
    }
    Ok((Packages::parse(text).map_err(IndexError::from)?, pins))
}

fn solve_groups(
    packages: &Packages,
    architecture: &str,
    groups: &[&Group],
) -> Result<Vec<BTreeSet<EntryId>>, SolveError> {
    let solve = |group: &&Group| solver::solve(packages, architecture, &group.names, group.dependencies);
    groups.iter().map(solve).collect()
}

/// Makes the pins of groups, and adds the parts of the index that prove them.
fn pin_groups(
    packages: &Packages,
    groups: &[BTreeSet<EntryId>],
    stanzas: &mut BTreeSet<String>,
) -> Result<Vec<Vec<DebPin>>, IndexError> {
    let mut pinned = Vec::new();
    for group in groups {
        let pins = group.iter().map(|id| DebPin::from_entry(&packages.entry(*id)));
        let mut pins = pins.collect::<Result<Vec<_>, _>>()?;
        pins.sort();
        pinned.push(pins);
    }
    let all: BTreeSet<EntryId> = groups.iter().flatten().copied().collect();
    stanzas.extend(all.into_iter().map(|id| packages.entry(id).stanza().trim_end().to_owned()));
    Ok(pinned)
}
