//! Programs that kit itself runs: locked packages, run from the store.

use std::path::PathBuf;

use kit_plan::plan;
use kit_recipe::lockfile::Subject;
use kit_recipe::{Lockfile, Name};

use crate::engine::Engine;
use crate::files::ProjectFiles;
use crate::{BuildError, load};

/// Returns a read-only directory that is `/` for a tool: its package and what every sandbox has. Fetches what is missing.
pub fn tool_root(
    engine: &Engine<'_>,
    files: &dyn ProjectFiles,
    lock: &Lockfile,
    tool: &Name,
) -> Result<PathBuf, BuildError> {
    let loaded = load::load(&Subject::Tools, files)?;
    loaded.check_fresh(lock)?;
    let plan = plan(loaded.plan_inputs(lock, &[])).map_err(BuildError::Plan)?;
    let Some(id) = plan.tools.get(tool) else {
        return Err(BuildError::NoTool { tool: tool.to_string() });
    };
    loaded.store_locals(files, engine.store)?;
    let trees = engine.build(&plan, &[*id])?;
    Ok(engine.store.materialised(&trees[id])?.path)
}
