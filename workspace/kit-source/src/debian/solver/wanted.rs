//! What people ask for: `name` or `name=version`.

use super::SolveError;
use super::candidates::Candidates;
use crate::debian::packages::{EntryId, Packages};
use crate::debian::relation::{self, Qualifier, Relation};

/// Returns the versions that satisfy a request, best first and never empty.
///
/// A virtual name stands for its provider when there is only one, as in apt.
pub(super) fn find(candidates: &Candidates<'_>, wanted: &str) -> Result<Vec<EntryId>, SolveError> {
    let (name, version) =
        wanted.split_once('=').map_or((wanted, None), |(name, version)| (name, Some(version)));
    let versions = candidates.versions(name);
    let text = |id: &EntryId| candidates.packages.entry(*id).version().as_str().to_owned();
    match version {
        Some(version) if !versions.is_empty() => {
            let exact: Vec<EntryId> = versions.iter().filter(|id| text(id) == version).copied().collect();
            if exact.is_empty() {
                let available = versions.iter().map(text).collect();
                return Err(SolveError::Version {
                    name: name.to_owned(),
                    version: version.to_owned(),
                    available,
                });
            }
            Ok(exact)
        }
        _ if !versions.is_empty() => Ok(versions),
        _ => find_virtual(candidates, name),
    }
}

fn find_virtual(candidates: &Candidates<'_>, name: &str) -> Result<Vec<EntryId>, SolveError> {
    let found = if relation::is_name(name) {
        candidates.satisfying(&Relation { name, qualifier: Qualifier::Native, constraint: None })
    } else {
        Vec::new()
    };
    let mut providers: Vec<String> =
        found.iter().map(|id| candidates.packages.entry(*id).name().to_owned()).collect();
    providers.sort();
    providers.dedup();
    match providers.len() {
        0 => Err(SolveError::Unknown { name: name.to_owned(), similar: similar(candidates.packages, name) }),
        1 => Ok(found),
        _ => Err(SolveError::Virtual { name: name.to_owned(), providers }),
    }
}

/// Returns up to three names that a slip of the fingers away, closest first.
pub(crate) fn similar(packages: &Packages, name: &str) -> Vec<String> {
    let mut names: Vec<&str> = packages.names().collect();
    names.dedup();
    let mut close: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|other| other.len().abs_diff(name.len()) <= 2)
        .map(|other| (strsim::osa_distance(name, other), other))
        .filter(|(distance, _)| *distance <= 1 + name.len() / 6)
        .collect();
    close.sort_unstable();
    close.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
