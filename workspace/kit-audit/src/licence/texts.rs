//! The texts of licences that lie in a tree of sources: `LICENSE*`, `COPYING*`, `UNLICENSE*`, and all in `LICENSES/`.

use kit_tree::resolve::Resolved;
use kit_tree::{Blobs, Entry, Tree, TreePath};

use super::{LicenceProblem, LicenceText};

/// The most that a text may have, in bytes.
const LIMIT: u64 = 1 << 20;
/// The most texts that are taken of one tree.
const COUNT: usize = 200;

/// Returns the texts at the top of a tree, and what can't be read of them.
pub(super) fn of_tree(tree: &Tree, blobs: &dyn Blobs) -> (Vec<LicenceText>, Vec<LicenceProblem>) {
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    let paths = tree.entries().map(|(path, _)| path).filter(|path| is_text(path));
    for path in paths.take(COUNT) {
        let Resolved::There(_, Entry::File { .. }) = tree.resolve(path) else { continue };
        let name = path.file_name().map(|name| name.to_string()).unwrap_or_default();
        match read(path, tree, blobs) {
            Ok(text) => texts.push(LicenceText { name, path: path.clone(), text }),
            Err(problem) => problems.push(problem),
        }
    }
    (texts, problems)
}

/// Reads a text file of a tree.
pub(super) fn read(path: &TreePath, tree: &Tree, blobs: &dyn Blobs) -> Result<String, LicenceProblem> {
    let Resolved::There(_, Entry::File { blob, .. }) = tree.resolve(path) else {
        return Err(LicenceProblem::NoFile(path.clone()));
    };
    let unreadable =
        |reason: &dyn ToString| LicenceProblem::Unreadable { path: path.clone(), reason: reason.to_string() };
    let bytes = blobs.read(blob, LIMIT).map_err(|error| unreadable(&error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_text(path: &TreePath) -> bool {
    let names: Vec<String> =
        path.names().map(|name| String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase()).collect();
    match names.as_slice() {
        [name] => ["license", "licence", "copying", "unlicense"].iter().any(|start| name.starts_with(start)),
        [directory, _] => directory == "licenses",
        _ => false,
    }
}
