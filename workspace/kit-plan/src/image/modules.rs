//! Modules of a kernel, taken out of its package by a script.

use std::collections::BTreeMap;

use kit_recipe::Name;

use crate::derivation::{Action, Input, Run};
use crate::planner::Planner;
use crate::recipes::MODULE_TOOLS;

/// Plans a tree with modules and the list by which they are loaded.
pub(super) fn select(
    planner: &mut Planner<'_>,
    image: &Name,
    title: String,
    kernel: Input,
    script: String,
    own: &BTreeMap<String, String>,
) -> Input {
    let tools = MODULE_TOOLS.parse().expect("because it is a name");
    let run = Run {
        root: planner.sandbox_root(&format!("tools of modules {image}"), &[tools]),
        sources: BTreeMap::from([("kernel".to_owned(), kernel)]),
        script,
        env: planner.environment(own),
        timeout: 600,
        processors: 1,
    };
    Input::Derivation(planner.plan.add(title, Action::Run(run)))
}
