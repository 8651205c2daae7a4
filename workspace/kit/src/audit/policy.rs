//! The policy that an audit is judged by.

use std::path::Path;

use kit_audit::policy::{Policy, licence_ids, words};

use super::areas;
use crate::Failure;
use crate::context::Context;
use crate::project::read_file;

/// The longest policy that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// The policy of a project.
const NAME: &str = "policy.toml";

/// Reads the policy that is named, else that of the project; none where there is none.
pub(crate) fn read(named: Option<&Path>, context: &Context) -> Result<Option<Policy>, Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => match context.project() {
            Ok(project) if project.dir().is_file(NAME) => project.path().join(NAME),
            _ => return Ok(None),
        },
    };
    let shown = named.map_or_else(|| NAME.to_owned(), |path| path.display().to_string());
    let bytes = read_file(&path, LONGEST)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::NotText { path: shown.clone() })?;
    let kinds: Vec<_> = areas::kinds().iter().map(|kind| kind.id).collect();
    let licences = licence_ids();
    Policy::parse(&text, words(&kinds, &licences)).map(Some).map_err(|problems| Failure::Policy {
        path: shown,
        text,
        problems,
    })
}
