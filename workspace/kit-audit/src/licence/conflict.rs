//! Licences that don't go together in one program.
//!
//! Only what is linked for sure, and only well-known contradictions: the crates and files that a recipe's script makes a program of, each
//! under what its own manifest or recipe states. The `copyright` file of a Debian source package lists every file of it, also those that no
//! program is made of, so it says nothing here. A component with a choice of licences contradicts another one only when each choice does.

use std::collections::BTreeMap;

use spdx::{AdditionItem, Expression, LicenseReq};

use super::{CONFLICT, Licence};
use crate::finding::{Evidence, Finding};
use crate::inventory::{ComponentId, Inventory};

/// Two sets of licences of which no program may have one each.
struct Contradiction {
    one: &'static [&'static str],
    other: &'static [&'static str],
}

/// What the Free Software Foundation lists as incompatible with its licences.
const CONTRADICTIONS: [Contradiction; 2] = [
    Contradiction {
        one: &["GPL-2.0-only"],
        other: &[
            "AGPL-3.0-only",
            "AGPL-3.0-or-later",
            "Apache-2.0",
            "GPL-3.0-only",
            "GPL-3.0-or-later",
            "LGPL-3.0-only",
            "LGPL-3.0-or-later",
        ],
    },
    Contradiction {
        one: &[
            "AGPL-3.0-only",
            "AGPL-3.0-or-later",
            "GPL-2.0-only",
            "GPL-2.0-or-later",
            "GPL-3.0-only",
            "GPL-3.0-or-later",
        ],
        other: &["BSD-4-Clause", "CDDL-1.0", "CDDL-1.1", "EPL-1.0", "MPL-1.0", "MPL-1.1", "OpenSSL"],
    },
];

/// Finds the contradictions of each program that a script of a recipe makes.
pub(super) fn find(inventory: &Inventory, licences: &BTreeMap<ComponentId, Licence>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, component) in &inventory.components {
        let ComponentId::Recipe(_) = id else { continue };
        if component.made_with.is_empty() {
            continue;
        }
        let parts: Vec<_> = std::iter::once(id)
            .chain(&component.made_of)
            .filter(|part| {
                *part == id || matches!(part, ComponentId::Crate { .. } | ComponentId::File { .. })
            })
            .filter_map(|part| Some((part, Expression::parse(licences.get(part)?.expression()?).ok()?)))
            .collect();
        for contradiction in &CONTRADICTIONS {
            found.extend(of_program(id, &parts, contradiction));
        }
    }
    found
}

fn of_program(
    id: &ComponentId,
    parts: &[(&ComponentId, Expression)],
    both: &Contradiction,
) -> Option<Finding> {
    let bound =
        |to: &'static [&'static str]| parts.iter().filter(move |(_, expression)| is_bound(expression, to));
    let (one, mut others) = (bound(both.one).next()?, bound(both.other).peekable());
    others.peek()?;
    let first = others.next().map(|(part, expression)| format!("`{part}` is under `{expression}`"))?;
    let message = format!("`{id}` is made of `{}`, which is under `{}`, but {first}", one.0, one.1);
    let mut finding = Finding::new(&CONFLICT, format!("{id} {}", both.one[0]), message)
        .because(Evidence::Fact(format!("`{}` is under `{}`", one.0, one.1)))
        .because(Evidence::Fact(first));
    for (part, expression) in others {
        finding = finding.because(Evidence::Fact(format!("`{part}` is under `{expression}`")));
    }
    Some(finding)
}

/// Whether every choice that an expression leaves has one of some licences, without an exception.
fn is_bound(expression: &Expression, to: &[&str]) -> bool {
    let is_other = |required: &LicenseReq| {
        let is_excepted = matches!(required.addition, Some(AdditionItem::Spdx(_) | AdditionItem::Other(_)));
        is_excepted || !to.contains(&required.license.to_string().as_str())
    };
    !expression.evaluate(is_other)
}
