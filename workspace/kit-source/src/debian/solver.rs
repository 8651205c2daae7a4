//! Which package versions a set of packages needs, as apt would choose them on an empty system.
//!
//! | module | what |
//! |---|---|
//! | `candidates` | which package versions satisfy a relation, in apt's order of preference |
//! | `marking` | apt's walk through the dependencies |
//! | `provider` | the same relations as clauses for the SAT solver, for when the walk ends in a contradiction |
//! | `error` | [`SolveError`] |
//! | `wanted` | what people ask for: `name` or `name=version` |
//!
//! The closure runs over `Pre-Depends` and `Depends`, never over `Recommends`, and obeys `Conflicts` and `Breaks`.
//! The result depends on the index and on the set of names only, not on the order in which they are given.

mod candidates;
mod error;
mod marking;
mod provider;
mod wanted;

use std::collections::BTreeSet;

use resolvo::{ConditionalRequirement, Problem, Solver, UnsolvableOrCancelled};

use self::candidates::Candidates;
pub use self::error::SolveError;
use self::provider::Provider;
pub(super) use self::wanted::similar;
use super::packages::{EntryId, Packages};

/// Whether the packages that a package needs are taken too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependencies {
    /// Everything that `Pre-Depends` and `Depends` lead to.
    Closure,
    /// The named packages alone.
    None,
}

/// Chooses the package versions that `names` (each `name` or `name=version`) need on `architecture`.
///
/// The result is in the order of the index.
pub fn solve(
    packages: &Packages,
    architecture: &str,
    names: &[String],
    dependencies: Dependencies,
) -> Result<BTreeSet<EntryId>, SolveError> {
    let candidates = Candidates::new(packages, architecture);
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let wanted = names.iter().map(|name| wanted::find(&candidates, name)).collect::<Result<Vec<_>, _>>()?;
    let best: Vec<EntryId> = wanted.iter().map(|versions| versions[0]).collect();
    if dependencies == Dependencies::None {
        return Ok(best.into_iter().collect());
    }
    let marked = marking::mark(&candidates, &best).map_err(|(id, source)| SolveError::Relation {
        package: packages.entry(id).name().to_owned(),
        source,
    })?;
    match marked {
        Some(marked) => Ok(marked),
        None => search(&candidates, &names, &wanted),
    }
}

/// Looks for any valid choice, in apt's order of preference; explains why there is none.
fn search(
    candidates: &Candidates<'_>,
    names: &BTreeSet<&str>,
    wanted: &[Vec<EntryId>],
) -> Result<BTreeSet<EntryId>, SolveError> {
    let provider = Provider::new(candidates);
    let requirements = wanted.iter().zip(names).map(|(versions, name)| provider.require(name, versions));
    let requirements: Vec<ConditionalRequirement> = requirements.collect();
    let mut solver = Solver::new(provider);
    let solution = solver.solve(Problem::new().requirements(requirements));
    if let Some((package, source)) = solver.provider().take_error() {
        return Err(SolveError::Relation { package, source });
    }
    match solution {
        Ok(solution) => Ok(solution.into_iter().map(|solvable| EntryId(solvable.into_raw())).collect()),
        Err(UnsolvableOrCancelled::Unsolvable(conflict)) => Err(SolveError::Conflict {
            wanted: names.iter().map(ToString::to_string).collect(),
            explanation: tidy(&conflict.display_user_friendly(&solver).to_string()),
        }),
        Err(UnsolvableOrCancelled::Cancelled(_)) => unreachable!("because nothing cancels the solver"),
    }
}

/// Takes out the gaps that the solver leaves where a package has no constraint.
fn tidy(explanation: &str) -> String {
    let line = |line: &str| {
        let start = line.find(|c: char| !" │├└─".contains(c)).unwrap_or(line.len());
        let (branch, text) = line.split_at(start);
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        format!("{branch}{}", words.join(" ").replace(" ,", ","))
    };
    explanation.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
