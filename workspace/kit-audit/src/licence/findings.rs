//! What an audit finds about licences.

use std::collections::{BTreeMap, BTreeSet};

use super::{Licence, LicenceProblem, conflict};
use crate::finding::{Area, Evidence, Finding, Kind, Severity};
use crate::inventory::{ComponentId, Inventory, Role};

/// Nobody can say what a component is under, but by reading.
pub static UNKNOWN: Kind = Kind {
    id: "licence-unknown",
    area: Area::Licences,
    severity: Severity::Low,
    title: "licence is not known",
    help: "read what comes with it and state the licence in a recipe, or accept it in the policy",
};

/// What a component states has no meaning.
pub static INVALID: Kind = Kind {
    id: "licence-invalid",
    area: Area::Licences,
    severity: Severity::Low,
    title: "licence is no SPDX expression",
    help: "write it as an SPDX expression, with `LicenseRef-…` for what SPDX doesn't list",
};

/// A text that has to go along isn't there.
pub static TEXT_MISSING: Kind = Kind {
    id: "licence-text-missing",
    area: Area::Licences,
    severity: Severity::Note,
    title: "text of a licence is missing",
    help: "ship the text beside the image, most licences ask for it",
};

/// Licences of parts of one program don't allow to distribute it.
pub static CONFLICT: Kind = Kind {
    id: "licence-conflict",
    area: Area::Licences,
    severity: Severity::Medium,
    title: "licences of one program contradict each other",
    help: "replace one of the parts, or ask its authors for another licence",
};

/// All kinds of findings about licences.
pub static KINDS: [&Kind; 4] = [&UNKNOWN, &INVALID, &TEXT_MISSING, &CONFLICT];

/// Finds what is wrong with the licences of what is in an image, by component, then of what is made of several.
pub fn findings(inventory: &Inventory, licences: &BTreeMap<ComponentId, Licence>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, licence) in licences {
        let Some(component) = inventory.components.get(id) else { continue };
        match component.role {
            Role::Shipped | Role::Part => found.extend(of_component(id, licence)),
            Role::Tool => {}
        }
    }
    found.extend(conflict::find(inventory, licences));
    found
}

fn of_component(id: &ComponentId, licence: &Licence) -> Vec<Finding> {
    let of = |problem: &LicenceProblem| {
        let kind = kind(problem);
        let message = format!("`{id}`: {problem}");
        let key = match problem {
            LicenceProblem::TextMissing(name) if name.starts_with("LicenseRef-") => format!("{id} {name}"),
            _ => id.to_string(),
        };
        let finding = Finding::new(kind, key, message);
        match evidence(problem) {
            Some(evidence) => finding.because(evidence),
            None => finding,
        }
    };
    let mut findings: Vec<_> = licence.problems().iter().map(of).collect();
    // One licence has one problem of a kind, whatever else is wrong with the same file.
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.id()));
    findings
}

fn kind(problem: &LicenceProblem) -> &'static Kind {
    match problem {
        LicenceProblem::Unstated
        | LicenceProblem::NoFile(_)
        | LicenceProblem::Elsewhere(_)
        | LicenceProblem::NotMachineReadable { .. }
        | LicenceProblem::Unreadable { .. } => &UNKNOWN,
        LicenceProblem::NotUtf8(_) | LicenceProblem::Invalid { .. } => &INVALID,
        LicenceProblem::TextMissing(_) => &TEXT_MISSING,
    }
}

/// Names the file of the component; it is often not in the image, whose documentation is left out.
fn evidence(problem: &LicenceProblem) -> Option<Evidence> {
    let fact = |path: &kit_tree::TreePath| Some(Evidence::Fact(format!("`{path}` of the package")));
    match problem {
        LicenceProblem::NotMachineReadable { path, .. }
        | LicenceProblem::NotUtf8(path)
        | LicenceProblem::Unreadable { path, .. } => fact(path),
        LicenceProblem::Unstated
        | LicenceProblem::NoFile(_)
        | LicenceProblem::Elsewhere(_)
        | LicenceProblem::Invalid { .. }
        | LicenceProblem::TextMissing(_) => None,
    }
}
