//! What differs between two trees, in path order.

use std::fmt;

use crate::dump::Line;
use crate::{Entry, Tree, TreePath};

/// One path where two trees differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: TreePath,
    /// What stands there in the first tree.
    pub before: Option<Entry>,
    /// What stands there in the second tree.
    pub after: Option<Entry>,
}

impl fmt::Display for Difference {
    /// Shows the dump lines with `-` and `+`, as a unified difference does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides = [('-', &self.before), ('+', &self.after)];
        let lines = sides.into_iter().filter_map(|(sign, entry)| entry.as_ref().map(|e| (sign, e)));
        for (index, (sign, entry)) in lines.enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{sign} {}", Line(&self.path, entry))?;
        }
        Ok(())
    }
}

/// Returns every path whose entry isn't the same in both trees.
pub fn diff(before: &Tree, after: &Tree) -> Vec<Difference> {
    let mut differences: Vec<_> = before
        .entries()
        .filter(|(path, entry)| after.get(path) != Some(entry))
        .map(|(path, entry)| Difference {
            path: path.clone(),
            before: Some(entry.clone()),
            after: after.get(path).cloned(),
        })
        .collect();
    differences.extend(
        after.entries().filter(|(path, _)| before.get(path).is_none()).map(|(path, entry)| Difference {
            path: path.clone(),
            before: None,
            after: Some(entry.clone()),
        }),
    );
    differences.sort_by(|a, b| a.path.cmp(&b.path));
    differences
}
