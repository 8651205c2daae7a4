//! Files from Debian archives, the crates registry and wherever sources are published; new pins from Debian archives.
//!
//! The machine's configuration is read, and a client made, only when something must be fetched.

mod attached;
mod git;
mod links;
mod local_image;
mod now;
mod pins;
pub(crate) mod proofs;
mod pull;
mod push;
mod registry;
mod stored_image;
mod upstream;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek as _;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use cap_std::fs::Dir;
use kit_hash::Sha256;
use kit_plan::derivation::{Fetch as FetchAction, Origin};
use kit_plan::requirements::{DebianGroup, DebianSourceGroup};
use kit_plan::upstream::{Asked, UpstreamFile};
use kit_recipe::lockfile::{Deb, DebKey, DebianSource, FilePin, ImagePin, Suite};
use kit_recipe::{ImageReference, Name};
use kit_source::Cache;
use kit_source::crates::{Cargo, CrateFile, CrateHome, CratePin, fetch_crates};
use kit_source::debian::archives::{Attempt, AttemptError};
use kit_source::debian::config::AptConfig;
use kit_source::debian::date::Timestamp;
use kit_source::debian::pin::SourcePackage;
use kit_source::debian::release::Keyring;
use kit_source::debian::{
    Archives, DebPin, Known, Mirror, ResolveError, Resolved, Unavailable, fetch_deb, resolve,
};
use kit_source::http::{Client, HttpError, Settings};
use kit_source::registry::logins::Logins;
use kit_source::registry::{Granted, Registries};
use kit_store::{Scratch, Store};
use kit_tree::Blobs as _;

use crate::vendor::Bundle;
use crate::{BuildError, Fetch};

pub use kit_source::http::Network as Reach;
pub use now::Now;
pub use proofs::Unproved;
pub use pull::{Pull, Pulled};
pub use push::{Push, Pushed, Tagging};
pub(crate) use registry::said;

/// The largest package index that is taken from the store, in bytes.
const INDEX_LIMIT: u64 = 1 << 30;

/// The most connections to a registry that one command opens.
const CONNECTIONS: usize = 4;

/// What project and user say about where files come from.
#[derive(Debug)]
pub struct Places {
    /// Whether sockets may be opened.
    pub reach: Reach,
    /// Mirrors of the Debian archive that are asked first.
    pub mirrors: Vec<String>,
    /// An archive that keeps old files, asked last.
    pub snapshot: Option<String>,
    /// Beginnings of addresses of sources, and what else they can be.
    pub source_mirrors: BTreeMap<String, Vec<String>>,
    /// Who logs in at registries, as container tools keep it: files, the first that knows a registry counts.
    pub logins: Vec<Vec<u8>>,
    /// Keyrings in addition to the machine's, as files hold them.
    pub keyrings: Vec<Vec<u8>>,
    /// Directories that have files by their digest, asked before anything else.
    pub bundles: Vec<Bundle>,
    /// The project's directory, where images can lie.
    pub project: Dir,
    /// The user's store of containers and those that are read besides, with their paths, in this order.
    pub containers: Vec<(Dir, PathBuf)>,
    /// The machine's root directory, whose apt configuration counts.
    pub machine: Dir,
    /// Where cargo keeps its cache, and its path; none before cargo was first used.
    pub cargo_home: Option<(Dir, PathBuf)>,
    /// Seconds since 1970.
    pub now: u64,
}

/// The outside, as far as kit fetches from it.
#[derive(Debug)]
pub struct Network<'a> {
    places: Places,
    store: &'a Store,
    connected: OnceLock<Connected>,
    open_images: local_image::OpenImages,
}

#[derive(Debug)]
struct Connected {
    client: Client,
    archives: Archives,
    logins: Logins,
    granted: Granted,
}

/// What a suite resolved to.
#[derive(Debug, Clone)]
pub struct ResolvedSuite {
    /// Its signed state.
    pub suite: Suite,
    /// Every package that a closure names.
    pub debs: BTreeMap<DebKey, Deb>,
    /// Which packages each source of each package resolved to.
    pub closures: BTreeMap<(Name, Name), Vec<DebKey>>,
    /// The source package that each source of each package resolved to.
    pub sources: BTreeMap<(Name, Name), DebianSource>,
}

/// What is wanted of a suite.
#[derive(Debug)]
pub struct SuiteWanted<'a> {
    /// Its code name.
    pub suite: &'a str,
    /// Sets of binary packages.
    pub groups: &'a [&'a DebianGroup],
    /// Source packages.
    pub sources: &'a [&'a DebianSourceGroup],
    /// What stays at its pins as long as the suite still has them.
    pub kept: &'a Kept<'a>,
    /// The date of the state that was locked before: an older one isn't taken.
    pub not_before: Option<u64>,
}

/// Pins that are to be kept.
#[derive(Debug, Default)]
pub struct Kept<'a> {
    /// Of sets of binary packages.
    pub groups: Vec<(&'a DebianGroup, &'a [DebKey])>,
    /// Of source packages.
    pub sources: Vec<(&'a DebianSourceGroup, &'a DebianSource)>,
}

/// Turns names into pins.
pub trait Resolver {
    /// Resolves what is wanted in the suite as it is now.
    fn resolve(&self, wanted: &SuiteWanted<'_>) -> Result<ResolvedSuite, BuildError>;

    /// Pins a file or a commit at an address: what the recipe says must come, or what comes. `known` is what was pinned before, if it
    /// was the same that was asked for.
    fn file(
        &self,
        wanted: &UpstreamFile,
        known: Option<&FilePin>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<FilePin, BuildError>;

    /// Pins what a reference to an image is now, for an architecture in OCI's words.
    fn image(
        &self,
        reference: &ImageReference,
        architecture: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImagePin, BuildError>;
}

impl<'a> Network<'a> {
    /// Takes note of the places; opens nothing.
    pub fn new(places: Places, store: &'a Store) -> Self {
        Self { places, store, connected: OnceLock::new(), open_images: Mutex::default() }
    }

    /// Returns the archives that can serve packages.
    pub fn archives(&self) -> &Archives {
        &self.connected().archives
    }

    fn connected(&self) -> &Connected {
        self.connected.get_or_init(|| {
            let apt = AptConfig::read(&self.places.machine);
            let mut settings = Settings::new(self.places.reach);
            settings.proxies = apt.proxies.clone();
            settings.credentials.clone_from(&apt.credentials);
            let keyring = self.own_keyring();
            let mirror = |base: &String| Mirror { base: base.clone(), keyring: keyring.clone() };
            let mirrors = self.places.mirrors.iter().map(mirror).collect();
            let archives = Archives::new(mirrors, &apt, self.places.snapshot.clone());
            let logins = Logins::read(self.places.logins.iter().map(Vec::as_slice));
            Connected { client: Client::new(settings), archives, logins, granted: Granted::default() }
        })
    }

    fn registries(&self) -> Registries<'_> {
        let Connected { client, logins, granted, .. } = self.connected();
        Registries { client, mirrors: &self.places.source_mirrors, logins, granted }
    }

    /// The project's own keyrings; none when it names none.
    fn own_keyring(&self) -> Option<Keyring> {
        let mut keyring = Keyring::new();
        for bytes in &self.places.keyrings {
            // A file that is no keyring adds no key, so nothing verifies by it.
            _ = keyring.add(bytes);
        }
        (!self.places.keyrings.is_empty()).then_some(keyring)
    }

    fn resolve_suite(&self, wanted: &SuiteWanted<'_>, kept: &Kept<'_>) -> Result<Resolved, ResolveError> {
        let connected = self.connected();
        let request = pins::request(wanted, kept);
        let known = Known { date: wanted.not_before.map(Timestamp), signed_by: Vec::new() };
        let now = Timestamp(self.places.now);
        let cache = StoreCache(self.store);
        resolve(&connected.client, &connected.archives, &cache, &request, &known, now)
    }
}

impl Resolver for Network<'_> {
    fn resolve(&self, wanted: &SuiteWanted<'_>) -> Result<ResolvedSuite, BuildError> {
        let kept = wanted.kept;
        let resolved = match self.resolve_suite(wanted, kept) {
            // A kept pin may have left the suite: then everything is resolved anew.
            Err(ResolveError::Solve(_) | ResolveError::Source(_))
                if !(kept.groups.is_empty() && kept.sources.is_empty()) =>
            {
                self.resolve_suite(wanted, &Kept::default())
            }
            other => other,
        };
        let resolved = resolved.map_err(BuildError::Resolve)?;
        // The proof, for those who look later.
        let blob = self.store.put_bytes(&resolved.in_release)?;
        self.store.put_sha256(&resolved.release.in_release, &blob)?;
        Ok(pins::suite(wanted, &resolved))
    }

    fn file(
        &self,
        wanted: &UpstreamFile,
        known: Option<&FilePin>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<FilePin, BuildError> {
        match &wanted.asked {
            Asked::File { sha256 } => self.pin_file(wanted, *sha256, known, progress),
            Asked::Commit { revision, submodules } => {
                self.pin_commit(wanted, revision, *submodules, known, progress)
            }
        }
    }

    fn image(
        &self,
        reference: &ImageReference,
        architecture: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImagePin, BuildError> {
        self.pin_image(reference, architecture, progress)
    }
}

impl Fetch for Network<'_> {
    fn fetch(
        &self,
        fetch: &FetchAction,
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BuildError> {
        for bundle in &self.places.bundles {
            if bundle.copy(&fetch.sha256, file, progress)? {
                return Ok(());
            }
        }
        match &fetch.origin {
            Origin::Debian { suite, filename, date } => {
                let connected = self.connected();
                // What isn't made for an architecture is on every mirror.
                let word = fetch.file_name.trim_end_matches(".deb").rsplit('_').next();
                let architecture = word.unwrap_or("all");
                let pin = DebPin {
                    name: fetch.file_name.clone(),
                    version: String::new(),
                    architecture: architecture.to_owned(),
                    source: SourcePackage { name: String::new(), version: String::new() },
                    filename: filename.clone(),
                    size: fetch.size.unwrap_or(0),
                    sha256: fetch.sha256,
                };
                let date = Timestamp(*date);
                fetch_deb(&connected.client, &connected.archives, &pin, suite, date, file, progress)
                    .map(|_| ())
                    .map_err(unavailable)
            }
            Origin::Upstream(upstream) => match &upstream.commit {
                Some(commit) => self.fetch_commit(fetch, upstream, commit, file, progress),
                None => self.fetch_upstream(fetch, upstream, file, progress),
            },
            Origin::Image(wanted) => self.fetch_image(fetch, wanted, file, progress),
            Origin::Crate { name, version } => {
                let pin = crate_pin(name, version, fetch.sha256);
                let mut found = self.crates(std::slice::from_ref(&pin))?;
                let mut archive = found.pop().expect("because each pin gives a file").file;
                let io = |source| BuildError::Io { what: format!("copy {}", pin.file_name()), source };
                file.rewind().and_then(|()| file.set_len(0)).map_err(io)?;
                let bytes = std::io::copy(&mut archive, file).map_err(io)?;
                progress(bytes);
                Ok(())
            }
        }
    }

    fn announce(&self, fetches: &[&FetchAction]) -> Result<(), BuildError> {
        let has = |fetch: &FetchAction| self.places.bundles.iter().any(|bundle| bundle.has(&fetch.sha256));
        let pins = fetches.iter().filter(|fetch| !has(fetch)).filter_map(|fetch| match &fetch.origin {
            Origin::Crate { name, version } => Some(crate_pin(name, version, fetch.sha256)),
            Origin::Debian { .. } | Origin::Upstream(_) | Origin::Image(_) => None,
        });
        let pins: Vec<_> = pins.collect();
        if pins.is_empty() { Ok(()) } else { self.crates(&pins).map(drop) }
    }
}

impl Network<'_> {
    /// Returns the files of crates: from cargo's cache, and what isn't there by one run of cargo for all.
    fn crates(&self, pins: &[CratePin]) -> Result<Vec<CrateFile>, BuildError> {
        let Some((home, _)) = &self.places.cargo_home else { return Err(BuildError::NoCargoHome) };
        let home = CrateHome::new(
            home.try_clone()
                .map_err(|source| BuildError::Io { what: "open cargo's home".to_owned(), source })?,
        );
        let scratch = self.store.scratch()?;
        fetch_crates(&self.cargo(&scratch)?, &home, pins).map_err(BuildError::Crates)
    }

    /// Returns the machine's cargo, which works in a scratch directory.
    fn cargo<'c>(&'c self, scratch: &'c Scratch) -> Result<Cargo<'c>, BuildError> {
        let Some((_, home_path)) = &self.places.cargo_home else { return Err(BuildError::NoCargoHome) };
        Ok(Cargo {
            program: "cargo",
            home_path,
            scratch: scratch.dir(),
            scratch_path: scratch.path(),
            network: self.places.reach,
        })
    }
}

/// Tells a file that can't be written from one that can't be had.
fn unavailable(mut error: Unavailable) -> BuildError {
    match error.attempts.pop() {
        Some(Attempt { error: AttemptError::Http(HttpError::Write { url, source }), .. }) => {
            BuildError::Io { what: format!("write what came from {url}"), source }
        }
        last => {
            error.attempts.extend(last);
            BuildError::Unavailable(error)
        }
    }
}

fn crate_pin(name: &str, version: &str, sha256: Sha256) -> CratePin {
    CratePin { name: name.to_owned(), version: version.to_owned(), sha256 }
}

/// Index files in the store, by their SHA-256.
struct StoreCache<'a>(&'a Store);

impl Cache for StoreCache<'_> {
    fn get(&self, sha256: &Sha256) -> Option<Vec<u8>> {
        let blob = self.0.blob_of_sha256(sha256).ok().flatten()?;
        self.0.read(&blob, INDEX_LIMIT).ok()
    }

    fn put(&self, sha256: &Sha256, bytes: &[u8]) {
        if let Ok(blob) = self.0.put_bytes(bytes) {
            // What isn't noted is downloaded again, no more.
            _ = self.0.put_sha256(sha256, &blob);
        }
    }
}
