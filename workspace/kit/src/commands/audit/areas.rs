//! All kinds of findings that an audit looks for.

use kit_audit::finding::Kind;
use kit_audit::{advisories, hardening, licence, policy, privileges, reproducibility, supply_chain};

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_has_one_name_and_is_in_the_documentation() {
        let documentation = include_str!("../../../../../docs/audit.md");
        let mut seen = BTreeSet::new();
        for kind in kinds() {
            assert!(seen.insert(kind.id), "{} is there twice", kind.id);
            let row = format!("| `{}` | {} |", kind.id, kind.title);
            assert!(documentation.contains(&row), "docs/audit.md lacks the row {row}");
        }
    }
}
