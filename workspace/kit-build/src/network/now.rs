//! What is there now: asked to tell how old pins are, not to pin anything.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::Sha256;
use kit_plan::upstream::{Asked, UpstreamFile};
use kit_recipe::ImageReference;
use kit_recipe::git::CommitId;
use kit_recipe::lockfile::FilePin;
use kit_source::crates::CratePin;
use kit_source::debian::release::keyring::Age;
use kit_source::upstream::with_mirrors;

use super::{Kept, Network, ResolvedSuite, SuiteWanted, pins};
use crate::BuildError;

/// What a source at an address is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// A file.
    File(Sha256),
    /// A commit.
    Commit(CommitId),
}

impl Network<'_> {
    /// Returns what is wanted of a suite as the archive has it now; nothing is kept at its pin.
    pub fn suite_now(&self, wanted: &SuiteWanted<'_>) -> Result<ResolvedSuite, BuildError> {
        let resolved = self.resolve_suite(wanted, &Kept::default()).map_err(BuildError::Resolve)?;
        Ok(pins::suite(wanted, &resolved))
    }

    /// Returns what a source at an address is now; none where the recipe says itself what must come.
    pub fn source_now(
        &self,
        wanted: &UpstreamFile,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Option<Now>, BuildError> {
        match &wanted.asked {
            Asked::File { sha256: Some(_) } => Ok(None),
            Asked::File { sha256: None } => {
                let FilePin { sha256, .. } = self.pin_file(wanted, None, None, progress)?;
                Ok(Some(Now::File(sha256)))
            }
            Asked::Commit { revision, .. } => {
                let Some(reference) = revision.reference().filter(|_| revision.commit().is_none()) else {
                    return Ok(None);
                };
                let addresses = with_mirrors(&wanted.addresses, &self.places.source_mirrors);
                self.commit_of(&addresses, &revision.to_string(), &reference).map(Now::Commit).map(Some)
            }
        }
    }

    /// Returns the digest of the index or manifest that a reference is now, for an architecture in OCI's words.
    pub fn image_now(&self, reference: &ImageReference, architecture: &str) -> Result<Sha256, BuildError> {
        self.top(reference, architecture).map(|(document, _)| document.sha256)
    }

    /// Returns the newest versions that the registry has of crates, among what those need themselves.
    pub fn crates_now(&self, known: &BTreeMap<String, String>) -> Result<Vec<CratePin>, BuildError> {
        let scratch = self.store.scratch()?;
        self.cargo(&scratch)?.newest(known).map_err(BuildError::Crates)
    }

    /// Returns the ages of the keys that may sign suites, by fingerprint, as far as the keyrings of this machine and of the project have
    /// them. No socket is opened.
    pub fn keys<'s>(&self, suites: impl IntoIterator<Item = &'s str>) -> BTreeMap<String, Age> {
        let suites: BTreeSet<&str> = suites.into_iter().collect();
        let locations = suites.into_iter().flat_map(|suite| self.archives().locations(suite, None, None));
        locations.flat_map(|location| location.keyring.ages()).collect()
    }
}
