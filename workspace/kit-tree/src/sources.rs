//! The form in which scripts see foreign sources.

use crate::{Entry, Meta, Mode, Tree, TreePath};

impl Tree {
    /// Returns the tree as sources, which have no more than a script may depend on: everything is root's, directories
    /// are 0755, files 0755 when anybody may execute them and else 0644, and other names of a file are files of their own.
    ///
    /// A directory that everything lies in, as most archives have one, is left out. A device or a named pipe is no source:
    /// its path is the error.
    pub fn into_sources(self) -> Result<Self, TreePath> {
        let top = self.only_directory().unwrap_or_else(TreePath::root);
        let mut sources = Self::new();
        for (path, entry) in self.entries() {
            let Some(below) = path.strip_prefix(&top) else { continue };
            let entry = match self.inode(path).unwrap_or(entry) {
                Entry::Directory(_) => Entry::directory(),
                Entry::File { meta, blob, size } => {
                    let mode = if meta.mode.is_executable() { Mode::PROGRAM } else { Mode::FILE };
                    Entry::File { meta: Meta::root(mode), blob: *blob, size: *size }
                }
                Entry::Symlink { target, .. } => Entry::symlink(target.clone()),
                Entry::Device { .. } | Entry::Fifo(_) | Entry::HardLink { .. } => return Err(path.clone()),
            };
            sources.insert_unchecked(below, entry);
        }
        Ok(sources)
    }

    /// Returns the one directory at the top, when nothing stands beside it.
    fn only_directory(&self) -> Option<TreePath> {
        let mut at_top =
            self.entries().filter(|(path, _)| path.parent().is_some_and(|parent| parent.is_root()));
        match (at_top.next(), at_top.next()) {
            (Some((path, Entry::Directory(_))), None) => Some(path.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
