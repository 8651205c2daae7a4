//! All kinds of findings that an audit looks for.

use std::process::ExitCode;

use kit_audit::finding::{Area, Kind};
use kit_audit::{advisories, hardening, licence, policy, privileges, reproducibility, supply_chain};
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;

/// Returns all kinds, area by area.
pub(crate) fn kinds() -> Vec<&'static Kind> {
    let lists: [&'static [Kind]; 4] =
        [advisories::KINDS, privileges::KINDS, supply_chain::KINDS, reproducibility::KINDS];
    hardening::kinds()
        .chain(lists.into_iter().flatten())
        .chain(licence::KINDS)
        .chain(policy::kinds::KINDS)
        .collect()
}

/// Prints all kinds, area by area and by name, for those who write policies.
pub(crate) fn list(context: &Context) -> Result<ExitCode, Failure> {
    let mut kinds = kinds();
    kinds.sort_by_key(|kind| (kind.area, kind.id));
    context.output.data(&text(&kinds)).map_err(Failure::Output)?;
    let object = |kind: &&Kind| -> Value {
        json!({
            "id": kind.id,
            "area": kind.area.word(),
            "severity": kind.severity.word(),
            "title": kind.title,
            "help": kind.help,
        })
    };
    let objects: Vec<_> = kinds.iter().map(object).collect();
    context.output.result(&json!({ "kinds": objects })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn text(kinds: &[&Kind]) -> String {
    let width = kinds.iter().map(|kind| kind.id.len()).max().unwrap_or_default();
    let area = |area: Area| {
        let rows = kinds.iter().filter(|kind| kind.area == area);
        let row = |kind: &&Kind| {
            let severity = kind.severity.word();
            format!("  {:width$}  {severity:<8}  {}\n", kind.id, kind.title)
        };
        format!("{}\n{}", area.word(), rows.map(row).collect::<String>())
    };
    Area::ALL.map(area).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_has_one_name_and_is_in_the_documentation() {
        let documentation = include_str!("../../../../docs/audit.md");
        let mut seen = BTreeSet::new();
        for kind in kinds() {
            assert!(seen.insert(kind.id), "{} is there twice", kind.id);
            let row = format!("| `{}` | {} |", kind.id, kind.title);
            assert!(documentation.contains(&row), "docs/audit.md lacks the row {row}");
        }
    }
}
