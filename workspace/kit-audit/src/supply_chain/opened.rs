//! Images that were found as files or in a registry: what isn't as the lockfile gives it, and what nobody says where it is from.

use kit_hash::Sha256;

use super::{counted, kind};
use crate::finding::{Evidence, Finding, Kind, Severity};
use crate::inventory::altered::{Altered, How};
use crate::inventory::foreign::Foreign;
use crate::report::amount;

pub(super) const ALTERED: Kind = kind(
    "image-altered",
    Severity::Critical,
    "files of the image aren't what its lockfile gives",
    "don't use it: take what `kit build` gives from the same lockfile, and find out who changed this one",
);
pub(super) const UNOWNED: Kind = kind(
    "file-unowned",
    Severity::Low,
    "files belong to no package that the image lists",
    "see where they come from: nothing is known of their versions, their licences, and what is wrong with them",
);
pub(super) const NO_LIST: Kind = kind(
    "package-list-missing",
    Severity::Medium,
    "the image doesn't say what it is made of",
    "ask whoever made it for an SBOM, or build it by recipes",
);
pub(super) const UNREADABLE: Kind = kind(
    "package-list-unreadable",
    Severity::Medium,
    "what the image lists as its packages can't be read in full",
    "see who wrote the lists: what they name there is neither matched nor counted",
);

/// How many paths a finding names.
const NAMED: usize = 1000;
/// How many of the files that nobody owns are named: as many as reports show, with a line for the rest.
const LARGEST: usize = 4;

/// Returns what is to be said of an image that isn't what its lockfile gives.
pub fn altered(all: &[Altered]) -> Vec<Finding> {
    let of = |how: How| {
        let these: Vec<_> = all.iter().filter(|one| one.how == how).collect();
        let files = counted(these.len(), "path");
        let message = match how {
            How::Changed => {
                format!("{files} of the image with another content, mode or owner than the lockfile gives")
            }
            How::Added => format!("{files} in the image that the lockfile doesn't give"),
            How::Missing => format!("{files} that the lockfile gives and the image doesn't have"),
        };
        let mut finding = Finding::new(&ALTERED, how.word(), message);
        for one in these.iter().take(NAMED) {
            let owner = one.owner.as_ref().map(ToString::to_string);
            let what = if one.what.is_empty() { String::new() } else { format!(": {}", one.what.join(", ")) };
            let owner = match (owner, how) {
                (Some(owner), _) => format!("{owner}{what}"),
                (None, _) => "nothing that the lockfile pins".to_owned(),
            };
            finding.evidence.push(Evidence::File { path: one.path.clone(), owner: Some(owner) });
        }
        if these.len() > NAMED {
            finding.evidence.push(Evidence::Fact(format!("and {} more", these.len() - NAMED)));
        }
        (!these.is_empty()).then_some(finding)
    };
    How::ALL.into_iter().filter_map(of).collect()
}

/// Returns what is to be said of a file beside the root that has another digest than the lockfile's output.
pub fn altered_output(output: &str, locked: &Sha256, found: &Sha256) -> Finding {
    let message = format!("`{output}` is another file than the lockfile gives");
    Finding::new(&ALTERED, output, message)
        .because(Evidence::Lock(format!("outputs {output} sha256:{locked}")))
        .because(Evidence::Fact(format!("the one that was found is sha256:{found}")))
}

/// Returns what is to be said of a part of an image, beside its root, that isn't what the lockfile gives.
pub fn altered_part(part: &str, given: Option<&Sha256>, found: &Sha256) -> Finding {
    let given = given.map_or_else(
        || "the lockfile gives none".to_owned(),
        |given| format!("the lockfile gives sha256:{given}"),
    );
    Finding::new(&ALTERED, part, format!("the {part} isn't what the lockfile gives"))
        .because(Evidence::Fact(given))
        .because(Evidence::Fact(format!("the one that was found is sha256:{found}")))
}

/// Returns what is to be said of an image that only says itself what it is made of.
pub fn foreign(foreign: &Foreign) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !foreign.odd.is_empty() {
        let places = counted(foreign.odd.len(), "place");
        let message = format!("the lists of packages can't be read at {places}");
        let mut finding = Finding::new(&UNREADABLE, "lists", message);
        finding.evidence.extend(foreign.odd.iter().cloned().map(Evidence::Fact));
        findings.push(finding);
    }
    if !foreign.has_packages() {
        let message =
            "no list of packages is in the image, of `dpkg` or of `apk`: its files belong to nobody";
        findings.push(Finding::new(&NO_LIST, "lists", message));
        return findings;
    }
    let size = |file: &crate::inventory::File| match file.entry {
        kit_tree::Entry::File { size, .. } => size,
        _ => 0,
    };
    let mut unowned: Vec<_> = foreign.unowned().collect();
    if !unowned.is_empty() {
        let bytes = unowned.iter().map(|file| size(file)).sum();
        let belong = if unowned.len() == 1 { "belongs" } else { "belong" };
        let (files, bytes) = (counted(unowned.len(), "file"), amount(bytes));
        let message = format!("{files}, {bytes}, {belong} to no package that the image lists");
        unowned.sort_by_key(|file| (std::cmp::Reverse(size(file)), file.path.clone()));
        let mut finding = Finding::new(&UNOWNED, "files", message);
        let fact =
            |file: &&crate::inventory::File| Evidence::Fact(format!("{}, {}", file.path, amount(size(file))));
        finding.evidence.extend(unowned.iter().take(LARGEST).map(fact));
        if unowned.len() > LARGEST {
            let rest = unowned.len() - LARGEST;
            finding.evidence.push(Evidence::Fact(format!("and {rest} smaller ones")));
        }
        findings.push(finding);
    }
    findings
}
