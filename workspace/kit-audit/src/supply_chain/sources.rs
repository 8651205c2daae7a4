//! Files, commits and images at addresses.

use kit_plan::requirements::requirements;
use kit_plan::upstream::{Asked, UpstreamFile};
use kit_recipe::git::Revision;
use kit_recipe::{ImageReference, Lockfile};

use super::{Known, counted, kind};
use crate::finding::{Evidence, Finding, Kind, Severity};

pub(super) const UNSIGNED: Kind = kind(
    "source-unsigned",
    Severity::Low,
    "nobody's signature says that a source is what its authors published",
    "check the signature of its authors once, and write the digest into the recipe; or take a package of a distribution that signs",
);
pub(super) const ONE_LOCATION: Kind = kind(
    "source-one-location",
    Severity::Note,
    "a source can be had at one place only",
    "add `mirrors`, or keep a copy",
);
pub(super) const PLAIN_HTTP: Kind = kind(
    "source-plain-http",
    Severity::Low,
    "a source is fetched without encryption",
    "write an address that begins with `https://`",
);
pub(super) const MOVING: Kind = kind(
    "source-moving",
    Severity::Note,
    "the next `kit lock` may take something else",
    "write the digest or the commit into the recipe, where it may not change by itself",
);

pub(super) fn findings(known: Known<'_>) -> Vec<Finding> {
    let wanted = requirements(known.recipes);
    let mut findings = Vec::new();
    for file in &wanted.files {
        findings.extend(of_file(file, known.lock));
    }
    for image in &wanted.images {
        if !image.reference.is_fixed() {
            let message = moving_image(&image.reference);
            let finding = Finding::new(&MOVING, image.reference.to_string(), message);
            findings.push(finding.because(Evidence::Recipe(image.place.clone())));
        }
    }
    findings.extend(crates(known.lock));
    findings
}

fn of_file(file: &UpstreamFile, lock: &Lockfile) -> Vec<Finding> {
    let key = format!("{}/{}", file.package, file.source);
    let name = &file.name;
    let pin = lock.files.get(&(file.package.clone(), file.source.clone()));
    let with = |finding: Finding| {
        let finding = finding.because(Evidence::Recipe(file.place.clone()));
        match pin {
            Some(pin) => finding.because(Evidence::Lock(format!("files {key} {}", pin.sha256))),
            None => finding,
        }
    };
    let mut findings = Vec::new();
    let (known_by, moves) = match &file.asked {
        Asked::File { sha256: Some(_) } => ("the digest in its recipe", None),
        Asked::File { sha256: None } => {
            ("the digest that the first `kit lock` found", Some("has no digest in its recipe".to_owned()))
        }
        Asked::Commit { revision, .. } => match revision {
            Revision::Commit(_) => ("the name of its commit in its recipe", None),
            Revision::Tag(tag) => {
                ("the commit that the tag was at", Some(format!("is asked for by its tag `{tag}`")))
            }
            Revision::Branch(branch) => {
                ("the commit that the branch was at", Some(format!("is asked for by its branch `{branch}`")))
            }
        },
    };
    let message = format!("`{name}` of `{key}` is known by {known_by}, and by no signature");
    let severity = if moves.is_some() { Severity::Medium } else { UNSIGNED.severity };
    findings.push(with(Finding::new(&UNSIGNED, &key, message).as_bad_as(severity)));
    if let Some(why) = moves {
        findings.push(with(Finding::new(&MOVING, &key, format!("`{name}` of `{key}` {why}"))));
    }
    if let [only] = file.addresses.as_slice() {
        let message = format!("`{name}` of `{key}` can be had at `{only}` only");
        findings.push(with(Finding::new(&ONE_LOCATION, &key, message)));
    }
    let is_plain = |address: &&String| {
        let address = address.to_ascii_lowercase();
        address.starts_with("http://") || address.starts_with("git://")
    };
    if let Some(address) = file.addresses.iter().find(is_plain) {
        let message = format!("`{name}` of `{key}` is fetched from `{address}`");
        findings.push(with(Finding::new(&PLAIN_HTTP, &key, message)));
    }
    findings
}

fn moving_image(reference: &ImageReference) -> String {
    match reference {
        ImageReference::Registry(registry) => {
            let tag = registry.tag().unwrap_or_default();
            format!("`{reference}` is asked for by its tag `{tag}`; the lockfile pins its digest")
        }
        ImageReference::Project(_) => {
            format!(
                "`{reference}` is whatever lies in the project when it is locked; the lockfile pins its digest"
            )
        }
        ImageReference::Storage(_) => {
            format!(
                "`{reference}` is whatever this machine has when it is locked; the lockfile pins its digest"
            )
        }
    }
}

/// Crates are many, and all alike.
fn crates(lock: &Lockfile) -> Option<Finding> {
    let number = lock.crates.len();
    let names: Vec<_> = lock.crates.keys().map(|(name, version)| format!("{name} {version}")).collect();
    let message = format!("{} known by the digests in `Cargo.lock`, and by no signature", are(number));
    let fact = Evidence::Fact(names.join(", "));
    let finding = Finding::new(&UNSIGNED, "crates", message).as_bad_as(Severity::Note).because(fact);
    (number > 0).then_some(finding)
}

fn are(number: usize) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(number, "crate"))
}
