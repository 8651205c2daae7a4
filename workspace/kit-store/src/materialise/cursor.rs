//! The open directories between a root and the place where work goes on.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use kit_tree::TreePath;

use crate::disk;

/// How many directories stay open at most, the root among them.
const OPEN: usize = 32;

/// The root and the last directories on the way to where the last entry was put.
#[derive(Debug)]
pub(super) struct Cursor {
    open: Vec<(TreePath, OwnedFd)>,
}

impl Cursor {
    /// Starts at a root.
    pub(super) fn new(root: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self { open: vec![(TreePath::root(), disk::open_dir(root, b".")?)] })
    }

    /// Opens the directory above a path.
    pub(super) fn parent_of(&mut self, path: &TreePath) -> io::Result<BorrowedFd<'_>> {
        self.dir(&path.parent().unwrap_or_default())
    }

    /// Opens a directory.
    pub(super) fn dir(&mut self, path: &TreePath) -> io::Result<BorrowedFd<'_>> {
        while self.open.len() > 1 && path.strip_prefix(&self.last().0).is_none() {
            self.open.pop();
        }
        let (at, dir) = self.last();
        let rest = path.strip_prefix(at).expect("because the last directory is above the path");
        if !rest.is_root() {
            let dir = disk::walk(dir, rest.as_bytes())?;
            self.open.push((path.clone(), dir));
            if self.open.len() > OPEN {
                self.open.remove(1);
            }
        }
        Ok(self.last().1.as_fd())
    }

    fn last(&self) -> &(TreePath, OwnedFd) {
        self.open.last().expect("because the root is never popped")
    }
}
