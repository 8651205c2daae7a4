//! What is wrong with the files of an extension.

use kit_recipe::image::ExtensionKind;
use kit_tree::TreePath;

/// How many paths are named.
const NAMED: usize = 5;

/// Why an extension can't have some files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// They are elsewhere than extensions of its kind have theirs.
    Outside,
    /// They say which system or extension it is: systemd lays no system over another, and kit writes that file of extensions.
    Release,
}

/// Returns what is wrong, in words.
pub(super) fn message(kind: ExtensionKind, paths: &[TreePath], unfit: Unfit) -> String {
    let why = match unfit {
        Unfit::Outside => format!("outside of {}", directories(kind)),
        Unfit::Release => "which says what system it is of".to_owned(),
    };
    let named: Vec<_> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
    let more = match paths.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("a `{}` can't have {}{more}, {why}", kind.word(), named.join(", "))
}

/// Returns the next thing to do.
pub(super) fn help(kind: ExtensionKind, unfit: Unfit) -> String {
    match unfit {
        Unfit::Outside => {
            let first = kind.directories().first().copied().unwrap_or_default();
            format!(
                "take only what it is for, by `include = [\"/{first}/**\"]` in the recipe's `[tree]`, or leave the rest out by \
                 `exclude`"
            )
        }
        Unfit::Release => {
            "leave it out, by `exclude` in the recipe's `[tree]`: systemd lays no system over another, and what an extension is for \
             `[extension]` says"
                .to_owned()
        }
    }
}

fn directories(kind: ExtensionKind) -> String {
    let quoted: Vec<_> = kind.directories().iter().map(|name| format!("`/{name}`")).collect();
    quoted.join(" and ")
}
